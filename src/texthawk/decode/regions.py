"""A page becomes regions of text in reading order, each with its lines.

A model trained on crops reads a page line by line; this says where the lines are. Ink becomes components (`fills.py`), these
become segments of lines (`segments.py`), and these are put in order (`columns.py`). No model, and nothing is learned.

All numbers are pixels of the page unless a name says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from texthawk.decode.clutter import SMALL, clutter_of, letter_of
from texthawk.decode.columns import reading_order
from texthawk.decode.cuts import cut_of
from texthawk.decode.fills import print_of
from texthawk.decode.lean import lean_of
from texthawk.decode.photos import without_photos
from texthawk.decode.pies import clockwise
from texthawk.decode.rotation import box_before
from texthawk.decode.segments import segments_of
from texthawk.decode.sideways import around, sideways_of, with_aside
from texthawk.types import Box

WORKING_SIDE = 1250  # pages are looked at with their shorter side at most this long
WORD_GAP = 0.15  # of a line's height: wider gaps may part words
SPECK = 0.4  # of the page's usual line: flatter rows of ink are rules and specks
FLAT = (0.25, 3.0)  # letter heights (high) and heights (wide): a piece of a rule
UNDERSCORE = (0.35, 1.5)  # letter heights: how far from its letters, and wide at most
DASHED = 0.15  # of the letters and dashes of a row that is letters, by width: with less it is a dashed rule
APART = 1.3  # usual lines: a wider gap between lines parts regions


@dataclass(frozen=True)
class InkLine:
    """A row of ink and the gaps in it, (left, right), that are wide enough to part words.

    cracks: narrower gaps, which part letters. lean: pixels by which the row falls for each to the right. level: top and bottom of
    its ink where it leans, were it turned level about its middle.
    """

    box: Box
    gaps: tuple[tuple[float, float], ...]
    cracks: tuple[tuple[float, float], ...] = ()
    lean: float = 0.0
    level: tuple[float, float] | None = None

    @property
    def height(self) -> float:
        """Height of the row's ink, were it level."""
        return self.box.height if self.level is None else self.level[1] - self.level[0]

    def between(self, left: float, right: float) -> Box:
        """The box of the part of the row between two places."""
        if self.level is None:
            return Box(left, self.box.top, right, self.box.bottom)
        fall = self.lean * ((left + right) - (self.box.left + self.box.right)) / 2
        reach = abs(self.lean) * (right - left) / 2
        return Box(left, self.level[0] + fall - reach, right, self.level[1] + fall + reach)


@dataclass(frozen=True)
class Region:
    """A block of text with its lines from top to bottom.

    upward: its lines are read from the foot of the page upwards, and told in pixels of the page turned clockwise; `box` is not.
    """

    box: Box
    lines: tuple[InkLine, ...]
    upward: bool = False

    @property
    def line_height(self) -> float:
        """Median height of the ink of a line."""
        return float(np.median([line.height for line in self.lines]))


def find_regions(page: Image.Image) -> list[Region]:
    """The regions of text of an upright, straight RGB page, in reading order; a blank page has none.

    Photographs and text set on its side are left out.
    """
    scale = min(1.0, WORKING_SIDE / min(page.size))
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    seen = page if scale == 1.0 else page.resize(size, Image.Resampling.BOX)
    rules, parts = print_of(seen)
    letter = letter_of(parts)
    if not letter:
        return []
    kept = ~clutter_of(parts, rules, letter)
    upward = sideways_of(parts, kept, letter)
    kept[np.concatenate([np.zeros(0, dtype=np.int64), *upward])] = False
    found = without_photos(segments_of(parts, kept, letter, rules.shape), parts, seen)
    if not len(found.boxes):
        return []
    height = found.line_height
    regions = []
    cut = cut_of(seen, parts.boxes, found.boxes, letter)
    names = around(parts.boxes, upward)
    ring = clockwise(seen, found.boxes, letter)
    columns = [*reading_order(found.boxes, height, found.types(parts), cut, names, ring)]
    for column in with_aside(columns, found.boxes, names, height):
        if isinstance(column, int):
            regions.append(_upward_region(parts.boxes[upward[column]], seen.height, scale))
            continue
        rows = [parts.boxes[np.concatenate([found.members[k] for k in row])] for row in column]
        rows = [_without_rules(row, letter) for row in rows]
        lines = [_ink_line(row, scale) for row in rows if len(row)]
        lines = [line for line in lines if line.box.height * scale >= SPECK * height]
        regions += [Region(_around(block), tuple(block)) for block in _blocks(lines, APART * height / scale)]
    return regions


def _upward_region(parts: np.ndarray, height: int, scale: float) -> Region:
    """The region of a line of these components that is read upwards, of a page so high seen at `scale`."""
    line = _ink_line(np.stack([height - parts[:, 3], parts[:, 0], height - parts[:, 1], parts[:, 2]], axis=1), scale)
    return Region(box_before(line.box, 90, 0.0, height / scale), (line,), upward=True)


def _without_rules(parts: np.ndarray, letter: float) -> np.ndarray:
    """The components of a row without what a worn rule left at its letters' feet; none where the row is all dashes.

    An underscore stands beside letters, a rule under them or far from any.
    """
    width, high = parts[:, 2] - parts[:, 0], parts[:, 3] - parts[:, 1]
    tall = high >= SMALL * letter
    if not tall.any():
        return parts[:0]
    letters = parts[tall]
    flat = (high <= FLAT[0] * letter) & (width >= FLAT[1] * high)
    low = np.flatnonzero(flat & ((parts[:, 1] + parts[:, 3]) / 2 > np.median(letters[:, 3]) - 0.15 * letter))
    apart = np.maximum(letters[:, 0] - parts[low, None, 2], parts[low, None, 0] - letters[:, 2]).min(axis=1)
    beside = (np.abs(apart) <= UNDERSCORE[0] * letter) & (width[low] <= UNDERSCORE[1] * letter)
    dashes = width[np.setdiff1d(np.flatnonzero(flat), low)].sum()
    if width[tall].sum() < DASHED * (width[tall].sum() + dashes):
        return parts[:0]
    return np.delete(parts, low[~beside], axis=0)


def _blocks(lines: list[InkLine], apart: float) -> Iterator[list[InkLine]]:
    """Lines, top to bottom, parted where the gap between two is wider than `apart`."""
    block: list[InkLine] = []
    for line in lines:
        if block and line.box.top - max(before.box.bottom for before in block) > apart:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _around(lines: list[InkLine]) -> Box:
    boxes = np.array([line.box for line in lines])
    return Box(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())


def _ink_line(parts: np.ndarray, scale: float) -> InkLine:
    """The line of these components (left, top, right, bottom) of a page seen at `scale`."""
    parts = parts[np.argsort(parts[:, 0])]
    top, bottom = parts[:, 1].min(), parts[:, 3].max()
    reached = np.maximum.accumulate(parts[:, 2])
    apart = parts[1:, 0] - reached[:-1]
    wide = apart >= WORD_GAP * (bottom - top)
    gaps, cracks = (
        tuple((float(reached[k]) / scale, float(parts[k + 1, 0]) / scale) for k in np.flatnonzero(chosen))
        for chosen in (wide, (apart >= 1) & ~wide)
    )
    box = Box(*(float(side) / scale for side in (parts[0, 0], top, reached[-1], bottom)))
    lean = lean_of(parts)
    if not lean:
        return InkLine(box, gaps, cracks)
    fall = lean * ((parts[:, 0] + parts[:, 2]) - (parts[0, 0] + reached[-1])) / 2
    level = (float((parts[:, 1] - fall).min()) / scale, float((parts[:, 3] - fall).max()) / scale)
    return InkLine(box, gaps, cracks, lean, level)
