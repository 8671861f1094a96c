"""Where in a long document an answer may stand: the passages that share most with a question, with page and boxes.

Passages are ranked by BM25 (Robertson and Zaragoza, 2009, equation 3.15) over the three-letter parts of words instead of
words, so that a word that was read with a wrong letter still counts. The pages are gone through twice and never held.
"""

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from texthawk.decode.formats.blocks import blocks_of
from texthawk.types import Box, Line, Page

SATURATION, LENGTH = 1.2, 0.75  # k1 and b
_ALIKE = 0.6  # of its parts, that a word shares with one of the question
_COMMON = 0.25  # of the passages: words that more of them hold tell nothing


@dataclass(frozen=True)
class Evidence:
    """A passage: its page, its lines, the box of its telling line and the boxes of the words that the question has, too.

    quoted: the answer's own words, with their box and one for each line that they run over.
    """

    page: int
    text: str
    box: Box | None
    words: tuple[Box, ...]
    score: float
    quoted: bool = False


class Index:
    """What must be known of all passages to rank one: how many hold each part of a word, and how long they are."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._holding: Counter[str] = Counter()
        self._passages = self._length = 0
        for page in pages:
            for block in blocks_of(page):
                parts = _parts(_text(block))
                self._holding.update(parts.keys())
                self._passages += 1
                self._length += parts.total()

    def best(self, question: str, pages: Iterable[Page], most: int = 3) -> list[Evidence]:
        """The passages that share most with the question, best first; none where nothing is shared."""
        asked = {part: self._weight(part) for part in _parts(question)}
        ranked: list[tuple[float, int, Page, list[Line]]] = []
        count = 0
        for page in pages:
            for block in blocks_of(page):
                count += 1
                score = self._score(asked, _parts(_text(block)))
                if score > 0 and any(_shares(word, asked) for word in _text(block).split()):
                    entry = (score, -count, page, block)  # of equal passages, the earlier one
                    (heapq.heappush if len(ranked) < most else heapq.heappushpop)(ranked, entry)
        return [self._evidence(score, page, block, asked) for score, _, page, block in sorted(ranked, reverse=True)]

    def _weight(self, part: str) -> float:
        holding = self._holding[part]
        if holding > max(3, _COMMON * self._passages):
            return 0.0
        return math.log(1 + (self._passages - holding + 0.5) / (holding + 0.5))

    def _score(self, asked: dict[str, float], parts: Counter[str]) -> float:
        usual = self._length / self._passages
        norm = SATURATION * (1 - LENGTH + LENGTH * parts.total() / usual)
        return sum(
            weight * parts[part] * (SATURATION + 1) / (parts[part] + norm)
            for part, weight in asked.items()
            if parts[part]
        )

    def _evidence(self, score: float, page: Page, block: list[Line], asked: dict[str, float]) -> Evidence:
        telling = max(block, key=lambda line: self._score(asked, _parts(line.text)))
        words = tuple(
            word.box for line in block for word in line.words if word.box is not None and _shares(word.text, asked)
        )
        return Evidence(page.number, _text(block), telling.box, words, score)


def _shares(word: str, asked: dict[str, float]) -> bool:
    """Whether a word is like one of the question that tells something."""
    parts = _parts(word)
    shared = sum(count for part, count in parts.items() if asked.get(part, 0.0) > 0)
    return parts.total() > 0 and shared >= _ALIKE * parts.total()


def _text(block: Sequence[Line]) -> str:
    return "\n".join(line.text for line in block)


def _parts(text: str) -> Counter[str]:
    return Counter(part for word in re.findall(r"\w+", text.casefold()) for part in _of_word(word))


def _of_word(word: str) -> Iterator[str]:
    """Three letters each; a mark stands before the first and behind the last letter of a word."""
    marked = f"^{word}$"
    return (marked[k : k + 3] for k in range(len(marked) - 2))
