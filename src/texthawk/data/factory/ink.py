"""Letters of any font as masks kept from before, so that printing is copying.

A glyph is drawn by FreeType once for each font and size; where the glyphs of a word stand is worked out once and kept too.
Text runs from left to right, one character beside the other: scripts that join or reorder their letters are not set right.
"""

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from fontTools.ttLib import TTFont
from PIL import Image

from texthawk.data.synth.fonts import HAN_MIDDLE, face_number, typeface
from texthawk.image.wide import WIDE

STEP = 1.12
"""Ratio of neighbouring sizes: few sizes, so that the letters of one are soon all drawn."""
KEPT_WORDS = 6000
"""Words that a face keeps before it forgets them all."""
_UNITS = re.compile(f"( ?)([{WIDE}]|[^ {WIDE}]+)")
CLOSING = frozenset("，。、；：？！）》】」』”’…,.;:?!)]}%")
"""What never begins a line where lines may be cut between any two characters."""


class Glyph(NamedTuple):
    """Ink of a character: a mask of Pillow's core, its box measured from the pen on the baseline, and the pen's way.

    `mask` is None where there is no ink; the box then is as wide as the pen's way and one x-height high.
    """

    mask: Any
    left: int
    top: int
    right: int
    bottom: int
    advance: float


class Word(NamedTuple):
    """Masks of a unit of text, each with the place of its top left corner from the pen; box and way as of a Glyph."""

    masks: tuple[tuple[int, int, Any], ...]
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
    make = tuple.__new__  # Unit's own way to make one takes twice as long, and pages have thousands
    return [make(Unit, (word, space != "")) for space, word in _UNITS.findall(text)]


def joined(parts: list[Unit]) -> str:
    """The text of units; a space before the first is not part of it."""
    return "".join((" " if unit.spaced and i else "") + unit.text for i, unit in enumerate(parts))


@cache
def characters(path: str) -> frozenset[int]:
    """Code points that a font file has glyphs for."""
    with TTFont(path, lazy=True, fontNumber=face_number(path)) as font:
        return frozenset(font.getBestCmap() or ())


@cache
def x_ratio(path: str) -> float:
    """Height of "x" as a part of the font's size, kept within what text fonts have."""
    font = typeface(path, 100)
    top = font.getbbox("x", anchor="ls")[1]
    return min(0.62, max(0.36, -top / 100))


def rung(size: float) -> float:
    """The step of the ladder of sizes that is nearest to `size`."""
    return STEP ** round(math.log(size) / math.log(STEP))


class Font(NamedTuple):
    """A font file; `weight` above 0 makes its stems wider by about that part of the size, where it has no bold face."""

    path: str
    weight: float = 0.0


class Face:
    """Fonts at one size, of which each character takes the first that has it.

    size: twice the height of "x" in pixels, so that faces of one size look equally large.
    """

    def __init__(self, fonts: tuple[Font, ...], size: float):
        self.size = size
        self._chain = fonts
        self._glyphs: dict[str, Glyph] = {}
        self._words: dict[str, Word] = {}
        self.x_height = round(size / 2)
        self.space = max(2.0, _drawings(fonts[0], size).space)
        self._missing = _Missing(tuple(font.path for font in fonts))
        has_latin = self.fit("Ep") == "Ep"
        self.ascent = -self.glyph("E").top if has_latin else round(0.8 * size)
        self.descent = max(self.glyph("p").bottom, round(0.2 * size)) if has_latin else round(0.2 * size)

    def fit(self, text: str) -> str:
        """`text` with single spaces, in characters that the fonts have; what they lack is made plainer or left out."""
        return " ".join(text.translate(self._missing).split())

    def glyph(self, character: str) -> Glyph:
        """A single character."""
        found = self._glyphs.get(character)
        if found is None:
            found = self._glyphs[character] = self._drawn(character)
        return found

    def word(self, text: str) -> Word:
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
        return self._wrapped(units(text), width if first is None else first, width)

    def words(self, parts: Sequence[Unit]) -> list[Word]:
        """The words of units, looked up together."""
        kept = self._words.get
        return [kept(text) or self.word(text) for text, _ in parts]

    def _wrapped(self, parts: list[Unit], room: float, width: float) -> Iterator[list[Unit]]:
        ways = [word.advance for word in self.words(parts)]
        ends = list(accumulate(way + self.space * unit.spaced for way, unit in zip(ways, parts, strict=True)))
        start = 0
        while start < len(parts):
            origin = ends[start] - ways[start]
            stop = bisect_right(ends, origin + room, start)
            if stop == start:
                text = parts[start].text
                cut = next((i for i in range(len(text) - 1, 0, -1) if self.width(text[:i]) <= room), 0)
                if cut:
                    yield [Unit(text[:cut], parts[start].spaced)]
                    yield from self._wrapped([Unit(text[cut:], False), *parts[start + 1 :]], width, width)
                return
            if stop < len(parts) and parts[stop].text in CLOSING and ends[stop] <= origin + room + 0.3 * self.size:
                stop += 1
            while start + 1 < stop < len(parts) and not parts[stop].spaced and parts[stop].text[0] in CLOSING:
                stop -= 1
            yield parts[start:stop]
            start, room = stop, width

    def _drawn(self, character: str) -> Glyph:
        code = ord(character)
        font = next((font for font in self._chain if code in characters(font.path)), self._chain[0])
        return _drawings(font, self.size)[character]

    def _together(self, text: str) -> Word:
        if len(text) == 1:
            mask, *box, advance = self.glyph(text)
            left, top, right, bottom = box
            return Word(((left, top, mask),) if mask is not None else (), left, top, right, bottom, advance)
        # One plain loop: pages bring some hundred new words, and this takes half as long as a line for each number.
        kept, pen, masks = self._glyphs.get, 0.0, []
        first = self.glyph(text[0])
        left, top, right, bottom = first[1:5]
        for character in text:
            mask, x0, y0, x1, y1, advance = kept(character) or self.glyph(character)
            x = round(pen)
            x0 += x
            x1 += x
            if mask is not None:
                masks.append((x0, y0, mask))
            if x0 < left:
                left = x0
            if y0 < top:
                top = y0
            if x1 > right:
                right = x1
            if y1 > bottom:
                bottom = y1
            pen += advance
        return Word(tuple(masks), left, top, right, bottom, pen)


class _Drawings(dict[str, Glyph]):
    """The glyphs of a font at one size, drawn when first asked for; every face that has the font shares them."""

    def __init__(self, font: Font, size: float):
        super().__init__()
        # Wide scripts fill their square: it is as large as the type, whatever the font's "x" is like.
        pixels = size * (1.04 if HAN_MIDDLE in characters(font.path) else 0.5 / x_ratio(font.path))
        self._font = typeface(font.path, max(4.0, pixels))
        self._strikes = 1 + (max(1, round(font.weight * size)) if font.weight else 0)
        self._x_height = round(size / 2)
        self.space = self._font.getlength(" ")

    def __missing__(self, character: str) -> Glyph:
        mask, (left, top) = self._font.getmask2(character, mode="L", anchor="ls")
        if self._strikes > 1:
            mask = _struck(mask, self._strikes)
        advance = self._font.getlength(character)
        box = mask.getbbox()
        if box is None:
            made = Glyph(None, 0, -self._x_height, max(1, round(advance)), 0, advance)
        else:
            made = Glyph(mask.crop(box), left + box[0], top + box[1], left + box[2], top + box[3], advance)
        self[character] = made
        return made


def _struck(mask: Any, times: int) -> Any:
    """A letter printed several times, a pixel apart, as typewriters make bold letters; FreeType's own way is far slower."""
    width, height = mask.size
    wide = Image.new("L", (width + times - 1, height)).im
    for x in range(times):
        wide.paste(255, (x, 0, x + width, height), mask)
    return wide


@lru_cache(maxsize=300)
def _drawings(font: Font, size: float) -> _Drawings:
    return _Drawings(font, size)


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
