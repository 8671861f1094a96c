"""Components of ink become segments: stretches of a text line without a gap that could part columns.

Letters hang together with what stands beside them at their own height. A gap is bridged when it is one between words; a
wider one, when no white strip runs along it over several lines.

All numbers are pixels; boxes are rows of left, top, right, bottom.   N components   S segments
"""

from dataclasses import dataclass

import numpy as np

from texthawk.decode.clutter import SMALL
from texthawk.decode.ink import Components, groups_of, opened

WORD = 1.0  # letter heights: a gap that never parts columns
BRIDGE = 4.0  # letter heights: a gap that no line of prose has
TWO_LINES = 1.6  # usual lines: a segment so high may be two
STACK = (1.8, 0.35, 6)  # letter heights (wide, closely apart) and number of lone letters that are text set on its side
SPACE = 1.2  # letter heights: the gap between words of text set on its side
STRIP = (10.0, 0.8)  # letter heights (high, wide) of a white strip that may part columns
BULLET = (2.5, 0.25, 0.2)  # of its line's height: how far before it, off its middle, and high at least
DASH = (0.2, 1.1, 2.0)  # of its line's height: as wide at least and at most, and times as wide as high: a bullet, too


@dataclass(frozen=True)
class Segments:
    """Stretches of text: `boxes` (S, 4), the height of the usual `letter`, and the components of each (`members`)."""

    boxes: np.ndarray
    members: list[np.ndarray]
    letter: float

    @property
    def line_height(self) -> float:
        """Height of the ink of the usual line: half of all text, by its length, is in lines no higher."""
        high, wide = self.boxes[:, 3] - self.boxes[:, 1], self.boxes[:, 2] - self.boxes[:, 0]
        order = np.argsort(high)
        share = np.cumsum(wide[order])
        return float(high[order][np.searchsorted(share, share[-1] / 2)])

    def types(self, parts: Components) -> np.ndarray:
        """Height of the first letter of each segment: (S,). Names, dates and sums begin with one as high as their type."""
        high = parts.boxes[:, 3] - parts.boxes[:, 1]
        tall = [members[high[members] >= SMALL * self.letter] for members in self.members]
        first = [chosen[parts.boxes[chosen, 0].argmin()] if len(chosen) else -1 for chosen in tall]
        return np.where(np.array(first) >= 0, high[first], 0)

    def of(self, kept: np.ndarray) -> "Segments":
        """Only these segments (indices)."""
        return Segments(self.boxes[kept], [self.members[k] for k in kept], self.letter)


def segments_of(parts: Components, kept: np.ndarray, letter: float, shape: tuple[int, int]) -> Segments:
    """The segments of a page of this shape in no order, of the components that are `kept` (N,); `letter` is not 0."""
    pairs = parts.beside[kept[parts.beside].all(axis=1)]
    pairs = pairs[_linked(parts.boxes, pairs, letter, shape, kept)]
    group = groups_of(len(parts.boxes), pairs[:, 0], pairs[:, 1])
    group = np.where(kept, group, -1)
    group = _lines_apart(gathered(parts.boxes, group, letter), parts.boxes)
    return _with_marks(_without_stacks(gathered(parts.boxes, group, letter)), parts.boxes)


def _linked(
    boxes: np.ndarray, pairs: np.ndarray, letter: float, shape: tuple[int, int], kept: np.ndarray
) -> np.ndarray:
    """Which pairs (left, right) of components stand in one segment."""
    a, b = boxes[pairs[:, 0]], boxes[pairs[:, 1]]
    high_a, high_b = a[:, 3] - a[:, 1], b[:, 3] - b[:, 1]
    least, most = np.minimum(high_a, high_b), np.maximum(high_a, high_b)
    overlap = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    of_one_line = (overlap >= 0.5 * least) & ((most <= 3 * letter) | (most <= 2.5 * least))
    gap, unit = b[:, 0] - a[:, 2], np.maximum(letter, (high_a + high_b) / 2)
    strip = _strips(boxes[kept], letter, shape)
    row = (np.maximum(a[:, 1], b[:, 1]) + np.minimum(a[:, 3], b[:, 3])) // 2
    row = row.clip(0, shape[0] - 1)
    crossed = strip[row, b[:, 0]] - strip[row, np.minimum(a[:, 2], b[:, 0])]
    return of_one_line & ((gap <= WORD * unit) | ((gap <= BRIDGE * unit) & (crossed == 0)))


def _strips(boxes: np.ndarray, letter: float, shape: tuple[int, int]) -> np.ndarray:
    """Along each row, how many pixels up to a column lie in white strips: (height, width + 1)."""
    free = np.ones(shape, dtype=bool)
    for left, top, right, bottom in boxes[(boxes[:, 3] - boxes[:, 1]) >= SMALL * letter].tolist():
        free[top:bottom, left:right] = False
    strips = opened(free, round(STRIP[0] * letter), max(2, round(STRIP[1] * letter)))
    return np.pad(np.cumsum(strips, axis=1, dtype=np.int32), ((0, 0), (1, 0)))


def _lines_apart(found: Segments, boxes: np.ndarray) -> np.ndarray:
    """Group numbers of the components after segments that a bracket or a smear made of two lines are taken apart.

    The middles of the letters of one line lie close together; where they leave a gap, another line begins.
    """
    group = np.full(len(boxes), -1)
    for number, members in enumerate(found.members):
        group[members] = number
    if not len(found.boxes):
        return group
    fresh = len(found.boxes)
    for k in np.flatnonzero(found.boxes[:, 3] - found.boxes[:, 1] > TWO_LINES * found.line_height):
        members = found.members[k]
        middle = (boxes[members, 1] + boxes[members, 3]) / 2
        letters = np.sort(middle[boxes[members, 3] - boxes[members, 1] >= SMALL * found.letter])
        cuts = np.flatnonzero(np.diff(letters) > 0.5 * found.letter) + 1
        if not len(cuts) or min(np.diff([0, *cuts, len(letters)])) < 3:
            continue
        line = np.searchsorted((letters[cuts - 1] + letters[cuts]) / 2, middle)
        group[members] = np.where(line == 0, k, fresh + line - 1)
        fresh += len(cuts)
    return group


def _without_stacks(found: Segments) -> Segments:
    """The segments without lone letters that stand closely one above the other: text set on its side."""
    boxes = found.boxes
    lone = np.flatnonzero(boxes[:, 2] - boxes[:, 0] <= STACK[0] * found.letter)
    if not len(lone):
        return found
    place = (boxes[lone, 0] + boxes[lone, 2]) / 2 / (STACK[0] * found.letter)
    upper, lower = [], []
    for offset in (0.0, 0.5):  # two rulings of the page into strips, so that no stack lies across both
        strip = np.floor(place + offset)
        order = np.lexsort((boxes[lone, 1], strip))
        a, b = boxes[lone[order[:-1]]], boxes[lone[order[1:]]]
        shared = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
        near = np.abs(b[:, 1] - a[:, 3]) <= SPACE * found.letter
        near &= shared >= 0.5 * np.minimum(a[:, 2] - a[:, 0], b[:, 2] - b[:, 0])
        near &= strip[order[:-1]] == strip[order[1:]]
        upper.append(order[:-1][near])
        lower.append(order[1:][near])
    above, below = np.concatenate(upper), np.concatenate(lower)
    group = groups_of(len(lone), above, below)
    close = boxes[lone[below], 1] - boxes[lone[above], 3] <= STACK[1] * found.letter
    links, tight = (np.bincount(group[above[chosen]], minlength=len(lone)) for chosen in (close | True, close))
    stacked = lone[((tight >= STACK[2] - 1) & (tight >= 0.6 * links))[group]]
    return found.of(np.setdiff1d(np.arange(len(boxes)), stacked))


def _with_marks(found: Segments, boxes: np.ndarray) -> Segments:
    """Commas, dots, accents and raised signs join the line that they stand in or hang on; lone ones are left out."""
    high, wide = found.boxes[:, 3] - found.boxes[:, 1], found.boxes[:, 2] - found.boxes[:, 0]
    little = (wide < 2 * found.letter) & (high < 1.2 * found.letter)
    marks, lines = np.flatnonzero(little), np.flatnonzero(~little)
    hangs = high[marks] < SMALL * found.letter
    line = np.concatenate(
        [np.zeros(0, dtype=np.int64)]
        + [
            _lines_of_marks(found.boxes[marks[k : k + 512]], hangs[k : k + 512], found.boxes[lines])
            for k in range(0, len(marks), 512)
        ]
    )
    line[_lone_dashes(found.boxes[marks], line, found.boxes[lines], found.letter)] = -1
    group = np.full(len(boxes), -1)
    for number, k in enumerate(lines):
        group[found.members[k]] = number
    for number, (k, nearest) in enumerate(zip(marks, line, strict=True), len(lines)):
        if nearest >= 0:
            group[found.members[k]] = nearest
        elif high[k] >= SMALL * found.letter:
            group[found.members[k]] = number
    return gathered(boxes, group, found.letter)


def _lines_of_marks(marks: np.ndarray, hangs: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The line that each mark stands in or, if it `hangs`, the nearest above, below or beside it; -1 where none is."""
    if not len(lines):
        return np.full(len(marks), -1)
    left, top, right, bottom = (marks[:, side, None] for side in range(4))
    reach = lines[:, 3] - lines[:, 1]
    aside = np.maximum(0, np.maximum(lines[:, 0] - right, left - lines[:, 2]))
    raised = np.abs(top + bottom - lines[:, 1] - lines[:, 3]) / 2
    wide, high = right - left, bottom - top
    square = (high >= BULLET[2] * reach) & (np.abs(wide - high) <= 0.25 * high + 1)
    dash = (wide >= DASH[0] * reach) & (wide <= DASH[1] * reach) & (wide >= DASH[2] * high)
    bullet = (right <= lines[:, 0]) & (raised <= BULLET[1] * reach) & (square | dash)
    far = np.where(bullet, BULLET[0], 0.5) * reach
    shared = np.minimum(lines[:, 3], bottom) - np.maximum(lines[:, 1], top)
    least = np.where(hangs[:, None], -0.35 * reach, 0.4 * (bottom - top))
    distance = np.where((aside <= far) & (shared >= least), 0.3 * aside - shared, np.inf)
    nearest = distance.argmin(axis=1)
    return np.where(np.isfinite(distance[np.arange(len(marks)), nearest]), nearest, -1)


def _lone_dashes(marks: np.ndarray, line: np.ndarray, lines: np.ndarray, letter: float) -> np.ndarray:
    """Which marks are dashes some way before their line with no other such dash above or below: no bullets of a list."""
    owner = lines[np.maximum(line, 0)] if len(lines) else np.zeros((len(marks), 4))
    flat = marks[:, 2] - marks[:, 0] >= DASH[2] * (marks[:, 3] - marks[:, 1])
    far = owner[:, 0] - marks[:, 2] > 0.5 * (owner[:, 3] - owner[:, 1])
    dashes = np.flatnonzero(flat & far & (line >= 0))
    lefts = marks[dashes, 0]
    listed = (np.abs(lefts[:, None] - lefts) <= 0.5 * letter).sum(axis=1) >= 2
    return dashes[~listed]


def gathered(boxes: np.ndarray, group: np.ndarray, letter: float) -> Segments:
    """The segments of components by their group; -1 is left out."""
    held = np.flatnonzero(group >= 0)
    if not len(held):
        return Segments(np.zeros((0, 4)), [], letter)
    order = held[np.argsort(group[held], kind="stable")]
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    low = np.minimum.reduceat(boxes[order, :2], first)
    high = np.maximum.reduceat(boxes[order, 2:], first)
    return Segments(np.concatenate([low, high], axis=1).astype(float), np.split(order, first[1:]), letter)
