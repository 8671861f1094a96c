"""Phrases that name exactly one object of a picture, by kind, colour, size, place and what stands beside it.

A phrase is only used where nothing about it is open: what is "leftmost" is so by a clear distance, and of two things one
stands left of the other only if all of it does.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from texthawk.data.factory.scene_objects import Item

Truth = bool | None
"""Whether something holds; None where people may differ."""
CLEAR = 0.35
"""Part of an object's own extent by which places must differ to be told apart."""


class Phrase(NamedTuple):
    english: str
    chinese: str


class Trait(NamedTuple):
    """What a phrase says of an object, and whether it holds for one."""

    phrase: Phrase
    holds: Callable[[Item], Truth]


SIDES = {
    "left": ("to the left of", "左边", "leftmost", "最左边"),
    "right": ("to the right of", "右边", "rightmost", "最右边"),
    "above": ("above", "上方", "topmost", "最上方"),
    "below": ("below", "下方", "bottommost", "最下方"),
}
"""Directions: (between two objects, the same in Chinese, of all objects, the same in Chinese)."""


def beside(side: str, item: Item, other: Item) -> Truth:
    """Whether `item` stands on that side of `other`: True only if all of it does, False only if its middle does not."""
    a, b = item.box, other.box
    if side == "left":
        return True if a.right <= b.left else None if item.x < other.x else False
    if side == "right":
        return True if a.left >= b.right else None if item.x > other.x else False
    if side == "above":
        return True if a.bottom <= b.top else None if item.y < other.y else False
    return True if a.top >= b.bottom else None if item.y > other.y else False


def _noun(item: Item, *, hue: bool = False, size: bool = False, kind: bool = True) -> Phrase:
    """Size, colour and kind as far as they are wanted."""
    english = [item.hue.name] if hue else []
    if size:
        english.insert(0, "large" if item.large else "small")
    english.append(item.motif.one if kind else "object")
    name = item.motif.chinese if kind else "物体"
    chinese = (item.hue.chinese + "的" if hue else "") + (("大" if item.large else "小") if size else "") + name
    return Phrase(" ".join(english), chinese)


def _alike(item: Item, *, hue: bool, size: bool, kind: bool) -> Callable[[Item], Truth]:
    """Whether another object has the same kind, colour and size, as far as they are said."""
    return lambda other: (
        (not kind or other.motif is item.motif)
        and (not hue or other.hue is item.hue)
        and (not size or other.large == item.large)
    )


def plain_traits(item: Item) -> Iterator[Trait]:
    """Kind, colour and size in the orders that people say them, short ones first."""
    for hue, size, kind in (
        (False, False, True),
        (True, False, True),
        (False, True, True),
        (True, False, False),
        (True, True, True),
        (True, True, False),
    ):
        noun = _noun(item, hue=hue, size=size, kind=kind)
        yield Trait(Phrase("the " + noun.english, noun.chinese), _alike(item, hue=hue, size=size, kind=kind))


def placed_traits(item: Item, items: Sequence[Item]) -> Iterator[Trait]:
    """Outermost of its kind or of all; or beside something that has a name of its own."""
    for hue, kind in ((False, True), (True, True), (True, False), (False, False)):
        alike = _alike(item, hue=hue, size=False, kind=kind)
        group = [other for other in items if alike(other)]
        noun = _noun(item, hue=hue, kind=kind)
        for side, (_, _, english, chinese) in SIDES.items():
            if len(group) > 1 and _outermost(side, item, group):
                phrase = Phrase(f"the {english} {noun.english}", f"{chinese}的{noun.chinese}")
                yield Trait(phrase, lambda other, item=item: other is item)  # type: ignore[misc]
    for other in items:
        if other.motif is item.motif:
            continue
        name = unique_phrase(other, items, placed=False)
        if name is None:
            continue
        noun, alike = _noun(item), _alike(item, hue=False, size=False, kind=True)
        for side, (english, chinese, _, _) in SIDES.items():
            phrase = Phrase(f"the {noun.english} {english} {name.english}", f"{name.chinese}{chinese}的{noun.chinese}")
            yield Trait(phrase, _both(alike, side, other))


def _both(alike: Callable[[Item], Truth], side: str, other: Item) -> Callable[[Item], Truth]:
    def holds(item: Item) -> Truth:
        return beside(side, item, other) if alike(item) else False

    return holds


def _outermost(side: str, item: Item, group: Sequence[Item]) -> bool:
    """Whether an object lies further to a side than all of its group, by a part of its own extent."""
    sign, across = (-1 if side in ("left", "above") else 1), side in ("left", "right")
    place = item.x if across else item.y
    reach = CLEAR * (item.box.width if across else item.box.height)
    return all(other is item or sign * (place - (other.x if across else other.y)) > reach for other in group)


def names_one(trait: Trait, item: Item, items: Sequence[Item]) -> bool:
    """Whether a trait holds for an object and clearly for no other."""
    return trait.holds(item) is True and all(other is item or trait.holds(other) is False for other in items)


def unique_phrases(item: Item, items: Sequence[Item], *, placed: bool = True) -> list[Phrase]:
    """Every phrase of this module that names the object and no other, short ones first."""
    traits = [*plain_traits(item), *(placed_traits(item, items) if placed else ())]
    return [trait.phrase for trait in traits if names_one(trait, item, items)]


def unique_phrase(item: Item, items: Sequence[Item], *, placed: bool = True) -> Phrase | None:
    """The first of `unique_phrases`."""
    return next(iter(unique_phrases(item, items, placed=placed)), None)
