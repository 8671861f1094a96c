"""Letters of any font as masks kept from before, so that a line of print costs one copy a word.

A glyph is drawn by FreeType once for each font and size; a word is put together of its glyphs once and then kept too.
Text runs from left to right, one character beside the other: scripts that join or reorder their letters are not set right.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

from fontTools.ttLib import TTFont
from PIL import Image, ImageFont

STEP = 1.08
"""Ratio of neighbouring sizes: few sizes, so that the letters of one are soon all drawn."""
KEPT_WORDS = 6000
"""Words that a face keeps before it forgets them all."""
_WIDE = "\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_UNITS = re.compile(f"( ?)([{_WIDE}]|[^ {_WIDE}]+)")
CLOSING = frozenset("，。、；：？！）》】」』”’…,.;:?!)]}%")
"""What never begins a line where lines may be cut between any two characters."""


class Glyph(NamedTuple):
    """Ink of a character or word: a mask of Pillow's core, its box measured from the pen on the baseline, and the pen's way.

    `mask` is None where there is no ink; the box then is as wide as the pen's way and one x-height high.
    """

    mask: Any
    left: int
    top: int
    right: int
    bottom: int
    advance: float


class Unit(NamedTuple):
    """A piece of text that lines are never cut within: a word, or one character of a script without spaces.

    `spaced` says that a space stands before it.
    """

    text: str
    spaced: bool


def units(text: str) -> list[Unit]:
    """`text`, with single spaces, as its units; joined again they are the text."""
    return [Unit(word, bool(space)) for space, word in _UNITS.findall(text)]


def joined(parts: list[Unit]) -> str:
    """The text of units; a space before the first is not part of it."""
    return "".join((" " if unit.spaced and i else "") + unit.text for i, unit in enumerate(parts))


def is_wide(character: str) -> bool:
    """Whether a character is of a script that puts no spaces between words (Chinese, Japanese)."""
    return re.match(f"[{_WIDE}]", character) is not None


@cache
def characters(path: str) -> frozenset[int]:
    """Code points that a font file has glyphs for."""
    with TTFont(path, lazy=True, fontNumber=0) as font:
        return frozenset(font.getBestCmap() or ())


@cache
def x_ratio(path: str) -> float:
    """Height of "x" as a part of the font's size, kept within what text fonts have."""
    font = ImageFont.truetype(path, 100, layout_engine=ImageFont.Layout.BASIC)
    top = font.getbbox("x", anchor="ls")[1]
    return min(0.62, max(0.36, -top / 100))


def rung(size: float) -> float:
    """The step of the ladder of sizes that is nearest to `size`."""
    return STEP ** round(math.log(size) / math.log(STEP))


class Font(NamedTuple):
    """A font file; `weight` above 0 thickens its letters by that part of the size, where it has no bold face."""

    path: str
    weight: float = 0.0


class Face:
    """Fonts at one size, of which each character takes the first that has it.

    size: twice the height of "x" in pixels, so that faces of one size look equally large.
    """

    def __init__(self, fonts: tuple[Font, ...], size: float):
        self.size = size
        self._chain = fonts
        self._fonts: list[ImageFont.FreeTypeFont | None] = [None] * len(fonts)
        self._glyphs: dict[str, Glyph] = {}
        self._words: dict[str, Glyph] = {}
        self.x_height = round(size / 2)
        self.space = max(2.0, self._font(0).getlength(" "))
        self._missing = _Missing(tuple(font.path for font in fonts))
        has_latin = self.fit("Ep") == "Ep"
        self.ascent = -self.glyph("E").top if has_latin else round(0.8 * size)
        self.descent = max(self.glyph("p").bottom, round(0.2 * size)) if has_latin else round(0.2 * size)

    def _font(self, index: int) -> ImageFont.FreeTypeFont:
        font = self._fonts[index]
        if font is None:
            path = self._chain[index].path
            # Wide scripts fill their square: it is as large as the type, whatever the font's "x" is like.
            pixels = self.size * (1.04 if 0x4E2D in characters(path) else 0.5 / x_ratio(path))
            font = ImageFont.truetype(path, max(4.0, pixels), layout_engine=ImageFont.Layout.BASIC)
            self._fonts[index] = font
        return font

    def fit(self, text: str) -> str:
        """`text` with single spaces, in characters that the fonts have; what they lack is made plainer or left out."""
        return " ".join(text.translate(self._missing).split())

    def glyph(self, character: str) -> Glyph:
        """A single character."""
        found = self._glyphs.get(character)
        if found is None:
            found = self._glyphs[character] = self._drawn(character)
        return found

    def word(self, text: str) -> Glyph:
        """A unit of text, put together of its characters."""
        found = self._words.get(text)
        if found is None:
            if len(self._words) >= KEPT_WORDS:
                self._words.clear()
            found = self._words[text] = self._together(text)
        return found

    def width(self, text: str) -> float:
        """The pen's way over `text`."""
        return sum(self.word(unit.text).advance + (self.space if unit.spaced else 0.0) for unit in units(text))

    def wrap(self, text: str, width: float, first: float | None = None) -> Iterator[list[Unit]]:
        """Cut `text` into lines no wider than `width` (the first no wider than `first`).

        A word that alone is wider than a line is cut where the line ends; where not one letter fits, the text ends.
        """
        room, line, x = width if first is None else first, list[Unit](), 0.0
        waiting = units(text)[::-1]
        while waiting:
            unit = waiting.pop()
            way = self.word(unit.text).advance
            gap = self.space if unit.spaced and line else 0.0
            if x + gap + way <= room or (line and unit.text in CLOSING and x + way <= room + 0.3 * self.size):
                line.append(unit)
                x += gap + way
                continue
            if line:
                waiting.append(unit)
                if not unit.spaced and unit.text[0] in CLOSING and len(line) > 1 and len(line[-1].text) == 1:
                    waiting.append(line.pop())
            else:
                cut = next((i for i in range(len(unit.text) - 1, 0, -1) if self.width(unit.text[:i]) <= room), 0)
                if not cut:
                    return
                line = [Unit(unit.text[:cut], unit.spaced)]
                waiting.append(Unit(unit.text[cut:], False))
            yield line
            line, x, room = [], 0.0, width
        if line:
            yield line

    def _drawn(self, character: str) -> Glyph:
        code = ord(character)
        index = next((i for i, font in enumerate(self._chain) if code in characters(font.path)), 0)
        font, stroke = self._font(index), self._chain[index].weight * self.size
        mask, (left, top) = font.getmask2(character, mode="L", anchor="ls", stroke_width=stroke)
        advance = font.getlength(character)
        box = mask.getbbox()
        if box is None:
            return Glyph(None, 0, -self.x_height, max(1, round(advance)), 0, advance)
        return Glyph(mask.crop(box), left + box[0], top + box[1], left + box[2], top + box[3], advance)

    def _together(self, text: str) -> Glyph:
        if len(text) == 1:
            return self.glyph(text)
        pen, placed = 0.0, []
        for character in text:
            glyph = self.glyph(character)
            if glyph.mask is not None:
                placed.append((round(pen), glyph))
            pen += glyph.advance
        if not placed:
            return Glyph(None, 0, -self.x_height, max(1, round(pen)), 0, pen)
        left = min(x + glyph.left for x, glyph in placed)
        right = max(x + glyph.right for x, glyph in placed)
        top = min(glyph.top for _, glyph in placed)
        bottom = max(glyph.bottom for _, glyph in placed)
        mask = Image.new("L", (right - left, bottom - top)).im
        for x, glyph in placed:
            x -= left
            mask.paste(255, (x + glyph.left, glyph.top - top, x + glyph.right, glyph.bottom - top), glyph.mask)
        return Glyph(mask, left, top, right, bottom, pen)


class _Missing(dict[int, str]):
    """str.translate table that works out once what a face prints for a character."""

    def __init__(self, paths: tuple[str, ...]):
        super().__init__()
        self._paths = paths

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKC", chr(code))
        options = (chr(code), plain) if not chr(code).isspace() else (" ",)
        self[code] = next((text for text in options if self._has(text)), "")
        return self[code]

    def _has(self, text: str) -> bool:
        return all(text.isspace() or any(ord(c) in characters(path) for path in self._paths) for c in text)


def face(fonts: tuple[Font, ...], size: float) -> Face:
    """The face of fonts at the `rung` nearest to `size`, kept for the process."""
    return _face(fonts, rung(size))


@lru_cache(maxsize=300)
def _face(fonts: tuple[Font, ...], size: float) -> Face:
    return Face(fonts, size)
