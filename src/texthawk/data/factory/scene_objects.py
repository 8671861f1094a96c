"""A picture of objects in known colours, sizes and places, none on top of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image

from texthawk.data.factory.clip_art import MOTIFS, Motif, drawn
from texthawk.data.factory.figure import Colour, Figure
from texthawk.data.synth.dice import Dice
from texthawk.types import Box


@dataclass(frozen=True)
class Hue:
    """A colour by name; `chinese` stands before 的."""

    name: str
    chinese: str
    colour: Colour


HUES = (
    Hue("red", "红色", (212, 40, 44)),
    Hue("orange", "橙色", (244, 136, 32)),
    Hue("yellow", "黄色", (250, 216, 50)),
    Hue("green", "绿色", (52, 150, 70)),
    Hue("blue", "蓝色", (44, 96, 200)),
    Hue("purple", "紫色", (130, 64, 168)),
    Hue("pink", "粉色", (246, 150, 190)),
    Hue("brown", "棕色", (128, 80, 42)),
    Hue("black", "黑色", (34, 34, 38)),
    Hue("white", "白色", (250, 250, 250)),
    Hue("grey", "灰色", (140, 142, 146)),
)
GROUNDS: tuple[tuple[Colour, ...], ...] = (
    ((255, 255, 255),),
    ((236, 240, 246),),
    ((250, 244, 226),),
    ((206, 228, 246),),
    ((224, 238, 220),),
    ((36, 44, 66),),
    ((190, 222, 246), (150, 200, 130)),
    ((246, 228, 204), (196, 164, 128)),
    ((224, 224, 232), (178, 180, 190)),
    ((214, 236, 250), (238, 218, 168)),
)
"""One colour, or that of a wall or sky over that of a floor or meadow."""
T = TypeVar("T")
SMALL, LARGE = (0.09, 0.13), (0.2, 0.28)
"""Sides of the square that an object is drawn in, as parts of the picture's shorter side; nothing lies between them."""
TINT = 9
"""How far a channel of an object's colour may lie from its hue."""
NEAR = 90
"""Objects whose hue differs from the ground by less, over all channels, are not drawn."""


@dataclass(frozen=True)
class Item:
    """An object in the picture; `box` is that of its ink in pixels."""

    motif: Motif
    hue: Hue
    large: bool
    box: Box

    @property
    def x(self) -> float:
        return (self.box.left + self.box.right) / 2

    @property
    def y(self) -> float:
        return (self.box.top + self.box.bottom) / 2


def scene(dice: Dice, width: int, height: int, most: int = 11) -> tuple[Image.Image, list[Item]]:
    """A picture with at least two and at most `most` objects, from left to right; a few kinds and hues return."""
    ground = dice.pick(GROUNDS)
    horizon = round(height * dice.between(0.4, 0.75))
    figure = Figure(width, height, ground[0], fineness=1)
    if len(ground) > 1:
        figure.rectangle((0, horizon, width, height), ground[1])
    image = figure.finished()
    hues = [hue for hue in HUES if all(_distance(hue.colour, colour) > NEAR for colour in ground)]
    motifs = _some(dice, MOTIFS, dice.integer(2, 6))
    hues = _some(dice, hues, dice.integer(2, 6))
    items: list[Item] = []
    count = dice.integer(3, most)
    for _ in range(12 * count):
        item = _put(dice, image, dice.pick(motifs), dice.pick(hues), items)
        if item is not None:
            items.append(item)
        if len(items) == count:
            break
    return image, sorted(items, key=lambda item: item.x)


def _put(dice: Dice, image: Image.Image, motif: Motif, hue: Hue, items: Sequence[Item]) -> Item | None:
    """Paint an object where there is room; None where there is none."""
    width, height = image.size
    large = dice.chance(0.45)
    side = round(min(width, height) * dice.between(*(LARGE if large else SMALL)))
    gap = 0.02 * min(width, height)
    left, top = dice.integer(2, width - side - 6), dice.integer(2, height - side - 6)
    room = Box(left - gap, top - gap, left + side + 4 + gap, top + side + 4 + gap)
    if any(_meet(room, item.box) for item in items):
        return None
    red, green, blue = (min(255, max(0, channel + dice.integer(-TINT, TINT))) for channel in hue.colour)
    picture = drawn(motif, (red, green, blue), side)
    if dice.chance(0.5):
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image.paste(picture, (left, top), picture)
    return Item(
        motif, hue, large, Box(float(left), float(top), float(left + picture.width), float(top + picture.height))
    )


def _meet(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def _distance(a: Colour, b: Colour) -> int:
    return sum(abs(p - q) for p, q in zip(a, b, strict=True))


def _some(dice: Dice, items: Sequence[T], count: int) -> list[T]:
    """At most `count` different ones."""
    return [items[place] for place in dice.rng.permutation(len(items))[:count].tolist()]
