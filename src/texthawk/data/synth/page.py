"""Pages and windows of pages: text is laid out, printed, damaged; a pure function of (seed, index)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from PIL import Image

from texthawk.data.synth.column import fill_page, fill_window
from texthawk.data.synth.corpus import Corpus
from texthawk.data.synth.degrade import degrade
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import Family, families
from texthawk.data.synth.layout import SynthPage
from texthawk.data.synth.sheet import Sheet, palette, resized, turned
from texthawk.data.synth.writer import Type

WINDOW_SALT = 0x57494E
PAGE_SALT = 0x504147
COMMON = (
    "Liberation",
    "Nimbus",
    "Tinos",
    "Arimo",
    "Carlito",
    "Caladea",
    "CMU Serif",
    "DejaVu S",
    "Noto S",
    "STIX",
    "Roboto",
    "Open Sans",
    "PT S",
    "WenQuanYi",
)
"""Beginnings of names of families that, or whose doubles, most documents are set in."""
FILTERS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.BOX)


@dataclass(frozen=True)
class PageStyle:
    """What a window may look like; all of it plain numbers.

    `type_px` ranges over twice the height in pixels of the letter "x" of body text. `damage` scales spoiling, `ornaments`
    rules, boxes and underlines; `dark`, `coloured`, `blank` and `resampled` are shares of windows; `stretch` is the largest
    change of proportions and `skew` the largest turn in degrees. `records` is the share of windows that hold receipts,
    forms, tables and labels rather than prose (None: as in `column.MOODS`), `capitals` of those without small letters,
    `dotted` of those printed in dots, `typed` of those that are set in a family with letters of one width whatever
    chance says, and `invented` that of phrases whose words nobody has read before.
    """

    height: int
    width: int
    type_px: tuple[float, float] = (10, 20)
    max_lines: int | None = None
    damage: float = 1.0
    ornaments: float = 1.0
    dark: float = 0.08
    coloured: float = 0.2
    blank: float = 0.01
    resampled: float = 0.3
    stretch: float = 0.12
    skew: float = 1.0
    records: float | None = None
    capitals: float = 0.0
    dotted: float = 0.0
    typed: float = 0.0
    invented: float = 0.0

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 32:
            raise ValueError(f"size {self.height}x{self.width} is too small; both sides must be 32 or more pixels")
        if not 6 <= self.type_px[0] <= self.type_px[1]:
            raise ValueError(
                f"type_px {self.type_px} must be (low, high) with 6 <= low <= high; smaller letters cannot be read"
            )
        if self.damage < 0:
            raise ValueError(f"damage {self.damage} is negative; it must be 0 (clean) or more, 1 being usual")


class PageMaker:
    """Prints text of `corpus` in `fonts` (paths); the page of an index depends on the seed and the index alone."""

    def __init__(self, corpus: Corpus, fonts: Sequence[str], *, seed: int):
        if not fonts:
            raise ValueError(
                "0 fonts given; at least one is needed: install a Latin text font or hold out fewer families"
            )
        self.corpus, self.seed = corpus, seed
        self.families: dict[Family, float] = {
            family: (0.4 if family.mono else 1.0) * (3.0 if family.name.startswith(COMMON) else 1.0)
            for family in families(fonts)
        }

    @cached_property
    def _typed(self) -> dict[Family, float]:
        return {family: weight for family, weight in self.families.items() if family.mono}

    def window(
        self,
        index: int,
        *,
        height: int,
        width: int,
        type_px: tuple[float, float] = (10, 20),
        max_lines: int | None = None,
        damage: float = 1.0,
    ) -> SynthPage:
        """What a crop of a real page looks like: text on (height, width) pixels, no character cut by the border.

        `type_px` ranges over twice the x-height of the body text, about its font size.
        """
        return self.draw(index, PageStyle(height, width, type_px, max_lines, damage))

    def draw(self, index: int, style: PageStyle) -> SynthPage:
        """The window of `index` in a style of one's own."""
        dice = Dice(WINDOW_SALT, self.seed, index)
        sheet, scale, degrees = _empty(dice, style)
        if not dice.chance(style.blank):
            low, high = style.type_px
            size = low * (high / low) ** dice.random() * scale
            used = self.type(dice, size, style.ornaments)
            if style.capitals and dice.chance(style.capitals):
                used = replace(used, capitals=True)
            if style.typed and (typed := self._typed) and dice.chance(style.typed):
                used = replace(used, family=dice.weighted(typed))
            used = replace(used, invented=style.invented)
            fill_window(sheet, dice, self.corpus, used, style.max_lines or 1000, scale, style.records)
            if style.dotted and dice.chance(style.dotted):
                sheet.dot(dice)
        elif dice.chance(0.5 * style.ornaments):
            sheet.rule(0, sheet.height * dice.random(), sheet.width, 0)
        return _finish(sheet, dice, (style.width, style.height), degrees, style.damage, scale)

    def page(
        self,
        index: int,
        *,
        height: int,
        width: int,
        type_px: tuple[float, float] | None = None,
        damage: float = 1.0,
    ) -> SynthPage:
        """A whole page with margins: an article in columns, a letter, a report, a receipt or a slide.

        `type_px` is as for `window`; without it the page's width sets the type as on paper.
        """
        low, high = type_px or (max(8.0, width / 95), max(10.0, width / 50))
        style = PageStyle(height, width, (low, high), None, damage)
        dice = Dice(PAGE_SALT, self.seed, index)
        sheet, scale, degrees = _empty(dice, style)
        if not dice.chance(style.blank):
            fill_page(sheet, dice, self.corpus, self.type(dice, low * (high / low) ** dice.random() * scale))
        return _finish(sheet, dice, (width, height), degrees, damage, scale)

    def type(self, dice: Dice, size: float, ornaments: float = 1.0) -> Type:
        """What a column of body text of `size` is set in."""
        family = dice.weighted(self.families)
        if family.others and dice.chance(0.2):
            family = replace(family, regular=dice.pick(family.others))
        return Type(
            family=family,
            head=family if dice.chance(0.7) else dice.weighted(self.families),
            size=size,
            leading=dice.between(1.1, 1.45) if dice.chance(0.8) else dice.between(1.4, 2.2),
            align=dice.weighted({"left": 0.5, "justified": 0.4, "centre": 0.07, "right": 0.03}),
            indent=dice.between(0, 3) * size if dice.chance(0.35) else 0.0,
            gap=dice.between(0, 1) * size if dice.chance(0.6) else 0.0,
            tracking=dice.between(-0.01, 0.12) * size if dice.chance(0.05) else 0.0,
            hyphens=dice.chance(0.3),
            emphasis=0.12 if dice.chance(0.4) else 0.0,
            accent=dice.chance(0.5),
            ornaments=ornaments,
        )


def _empty(dice: Dice, style: PageStyle) -> tuple[Sheet, float, float]:
    """A sheet to print on, its scale (pixels down the sheet for one of the image) and by how many degrees it will be turned."""
    down = across = 1.0
    if dice.chance(style.resampled):
        down = dice.pick((1.0, 1.0, 1.25, 1.5, 2.0))
        across = down * dice.between(1 - style.stretch, 1 + style.stretch)
    height, width = round(style.height * down), round(style.width * across)
    degrees = 0.0
    if style.skew and style.damage and dice.chance(min(0.5, 0.15 * style.damage)):
        degrees = dice.between(-style.skew, style.skew)
    sine = abs(math.sin(math.radians(degrees)))
    margin = (2.0 + sine * height / 2, 2.0 + sine * width / 2)
    return (
        Sheet(height, width, palette(dice, dark=style.dark, coloured=style.coloured), margin),
        height / style.height,
        degrees,
    )


def _finish(sheet: Sheet, dice: Dice, size: tuple[int, int], degrees: float, damage: float, scale: float) -> SynthPage:
    """Ink becomes an image of `size`, turned and damaged, and the lines' boxes follow."""
    image, lines = sheet.compose(dice), sheet.lines
    if degrees:
        image, lines = turned(image, lines, degrees, sheet.background(), dice.pick(FILTERS[1:3]))
    if image.size != size:
        image, lines = resized(image, lines, size, dice.pick(FILTERS))
    image = degrade(image, dice, damage, x_height=sheet.finest / scale)
    return SynthPage(image.convert("RGB"), tuple(lines))
