"""Printed windows with their lines set on rows, as the reader sets the lines of a page; boxes and characters follow."""

import math

import numpy as np
from PIL import Image, ImageDraw

from texthawk.data.factory.ink import units
from texthawk.data.synth import SynthPage, TextLine
from texthawk.image.rows import RowSetting, set_rows
from texthawk.types import Box

BLEED = 0.5
"""Heights of a line by which one that is cut out with slack may reach above and below itself."""


def in_rows(
    page: SynthPage,
    setting: RowSetting,
    rng: np.random.Generator,
    most: int | None = None,
    *,
    slack: float = 0.0,
    junk: float = 0.0,
) -> SynthPage:
    """Rows of a window's lines, jittered, `most` at most; a line too long for a row goes on in the next one.

    slack: share of lines that are cut out with bits of what stands above and below. junk: share of rows on which something
    without text stands, as a reader takes a rule, a logo or a shadow for a line.
    """
    most = min(setting.rows, most or setting.rows)
    if not page.lines:
        return SynthPage(page.image.crop((0, 0, setting.width, setting.height)), ())
    typical = float(np.median([line.box.height for line in page.lines]))
    pieces: list[tuple[str, np.ndarray, float]] = []
    for line in page.lines:
        scale = setting.scale(line.box.height, typical) * rng.uniform(0.75, 1.1)
        pieces += [(text, glyphs, scale) for text, glyphs in _wrapped(line, setting.room(scale))]
    start = int(rng.integers(max(1, len(pieces) - most + 1)))
    pieces = pieces[start : start + most]
    if not pieces:
        return SynthPage(page.image.crop((0, 0, setting.width, setting.height)), ())
    rubbish = np.flatnonzero(rng.random(len(pieces)) < junk) if junk else ()
    nudges = [(rng.uniform(-1, 6), rng.uniform(-1.5, 1.5)) for _ in pieces]
    boxes = [(_jittered(_around(glyphs), rng), scale) for _, glyphs, scale in pieces]
    if slack:
        boxes = [(_loosened(box, rng) if rng.random() < slack else box, scale) for box, scale in boxes]
        boxes = [(box, min(scale, (setting.row_height - 2) / box.height)) for box, scale in boxes]
    # A row is nudged no further than it stays on the canvas: margins stand left of it, and on both sides of its ink.
    inside = [setting.width - 3 * setting.margin - scale * box.width for box, scale in boxes]
    nudges = [
        (max(-setting.margin, min(right, most)), down) for (right, down), most in zip(nudges, inside, strict=True)
    ]
    canvas, places = set_rows(page.image, boxes, setting, nudges)
    lines = []
    for row, ((text, glyphs, _), place) in enumerate(zip(pieces, places, strict=True)):
        if row in rubbish:
            _spoil(canvas, row, setting, rng)
            continue
        moved = place.to_canvas(glyphs).astype(np.float32)
        lines.append(TextLine(text, _around(moved), moved))
    return SynthPage(canvas, tuple(lines))


def _loosened(box: Box, rng: np.random.Generator) -> Box:
    """A box that reaches above or below its line, or both."""
    up, down = BLEED * box.height * np.maximum(0, rng.uniform(-0.5, 1, 2))
    return Box(box.left, box.top - up, box.right, box.bottom + down)


def _spoil(canvas: Image.Image, row: int, setting: RowSetting, rng: np.random.Generator) -> None:
    """Put a bar, a blot or a stroke in the place of a row's text."""
    top, height, width = row * setting.row_height, setting.row_height, setting.width
    paper = canvas.getpixel((width - 1, top + height // 2))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, top, width - 1, top + height - 1), fill=paper)
    ink = (
        tuple(int(value) for value in rng.integers(0, 160, 3))
        if rng.random() < 0.3
        else (int(rng.integers(0, 160)),) * 3
    )
    for _ in range(int(rng.integers(1, 4))):
        left, right = sorted(rng.uniform(0, width, 2) if rng.random() < 0.5 else rng.uniform(0, width / 6, 2))
        above, below = sorted(rng.uniform(top + 2, top + height - 3, 2))
        kind = rng.integers(3)
        if kind == 0:
            draw.rectangle((left, above, right, below), fill=ink)
        elif kind == 1:
            draw.ellipse((left, above, right, below), fill=ink)
        else:
            draw.line((left, above, right, below), fill=ink, width=int(rng.integers(1, 5)))


def _wrapped(line: TextLine, room: float) -> list[tuple[str, np.ndarray]]:
    """A line cut between its units (at spaces, and beside any Chinese character) into pieces no longer than `room` pixels.

    A longer word is left out.
    """
    whole = line.glyphs[-1, 2] - line.glyphs[0, 0]
    room = min(room, 1.1 * whole / max(1, math.ceil(whole / room)))  # pieces of like length
    pieces: list[tuple[int, int]] = []
    start = 0
    for unit in units(line.text):
        start += unit.spaced
        end = start + len(unit.text)
        if line.glyphs[end - 1, 2] - line.glyphs[start, 0] <= room:
            first, last = pieces[-1] if pieces else (-1, -1)
            if last == start - unit.spaced and line.glyphs[end - 1, 2] - line.glyphs[first, 0] <= room:
                pieces[-1] = (first, end)
            else:
                pieces.append((start, end))
        start = end
    return [(line.text[a:b], line.glyphs[a:b]) for a, b in pieces]


def _around(glyphs: np.ndarray) -> Box:
    left, top = glyphs[:, :2].min(axis=0).tolist()
    right, bottom = glyphs[:, 2:].max(axis=0).tolist()
    return Box(left, top, right, bottom)


def _jittered(box: Box, rng: np.random.Generator) -> Box:
    """A box that is off by up to a pixel or so, as one found by its ink would be."""
    left, top, right, bottom = rng.uniform(0, 1.5, 4)
    return Box(box.left - left, box.top - top, box.right + right, box.bottom + bottom)
