"""The order in which segments of a page are read: columns one after the other, tables and lone lines row by row.

A gutter is a white strip with lines on both sides. What stands above it is read first, then its left side, its right side
and what stands below, each in the same way. A strip between cells of a table is no gutter: its sides stand on common rows
and do not fill their width.

Boxes are rows of left, top, right, bottom; `height` is that of the usual line's ink, and the measures below are in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from texthawk.decode.axes import axis_of
from texthawk.decode.blocks import blocks_apart
from texthawk.decode.cells import stacks_apart
from texthawk.decode.cuts import Cut

FEWEST = 3  # rows on each side of a gutter
SOME = 5  # rows from which on it tells something that the sides do not stand on common rows
MANY = 8  # rows beside which columns may stand close
CLOSE, WIDE = 0.6, 1.3  # width of a gutter beside many rows and beside few
NARROWEST = 6.0  # width of a column
OTHER, CHANCE = 1.25, 0.8  # times as high as the other side's is type of no table; so many of its lines may be level
PROSE = 9.0  # width of columns that stand on common rows
FILLED = 0.8  # of that width, for text: half of the lines are longer than this
ALIGNED = 0.6  # of many rows that stand beside a row of the other side: the two may be a table; of few rows, less
ALL = 0.9  # of the rows of a band that do so: the band is of a table, not of columns
BESIDE = 0.25  # how far the middles of two rows may be apart that stand beside each other
TALL = 2.5  # times as high as its neighbour and the usual line: nothing so high stands in one row with it
RIVER = 0.4  # of many rows have text where others have a gap between words; where cells have a gap, fewer
WHOLE = 0.9  # of its rows' width: so far text reaches over such gaps where a side is one column
BREAK = 1.3  # white band over the whole width: what stands beyond it, and is little, belongs to no column

TRIED = 100  # of the highest strips of an area; pages of noise have thousands
MOST = 4000  # segments: more are no text, and their order is of no use


def reading_order(
    boxes: np.ndarray,
    height: float,
    types: np.ndarray | None = None,
    cut: Cut | None = None,
    names: np.ndarray | None = None,
    ring: np.ndarray | None = None,
) -> Iterator[list[np.ndarray]]:
    """Groups of rows of segments (indices, left to right), in the order they are read: one group for each column.

    types: height of each segment's letters, where it is known. What is left of a `cut` is read before what is right of it.
    names: boxes of lines that are set on their side (M, 4), which axes have. ring: segments that are read one after the
    other, after what stands above them.
    """
    names = np.zeros((0, 4)) if names is None else names
    types = boxes[:, 3] - boxes[:, 1] if types is None else types
    if ring is not None:
        rest = np.setdiff1d(np.arange(len(boxes)), ring)
        above = boxes[rest, 3] <= boxes[ring, 1].min()
        for part in (rest[above], ring, rest[~above]):
            if part is ring:
                yield [np.array([k]) for k in ring]
            elif len(part):
                inner = reading_order(boxes[part], height, types[part], cut, names)
                yield from ([part[row] for row in rows] for rows in inner)
        return
    everything = np.arange(len(boxes))
    sides = [everything] if cut is None else [everything[cut.sides(boxes) == side] for side in (-1, 1)]
    extent = (float(boxes[:, 0].min(initial=np.inf)), float(boxes[:, 2].max(initial=0.0)))
    for side in sides:
        for rows in _ordered(boxes, types, side, height, names):
            for part in blocks_apart(boxes, rows, extent, height):
                together = rows_of(boxes, part, height) if isinstance(part, np.ndarray) else part
                yield stacks_apart(boxes, types, together, height)


def _ordered(
    boxes: np.ndarray, types: np.ndarray, chosen: np.ndarray, height: float, names: np.ndarray
) -> Iterator[list[np.ndarray]]:
    if not len(chosen):
        return
    axis = axis_of(boxes[chosen], height, names) if len(chosen) <= MOST else None
    if axis is not None:
        for part in axis:
            yield from _ordered(boxes, types, chosen[part], height, names)
        return
    gutter = _gutter(boxes[chosen], types[chosen], height) if len(chosen) <= MOST else None
    if gutter is None:
        yield rows_of(boxes, chosen, height)
        return
    middle = (boxes[chosen, 1] + boxes[chosen, 3]) / 2
    above, below = middle < gutter.top, middle > gutter.bottom
    left = ~above & ~below & (boxes[chosen, 0] < gutter.x)
    for part in (above, left, ~above & ~below & ~left, below):
        yield from _ordered(boxes, types, chosen[part], height, names)


def rows_of(boxes: np.ndarray, chosen: np.ndarray, height: float) -> list[np.ndarray]:
    """Segments that stand beside each other, from top to bottom; each row from left to right."""
    rows: list[list[int]] = []
    extents: list[tuple[float, float]] = []  # of the widest segment of each row: shadows and signs are narrow
    widths: list[float] = []
    for k in chosen[np.argsort(boxes[chosen, 1] + boxes[chosen, 3], kind="stable")]:
        top, bottom = boxes[k, 1], boxes[k, 3]
        for n in range(len(rows) - 1, max(-1, len(rows) - 4), -1):
            low, high = extents[n]
            shared = min(bottom, high) - max(top, low)
            least, most = sorted((bottom - top, high - low))
            alike = most <= TALL * max(least, height)
            if alike and shared >= 0.5 * least and _beside(boxes, rows[n], k):
                rows[n].append(int(k))
                if boxes[k, 2] - boxes[k, 0] > widths[n]:
                    extents[n], widths[n] = (top, bottom), boxes[k, 2] - boxes[k, 0]
                break
        else:
            rows.append([int(k)])
            extents.append((top, bottom))
            widths.append(boxes[k, 2] - boxes[k, 0])
    return [np.array(sorted(row, key=lambda k: boxes[k, 0])) for row in rows]


def _beside(boxes: np.ndarray, row: list[int], k: int) -> bool:
    """Whether a segment stands beside all those of a row, not above or below any."""
    shared = np.minimum(boxes[row, 2], boxes[k, 2]) - np.maximum(boxes[row, 0], boxes[k, 0])
    return bool((shared <= 0.2 * min(boxes[k, 2] - boxes[k, 0], (boxes[row, 2] - boxes[row, 0]).min())).all())


@dataclass(frozen=True)
class _Gutter:
    x: float
    top: float
    bottom: float


def _gutter(boxes: np.ndarray, types: np.ndarray, height: float) -> _Gutter | None:
    """The highest gutter among segments, or None."""
    best, reached = None, 0.0
    tried: set[bytes] = set()
    for high, x, strip in _strips(boxes)[:TRIED]:
        if high <= reached:
            break
        inside = _common(boxes, strip, x, height)
        left, right = inside & (boxes[:, 0] < x), inside & (boxes[:, 0] >= x)
        key = left.tobytes() + right.tobytes()
        if key in tried or not left.any():
            continue
        tried.add(key)
        common = min(boxes[left, 3].max(), boxes[right, 3].max()) - max(boxes[left, 1].min(), boxes[right, 1].min())
        heights = boxes[:, 3] - boxes[:, 1]
        alike = not _differ([types[left], types[right]], [heights[left], heights[right]])
        if common > reached and _parts_columns(boxes[left], boxes[right], height, alike):
            best = _Gutter(x, float(boxes[inside, 1].min()), float(boxes[inside, 3].max()))
            reached = float(common)
    return best


def _strips(boxes: np.ndarray) -> list[tuple[float, float, np.ndarray]]:
    """White strips with segments on both sides, highest first: their height, x and which segments stand beside them."""
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    found = []
    for x in np.unique(boxes[:, 0]):
        on_left = boxes[:, 0] < x
        crossing = on_left & (boxes[:, 2] > x)
        ends = np.unique([-np.inf, *middle[crossing], np.inf])
        band = np.where(crossing, -1, np.searchsorted(ends, middle) - 1)
        sides = [np.bincount(band[side & ~crossing], minlength=len(ends) - 1) for side in (on_left, ~on_left)]
        for k in np.flatnonzero(np.minimum(*sides) >= FEWEST):
            inside = band == k
            found.append((float(boxes[inside, 3].max() - boxes[inside, 1].min()), float(x), inside))
    return sorted(found, key=lambda strip: -strip[0])


def _common(boxes: np.ndarray, inside: np.ndarray, x: float, height: float) -> np.ndarray:
    """The segments along a strip without what stands apart at its ends and is too little, as headers, footers and titles
    are, or a table."""
    order = np.flatnonzero(inside)[np.argsort(boxes[inside, 1])]
    reached = np.maximum.accumulate(boxes[order, 3])
    bands = np.split(order, np.flatnonzero(boxes[order[1:], 1] - reached[:-1] > BREAK * height) + 1)
    while bands and _no_column(boxes[bands[-1]], x, height, last=len(bands) == 1):
        bands.pop()
    while bands and _no_column(boxes[bands[0]], x, height, last=len(bands) == 1):
        bands.pop(0)
    kept = np.zeros_like(inside)
    kept[np.concatenate([np.zeros(0, dtype=np.int64), *bands])] = True
    return kept


def _no_column(boxes: np.ndarray, x: float, height: float, *, last: bool) -> bool:
    """Whether what stands in a band is too little on one side of a strip for a column, or is a table on both.

    The last band there is may be anything else.
    """
    parts = [boxes[boxes[:, 0] < x], boxes[boxes[:, 0] >= x]]
    if last or min(map(len, parts)) < FEWEST:
        return min(map(len, parts)) < FEWEST
    sides = [_Side(parts[0], height, -1), _Side(parts[1], height, 0)]
    shorter, longer = sorted((side.middles for side in sides), key=len)
    level = np.mean(np.abs(shorter[:, None] - longer).min(axis=1) < BESIDE * height)
    return bool(level >= ALL) and not all(side.text(height) for side in sides)


def _differ(types: list[np.ndarray], heights: list[np.ndarray]) -> bool:
    """Whether two sides are of different type: most segments of one are higher than most of the other, and so are letters."""
    small, large = sorted(float(np.quantile(side, 0.75)) for side in types)
    low, high = sorted(heights, key=np.median)
    return large >= OTHER * small and bool(np.quantile(high, 0.25) >= np.quantile(low, 0.75))


def _parts_columns(left: np.ndarray, right: np.ndarray, height: float, alike: bool) -> bool:
    """Whether the strip between two sides parts columns and not words or the cells of a table, which are of type `alike`."""
    gap = right[:, 0].min() - left[:, 2].max()
    if gap < CLOSE * height:
        return False
    sides = [_Side(left, height, -1), _Side(right, height, 0)]
    shorter, longer = sorted(sides, key=lambda side: len(side.middles))
    fewest = len(shorter.middles)
    if fewest < FEWEST or (gap < WIDE * height and fewest < MANY):
        return False
    distance = np.abs(shorter.middles[:, None] - longer.middles).min(axis=1)
    level = float(np.mean(distance < BESIDE * height))
    if not alike and fewest >= SOME and gap >= WIDE * height and level < CHANCE:
        return bool(min(np.ptp(side[:, [0, 2]]) for side in (left, right)) >= NARROWEST * height)
    if fewest >= SOME and level < ALIGNED - 1 / fewest:
        return min(side.width for side in sides) >= NARROWEST * height
    return all(side.text(height) for side in sides)


class _Side:
    """The rows on one side of a strip: their middles and usual width, and of the text next to the strip (at `place` in
    each row) the usual width and how much of its column it fills."""

    def __init__(self, boxes: np.ndarray, height: float, place: int) -> None:
        rows = rows_of(boxes, np.arange(len(boxes)), height)
        self.middles = np.array([(boxes[row, 1].min() + boxes[row, 3].max()) / 2 for row in rows])
        self.width = float(np.median([boxes[row, 2].max() - boxes[row, 0].min() for row in rows]))
        near = boxes[[row[place] for row in rows]]
        widths = near[:, 2] - near[:, 0]
        if len(rows) >= MANY:
            joined = np.array([_reach(boxes[row[::-1] if place else row], boxes, RIVER * len(rows)) for row in rows])
            if np.median(joined) >= WHOLE * self.width:
                widths = joined
        self.next_width = float(np.median(widths))
        self.filled = self.next_width / float(np.quantile(widths, 0.9))

    def text(self, height: float) -> bool:
        """Whether the text next to the strip is wide and fills its column, as that of a table's cells does not."""
        return self.next_width >= PROSE * height and self.filled >= FILLED


def _reach(row: np.ndarray, side: np.ndarray, fewest: float) -> float:
    """How far text reaches from the first box of a row, across gaps where at least so many boxes of its side have text.

    Justified text of a narrow column has gaps as wide as those of a table, but other rows have words there.
    """
    gaps = (np.minimum(row[1:, 2], row[:-1, 2]) + np.maximum(row[1:, 0], row[:-1, 0])) / 2
    across = ((side[:, 0] < gaps[:, None]) & (side[:, 2] > gaps[:, None])).sum(axis=1) >= fewest
    joined = row[: 1 + int(np.cumprod(across).sum())]
    return float(joined[:, 2].max() - joined[:, 0].min())
