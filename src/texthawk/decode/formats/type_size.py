"""How large the type of each line is, and where the line would stand if it had letters of all heights.

A box around ink is as high as the letters in it: "never" is half as high as "Ships" in the same type. What the letters of a line
reach is known from its text, so its box tells the size of its type, and lines of one size are alike again. Boxes that are as high
as the type whatever the letters (some text layers have such) are taken as they are: whichever of the two makes the lines of a
page more alike.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from texthawk.decode.rotation import turned_box
from texthawk.image.wide import WIDE
from texthawk.types import Box, Line, Page

_TALL = re.compile(r"[^acemnorsuvwxzgpqy.,:;_\-\s]")
_DEEP = re.compile(r"[gjpqyQ()\[\]{}|/\\$@]")
_COMMA = re.compile(r"[,;]")
_HAS_WIDE = re.compile(f"[{WIDE}]")
_SMALL, _HEIGHT, _ACCENT = 0.5, 0.72, 0.9  # parts of the type's size: x, H and É above the line that they stand on
_DEPTH, _TAIL = 0.21, 0.1  # p and a comma below it
_WIDE_HEIGHT, _WIDE_DEPTH = 0.76, 0.1  # Chinese characters
_EQUAL, _FAR = 0.005, 0.1  # heights that differ by less are equal; those that differ by more say no more than this
_UPRIGHT = 2.0  # times as high as wide: what runs up or down the page


@dataclass(frozen=True)
class Standing:
    """A line on the upright page, in pixels. size: of its type; box: as if it had letters of all heights; 0 and None without.

    words: each with the box of its ink.
    """

    line: Line
    size: float
    box: Box | None
    words: tuple[tuple[str, Box | None], ...] = ()

    @property
    def text(self) -> str:
        return self.line.text


def standing(page: Page) -> list[Standing]:
    """The lines of a page as they stand once it is turned upright."""
    boxes = [upright_box(line.box, page) for line in page.lines]
    placed = [(line.text, box) for line, box in zip(page.lines, boxes, strict=True) if box is not None]
    by_ink = bool(placed) and _more_alike(placed)
    return [
        _standing(line, box, tuple((word.text, upright_box(word.box, page)) for word in line.words), by_ink=by_ink)
        for line, box in zip(page.lines, boxes, strict=True)
    ]


def upright_box(box: Box | None, page: Page) -> Box | None:
    """A box of the page as it lies once the page is turned so that its text stands upright."""
    return None if box is None else turned_box(box, page.rotation, page.width, page.height)


def usual_size(lines: Sequence[Standing]) -> float:
    """The size that most letters are printed in; 0 where nothing has a place."""
    placed = sorted((line.size, len(line.text)) for line in lines if line.box is not None)
    if not placed:
        return 0.0
    counted = np.cumsum([letters for _, letters in placed])
    return placed[int(np.searchsorted(counted, counted[-1] / 2))][0]


def _more_alike(lines: Sequence[tuple[str, Box]]) -> bool:
    """Whether heights differ, and the sizes that follow from ink are as alike as they are, or more."""
    heights = _spread([_across(box) for _, box in lines])
    return heights > _EQUAL and _spread([_across(box) / sum(_reach(text)) for text, box in lines]) <= heights


def _spread(values: Sequence[float]) -> float:
    """How far values are from the middle one, as parts of it; a heading is far from it either way."""
    logs = np.log(np.maximum(values, 1e-3))
    return float(np.minimum(np.abs(logs - np.median(logs)), _FAR).mean())


def _across(box: Box) -> float:
    """The height of a line, whichever way it runs."""
    return box.width if box.height > _UPRIGHT * box.width else box.height


def _reach(text: str) -> tuple[float, float]:
    """How far the letters of a text reach above and below the line that they stand on, in parts of the type's size."""
    deep = _DEPTH if _DEEP.search(text) else _TAIL if _COMMA.search(text) else 0.0
    if _HAS_WIDE.search(text):
        return _WIDE_HEIGHT, max(_WIDE_DEPTH, deep)
    if any(letter.isupper() and unicodedata.decomposition(letter) for letter in text):
        return _ACCENT, deep
    return _HEIGHT if _TALL.search(text) else _SMALL, deep


def _standing(line: Line, box: Box | None, words: tuple[tuple[str, Box | None], ...], *, by_ink: bool) -> Standing:
    if box is None:
        return Standing(line, 0.0, None, words)
    if not by_ink or box.height > _UPRIGHT * box.width:
        return Standing(line, _across(box), box, words)
    above, below = _reach(line.text)
    size = box.height / (above + below)
    top, bottom = box.top - (_HEIGHT - above) * size, box.bottom + (_DEPTH - below) * size
    return Standing(line, size, Box(box.left, top, box.right, bottom), words)
