"""Rows of small stacks, a label above its value: each stack is read before the one beside it.

Tickets, cards and forms set their facts so. The labels of a row stand below those of the row before, and either a label is
closer to its value than to anything else above or below, or it is in smaller type. Other rows are a table's, and stay rows.

Boxes are rows of left, top, right, bottom; `height` is that of the usual line's ink.   S segments
"""

import numpy as np

ALIGNED = 0.6  # usual lines: how far from its label a value may begin, and a label from those above it
CLOSE = 3.0  # usual lines from the middle of a label to that of its value, at most
LOOSER = 1.25  # times as far is what stands above a label and below its value
SMALLER, MOSTLY = 1.1, 0.75  # times as high is the type of so many values, where they stand no closer to their labels
BESIDE = 1.5  # usual lines between one stack and the next, at least
FEWEST = 2  # bands of stacks, one above the other: two rows alone may be a table's head and its only row

Stacks = list[list[int]]
"""The stacks of a band, from left to right; each of them segments from top to bottom."""


def stacks_apart(boxes: np.ndarray, types: np.ndarray, rows: list[np.ndarray], height: float) -> list[np.ndarray]:
    """Rows of segments (indices), those of labels and values taken apart stack by stack. types: height of letters (S,)."""
    made: list[np.ndarray] = []
    start = 0
    while start < len(rows):
        bands = _bands(boxes, rows, start, height, LOOSER)
        if not _stacked(bands):
            bands = _bands(boxes, rows, start, height, 0.0)
            bands = bands if _stacked(bands) and _larger_below(types, bands) else []
        made += [np.array([n]) for stacks in bands for stack in stacks for n in stack] or [rows[start]]
        start += max(1, 2 * len(bands))
    return made


def _stacked(bands: list[Stacks]) -> bool:
    return len(bands) >= FEWEST and len(bands[0]) >= 2


def _larger_below(types: np.ndarray, bands: list[Stacks]) -> bool:
    stacks = np.array([stack for stacks in bands for stack in stacks if len(stack) == 2])
    return bool(np.mean(types[stacks[:, 1]] >= SMALLER * types[stacks[:, 0]]) >= MOSTLY)


def _bands(boxes: np.ndarray, rows: list[np.ndarray], start: int, height: float, looser: float) -> list[Stacks]:
    """Stacks of the pairs of rows from `start` on that are labels above values, with others `looser` times as far away."""
    bands: list[Stacks] = []
    lefts = boxes[rows[start], 0]
    for k in range(start, len(rows) - 1, 2):
        labels, values = rows[k], rows[k + 1]
        if len(values) < len(labels) or (not bands and len(values) > len(labels)):
            break  # beside the last values may stand something else
        under = np.abs(boxes[labels, 0] - boxes[values[: len(labels)], 0]) <= ALIGNED * height
        placed = (np.abs(boxes[labels, 0][:, None] - lefts) <= ALIGNED * height).any(axis=1)
        if not (under & placed).all() or not _parted(boxes, labels, values[: len(labels)], height):
            break
        near = _apart(boxes, labels, values)
        above = _apart(boxes, rows[k - 1], labels) if k else np.inf
        below = _apart(boxes, values, rows[k + 2]) if k + 2 < len(rows) else np.inf
        if near > CLOSE * height or min(above, below) < looser * near:
            break
        stacks = [[int(label), int(value)] for label, value in zip(labels, values, strict=False)]
        bands.append([*stacks, *([int(n)] for n in values[len(labels) :])])
    return bands


def _parted(boxes: np.ndarray, labels: np.ndarray, values: np.ndarray, height: float) -> bool:
    """Whether the stacks stand well apart, as words of a line do not."""
    gaps = [boxes[row[1:], 0] - boxes[row[:-1], 2] for row in (labels, values)]
    return bool((np.concatenate(gaps) >= BESIDE * height).all())


def _apart(boxes: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """How far the middles of two rows are apart, of segments that stand above each other; infinite where none do."""
    a, b = boxes[one][:, None], boxes[other]
    shared = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    far = np.abs((a[..., 1] + a[..., 3]) - (b[..., 1] + b[..., 3])) / 2
    return float(np.where(shared > 0, far, np.inf).min())
