"""Tables of sets that come without pictures, drawn plainly."""

from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from texthawk.data.dropped import Unusable
from texthawk.data.synth.fonts import face_number

SIZE, PAD, WIDEST = 20, 8, 320
"""Height of the type, space inside a cell and width of a column at most, in pixels."""
PLAIN = ("dejavusans.ttf", "liberationsans-regular.ttf", "notosans-regular.ttf", "wqy-microhei.ttc", "arial.ttf")
"""Fonts to take first where they are there, because they cover much and are plain."""


@dataclass(frozen=True)
class DrawnTable:
    """A table with its head in the first row, its caption above, in the font of a file ("" for Pillow's own)."""

    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    font: str = ""

    def draw(self) -> Image.Image:
        """Black on white, a line around every cell, words wrapped; the same pixels for the same table."""
        face = drawing_face(self.font, SIZE)
        columns = max(len(row) for row in self.rows)
        cells = [[wrapped(cell, face) for cell in (*row, *[""] * (columns - len(row)))] for row in self.rows]
        widths = [
            round(max(max((face.getlength(line) for line in row[column]), default=0.0) for row in cells)) + 2 * PAD
            for column in range(columns)
        ]
        step = round(SIZE * 1.3)
        heights = [max(len(cell) for cell in row) * step + 2 * PAD for row in cells]
        title = wrapped(self.caption, face, sum(widths)) if self.caption else []
        above = len(title) * step
        width = max(sum(widths), *(round(face.getlength(line)) for line in title), 0) + 2 * PAD + 1
        image = Image.new("L", (width, above + sum(heights) + 2 * PAD + 1), 255)
        pen = ImageDraw.Draw(image)
        for number, line in enumerate(title):
            pen.text((PAD, PAD + number * step), line, fill=0, font=face)
        y = PAD + above
        for row, height in zip(cells, heights, strict=True):
            x = PAD
            for cell, column in zip(row, widths, strict=True):
                pen.rectangle((x, y, x + column, y + height), outline=0)
                for number, line in enumerate(cell):
                    pen.text((x + PAD, y + PAD + number * step), line, fill=0, font=face)
                x += column
            y += height
        return image


def drawing_face(font: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font file at `size` pixels to the em, or Pillow's own font where none is named."""
    return ImageFont.truetype(font, size, index=face_number(font)) if font else ImageFont.load_default(size)


def drawn(rows: list[list[str]], caption: str = "") -> DrawnTable:
    """A table in a font that has all its characters; Unusable where it is empty or no font of this machine has them."""
    kept = tuple(tuple(" ".join(cell.split()) for cell in row) for row in rows if row)
    if not any(any(row) for row in kept):
        raise Unusable("its table is empty")
    caption = " ".join(caption.split())
    text = frozenset(caption).union(*(cell for row in kept for cell in row))
    return DrawnTable(kept, caption, font_for(text))


def font_for(characters: frozenset[str]) -> str:
    """A font file of this machine that has all the characters, "" for Pillow's own; Unusable where there is none."""
    codes = {ord(character) for character in characters if not character.isspace()}
    for path in _fonts():
        if codes <= _covered(path):
            return path
    if all(code < 127 for code in codes):
        return ""
    raise Unusable("no font of this machine has all its characters")


@cache
def _fonts() -> tuple[str, ...]:
    from texthawk.data.synth.fonts import system_fonts

    found = {path.replace("\\", "/").rsplit("/", 1)[-1].lower(): path for path in sorted(system_fonts(), reverse=True)}
    return tuple(found[name] for name in PLAIN if name in found) + tuple(
        path for name, path in sorted(found.items()) if name not in PLAIN and "regular" in name
    )


@cache
def _covered(path: str) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(path, fontNumber=face_number(path), lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


def wrapped(text: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float = WIDEST) -> list[str]:
    """Lines no wider than `room`, cut between words, and within a word only where it is wider by itself."""
    lines = [""]
    for word in text.split(" "):
        if face.getlength(joined := f"{lines[-1]} {word}".lstrip()) <= room:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and face.getlength(lines[-1] + character) > room:
                lines.append("")
            lines[-1] += character
    return lines
