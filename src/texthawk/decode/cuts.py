"""Where a page is to be torn: an upright row of little dashes or dots, with text on both sides and none across it.

What stands on one side of it is read before what stands on the other, however their lines lie beside each other.

All numbers are pixels; boxes are rows of left, top, right, bottom.   N components   D dashes
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from texthawk.decode.ink import components_of, groups_of

DASH = (0.4, 1.2)  # letter heights: width and height of a dash, at most
FAINT = 12  # grey levels by which a dash differs from the paper on both sides of it, at least
STEP = (0.12, 1.5)  # from a dash to the next: to the side for each pixel down, and down, in letter heights
FEWEST = 12  # dashes
EVEN = (0.3, 0.7)  # how far steps may differ from the usual one, and share of them that do not
LONG = 0.6  # of the height of all text
MOST = 3000  # dashes that are looked at; pages with more are full of grain


@dataclass(frozen=True)
class Cut:
    """A line from (x, top) to (x + lean * (bottom - top), bottom), whose dashes reach so far to each side."""

    x: float
    top: float
    bottom: float
    lean: float
    reach: float

    def sides(self, boxes: np.ndarray) -> np.ndarray:
        """-1 for boxes that stand left of it, 1 for those right of it, 0 for those across and for its dashes (N,)."""
        at = self.x + self.lean * ((boxes[:, 1] + boxes[:, 3]) / 2 - self.top)
        return np.where(boxes[:, 2] <= at - self.reach, -1, np.where(boxes[:, 0] >= at + self.reach, 1, 0))


def cut_of(page: Image.Image, parts: np.ndarray, text: np.ndarray, letter: float) -> Cut | None:
    """The longest line of dashes with segments of text (S, 4) on both sides, of ink (N, 4) or fainter; or None."""
    text = text[~_like_dashes(text, letter)]
    if not len(text):
        return None
    return _cut(parts, text, letter) or _cut(_faint_marks(page, text, letter), text, letter)


def _like_dashes(boxes: np.ndarray, letter: float) -> np.ndarray:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return (width <= DASH[0] * letter) & (height <= DASH[1] * letter) & (height >= 2)


def _cut(marks: np.ndarray, text: np.ndarray, letter: float) -> Cut | None:
    dashes = marks[_like_dashes(marks, letter)]
    if not FEWEST <= len(dashes) <= MOST:
        return None
    x, y = (dashes[:, 0] + dashes[:, 2]) / 2, (dashes[:, 1] + dashes[:, 3]) / 2
    down, aside = y[None] - y[:, None], np.abs(x[None] - x[:, None])
    linked = (down > 0) & (down <= STEP[1] * letter) & (aside <= STEP[0] * down + 1)
    group = groups_of(len(dashes), *np.nonzero(linked))
    lines = [
        _line(x[group == number], y[group == number], DASH[0] * letter)
        for number in np.flatnonzero(np.bincount(group) >= FEWEST)
    ]
    least = LONG * (text[:, 3].max() - text[:, 1].min())
    fitting = [line for line in lines if line and line.bottom - line.top >= least and _parts(line, text)]
    return max(fitting, key=lambda line: line.bottom - line.top, default=None)


def _parts(line: Cut, text: np.ndarray) -> bool:
    """Whether text stands on both sides and none across."""
    return set(line.sides(text).tolist()) == {-1, 1}


def _faint_marks(page: Image.Image, text: np.ndarray, letter: float) -> np.ndarray:
    """Narrow upright marks in the columns of pixels between texts that have no text: (D, 4)."""
    change = np.zeros(page.width + 1, dtype=np.int64)
    np.add.at(change, text[:, 0].astype(int), 1)
    np.add.at(change, text[:, 2].astype(int), -1)
    free = np.cumsum(change)[: page.width] == 0
    free[: int(text[:, 0].min())] = free[int(text[:, 2].max()) :] = False
    if not free.any():  # as on any page with a line of full width
        return np.zeros((0, 4))
    grey = np.asarray(page.convert("L"), dtype=np.int16)
    aside = max(2, round(DASH[0] * letter))
    left, right = np.roll(grey, aside, axis=1), np.roll(grey, -aside, axis=1)
    beyond = np.maximum(np.minimum(left, right) - grey, grey - np.maximum(left, right))
    return components_of((beyond > FAINT) & free).boxes


def _line(x: np.ndarray, y: np.ndarray, reach: float) -> Cut | None:
    """The line through the middles of dashes, where they stand evenly."""
    order = np.argsort(y)
    steps = np.diff(y[order])
    usual = float(np.median(steps))
    if np.mean(np.abs(steps - usual) <= EVEN[0] * usual) < EVEN[1]:
        return None
    lean, at = np.polyfit(y, x, 1)
    if np.abs(x - lean * y - at).max() > 0.5 * usual:
        return None
    return Cut(float(lean * y.min() + at), float(y.min()), float(y.max()), float(lean), reach)
