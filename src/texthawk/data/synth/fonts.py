"""Fonts of this machine that can print a Latin page, grouped by family, with what each can show."""

import os
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont, TTLibError
from PIL import ImageFont

from texthawk.data.synth.corpus import ASCII, CHARACTERS

SUFFIXES = (".ttf", ".otf", ".ttc", ".t1")
ODD = (
    "math",
    "music",
    "symbol",
    "emoji",
    "dingbat",
    "barcode",
    "nushu",
    "keyboard",
    "icons",
    "awesome",
    "braille",
    "pictograph",
    "d050000l",
)
"""Parts of family names whose Latin letters are not those of a page of text."""
HAN_MIDDLE = 0x4E2D
"""中, which every Chinese font has."""
SIMPLIFIED = (" SC", " CN", " GB")
"""Ends of names of families whose characters are drawn as the mainland of China writes them."""


@dataclass(frozen=True)
class FontName:
    """What a font file calls itself; `covers` is the part of CHARACTERS that it has glyphs for.

    `weight` is 400 for regular and 700 for bold, `width` 5 for normal and less for narrow faces, as in OpenType's OS/2 table.
    """

    path: str
    family: str
    weight: int
    width: int
    italic: bool
    mono: bool
    covers: frozenset[str]

    @property
    def bold(self) -> bool:
        return self.weight > 550


def font_folders() -> list[Path]:
    """Where this system keeps its fonts; folders that do not exist are left out."""
    home = Path.home()
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".fonts", home / ".local/share/fonts"]
    if sys.platform == "darwin":
        folders += [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        folders += [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    return [folder for folder in folders if folder.is_dir()]


@cache
def face_number(path: str) -> int:
    """Which face of a font file is printed: of a collection the one drawn for simplified Chinese, where there is one; else 0.

    Collections of CJK fonts differ in how a region writes the same character, and most begin with Japan's forms.
    """
    if not path.lower().endswith(".ttc"):
        return 0
    try:
        with TTCollection(path, lazy=True) as collection:
            for number, font in enumerate(collection.fonts):
                chinese = HAN_MIDDLE in (font.getBestCmap() or ())  # else " SC" is a family of small capitals
                if chinese and (font["name"].getBestFamilyName() or "").endswith(SIMPLIFIED):
                    return number
    except (TTLibError, OSError, KeyError, AssertionError, struct.error):
        pass
    return 0


def typeface(path: str, size: float) -> ImageFont.FreeTypeFont:
    """The printed face of a font file at `size` pixels to the em, its letters set without kerning."""
    return ImageFont.truetype(path, size, index=face_number(path), layout_engine=ImageFont.Layout.BASIC)


@cache
def describe(path: str) -> FontName | None:
    """Names, weight and coverage of a font file; None when it is no font that fontTools can read or has no Unicode map."""
    try:
        with TTFont(path, lazy=True, fontNumber=face_number(path)) as font:
            cmap = font.getBestCmap()
            if not cmap:
                return None
            family = font["name"].getBestFamilyName() or Path(path).stem
            style = (font["name"].getBestSubFamilyName() or "").lower()
            table = font["OS/2"]
            weight, width, slanted = table.usWeightClass, table.usWidthClass, bool(table.fsSelection & 1)
            mono = bool(font["post"].isFixedPitch)
    except (TTLibError, OSError, KeyError, AssertionError, struct.error):
        return None
    covers = frozenset(character for character in CHARACTERS if ord(character) in cmap)
    if "bold" in style and weight < 600:
        weight = 700
    italic = slanted or any(word in style for word in ("italic", "oblique"))
    return FontName(path, family, weight, width, italic, mono, covers)


def is_text_font(name: FontName) -> bool:
    """Whether a font shows all of ASCII and is not a symbol, math or display oddity."""
    return name.covers.issuperset(ASCII) and not any(odd in name.family.lower() for odd in ODD)


@cache
def _scan(folders: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for folder in folders:
        for root, _, files in os.walk(folder):
            for file in files:
                if file.lower().endswith(SUFFIXES):
                    found.setdefault(file, os.path.join(root, file))
    names = [name for name in map(describe, found.values()) if name is not None and is_text_font(name)]
    return tuple(name.path for name in sorted(names, key=lambda name: (name.family, name.path)))


def system_fonts(folders: Iterable[str | os.PathLike[str]] = ()) -> list[str]:
    """Paths of the text fonts of this system and of further `folders`, by family and then path; scanned once a process."""
    return list(_scan(tuple(map(str, (*font_folders(), *folders)))))


def hold_out(fonts: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split `fonts` into those kept and those whose family name holds one of `names` (case does not matter)."""
    wanted = [name.lower() for name in names if name]
    kept: list[str] = []
    held: list[str] = []
    for path in fonts:
        described = describe(path)
        family = described.family.lower() if described else Path(path).stem.lower()
        (held if any(name in family for name in wanted) else kept).append(path)
    return kept, held


@dataclass(frozen=True)
class Family:
    """The styles of one family; a style that it lacks is the regular one. `others` are further upright weights and widths."""

    name: str
    regular: str
    bold: str
    italic: str
    mono: bool
    others: tuple[str, ...]


def families(fonts: Sequence[str]) -> list[Family]:
    """Group font files by family name, in the order of `fonts`; a family with no upright face uses its first face for all."""
    groups: dict[str, list[FontName]] = {}
    for path in fonts:
        name = describe(path)
        if name is None:
            raise ValueError(f"font {path!r} cannot be read; give a TrueType or OpenType file with a Unicode map")
        groups.setdefault(name.family, []).append(name)
    result = []
    for family, faces in groups.items():
        upright = [f for f in faces if not f.italic] or faces[:1]
        regular = min(upright, key=lambda f: (abs(f.weight - 400), abs(f.width - 5)))
        bold = min(upright, key=lambda f: (abs(f.weight - 700), abs(f.width - regular.width)))
        slanted = [f for f in faces if f.italic]
        italic = min(slanted, key=lambda f: abs(f.weight - regular.weight), default=regular)
        others = tuple(f.path for f in upright if f not in (regular, bold))
        result.append(
            Family(family, regular.path, (bold if bold.bold else regular).path, italic.path, regular.mono, others)
        )
    return result
