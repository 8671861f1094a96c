"""Items of lists: which lines begin one, and what stands before it."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from texthawk.decode.formats.type_size import Standing

_BULLET = re.compile(r"[•◦▪‣∙·]\s+(?=\S)")
_DASH = re.compile(r"[-–*]\s+(?=[^\W\d_])")
_NUMBER = re.compile(r"([1-9][0-9]{0,2})([.)])\s+(?=\S)")
_NEAR = 12  # lines between one number or dash of a list and the next
_FLUSH = 1.0  # of the size: how far dashes of one list stand apart across


class Item(NamedTuple):
    """What begins an item: the text without it. number: 0 of a bullet; sign: "-", or what stands behind the number."""

    text: str
    number: int = 0
    sign: str = "-"

    @property
    def mark(self) -> str:
        return f"{self.number}{self.sign}" if self.number else self.sign


def numbered(text: str) -> Item | None:
    """A text as an item with a number, if it begins as one."""
    found = _NUMBER.match(text)
    return None if found is None else Item(text[found.end() :], int(found[1]), found[2])


def follows(mark: str, before: str) -> bool:
    """Whether an item with this mark can stand behind one with the other: bullets, or numbers one after another."""
    if "-" in (mark, before):
        return mark == before
    return mark[-1] == before[-1] and int(mark[:-1]) == int(before[:-1]) + 1


def items_of(lines: Sequence[Standing]) -> dict[int, Item]:
    """The items that lines begin, by the line's id.

    A round or square dot begins one; a number where the next or the one before begins a line close by, and a dash or a star where
    a line close by begins with the same at the same place: alone they may be a sum, a remark or speech.
    """
    items: dict[int, Item] = {}
    dashes: list[tuple[int, Item]] = []
    numbers: list[tuple[int, Item]] = []
    for place, line in enumerate(lines):
        if found := _BULLET.match(line.text):
            items[id(line)] = Item(line.text[found.end() :])
        elif found := _DASH.match(line.text):
            dashes.append((place, Item(line.text[found.end() :])))
        elif item := numbered(line.text):
            numbers.append((place, item))
    for place, item, there, _ in _close_by(dashes):
        if _same_dash(lines[place], lines[there]):
            items[id(lines[place])] = item
    for place, item, there, other in _close_by(numbers):
        if other.sign == item.sign and other.number == item.number + (1 if there > place else -1):
            items[id(lines[place])] = item
    return items


def _close_by(found: Sequence[tuple[int, Item]]) -> Iterator[tuple[int, Item, int, Item]]:
    """Each of some items, by their lines' places in order, with each other one that is near it."""
    for k, (place, item) in enumerate(found):
        for there, other in found[max(0, k - _NEAR) : k + _NEAR + 1]:
            if 0 < abs(there - place) <= _NEAR:
                yield place, item, there, other


def _same_dash(line: Standing, other: Standing) -> bool:
    """Whether two lines that begin with a dash or a star begin with the same one at the same place."""
    left, beside = (0.0 if one.box is None else one.box.left for one in (line, other))
    return line.text[0] == other.text[0] and abs(left - beside) <= _FLUSH * max(line.size, other.size)
