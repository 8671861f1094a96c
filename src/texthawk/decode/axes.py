"""The numbers of a chart's upright axis: a narrow column with even steps whose rows are not those of what stands beside it.

They are read from top to bottom before what the chart holds, where rows would put a point between two of them. The rows of a
table, a form or a numbered list go on beside their first column, so none of these is an axis.

Boxes are rows of left, top, right, bottom; `height` is that of the usual line's ink, and the measures below are in it.
S segments
"""

import numpy as np

FEWEST = 4  # numbers of an axis
NARROW = 6.0  # width of a number, at most
FLUSH = 0.35  # how far their right ends are apart
STEP, EVEN = 1.8, 0.3  # from one number to the next at least, and how far two steps differ
BESIDE = 0.25  # how far the middles of two segments of one row are apart
SHARED = 0.5  # of the numbers that have something beside them in their row: in a table nearly all have


def axis_of(boxes: np.ndarray, height: float) -> list[np.ndarray] | None:
    """Which segments stand above an axis, are its numbers, stand beside and stand below it: four of (S,); None without one."""
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    narrow = np.flatnonzero(boxes[:, 2] - boxes[:, 0] <= NARROW * height)
    for k in narrow:
        column = narrow[np.abs(boxes[narrow, 2] - boxes[k, 2]) <= FLUSH * height]
        if len(column) < FEWEST:
            continue
        steps = np.diff(np.sort(middle[column]))
        if steps.min() < STEP * height or np.ptp(steps) > EVEN * height:
            continue
        top, bottom = boxes[column, 1].min(), boxes[column, 3].max()
        numbers = np.zeros(len(boxes), dtype=bool)
        numbers[column] = True
        within = (middle >= top) & (middle <= bottom) & ~numbers
        rows = np.abs(middle[column, None] - middle[within]) <= BESIDE * height
        if within.any() and boxes[within, 0].min() > boxes[column, 2].max() and rows.any(axis=1).mean() <= SHARED:
            return [middle < top, numbers, within, middle > bottom]
    return None
