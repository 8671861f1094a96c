"""Two blocks of text side by side, as a letter's or an invoice's address and its numbers: the left one is read first.

They are of few lines and often stand on common rows, as the rows of a table and the labels and values of a form do. But both
are as wide as text, and the left one goes on by itself below the right one's end, or hardly any of their lines are level.

Boxes are rows of left, top, right, bottom; `height` is that of the usual line's ink, and the measures below are in it.
S segments
"""

from collections.abc import Iterator

import numpy as np

APART = 1.2  # white between two bands of rows
GAP = 1.3  # white between the blocks
FLUSH = 0.6  # how far from the others' a line begins
MOSTLY = (
    0.8,
    0.6,
)  # of the lines on the left and on the right that begin no farther: a title may stand above the latter
WIDTH = (5.0, 7.0)  # of the usual line on the left and on the right
BEGIN = 0.4  # of the width of all text: the right block begins no farther to the left
FEWEST = 2  # lines of a block
BELOW = 2  # lines of the left block below the right one's end
BESIDE, LEVEL = (
    0.25,
    0.4,
)  # how far the middles of level lines are apart, and share of lines that may be level by chance


def blocks_apart(
    boxes: np.ndarray, rows: list[np.ndarray], extent: tuple[float, float], height: float
) -> Iterator[np.ndarray | list[np.ndarray]]:
    """Rows of segments (indices) in bands: the segments of each block of a pair (S,), and what stays rows.

    extent: where the text of the page begins and where it ends, across.
    """
    kept: list[np.ndarray] = []
    for band in _bands(boxes, rows, height):
        chosen = np.concatenate(band)
        left = _left(boxes[chosen], extent, height) if len(band) >= FEWEST + 1 else None
        if left is None:
            kept += band
            continue
        if kept:
            yield kept
        kept = []
        yield chosen[left]
        yield chosen[~left]
    if kept:
        yield kept


def _bands(boxes: np.ndarray, rows: list[np.ndarray], height: float) -> Iterator[list[np.ndarray]]:
    band: list[np.ndarray] = []
    reached = -np.inf
    for row in rows:
        if band and boxes[row, 1].min() - reached > APART * height:
            yield band
            band = []
        band.append(row)
        reached = max(reached, boxes[row, 3].max()) if len(band) > 1 else boxes[row, 3].max()
    if band:
        yield band


def _left(boxes: np.ndarray, extent: tuple[float, float], height: float) -> np.ndarray | None:
    """Which segments of a band are of the left block; None where there are no two blocks."""
    for x in np.unique(boxes[:, 0])[1:]:
        left = boxes[:, 0] < x
        if x < extent[0] + BEGIN * (extent[1] - extent[0]) or x - boxes[left, 2].max() < GAP * height:
            continue
        sides = [_lines(boxes[side], height) for side in (left, ~left)]
        if min(map(len, sides)) < FEWEST:
            continue
        begun = [np.mean(np.abs(lines[:, 0] - np.median(lines[:, 0])) <= FLUSH * height) for lines in sides]
        wide = [np.median(lines[:, 2] - lines[:, 0]) / height for lines in sides]
        if any(a < b for a, b in zip((*begun, *wide), (*MOSTLY, *WIDTH), strict=True)):
            continue
        middles = [(lines[:, 1] + lines[:, 3]) / 2 for lines in sides]
        level = (np.abs(middles[0][:, None] - middles[1]) <= BESIDE * height).any(axis=0).mean()
        if level <= LEVEL or (middles[0] > sides[1][:, 3].max()).sum() >= BELOW:
            return left
    return None


def _lines(boxes: np.ndarray, height: float) -> np.ndarray:
    """The lines of one block, as boxes from top to bottom."""
    order = np.argsort(boxes[:, 1] + boxes[:, 3], kind="stable")
    middle = (boxes[order, 1] + boxes[order, 3]) / 2
    parts = np.split(order, np.flatnonzero(np.diff(middle) > 0.5 * height) + 1)
    return np.array([[*boxes[part, :2].min(axis=0), *boxes[part, 2:].max(axis=0)] for part in parts])
