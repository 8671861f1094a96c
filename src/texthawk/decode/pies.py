"""Labels around a pie or a ring are read clockwise from its top, as its slices are drawn; rows would mix its two sides.

All numbers are pixels; boxes are rows of left, top, right, bottom.   S segments   H, W the page, reduced
"""

import numpy as np
from PIL import Image

from texthawk.decode.ink import CONTRAST, components_of

REDUCED = 4  # pixels of the page to one of the mask, along each side
LARGE = 7.0  # letter heights: width of a disc
ROUND = 0.08  # how far its width and height differ
RIM, FILLED = (0.88, 0.97), 0.95  # of its radius from here to there, so much is filled
OUTSIDE, EMPTY = 1.05, 0.2  # beyond so many radii, so little of its box is: parts of labels
NEAR = 2.5  # letter heights from the rim to a label
FEWEST = 3  # labels
MOST = 40  # segments: no page with more is looked at


def clockwise(page: Image.Image, boxes: np.ndarray, letter: float) -> np.ndarray | None:
    """Which segments (S, 4) stand around a disc on an RGB page, in the order they are read; None without one."""
    if not FEWEST <= len(boxes) <= MOST or min(page.size) < 8 * REDUCED:
        return None
    disc = _disc(np.asarray(page.convert("L").reduce(REDUCED), dtype=np.int16), LARGE * letter / REDUCED)
    if disc is None:
        return None
    left, top, right, bottom = disc * REDUCED
    x, y, radius = (left + right) / 2, (top + bottom) / 2, (right - left + bottom - top) / 4
    across, down = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    inner = np.hypot(np.clip(x, boxes[:, 0], boxes[:, 2]) - x, np.clip(y, boxes[:, 1], boxes[:, 3]) - y)
    ring = np.flatnonzero((inner > 0.95 * radius) & (inner <= radius + NEAR * letter))
    if len(ring) < FEWEST:
        return None
    on_right = ring[across[ring] >= x]
    on_left = ring[across[ring] < x]
    return np.concatenate([on_right[np.argsort(down[on_right])], on_left[np.argsort(-down[on_left])]])


def _disc(grey: np.ndarray, least: float) -> np.ndarray | None:
    """The box of the largest patch (H, W) of another grey than the paper's, where it is a disc or a ring so wide."""
    paper = int(np.bincount(grey.ravel(), minlength=256).argmax())
    filled = np.abs(grey - paper) > CONTRAST
    parts = components_of(filled)
    if not len(parts.boxes):
        return None
    left, top, right, bottom = box = parts.boxes[parts.areas.argmax()]
    width, height = right - left, bottom - top
    if min(width, height) < least or abs(width - height) > ROUND * max(width, height):
        return None
    rows, columns = np.mgrid[0:height, 0:width]
    radius = np.hypot((columns + 0.5) / width - 0.5, (rows + 0.5) / height - 0.5) * 2
    inside = filled[top:bottom, left:right]
    rim = inside[(radius >= RIM[0]) & (radius <= RIM[1])]
    beyond = inside[radius > OUTSIDE]
    return box if rim.mean() >= FILLED and beyond.mean() <= EMPTY else None
