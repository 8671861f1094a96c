"""What a family of documents is asked for, and the words it may use."""

from dataclasses import dataclass

from texthawk.data.factory.styles import Fonts, Style
from texthawk.data.factory.texts import Texts
from texthawk.data.synth.dice import Dice


@dataclass(frozen=True)
class Order:
    """One document, please.

    lang: a language of `texts`, or "mixed" for all of them on one page. speech: "en" or "zh", what labels and questions
    are written in. height: of the page in pixels, or of an upright page where this one is not; a family may make its
    document smaller where its content is.
    """

    dice: Dice
    texts: Texts
    fonts: Fonts
    lang: str
    speech: str
    height: int

    def say(self, english: str, chinese: str) -> str:
        """One of two wordings, by the language of labels and questions."""
        return chinese if self.speech == "zh" else english

    def pick(self, english: tuple[str, ...], chinese: tuple[str, ...]) -> str:
        return self.dice.pick(chinese if self.speech == "zh" else english)

    def style(self, *, mono: bool = False) -> Style:
        return self.fonts.style(self.dice, self.speech if self.lang == "mixed" else self.lang, mono=mono)

    def prose(self, length: int) -> str:
        """Whole sentences, about `length` characters."""
        return self.texts.prose(self.dice, self._one(), length)

    def sentence(self, most: int = 80) -> str:
        return self.texts.sentence(self.dice, self._one(), most)

    def phrase(self, most: int = 24) -> str:
        return self.texts.phrase(self.dice, self._one(), most)

    def _one(self) -> str:
        return self.dice.pick(self.texts.languages) if self.lang == "mixed" else self.lang
