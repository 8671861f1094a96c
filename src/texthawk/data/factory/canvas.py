"""A picture that text, rules and shapes are put on, and which remembers every line of text with its boxes."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from texthawk.data.factory.document import Line
from texthawk.data.factory.ink import Face, Unit, units
from texthawk.types import Box

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


class Canvas:
    """A picture; `lines` are what `text` printed, in the order of printing.

    Text in the canvas's own ink is gathered on a mask, which is much faster than to print it in three channels, and put
    down before anything is drawn over it or the picture is asked for.
    """

    def __init__(self, width: int, height: int, paper: Colour = WHITE, ink: Colour = BLACK):
        self.width, self.height, self.paper, self.ink = width, height, paper, ink
        self._image = Image.new("RGB", (width, height), paper)
        self._draw = ImageDraw.Draw(self._image)
        self._mask = Image.new("L", (width, height))
        self._mask_draw = ImageDraw.Draw(self._mask)
        self._waiting: tuple[float, float] | None = None
        self._marked: list[tuple[int, int]] = []
        self.lines: list[Line] = []

    @property
    def image(self) -> Image.Image:
        """The picture (RGB) with all that was printed."""
        self._settle()
        self._marked = [(0, self.height)]
        return self._image

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        """Pillow's way to draw shapes on the picture."""
        self._settle()
        self._marked = [(0, self.height)]
        return self._draw

    def _settle(self) -> None:
        """Put down the text that waits on the mask."""
        if self._waiting is None:
            return
        top, bottom = max(0, int(self._waiting[0])), min(self.height, int(self._waiting[1]) + 1)
        self._waiting = None
        for first, last in [*sorted(self._marked), (bottom, bottom)]:
            first, last = max(top, first), min(bottom, last)
            if top < first:
                part = self._mask.crop((0, top, self.width, first))
                self._image.paste(self._printed(part), (0, top))
            if first < last:
                rows = (0, first, self.width, last)
                self._image.paste(self.ink, rows, self._mask.crop(rows))
            top = max(top, first, last)
        self._mask.paste(0, (0, 0, self.width, self.height))
        self._marked.append((0, self.height))

    def _printed(self, mask: Image.Image) -> Image.Image:
        """Text of a mask on bare paper, which is several times faster than to lay it over a picture."""
        tables = [_table(paper, ink) for paper, ink in zip(self.paper, self.ink, strict=True)]
        if tables[0] == tables[1] == tables[2]:
            return Image.merge("RGB", [mask.point(tables[0])] * 3)
        return Image.merge("RGB", [mask.point(table) for table in tables])

    def text(
        self,
        x: float,
        baseline: float,
        text: str | Sequence[Unit],
        face: Face,
        colour: Colour | None = None,
        *,
        align: str = "left",
        stretch: float = 0.0,
        keep: bool = True,
    ) -> Line:
        """Print `text` with its left end, "centre" or "right" end at `x`, and keep the line unless told otherwise.

        stretch: pixels that are added to every gap between words. ValueError for text without characters, or of which
        the face lacks one (see `Face.fit`).
        """
        parts = units(text) if isinstance(text, str) else text
        if not parts:
            raise ValueError(f"there is nothing to print in {text!r}; leave the line out")
        words, gap = face.words(parts), face.space + stretch
        if align != "left":
            way = sum(word.advance for word in words) + gap * sum(unit.spaced for unit in parts[1:])
            x -= way / 2 if align == "centre" else way
        own = colour is None or colour == self.ink
        drawn = self._mask_draw.draw if own else self._draw.draw
        ink = drawn.draw_ink(255 if own else colour)
        put, y, boxes = drawn.draw_bitmap, round(baseline), []
        x -= gap * parts[0].spaced
        for (masks, left, top, right, bottom, advance), (_, spaced) in zip(words, parts, strict=True):
            if spaced:
                x += gap
            pen = round(x)
            for across, down, mask in masks:
                put((pen + across, y + down), mask, ink)
            boxes.append((pen + left, y + top, pen + right, y + bottom))
            x += advance
        line = Line(
            tuple(unit.text for unit in parts),
            (False, *(unit.spaced for unit in parts[1:])),
            np.array(boxes, dtype=np.float32),
        )
        top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
        if own:
            first, last = self._waiting or (top, bottom)
            self._waiting = min(first, top), max(last, bottom)
        else:
            self._marked.append((top, bottom))
        if keep:
            self.lines.append(line)
        return line

    def fill(self, box: Box | tuple[float, float, float, float], colour: Colour) -> None:
        """Fill a rectangle; `right` and `bottom` lie just outside it, and it is at least one pixel wide and high."""
        left, top, right, bottom = (round(side) for side in box)
        right, bottom = max(left + 1, right), max(top + 1, bottom)
        if self._mask.crop((left, top, right, bottom)).getbbox():
            self._settle()
        self._marked.append((top, bottom))
        self._draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)

    def dashes(self, box: Box | tuple[float, float, float, float], step: int, way: float, colour: Colour) -> None:
        """Fill a strip with dashes of `way` pixels that begin `step` pixels from one another."""
        left, top, right, bottom = (round(side) for side in box)
        if self._mask.crop((left, top, right, bottom)).getbbox():
            self._settle()
        self._marked.append((top, bottom))
        for x in range(left, right - step, step):
            self._draw.rectangle((x, top, x + max(1, round(way)) - 1, bottom - 1), fill=colour)

    def frame(self, box: Box | tuple[float, float, float, float], colour: Colour, thickness: int = 1) -> None:
        """Draw a rectangle's edge inside it."""
        left, top, right, bottom = (round(side) for side in box)
        self._marked.append((top, bottom))
        self._draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=thickness)

    def inside(self, line: Line) -> bool:
        """Whether all ink of a line is on the canvas."""
        left, top, right, bottom = line.box
        return left >= 0 and top >= 0 and right <= self.width and bottom <= self.height


@lru_cache(maxsize=512)
def _table(paper: int, ink: int) -> list[int]:
    """A channel's level for each of 256 amounts of ink."""
    return [round(paper + (ink - paper) * share / 255) for share in range(256)]
