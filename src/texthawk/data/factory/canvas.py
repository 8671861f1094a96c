"""A picture that text, rules and shapes are put on, and which remembers every line of text with its boxes."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from texthawk.data.factory.document import Line
from texthawk.data.factory.ink import Face, Unit, units
from texthawk.types import Box

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


class Canvas:
    """`image` (RGB) and Pillow's `draw` on it, for shapes; `lines` are what `text` printed, in the order of printing."""

    def __init__(self, width: int, height: int, paper: Colour = WHITE, ink: Colour = BLACK):
        self.width, self.height, self.paper, self.ink = width, height, paper, ink
        self.image = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.lines: list[Line] = []

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
        if align != "left":
            way = sum(
                face.word(u.text).advance + (face.space + stretch if u.spaced and i else 0.0)
                for i, u in enumerate(parts)
            )
            x -= way / 2 if align == "centre" else way
        drawn = self.draw.draw
        ink = drawn.draw_ink(colour or self.ink)
        y = round(baseline)
        boxes, gap = [], face.space + stretch
        for i, (word, spaced) in enumerate(parts):
            if spaced and i:
                x += gap
            glyph = face.word(word)
            left = round(x)
            if glyph.mask is not None:
                drawn.draw_bitmap((left + glyph.left, y + glyph.top), glyph.mask, ink)
            boxes.append((left + glyph.left, y + glyph.top, left + glyph.right, y + glyph.bottom))
            x += glyph.advance
        line = Line(
            tuple(unit.text for unit in parts),
            tuple(unit.spaced and i > 0 for i, unit in enumerate(parts)),
            np.array(boxes, dtype=np.float32),
        )
        if keep:
            self.lines.append(line)
        return line

    def fill(self, box: Box | tuple[float, float, float, float], colour: Colour) -> None:
        """Fill a rectangle; `right` and `bottom` lie just outside it, and it is at least one pixel wide and high."""
        left, top, right, bottom = (round(side) for side in box)
        self.draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=colour)

    def frame(self, box: Box | tuple[float, float, float, float], colour: Colour, thickness: int = 1) -> None:
        """Draw a rectangle's edge inside it."""
        left, top, right, bottom = (round(side) for side in box)
        self.draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=thickness)

    def inside(self, line: Line) -> bool:
        """Whether all ink of a line is on the canvas."""
        left, top, right, bottom = line.box
        return left >= 0 and top >= 0 and right <= self.width and bottom <= self.height
