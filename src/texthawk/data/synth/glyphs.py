"""A font at one size: glyph masks without hinting at half-pixel places, as a PDF rasteriser draws them.

FreeType draws every glyph once, large; a smaller mask is the area average of that drawing, taken with two small matrix
products. So the ink box is known at any size, and printing is mostly copying of masks kept from before.

Shape letters:  n characters of a string   K len(CHARACTERS)   H, W rows and columns of a large drawing   h, w those of a mask
"""

import math
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from PIL import ImageFont

from texthawk.data.synth.corpus import CHARACTERS
from texthawk.data.synth.fonts import describe, typeface

ADVANCE_EM, INK_EM = 256, 96
"""Sizes in pixels at which advances and ink boxes are measured."""
DRAWING_EMS = (64, 192)
"""Sizes of the large drawings: the first for masks up to SMALL pixels, the second above."""
SMALL = 30.0
REACH = (-1.0, -1.75, 2.5, 1.0)
"""How far from the pen a glyph may reach, in sizes of the font; those that reach further are not printed."""
STEP = 1.06
"""Ratio of neighbouring sizes."""

_INDEX = np.full(0x10000, -1, dtype=np.int16)
_INDEX[[ord(character) for character in CHARACTERS]] = np.arange(len(CHARACTERS))
_E, _P, _X = (CHARACTERS.index(character) for character in "Epx")
_PLAINER = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "•": "*",
    "·": ".", "×": "x", "½": "1/2", "¼": "1/4", "¾": "3/4", "²": "2", "³": "3", "€": "EUR", "™": "(TM)", "®": "(R)",
    "©": "(C)",
}  # fmt: skip


def indices(text: str) -> np.ndarray:
    """Place of each character in CHARACTERS: (n,) int16."""
    return _INDEX[np.frombuffer(text.encode("utf-16-le"), dtype=np.uint16)]


class Drawing(NamedTuple):
    """Ink of a glyph (H, W) uint8, whose top left pixel lies (`left`, `top`) from the pen on the baseline."""

    pixels: np.ndarray
    left: int
    top: int


class Drawings:
    """Large drawings of a font's glyphs at `em` pixels, made when first asked for."""

    def __init__(self, path: str, em: int):
        self._font = typeface(path, em)
        self._made: dict[int, Drawing] = {}

    def __getitem__(self, index: int) -> Drawing:
        if index not in self._made:
            mask, (left, top) = self._font.getmask2(CHARACTERS[index], mode="L", anchor="ls")
            x0, y0, x1, y1 = mask.getbbox() or (0, 0, 1, 1)
            width, height = mask.size
            pixels = np.frombuffer(bytes(mask), dtype=np.uint8).reshape(height, width)[y0:y1, x0:x1].copy()
            self._made[index] = Drawing(pixels, left + x0, top + y0)
        return self._made[index]


class Metrics:
    """Advances (K,) and ink boxes (K, 4) of a font's glyphs for a size of one pixel, measured from the pen on the baseline."""

    def __init__(self, path: str):
        font = typeface(path, ADVANCE_EM)
        self.advances = np.array([font.getlength(c) for c in CHARACTERS], dtype=np.float32) / ADVANCE_EM
        font = typeface(path, INK_EM)
        self.ink = np.array([_ink(font, c) for c in CHARACTERS], dtype=np.float32) / INK_EM


def _ink(font: ImageFont.FreeTypeFont, character: str) -> tuple[float, float, float, float]:
    """Box of the marks of a character; getbbox also counts the pen's way, so it is too wide for this."""
    mask, (left, top) = font.getmask2(character, mode="L", anchor="ls")
    box = mask.getbbox()
    if box is None:
        return (0.0, 0.0, 0.0, 0.0)
    return (left + box[0], top + box[1], left + box[2], top + box[3])


@lru_cache(maxsize=1024)
def metrics(path: str) -> Metrics:
    """A font's measures, kept for the process."""
    return Metrics(path)


@lru_cache(maxsize=1024)
def drawings(path: str, em: int) -> Drawings:
    """A font's large drawings, kept for the process."""
    return Drawings(path, em)


def _averaging(first_out: int, outs: int, first_in: int, ins: int, scale: float, phase: float = 0.0) -> np.ndarray:
    """Weights (outs, ins) with which an input pixel of width `scale`, moved by `phase`, falls on each output pixel."""
    edges = (first_in + np.arange(ins + 1)) * scale + phase
    out = first_out + np.arange(outs)[:, None]
    return np.diff(np.clip(edges[None], out, out + 1), axis=1).astype(np.float32)


@lru_cache(maxsize=128)
def _weights(em: int, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Averaging from drawings of `em` to masks of `size`, for all of REACH: down (h, H), across (W, w) at phases 0 and 1/2."""
    left, top, right, bottom = (round(reach * em) for reach in REACH)
    scale = size / em
    outs = [math.floor(reach * size) - 1 for reach in REACH]
    down = _averaging(outs[1], outs[3] - outs[1] + 3, top, bottom - top, scale)
    across = [_averaging(outs[0], outs[2] - outs[0] + 3, left, right - left, scale, phase) for phase in (0.0, 0.5)]
    return down, np.ascontiguousarray(across[0].T), np.ascontiguousarray(across[1].T)


class Placed(NamedTuple):
    """A string set on a baseline: what to print where, and the box of each character (n, 4)."""

    indices: np.ndarray
    halves: np.ndarray
    boxes: np.ndarray


class Face:
    """One font at one size in pixels; `ascent` and `descent` are those of "E" and "p", `x_height` that of "x"."""

    def __init__(self, path: str, size: float):
        self.path, self.size = path, size
        em = DRAWING_EMS[0] if size <= SMALL else DRAWING_EMS[1]
        self._em, self._scale = em, size / em
        self._drawings = drawings(path, em)
        known = metrics(path)
        self._advances = known.advances * np.float32(size)
        self._ink = known.ink * np.float32(size)
        self._masks: dict[int, tuple[np.ndarray, int, int]] = {}
        self.ascent = float(-self._ink[_E, 1])
        self.descent = float(self._ink[_P, 3])
        self.x_height = float(-self._ink[_X, 1])
        self.space = float(self._advances[0])
        self._down, *self._across = _weights(em, size)

    def pens(self, text: str, tracking: float = 0.0) -> np.ndarray:
        """Pen position before every character and after the last: (n + 1,) pixels."""
        pens = np.zeros(len(text) + 1, dtype=np.float32)
        (self._advances[indices(text)] + np.float32(tracking)).cumsum(out=pens[1:])
        return pens

    def width(self, text: str, tracking: float = 0.0) -> float:
        """Distance that the pen travels over `text`."""
        return float(self._advances[indices(text)].sum()) + tracking * len(text)

    def place(self, text: str, x: float, baseline: float, tracking: float = 0.0) -> Placed:
        """Set `text` with the pen at `x`, glyphs at the nearest half pixel; a space's box is its advance by the x-height."""
        index = indices(text)
        pens = np.empty(len(text) + 1, dtype=np.float32)
        pens[0] = x
        np.add(self._advances[index].cumsum(), np.float32(x), out=pens[1:])
        if tracking:
            pens += np.arange(len(text) + 1, dtype=np.float32) * np.float32(tracking)
        halves = np.floor(2 * pens[:-1] + 0.5)
        boxes = self._ink[index]
        boxes[:, 0::2] += halves[:, None] / 2
        blank = np.flatnonzero(index == 0)
        if blank.size:
            boxes[blank, 0], boxes[blank, 2] = pens[blank], pens[blank + 1]
            boxes[blank, 1] = -self.x_height
        boxes[:, 1::2] += baseline
        return Placed(index, halves.astype(np.int32), boxes)

    def print(self, canvas: np.ndarray, placed: Placed, baseline: int) -> None:
        """Lay ink into `canvas` (H, W) uint8, where larger is darker; it must lie inside by a pixel or more."""
        maximum, masks = np.maximum, self._masks
        keys = (placed.indices * 2 + (placed.halves & 1)).tolist()
        for key, left in zip(keys, (placed.halves >> 1).tolist(), strict=True):
            if key < 2:
                continue
            mask, dx, dy = masks.get(key) or self._make(key)
            top, first = baseline + dy, left + dx
            view = canvas[top : top + mask.shape[0], first : first + mask.shape[1]]
            maximum(view, mask, out=view)

    def _make(self, key: int) -> tuple[np.ndarray, int, int]:
        """Mask (h, w) of a glyph at a half-pixel phase, and its place from the whole pixel at or left of the pen."""
        pixels, left, top = self._drawings[key >> 1]
        height, width = pixels.shape
        phase = (key & 1) / 2
        reach_x, reach_y = round(REACH[0] * self._em), round(REACH[1] * self._em)
        out_x, out_y = math.floor(REACH[0] * self.size) - 1, math.floor(REACH[1] * self.size) - 1
        x0, x1 = math.floor(left * self._scale + phase), math.ceil((left + width) * self._scale + phase)
        y0, y1 = math.floor(top * self._scale), math.ceil((top + height) * self._scale)
        down = self._down[y0 - out_y : y1 - out_y, top - reach_y : top - reach_y + height]
        across = self._across[key & 1][left - reach_x : left - reach_x + width, x0 - out_x : x1 - out_x]
        # The odd offset keeps sums that should be a tie from falling to either side with the order of adding.
        mask = (down @ pixels.astype(np.float32) @ across + np.float32(0.503)).astype(np.uint8)
        self._masks[key] = (mask, x0, y0)
        return self._masks[key]


@lru_cache(maxsize=4000)
def face(path: str, size: float) -> Face:
    """The font at `path` in `size` pixels, kept for the process; ask for a `rung`, so that few are kept."""
    return Face(path, size)


def rung(path: str, type_px: float) -> float:
    """The size at which the font's "x" is half of `type_px` high, or up to 6% more: steps, so that few faces are kept."""
    size = type_px / 2 / float(-metrics(path).ink[_X, 1])
    return STEP ** math.ceil(math.log(size) / math.log(STEP) - 1e-6)


@cache
def substitutes(path: str) -> dict[int, str]:
    """str.translate table that turns what a font cannot show into plainer characters, or into nothing."""
    name = describe(path)
    covers = name.covers if name else frozenset()
    ink = metrics(path).ink
    small, large = np.array(REACH[:2]) + 0.1, np.array(REACH[2:]) - 0.1
    good = (ink[:, 2] > ink[:, 0]) & (ink[:, :2] > small).all(axis=1) & (ink[:, 2:] < large).all(axis=1)
    printable = {c for c, is_good in zip(CHARACTERS, good.tolist(), strict=True) if is_good and c in covers} | {" "}
    return {ord(c): _PLAINER.get(c, "") for c in CHARACTERS if c not in printable}
