"""Which fonts a document is set in: families of fonts by language, and styles of a family as faces."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from texthawk.data.factory.ink import Face, Font, characters, face
from texthawk.data.factory.texts import Texts
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import Family, families
from texthawk.data.synth.page import COMMON

BOLDER = 0.045
"""By what part of the size stems are made wider where a family has no bold face."""
COVERED = 0.995
"""Share of a language's running text that a font must have characters for to set it."""


@dataclass(frozen=True)
class Style:
    """The faces of a document; each is a chain of fonts, of which a character takes the first that has it."""

    name: str
    regular: tuple[Font, ...]
    bold: tuple[Font, ...]
    italic: tuple[Font, ...]

    def face(self, size: float, kind: str = "regular") -> Face:
        """The "regular", "bold" or "italic" face whose "x" is about half of `size` pixels high."""
        return face({"regular": self.regular, "bold": self.bold, "italic": self.italic}[kind], size)


class Fonts:
    """Font files by family, and which languages of `texts` each family can set.

    ValueError where no font can set one of the languages.
    """

    def __init__(self, paths: Sequence[str], texts: Texts):
        if not paths:
            raise ValueError("0 fonts given; at least one is needed: install a text font, for example DejaVu")
        weights = {
            family: (0.4 if family.mono else 1.0) * (3.0 if family.name.startswith(COMMON) else 1.0)
            for family in families(paths)
        }
        by_language: dict[str, dict[Family, float]] = {}
        for lang in texts.languages:
            wanted = texts.frequencies(lang)
            least = COVERED * wanted.total()
            able = {family: weight for family, weight in weights.items() if _covered(family.regular, wanted) >= least}
            if not able:
                raise ValueError(
                    f"none of {len(paths)} fonts can print {lang!r}; install one that has its characters "
                    "(scripts/fetch_fonts.sh names packages) or leave the language out"
                )
            by_language[lang] = able
        self._by_language = by_language

    def pool(self, dice: Dice, count: int) -> "Fonts":
        """At most `count` of the families of each language: documents that share them are drawn faster one after another."""
        pool = Fonts.__new__(Fonts)
        pool._by_language = {}
        for lang, able in self._by_language.items():
            chosen: dict[Family, float] = {}
            for _ in range(count):
                rest = {family: weight for family, weight in able.items() if family not in chosen}
                if rest:
                    chosen[dice.weighted(rest)] = 1.0
            pool._by_language[lang] = chosen
        return pool

    def style(self, dice: Dice, lang: str, *, mono: bool = False) -> Style:
        """A family for `lang` ("mixed": all languages), with one of each other language for what it lacks.

        In a script with characters of its own, Latin words are now and then set in a Latin family. mono: a family whose
        letters are all of one width where there is one.
        """
        main = lang if lang in self._by_language else next(iter(self._by_language))
        able = self._by_language[main]
        fixed = {family: weight for family, weight in able.items() if family.mono == mono}
        chain = [dice.weighted(fixed or able)]
        for other, families_of in self._by_language.items():
            chosen = dice.weighted(families_of)
            if other != main and chosen not in chain:
                chain.append(chosen)
        if len(chain) > 1 and main != "en" and "en" in self._by_language and dice.chance(0.5):
            chain = [*chain[1:], chain[0]]
        if mono and not chain[0].mono:
            able_mono = [f for f in self._by_language.get("en", {}) if f.mono]
            if able_mono:
                chain = [dice.pick(able_mono), *chain]
        return Style(
            chain[0].name,
            tuple(Font(family.regular) for family in chain),
            tuple(Font(f.bold, BOLDER if f.bold == f.regular else 0.0) for f in chain),
            tuple(Font(family.italic) for family in chain),
        )


def _covered(path: str, wanted: Counter[str]) -> int:
    has = characters(path)
    return sum(count for character, count in wanted.items() if ord(character) in has)
