"""Slightly turned pages: the lines of a scan that lay askew are made level, and boxes come back to the page as it came.

The feet of the letters of a line lie on its baseline. At the angle at which the page lies, they fall into few narrow
bands; at any other they spread. (Finding skew by a projection of such points goes back to Baird, 1987.)

A skew is in degrees, positive where lines run down to the right.   N letters
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from texthawk.decode.ink import components_of, ink_of, rules_of
from texthawk.types import Box

LOOKED_AT = 800  # pixels of the page's shorter side, at most
WIDEST = 6.0  # degrees: pages that lie more askew are left as they are
LEAST = 0.4  # degrees: lines that lie less askew are found as they are
FEWEST = 40  # letters that tell
CLEARER = 1.2  # how much narrower the bands must be than those of the page as it lies
_COARSE, _FINE = 0.1, 0.02  # degrees from one angle that is tried to the next


@dataclass(frozen=True)
class Straight:
    """An upright page with level lines: `image` is `page` turned back by `degrees`, larger where its corners need it."""

    page: Image.Image
    degrees: float

    @cached_property
    def image(self) -> Image.Image:
        """The page itself where it is straight already."""
        if self.degrees == 0:
            return self.page
        a, b, c, d = self._turn.flatten().tolist()
        left, top, width, height = self._frame
        data = (a, b, a * left + b * top, c, d, c * left + d * top)  # from a pixel of the result to one of the page
        paper = _paper(self.page)
        return self.page.transform(
            (width, height), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC, fillcolor=paper
        )

    def box_before(self, box: Box) -> Box:
        """The smallest upright box of the page as it came around a box of `image`; it ends where the page does."""
        if self.degrees == 0:
            return box
        left, top, _, _ = self._frame
        corners = np.array([[x + left, y + top] for x in (box.left, box.right) for y in (box.top, box.bottom)])
        x, y = (corners @ self._turn.T).T
        x, y = x.clip(0, self.page.width), y.clip(0, self.page.height)
        return Box(float(x.min()), float(y.min()), float(x.max()), float(y.max()))

    @property
    def _turn(self) -> np.ndarray:
        """(2, 2): from a place on the level page to the place on the page as it came, both from the page's corner."""
        angle = math.radians(self.degrees)
        return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    @cached_property
    def _frame(self) -> tuple[float, float, int, int]:
        """Left and top of the level page, seen from the turned-back corner of the page as it came, and its size."""
        corners = np.array([[x, y] for x in (0, self.page.width) for y in (0, self.page.height)])
        x, y = (corners @ self._turn).T  # the inverse of a turn is its transpose
        return float(x.min()), float(y.min()), math.ceil(np.ptp(x)), math.ceil(np.ptp(y))


def straightened(page: Image.Image) -> Straight:
    """An upright RGB page with its lines made level; pages that are straight, or do not tell, stay as they are."""
    return Straight(page, skew_of(page))


def skew_of(page: Image.Image) -> float:
    """The skew of an upright RGB page, 0 where it is too little to matter, too much, or not clear."""
    x, y, letter = _feet(page)
    if len(x) < FEWEST:
        return 0.0
    coarse = np.arange(-WIDEST - 0.5, WIDEST + 0.5 + _COARSE / 2, _COARSE)
    first = max(coarse, key=lambda angle: _banded(x, y, angle, letter))
    fine = np.arange(first - _COARSE, first + _COARSE + _FINE / 2, _FINE)
    best = float(max(fine, key=lambda angle: _banded(x, y, angle, letter)))
    if not LEAST <= abs(best) <= WIDEST:
        return 0.0
    clear = _banded(x, y, best, letter) >= CLEARER * _banded(x, y, 0.0, letter)
    return round(best, 2) if clear else 0.0


def _feet(page: Image.Image) -> tuple[np.ndarray, np.ndarray, float]:
    """Where the letters of a page stand, x and y (N,), and their usual height, in pixels of the page as it is looked at."""
    scale = min(1.0, LOOKED_AT / min(page.size))
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    ink = ink_of(page if scale == 1.0 else page.resize(size, Image.Resampling.BOX))
    boxes = components_of(ink & ~rules_of(ink)).boxes
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    letter = float(np.median(height[height >= 4])) if (height >= 4).any() else 0.0
    letters = (height >= max(4, 0.6 * letter)) & (height <= 3 * letter) & (width <= 8 * letter)
    return (boxes[letters, 0] + boxes[letters, 2]) / 2, boxes[letters, 3].astype(float), letter


def _banded(x: np.ndarray, y: np.ndarray, degrees: float, letter: float) -> float:
    """How much the feet of letters gather in narrow level bands once the page is turned back by so many degrees."""
    angle = math.radians(degrees)
    level = (y * math.cos(angle) - x * math.sin(angle)) / max(1.0, 0.2 * letter)
    level -= level.min()
    low = level.astype(int)
    share = level - low  # a foot counts in both bands that it lies between
    size = int(low.max()) + 2
    bands = np.bincount(low, 1 - share, minlength=size) + np.bincount(low + 1, share, minlength=size)
    return float((bands**2).sum())


def _paper(page: Image.Image) -> tuple[int, int, int]:
    """The usual colour along the page's edge."""
    pixels = np.asarray(page)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = np.median(edge, axis=0).astype(int).tolist()
    return red, green, blue
