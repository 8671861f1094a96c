"""Print set on its side, read from its foot upwards, as the name of a chart's upright axis is.

Each of its letters stands alone in its row of the page and closely above the next one. A column of figures is looser, and
letters of a line have others beside them.

All numbers are pixels; boxes are rows of left, top, right, bottom.   N components   S segments   M lines on their side
"""

from collections.abc import Iterator

import numpy as np

from texthawk.decode.clutter import SMALL
from texthawk.decode.ink import Components, groups_of

ALONE = 0.45  # letter heights: letters of a line stand no farther apart
WIDE = 1.8  # letter heights: width of a line on its side, at most
SPACE, TIGHT = (
    1.2,
    (0.35, 0.6),
)  # letter heights between words at most, between letters, and share of the gaps that are these
FEWEST = 3  # letters
LETTER = (0.5, 0.35)  # letter heights: the usual letter is so wide and so high at least, as it stands on the page
LONG = 1.3  # times as long as wide
AROUND = 0.3  # letter heights: so far beside its letters stand their dots and commas
FREE = 3.0  # letter heights to its left without letters
FLUSH = 0.5  # usual lines between the right ends of the numbers of one axis, at most
MOST = 2000  # lone letters; pages with more are full of grain


def sideways_of(parts: Components, kept: np.ndarray, letter: float) -> list[np.ndarray]:
    """The lines on their side among the components that are `kept` (N,), each as its components."""
    boxes = parts.boxes
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T
    letters = kept & (np.maximum(wide, high) >= SMALL * letter)
    left, right = parts.beside[letters[parts.beside].all(axis=1)].T
    apart = boxes[right, 0] - boxes[left, 2]
    near = (apart <= ALONE * letter) & (apart >= -0.5 * np.minimum(wide[left], wide[right]))
    accompanied = np.zeros(len(boxes), dtype=bool)
    accompanied[left[near]] = accompanied[right[near]] = True
    lone = np.flatnonzero(letters & ~accompanied & (wide <= WIDE * letter))
    if not FEWEST <= len(lone) <= MOST:
        return []
    a, b = boxes[lone][:, None], boxes[lone]
    shared = np.minimum(a[..., 2], b[:, 2]) - np.maximum(a[..., 0], b[:, 0])
    gap = b[:, 1] - a[..., 3]
    linked = (shared >= 0.5 * np.minimum(a[..., 2] - a[..., 0], b[:, 2] - b[:, 0])) & (gap <= SPACE * letter)
    upper, lower = np.nonzero(linked & (a[..., 1] < b[:, 1]) & (gap > -TIGHT[0] * letter))
    group = groups_of(len(lone), upper, lower)
    found = []
    for number in np.flatnonzero(np.bincount(group) >= FEWEST):
        chosen = lone[group == number]
        chosen = chosen[np.argsort(boxes[chosen, 1])]
        (frame,) = around(boxes, [chosen])
        if np.median(wide[chosen]) < LETTER[0] * letter or np.median(high[chosen]) < LETTER[1] * letter:
            continue
        gaps = boxes[chosen[1:], 1] - np.maximum.accumulate(boxes[chosen, 3])[:-1]
        across, along = frame[2:] - frame[:2]
        if across > WIDE * letter or along < LONG * across or np.mean(gaps <= TIGHT[0] * letter) < TIGHT[1]:
            continue
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        reach = AROUND * letter
        inside = kept & (middle > frame[:2] - reach).all(axis=1) & (middle < frame[2:] + reach).all(axis=1)
        rows = letters & (boxes[:, 3] > frame[1]) & (boxes[:, 1] < frame[3]) & ~inside
        if not (rows & (boxes[:, 2] > frame[0] - FREE * letter) & (boxes[:, 0] < frame[0])).any():
            found.append(np.flatnonzero(inside))
    return found


def around(boxes: np.ndarray, lines: list[np.ndarray]) -> np.ndarray:
    """The boxes around lines of components with these boxes (N, 4): (M, 4)."""
    made = [[*boxes[members, :2].min(axis=0), *boxes[members, 2:].max(axis=0)] for members in lines]
    return np.array(made).reshape(-1, 4)


def with_aside(
    columns: list[list[np.ndarray]], boxes: np.ndarray, lines: np.ndarray, height: float
) -> Iterator[list[np.ndarray] | int]:
    """Columns of rows of segments in the order they are read, and between them the numbers of lines on their side.

    Such a line is read before the nearest column of numbers or names on its right, of which all end at one place. boxes: of the
    segments (S, 4), some of which may stand in no column. lines: of the lines on their side (M, 4).
    """
    before: dict[tuple[int, int], list[int]] = {}
    held = np.array([segment for rows in columns for row in rows for segment in row], dtype=np.int64)
    if not len(held):
        yield from range(len(lines))
        return
    for number, (left, top, right, bottom) in enumerate(lines):
        beyond = np.maximum(boxes[:, 0] - right, 0) + np.where(boxes[:, 0] + boxes[:, 2] > left + right, 0, np.inf)
        above = np.maximum(0, np.maximum(boxes[:, 1] - bottom, top - boxes[:, 3]))
        nearest = int(held[np.hypot(beyond, above)[held].argmin()])
        place = next(
            (c, r)
            for c, rows in enumerate(columns)
            if any(nearest in row for row in rows)
            for r, row in enumerate(rows)
            if (np.abs(boxes[row, 2] - boxes[nearest, 2]) <= FLUSH * height).any()
        )
        before.setdefault(place, []).append(number)
    for c, rows in enumerate(columns):
        start = 0
        for r in range(len(rows)):
            if (c, r) in before:
                if r > start:
                    yield rows[start:r]
                yield from before[c, r]
                start = r
        yield rows[start:]
