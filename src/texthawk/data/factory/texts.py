"""Words to print, by language: paragraphs of any corpus, and short pieces of them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from texthawk.data.synth.corpus import is_test, normalise, texts_of_lines
from texthawk.data.synth.dice import Dice
from texthawk.image.wide import is_wide

_END = re.compile(r"[.!?][”’\"')]*(?=\s|$)|[。！？]+[”’）」』]*")
WINDOW = 160
"""Characters of a paragraph that a phrase is looked for in."""
SHORTEST = 20
"""Characters that a paragraph needs to be printed."""


class Texts:
    """Paragraphs by language ("en", "zh", or any other name).

    ValueError where there are no languages, one has no paragraph of SHORTEST characters, or is written from right to left
    or with letters that join, which the factory cannot set.
    """

    def __init__(self, paragraphs: Mapping[str, Sequence[str]]):
        if not paragraphs:
            raise ValueError("texts of 0 languages; give at least one, as in {'en': [...]}")
        self.paragraphs = {
            lang: tuple(text for text in (" ".join(given.split()) for given in texts) if len(text) >= SHORTEST)
            for lang, texts in paragraphs.items()
        }
        for lang, texts in self.paragraphs.items():
            if not texts:
                raise ValueError(f"no paragraph of {SHORTEST} or more characters in {lang!r}; give more text")
            counted = self.frequencies(lang)
            if sum(count for character, count in counted.items() if _unset(character)) > 0.05 * counted.total():
                raise ValueError(
                    f"texts in {lang!r} run from right to left or join their letters, which the factory cannot set; "
                    "leave them out"
                )

    @classmethod
    def from_folder(cls, folder: Path, *, split: str = "train") -> "Texts":
        """The .jsonl and .txt files of a folder whose names begin with a language, as in en_news.jsonl or zh.txt.

        A line of .jsonl has "paragraphs" or "text"; .txt is cut at blank lines. split: "train", "test" (the 5% that
        texthawk.data.synth.corpus.is_test picks by a paragraph's text alone) or "all". ValueError where there are none.
        """
        if split not in ("train", "test", "all"):
            raise ValueError(f"split {split!r} is unknown; it must be 'train', 'test' or 'all'")
        found: dict[str, list[str]] = {}
        for file in sorted(folder.glob("*")):
            lang = re.match(r"[a-z]{2,3}(?=[_.-])", file.name)
            if lang and file.suffix in (".jsonl", ".txt"):
                kept = (text for text in _paragraphs(file) if split == "all" or _held_out(text) == (split == "test"))
                found.setdefault(lang[0], []).extend(kept)
        if not found:
            raise ValueError(
                f"no texts in {str(folder)!r}; give a folder with files such as en_news.jsonl or zh.txt, named by language"
            )
        return cls(found)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.paragraphs)

    def only(self, languages: Sequence[str]) -> "Texts":
        """The texts of some languages; ValueError names one that is not there."""
        for lang in languages:
            if lang not in self.paragraphs:
                raise ValueError(f"no texts in {lang!r}; there are texts in: {', '.join(self.paragraphs)}")
        return Texts({lang: self.paragraphs[lang] for lang in languages})

    def frequencies(self, lang: str) -> Counter[str]:
        """How often each character stands in the first paragraphs of a language, white space aside."""
        return Counter(
            character for text in self.paragraphs[lang][:300] for character in text if not character.isspace()
        )

    def prose(self, dice: Dice, lang: str, length: int) -> str:
        """About `length` characters of running text that ends where a sentence ends; at least one sentence."""
        text = dice.pick(self.paragraphs[lang])
        sentences = _sentences(text) or [text]
        start = int(dice.random() ** 2 * len(sentences))
        kept, size = list[str](), 0
        for sentence in sentences[start:]:
            if kept and size + len(sentence) > length:
                break
            kept.append(sentence)
            size += len(sentence)
        return ("" if is_wide(text[-1]) or is_wide(text[0]) else " ").join(kept)

    def sentence(self, dice: Dice, lang: str, most: int) -> str:
        """A sentence of at most `most` characters; a phrase where none of a few is as short."""
        for _ in range(6):
            options = [text for text in _sentences(dice.pick(self.paragraphs[lang])) if len(text) <= most]
            if options:
                return dice.pick(options)
        return self.phrase(dice, lang, most)

    def phrase(self, dice: Dice, lang: str, most: int = 24) -> str:
        """A few words in a row, of 4 to `most` characters (2 to half of it in scripts without spaces), no marks at its ends."""
        for _ in range(12):
            text = dice.pick(self.paragraphs[lang])
            wide = is_wide(text[0]) or is_wide(text[-1])
            if len(text) > WINDOW:
                start = dice.integer(0, len(text) - WINDOW)
                text = text[start : start + WINDOW]
                text = text if wide else text[text.find(" ") + 1 : text.rfind(" ")]
            if wide:
                pieces = [p for p in re.split(r"[^\w]+", text) if len(p) >= 2]
                if pieces:
                    piece = dice.pick(pieces)
                    return piece[: dice.integer(2, max(2, min(len(piece), most // 2)))]
                continue
            words = re.findall(r"[\w'’-]+(?: [\w'’-]+)*", text)
            run = dice.pick(words).split(" ") if words else []
            run = run[int(dice.random() * len(run)) :][: dice.integer(1, 5)]
            while run and len(" ".join(run)) > most:
                run.pop()
            if run and len(" ".join(run)) >= 4:
                return " ".join(run)
        return {"zh": "项目"}.get(lang, "Item")


def _sentences(text: str) -> list[str]:
    """The sentences of a paragraph; what stands behind the last end of one is left out."""
    found, start = [], 0
    for end in _END.finditer(text):
        found.append(text[start : end.end()].strip())
        start = end.end()
    return found


def _unset(character: str) -> bool:
    """Whether a character is of a script written from right to left, or a sign that is set onto another."""
    return unicodedata.bidirectional(character) in ("R", "AL") or unicodedata.category(character) in ("Mn", "Mc")


def _held_out(text: str) -> bool:
    """Whether evaluation owns a paragraph: the same ones as in texthawk.data.synth, wherever that can print them."""
    return is_test(normalise(text) or text)


def _paragraphs(file: Path) -> list[str]:
    if file.suffix == ".txt":
        return re.split(r"\n\s*\n", file.read_text(encoding="utf-8", errors="replace"))
    return list(texts_of_lines(file, ("paragraphs", "text")))
