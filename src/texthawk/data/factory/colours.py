"""Colours of a document: paper, ink, an accent that can be read on the paper, and a tint behind text."""

from colorsys import hls_to_rgb
from dataclasses import dataclass

from texthawk.data.factory.canvas import Colour
from texthawk.data.synth.dice import Dice


@dataclass(frozen=True)
class Colours:
    """paper and ink are far apart, and so are accent and paper; `tint` lies near the paper, `line` between paper and ink."""

    paper: Colour
    ink: Colour
    accent: Colour
    tint: Colour
    line: Colour


def colours(dice: Dice, *, white: float = 0.6, grey: float = 0.4) -> Colours:
    """Colours of a document; `white` is the chance of white paper, `grey` of an accent that has no hue."""
    light = 255 if dice.chance(white) else dice.integer(232, 254)
    paper = (
        (light, light, light) if dice.chance(0.7) else (light, light - dice.integer(0, 6), light - dice.integer(0, 22))
    )
    dark = dice.integer(0, 60)
    ink = (dark, dark, dark)
    accent = ink if dice.chance(grey) else strong(dice)
    return Colours(
        paper, ink, accent, mixed(paper, accent, dice.between(0.05, 0.14)), mixed(paper, ink, dice.between(0.25, 0.8))
    )


def strong(dice: Dice) -> Colour:
    """A saturated colour that is dark enough to be read on white."""
    red, green, blue = hls_to_rgb(dice.random(), dice.between(0.22, 0.4), dice.between(0.5, 0.95))
    return round(255 * red), round(255 * green), round(255 * blue)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with a `share` of `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
