"""A sheet of paper under print: rows become ink and lines with boxes, ink becomes an image, boxes follow its geometry.

Shape letters:  H, W height and width of the canvas   n characters of a line   C 1 (grey) or 3 channels
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from texthawk.data.synth.degrade import noise
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.layout import Row, TextLine, union

Colour = tuple[float, float, float]
COVERAGE = np.arange(256) / 255.0


@dataclass(frozen=True)
class Palette:
    """Colours of a sheet; `gamma` below 1 prints bolder than FreeType, above 1 thinner."""

    paper: Colour
    ink: Colour
    accent: Colour
    band: Colour
    gamma: float = 1.0

    @property
    def grey(self) -> bool:
        return all(len(set(colour)) == 1 for colour in (self.paper, self.ink, self.accent, self.band))


def brightness(colour: Colour) -> float:
    """Luma of an RGB colour, 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _tint(dice: Dice, level: float, spread: float) -> Colour:
    """A colour about as bright as `level`; each channel lies within `spread` of it."""
    channels = [min(255.0, max(0.0, level + dice.between(-spread, spread))) for _ in range(3)]
    return (channels[0], channels[1], channels[2])


def _apart(dice: Dice, paper: Colour, distance: float) -> Colour:
    """A strong colour whose brightness differs from the paper's by `distance` or more; black or white when none is met soon."""
    for _ in range(8):
        colour = _tint(dice, dice.between(0, 255), 130)
        if abs(brightness(colour) - brightness(paper)) >= distance:
            return colour
    return (0.0, 0.0, 0.0) if brightness(paper) > 127 else (255.0, 255.0, 255.0)


def palette(dice: Dice, *, dark: float, coloured: float) -> Palette:
    """Paper and inks that can be told apart; `dark` and `coloured` are probabilities."""
    spread = 14.0 if dice.chance(coloured) else 0.0
    gamma = dice.between(0.6, 1.25)
    if dice.chance(dark):
        paper = _tint(dice, dice.between(0, 60), spread)
        ink = _tint(dice, dice.between(190, 255), spread)
    elif spread and dice.chance(0.4):
        paper = _tint(dice, dice.between(70, 235), 70)
        ink = _apart(dice, paper, 110)
    else:
        level = 255.0 if dice.chance(0.5) else dice.between(215, 255)
        paper = _tint(dice, level, spread / 2)
        ink = _tint(dice, dice.between(0, 75), 3 * spread)
    accent = _apart(dice, paper, 90) if spread else ink
    shift = dice.between(12, 40) * (1 if brightness(paper) < 100 else -1)
    band: Colour = tuple(min(255.0, max(0.0, channel + shift)) for channel in paper)  # type: ignore[assignment]
    if abs(brightness(band) - brightness(ink)) < 80:
        band = paper
    return Palette(paper, ink, accent, band, gamma)


class Sheet:
    """A canvas of (height, width) pixels; print stays `margin` pixels away from its border."""

    def __init__(self, height: int, width: int, colours: Palette, margin: tuple[float, float] = (1.0, 1.0)):
        self.height, self.width, self.colours, self.margin = height, width, colours, margin
        self.ink = np.zeros((height, width), dtype=np.uint8)
        self.accent: np.ndarray | None = None
        self.lines: list[TextLine] = []
        self.finest = math.inf
        """Smallest x-height printed."""
        self._bands: list[tuple[int, int, int, int]] = []
        self._pictures: list[tuple[int, int, int, int]] = []

    def inside(self, glyphs: np.ndarray) -> bool:
        """Whether all boxes (n, 4) keep the margin."""
        across, down = self.margin
        left, top, right, bottom = union(glyphs)
        return left >= across and top >= down and right <= self.width - across and bottom <= self.height - down

    def print(
        self, row: Row, x: float, baseline: int, clear: float, edge: tuple[float, float]
    ) -> tuple[int, float] | None:
        """Print `row`, lower if its ink would reach above `clear`; returns its baseline and the lowest row of its ink.

        None, and no ink, when a character would leave the canvas. `edge` is left and right of the column, for rules.
        """
        placed, glyphs = row.place(x, baseline)
        drop = max(0, math.ceil(clear + 1.0 - float(glyphs[:, 1].min())))
        baseline += drop
        glyphs[:, 1::2] += drop
        if not self.inside(glyphs):
            return None
        box = union(glyphs)
        for run, letters in zip(row.runs, placed, strict=True):
            canvas = self.ink
            if run.accent:
                if self.accent is None:
                    self.accent = np.zeros_like(self.ink)
                canvas = self.accent
            run.face.print(canvas, letters, baseline - run.lift)
            self.finest = min(self.finest, run.face.x_height)
            if run.underlined:
                thick = max(1, round(run.face.size / 16))
                self.rule(x + run.x, baseline + 1 + thick, x + run.end, baseline + 1 + 2 * thick, canvas=canvas)
        self.lines.append(TextLine(row.text, box, glyphs))
        return baseline, self._marks(row, baseline, box.bottom, edge)

    def _marks(self, row: Row, baseline: int, bottom: float, edge: tuple[float, float]) -> float:
        left, right = edge
        ascent, descent = row.height
        floor = math.ceil(max(bottom, baseline + descent + max(1.0, (row.lead - ascent - descent) / 2)))
        if row.band:
            self._bands.append((round(left), round(floor - row.lead), round(right), floor))
        if row.cells:
            for cell in row.cells:
                self.rule(left + cell, floor - row.lead, left + cell + 1, floor + 1)
            self.rule(left, floor - row.lead, right, floor - row.lead + 1, only_free=True)
        if row.rule:
            self.rule(left, floor, right, floor + (2 if row.rule == "thick" else 1), dotted=row.rule == "dotted")
            return floor + 1.0
        return bottom

    def rule(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        dotted: bool = False,
        level: int = 200,
        canvas: np.ndarray | None = None,
        only_free: bool = False,
    ) -> None:
        """Fill a rectangle with ink, clipped to the canvas; with `only_free` only when nothing is printed there."""
        x0, y0 = max(0, round(left)), max(0, round(top))
        x1, y1 = min(self.width, max(round(right), x0 + 1)), min(self.height, max(round(bottom), y0 + 1))
        view = (self.ink if canvas is None else canvas)[y0:y1, x0 : x1 : 3 if dotted else 1]
        if not (only_free and view.any()):
            np.maximum(view, level, out=view)

    def dot(self, dice: Dice) -> None:
        """Break the ink into dots or short strokes, as a printer with needles or a thermal head leaves them."""
        step = max(2, round(self.finest / dice.between(3, 7))) if math.isfinite(self.finest) else 2
        weak = dice.between(0.2, 0.9)
        across = np.where(np.arange(self.width) % step == 0, 1 - weak, 1.0) if dice.chance(0.7) else np.ones(self.width)
        down = np.where(np.arange(self.height) % step == 0, 1 - weak, 1.0)
        self.ink = (self.ink * down[:, None] * across).astype(np.uint8)

    def picture(self, left: float, top: float, right: float, bottom: float) -> None:
        """Keep a rectangle for a picture without text."""
        self._pictures.append((round(left), round(top), round(right), round(bottom)))

    def compose(self, dice: Dice) -> Image.Image:
        """Ink on paper as an image of mode L or RGB."""
        image = self._printed(Image.fromarray(self.ink), self.colours.paper, self.colours.ink)
        if not self._bands and not self._pictures and self.accent is None:
            return image
        for left, top, right, bottom in self._bands:
            box = (max(0, left), max(0, top), min(self.width, right), min(self.height, bottom))
            if box[0] < box[2] and box[1] < box[3]:
                part = Image.fromarray(self.ink).crop(box)
                image.paste(self._printed(part, self.colours.band, self.colours.ink), box[:2])
        if self.accent is not None:
            share = Image.fromarray(self.accent).point((255 * COVERAGE**self.colours.gamma).round().tolist())
            image.paste(self._flat(self.colours.accent), (0, 0, self.width, self.height), share)
        if self._pictures:
            pixels = np.array(image)
            for picture in self._pictures:
                _paint(pixels, picture, dice)
            image = Image.fromarray(pixels)
        return image

    def _printed(self, ink: Image.Image, paper: Colour, colour: Colour) -> Image.Image:
        """Ink of `colour` on `paper`, in mode L or RGB."""
        share = COVERAGE**self.colours.gamma
        channels = 1 if self.colours.grey else 3
        tables = [(paper[c] + (colour[c] - paper[c]) * share).round().tolist() for c in range(channels)]
        return ink.point(tables[0]) if channels == 1 else Image.merge("RGB", [ink.point(table) for table in tables])

    def background(self) -> int | tuple[int, int, int]:
        """The paper's colour in the mode of `compose`."""
        return self._flat(self.colours.paper)

    def _flat(self, colour: Colour) -> int | tuple[int, int, int]:
        red, green, blue = (round(channel) for channel in colour)
        return red if self.colours.grey else (red, green, blue)


def _paint(pixels: np.ndarray, box: tuple[int, int, int, int], dice: Dice) -> None:
    """Something like a photograph or a chart without letters: a slope of brightness with soft noise, or bars."""
    left, top, right, bottom = box
    area = pixels[top:bottom, left:right]
    height, width = area.shape[:2]
    if height < 8 or width < 8:
        return
    colour = np.array(_tint(dice, dice.between(40, 220), 60)[: 1 if area.ndim == 2 else 3])
    if dice.chance(0.3):
        bars = dice.integer(3, 9)
        step = width // bars
        for bar in range(bars if step > 2 else 0):
            area[height - dice.integer(1, height - 2) :, bar * step : bar * step + max(1, step * 2 // 3)] = (
                colour.astype(np.uint8)
            )
        return
    small = Image.fromarray((128 + 45 * noise(dice, 8, 8)).clip(0, 255).astype(np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    soft = np.asarray(small, dtype=np.float32) - 128
    if area.ndim == 3:
        soft = soft[..., None]
        area[:] = (colour + soft).clip(0, 255)
    else:
        area[:] = (colour[0] + soft).clip(0, 255)


def turned(
    image: Image.Image,
    lines: Sequence[TextLine],
    degrees: float,
    paper: int | tuple[int, int, int],
    how: Image.Resampling,
) -> tuple[Image.Image, list[TextLine]]:
    """Turn image and boxes about the centre, counter-clockwise; a box becomes the upright one round its turned self."""
    width, height = image.size
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    result = []
    for line in lines:
        centre = (line.glyphs[:, :2] + line.glyphs[:, 2:]) / 2 - np.array([width / 2, height / 2], dtype=np.float32)
        half = (line.glyphs[:, 2:] - line.glyphs[:, :2]) / 2
        x = width / 2 + centre[:, 0] * cosine + centre[:, 1] * sine
        y = height / 2 - centre[:, 0] * sine + centre[:, 1] * cosine
        dx = half[:, 0] * cosine + half[:, 1] * abs(sine)
        dy = half[:, 1] * cosine + half[:, 0] * abs(sine)
        glyphs = np.stack([x - dx, y - dy, x + dx, y + dy], axis=1).astype(np.float32)
        result.append(TextLine(line.text, union(glyphs), glyphs))
    return image.rotate(degrees, how, fillcolor=paper), result


def resized(
    image: Image.Image, lines: Sequence[TextLine], size: tuple[int, int], how: Image.Resampling
) -> tuple[Image.Image, list[TextLine]]:
    """Image and boxes at another (width, height)."""
    factor = np.array([size[0] / image.width, size[1] / image.height] * 2, dtype=np.float32)
    scaled = [line.glyphs * factor for line in lines]
    return image.resize(size, how), [
        TextLine(line.text, union(glyphs), glyphs) for line, glyphs in zip(lines, scaled, strict=True)
    ]
