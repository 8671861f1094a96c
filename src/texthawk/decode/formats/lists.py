"""Items of lists: which lines begin one, and what stands before it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from texthawk.decode.formats.type_size import Standing

_BULLET = re.compile(r"[•◦▪‣∙·]\s+(?=\S)")
_DASH = re.compile(r"([-–*])\s+(?=[^\W\d_])")
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
    dashes: list[tuple[int, str, float]] = []
    numbers: list[tuple[int, Item]] = []
    for place, line in enumerate(lines):
        if found := _BULLET.match(line.text):
            items[id(line)] = Item(line.text[found.end() :])
        elif found := _DASH.match(line.text):
            dashes.append((place, found[1], 0.0 if line.box is None else line.box.left))
        elif item := numbered(line.text):
            numbers.append((place, item))
    for k, (place, sign, left) in enumerate(dashes):
        for there, other, beside in dashes[max(0, k - _NEAR) : k + _NEAR + 1]:
            apart = abs(left - beside) <= _FLUSH * max(lines[place].size, lines[there].size)
            if there != place and abs(there - place) <= _NEAR and other == sign and apart:
                found = _DASH.match(lines[place].text)
                assert found is not None
                items[id(lines[place])] = Item(lines[place].text[found.end() :])
    for k, (place, item) in enumerate(numbers):
        for there, other_item in numbers[max(0, k - _NEAR) : k + _NEAR + 1]:
            step = 1 if there > place else -1
            near = there != place and abs(there - place) <= _NEAR
            if near and other_item.sign == item.sign and other_item.number == item.number + step:
                items[id(lines[place])] = item
    return items
