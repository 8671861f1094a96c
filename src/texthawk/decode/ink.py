"""Ink on paper: which pixels of a page are ink, and which of them hang together.

The paper is taken as what surrounds a place, so light text on dark paper is ink too; long rules are told apart.

Shape letters:  H, W the page   R runs: stretches of ink in a row of pixels   N components: runs that touch
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

CONTRAST = 24  # grey levels that ink differs from its paper at least
_SURE_MAJORITY = 130  # of 255: a mean of marks that is more than half of them, however it was rounded
_AT_ONCE = 1 << 14  # pixels whose surroundings are laid out together


def ink_of(page: Image.Image) -> np.ndarray:
    """True where a page (RGB) differs from the paper around the place: (H, W)."""
    grey = page.convert("L")
    return differs(np.abs(np.asarray(grey, dtype=np.int16) - paper_of(grey)))


def paper_of(grey: Image.Image) -> np.ndarray:
    """The grey of the paper at each place, which is what surrounds it widely: (H, W)."""
    small = grey.reduce(4) if min(grey.size) >= 32 else grey
    side = 15 if min(small.size) >= 15 else 3
    paper = Image.fromarray(middle_of(small, side)).resize(grey.size, Image.Resampling.BILINEAR)
    return np.asarray(paper, dtype=np.int16)


def differs(difference: np.ndarray) -> np.ndarray:
    """True where a difference from the paper is one of ink, among the others there are."""
    strong = np.percentile(difference, 99.5) if difference.size else 0
    return difference > max(CONTRAST, 0.35 * strong)


def middle_of(grey: Image.Image, side: int) -> np.ndarray:
    """The median of the side x side pixels around each pixel, as Pillow's filter gives it but several times as fast: (H, W).

    Where most of them are of the picture's commonest grey that is the median. Elsewhere it is sought, among 16-bit numbers,
    for which numpy has the instructions of wide registers.
    """
    reach, middle = side // 2, side * side // 2
    counts = grey.histogram()
    common = counts.index(max(counts))
    marked = grey.point([255 * (level == common) for level in range(256)])
    rest = np.asarray(marked.filter(ImageFilter.BoxBlur(reach))) < _SURE_MAJORITY
    found = np.full(rest.shape, common, dtype=np.uint8)
    padded = np.pad(np.asarray(grey).astype(np.int16), reach, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    rows, columns = np.nonzero(rest)
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE], columns[start : start + _AT_ONCE]
        values = around[part].reshape(-1, side * side)
        values.partition(middle, axis=1)
        found[part] = values[:, middle]
    return found


def rules_of(ink: np.ndarray) -> np.ndarray:
    """True on long straight runs of ink: table rules, underlines, frames."""
    longest = max(40, round(0.05 * max(ink.shape)))
    return _long(ink, longest) | _long(ink.T, longest).T


def _long(ink: np.ndarray, length: int) -> np.ndarray:
    """True on horizontal runs of at least `length` pixels."""
    half = (length + 1) // 2
    stretches = ink[:, : ink.shape[1] // half * half].reshape(len(ink), -1, half)
    rows = np.flatnonzero(
        np.any(np.all(stretches, axis=2), axis=1)
    )  # wherever a long run begins, it fills one of these
    row, start, end = runs_of(ink[rows])
    marks = np.zeros((len(rows), ink.shape[1] + 1), dtype=np.int8)
    long = end - start >= length
    marks[row[long], start[long]] = 1
    marks[row[long], end[long]] -= 1
    found = np.zeros_like(ink)
    found[rows] = np.cumsum(marks, axis=1, dtype=np.int8)[:, :-1] > 0
    return found


def runs_of(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, start and end (just outside) of every run of ink, row by row from the left: three of (R,)."""
    padded = np.zeros((ink.shape[0], ink.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = ink
    edges = np.flatnonzero(np.diff(padded, axis=1))
    row, column = np.divmod(edges, ink.shape[1] + 1)
    return row[::2], column[::2], column[1::2]


def groups_of(count: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Group numbers, from 0, of `count` things of which `left` and `right` (indices, equal shapes) belong together."""
    root = np.arange(count)
    while True:
        a, b = root[left], root[right]
        apart = a != b
        if not apart.any():
            return np.unique(root, return_inverse=True)[1]
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        np.minimum.at(root, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(root, further := root[root]):
            root = further


@dataclass(frozen=True)
class Components:
    """Patches of touching ink: `boxes` (N, 4) left, top, right, bottom; `areas` (N,) in pixels.

    `beside` (P, 2) names the pairs that face each other along a row of pixels with no ink between, left one first.
    """

    boxes: np.ndarray
    areas: np.ndarray
    beside: np.ndarray


def patches_of(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row, start and end (just outside) of every run of ink, and the number of the component that it is of: four of (R,)."""
    row, start, end = runs_of(ink)
    return row, start, end, groups_of(len(row), *_touching(row, start, end, ink.shape[1] + 2))


def components_of(ink: np.ndarray) -> Components:
    """The components of a page's ink; pixels that touch at a corner hang together."""
    row, start, end, label = patches_of(ink)
    order = np.argsort(label, kind="stable")
    first = np.flatnonzero(np.diff(label[order], prepend=-1))
    boxes = np.zeros((len(first), 4), dtype=np.int64)
    areas = np.zeros(len(first), dtype=np.int64)
    if len(first):
        boxes[:, 0], boxes[:, 1] = np.minimum.reduceat(start[order], first), np.minimum.reduceat(row[order], first)
        boxes[:, 2], boxes[:, 3] = np.maximum.reduceat(end[order], first), np.maximum.reduceat(row[order], first) + 1
        areas = np.add.reduceat((end - start)[order], first)
    facing = (row[1:] == row[:-1]) & (label[1:] != label[:-1])
    pairs = np.unique(label[:-1][facing].astype(np.int64) * len(first) + label[1:][facing])
    return Components(boxes, areas, np.stack(np.divmod(pairs, max(1, len(first))), axis=1))


def _touching(row: np.ndarray, start: np.ndarray, end: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs of neighbouring rows that share a column or a corner."""
    below = (row + 1) * width
    low = np.searchsorted(row * width + end, below + start, side="left")
    high = np.searchsorted(row * width + start, below + end, side="right")
    count = np.maximum(0, high - low)
    upper = np.repeat(np.arange(len(row)), count)
    lower = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
    return upper, lower


def opened(free: np.ndarray, height: int, width: int) -> np.ndarray:
    """True on every pixel that some free rectangle of this size covers: (H, W)."""
    if height > free.shape[0] or width > free.shape[1]:
        return np.zeros_like(free)
    taken = _sums(~free, height, width) == 0  # by the rectangle's top left corner
    grown = np.zeros((free.shape[0] + height - 1, free.shape[1] + width - 1), dtype=bool)
    grown[height - 1 : height - 1 + taken.shape[0], width - 1 : width - 1 + taken.shape[1]] = taken
    return _sums(grown, height, width) > 0


def grown(mask: np.ndarray, reach: int) -> np.ndarray:
    """True on every pixel at most `reach` across and down from one that is: (H, W)."""
    return _sums(np.pad(mask, reach), 2 * reach + 1, 2 * reach + 1) > 0


def _sums(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """How many are True in each rectangle of this size, by its top left corner."""
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int32)
    total[1:, 1:] = mask.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
