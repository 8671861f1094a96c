"""Paragraphs of sets that come without pictures, drawn as plain pages."""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from texthawk.data.public.drawn_table import drawing_face, font_for, wrapped

WIDTH, SIZE, MARGIN, LEADING = 1000, 24, 60, 1.6
"""Width of the page, height of the type and margin in pixels, and the distance of lines in heights of the type."""


@dataclass(frozen=True)
class DrawnText:
    """Paragraphs, parted by line breaks, in the font of a file ("" for Pillow's own)."""

    text: str
    font: str = ""

    def draw(self) -> Image.Image:
        """Black on white, as high as the text is; the same pixels for the same text."""
        face = drawing_face(self.font, SIZE)
        lines = [line for paragraph in self.text.split("\n") for line in wrapped(paragraph, face, WIDTH - 2 * MARGIN)]
        step = round(SIZE * LEADING)
        image = Image.new("L", (WIDTH, 2 * MARGIN + len(lines) * step), 255)
        pen = ImageDraw.Draw(image)
        for number, line in enumerate(lines):
            pen.text((MARGIN, MARGIN + number * step), line, fill=0, font=face)
        return image


def drawn_text(text: str) -> DrawnText:
    """A text in a font that has all its characters; Unusable where no font of this machine has them."""
    return DrawnText(text, font_for(frozenset(text)))
