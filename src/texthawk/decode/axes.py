"""The numbers or names of a chart's upright axis: a column with even steps, read before what the chart holds.

They are read from top to bottom, where rows would put a point between two of them. The rows of a table, a form or a numbered
list go on beside their first column, so none of these is an axis; unless the axis has a name beside its middle, set on its side.

Boxes are rows of left, top, right, bottom; `height` is that of the usual line's ink, and the measures below are in it.
S segments   M lines on their side
"""

import numpy as np

FEWEST = 4  # numbers of an axis without a name
NAMED = 3  # of an axis with one
NARROW = 6.0  # width of a number, at most
FLUSH = 0.35  # how far their right ends are apart
STEP, EVEN = (
    1.8,
    0.3,
)  # from one number to the next at least, and how far two steps differ; of a step, where there is a name
BESIDE = 0.25  # how far the middles of two segments of one row are apart
SHARED = 0.5  # of the numbers that have something beside them in their row: in a table nearly all have
HALF = 0.4  # of a step: so far above and below the name of a bar are its parts
NEAR = 6.0  # from an axis' name to the longest of its numbers
CENTRED = 0.75  # of a step: how far the middle of an axis' name is from that of its numbers


def axis_of(boxes: np.ndarray, height: float, names: np.ndarray) -> list[np.ndarray] | None:
    """Which segments stand above an axis, are its numbers, stand beside and stand below it: four of (S,); None without one.

    names: boxes of the lines that are set on their side (M, 4).
    """
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    for name in names:
        beyond = np.flatnonzero(boxes[:, 0] > name[2])
        for k in beyond[boxes[beyond, 0] <= name[2] + NEAR * height].tolist():
            found = _axis(boxes, middle, beyond, k, height, name)
            if found is not None:
                return found
    narrow = np.flatnonzero(boxes[:, 2] - boxes[:, 0] <= NARROW * height)
    return next(
        (found for k in narrow.tolist() if (found := _axis(boxes, middle, narrow, k, height)) is not None), None
    )


def _axis(
    boxes: np.ndarray, middle: np.ndarray, chosen: np.ndarray, k: int, height: float, name: np.ndarray | None = None
) -> list[np.ndarray] | None:
    """The axis that a segment is of, with others of those `chosen`, and that has this name."""
    column = chosen[np.abs(boxes[chosen, 2] - boxes[k, 2]) <= FLUSH * height]
    if len(column) < (FEWEST if name is None else NAMED):
        return None
    steps = np.diff(np.sort(middle[column]))
    even = EVEN * (height if name is None else steps.min())
    if steps.min() < STEP * height or np.ptp(steps) > even:
        return None
    top, bottom = boxes[column, 1].min(), boxes[column, 3].max()
    numbers = np.zeros(len(boxes), dtype=bool)
    numbers[column] = True
    within = (middle >= top) & (middle <= bottom) & ~numbers
    if not within.any():
        return None
    if (np.abs(middle[column, None] - middle[within]) <= BESIDE * height).any(axis=1).mean() > SHARED:
        if name is None or abs(name[1] + name[3] - top - bottom) / 2 > CENTRED * steps.min():
            return None
        top, bottom = top - HALF * steps.min(), bottom + HALF * steps.min()
        within = (middle >= top) & (middle <= bottom) & ~numbers
    if boxes[within, 0].min() <= boxes[column, 2].max():
        return None
    return [middle < top, numbers, within, middle > bottom]
