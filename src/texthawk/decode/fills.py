"""Filled areas (bars and sectors of charts, bands, buttons): what is printed on them is ink on paper of their colour.

Paper is what surrounds a place widely, so the corners of a fill, a bar that is hardly higher than its label, and the gap between
two bars look like ink. They have the colour of what surrounds them closely, which letters never have.

Shape letters:  H, W the page
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from texthawk.decode.clutter import letter_of
from texthawk.decode.ink import (
    CONTRAST,
    Components,
    components_of,
    differs,
    grown,
    middle_of,
    opened,
    paper_of,
    patches_of,
    rules_of,
)

SOLID = 1.5  # letter heights: the side of a square of ink that is of no letter
PRINTED = 2.5  # letter heights: a gap in a fill so high and wide is not what is printed there
AROUND = 0.5  # letter heights around a fill that are looked at again
FINE = 0.2  # letter heights: a mark of the picture in which the paper close by is sought
NEAR = 15  # marks, along each side, around a place whose median is the paper close by
EDGE = 5  # marks around a place between whose papers it may lie: edges are no ink
REDUCED, CORNER = 4, 11  # pixels of a mark, and marks around a place, where paper is what surrounds a place widely
EVEN = 0.75  # of a fill that is of the colour around the place; of photographs it is less
BITTEN, BIT = 9, 0.1
"""Marks around a place, and the share of a speck's ink that no paper there has: else it is of a corner."""
SMALL = 0.8  # letter heights of a speck
OWN, LARGEST = 0.8, 5.0  # of a letter's ink that is of no paper's colour at least; usual heights of a letter at most


def print_of(page: Image.Image) -> tuple[np.ndarray, Components]:
    """The long rules (H, W) of a page (RGB) and the components of its other ink, fills taken for paper."""
    ink = inked(page)
    rules = rules_of(ink)
    return rules, components_of(ink & ~rules)


def inked(page: Image.Image) -> np.ndarray:
    """The ink of a page (RGB), fills taken for paper: (H, W)."""
    grey = page.convert("L")
    tone, wide = np.asarray(grey, dtype=np.int16), paper_of(grey)
    ink = differs(np.abs(tone - wide))
    letter = letter_of(components_of(ink & ~rules_of(ink)))
    by = max(1, round(FINE * letter))
    side = max(8, round(SOLID * letter))
    solid = opened(ink, side, side)
    one_paper = int(wide.max()) - int(wide.min()) <= CONTRAST
    if not letter or min(grey.size) < NEAR * by or (one_paper and not solid.any()):
        return ink
    close = Image.fromarray(middle_of(grey.reduce(by), NEAR))
    middle = np.asarray(close.resize(grey.size, Image.Resampling.NEAREST), dtype=np.int16)
    difference = _outside(tone, close, EDGE)
    corners = _outside(tone, Image.fromarray(wide.astype(np.uint8)).reduce(REDUCED), CORNER) <= CONTRAST
    fills = np.zeros_like(solid)
    even = np.abs(tone - middle) <= CONTRAST // 2
    for left, top, right, bottom in components_of(solid).boxes.tolist():
        part = solid[top:bottom, left:right]
        if even[top:bottom, left:right][part].mean() >= EVEN:
            fills[top:bottom, left:right] |= part
    within = np.zeros_like(solid)
    if fills.any():
        within = grown(_closed(fills, max(3, round(PRINTED * letter))), round(AROUND * letter))
        ink[within] = differs(difference[within])
    elsewhere = ~(corners | within)
    shown = (difference > CONTRAST) | ~corners
    beyond = (_outside(tone, close, BITTEN) > CONTRAST) | elsewhere
    ink &= beyond | _of_components(ink, shown, lambda share, high: (share >= OWN) & (high <= LARGEST * letter))
    return ink & _of_components(ink, beyond, lambda share, high: (share >= BIT) | (high > SMALL * letter))


def _outside(tone: np.ndarray, paper: Image.Image, side: int) -> np.ndarray:
    """How far each place's grey lies outside those that paper has in a square of marks around it: (H, W)."""
    size, marks = tone.shape[::-1], np.asarray(paper)
    low, high = (
        np.asarray(
            Image.fromarray(_over_squares(marks, side, pick)).resize(size, Image.Resampling.NEAREST), dtype=np.int16
        )
        for pick in (np.minimum, np.maximum)
    )
    return np.maximum(low - tone, tone - high)


def _over_squares(marks: np.ndarray, side: int, pick: np.ufunc) -> np.ndarray:
    """The least or the greatest in a square of an odd side around each mark: as Pillow's filters, but one axis at a time."""
    spread = np.pad(marks, side // 2, mode="edge")
    for _ in range(2):
        wide = 1
        while wide < side:
            more = min(wide, side - wide)
            spread = pick(spread[:-more], spread[more:])
            wide += more
        spread = spread.T
    return spread


def _closed(mask: np.ndarray, side: int) -> np.ndarray:
    """With the gaps that no square of this side fits into; beyond the page, all is free."""
    return ~opened(np.pad(~mask, side, constant_values=True), side, side)[side:-side, side:-side]


def _of_components(
    ink: np.ndarray, mask: np.ndarray, chosen: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """True on the components that are chosen by the share of their ink that the mask has, and by their height: (H, W)."""
    row, start, end, label = patches_of(ink)
    if not len(row):
        return ink
    sums = np.pad(np.cumsum(mask, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    share = np.bincount(label, weights=sums[row, end] - sums[row, start]) / np.bincount(label, weights=end - start)
    order = np.argsort(label, kind="stable")
    first = np.flatnonzero(np.diff(label[order], prepend=-1))
    high = np.maximum.reduceat(row[order], first) - np.minimum.reduceat(row[order], first) + 1
    kept = chosen(share, high)[label]
    marks = np.zeros((len(ink), ink.shape[1] + 1), dtype=np.int8)
    marks[row[kept], start[kept]] = 1
    marks[row[kept], end[kept]] -= 1
    return np.cumsum(marks, axis=1, dtype=np.int8)[:, :-1] > 0
