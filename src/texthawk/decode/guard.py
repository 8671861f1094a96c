"""Loop guard: says while text is generated whether it has begun to repeat itself as no page would.

A loop is a suffix that is several copies of one block of tokens. For each period p up to `longest` the guard keeps how
many tokens in a row equalled the one p places before, so a new token costs one comparison with the last `longest` tokens
and no search. How many copies are too many depends on what the block is, because pages repeat themselves too: dot leaders,
rules, runs of spaces and zeros, empty cells, rows of a table.

A block that changes a little each time (a counter, say) is no exact copy and is not seen here; the length that the ink
of a page allows bounds those.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_CELL = re.compile(r"</?t[dh]\b|[|\t]")
_MARKUP = re.compile(r"<[^<>]{0,80}>")
_TELLING = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Allowance:
    """How often a block may stand in succession before it counts as a loop, by what it is.

    A block says the more the more letters it has, and the less likely a page says it again and again. Copies within a line:
    letter, of a single letter; words, of a block of up to `long` characters; sentence, of a longer one; speech, of one of
    more than three times `long`; numbers, of one without letters; cells, of table cells. Copies of whole lines: rows, with up
    to `few` letters to a line; told_rows, with more; long_rows, with more than `many`; paragraphs, of three such lines and
    more. filler: characters in a line of nothing but punctuation, spaces and zeros. `rows` is what the ink of the page allows,
    where that is known.
    """

    filler: int = 400
    letter: int = 16
    words: int = 8
    sentence: int = 4
    speech: int = 3
    numbers: int = 32
    cells: int = 64
    rows: int = 64
    told_rows: int = 10
    long_rows: int = 5
    paragraphs: int = 3
    long: int = 48
    few: int = 12
    many: int = 30

    def copies(self, block: str) -> float:
        """Copies of a block of text that are still no loop."""
        content = _MARKUP.sub("", block)
        telling = _TELLING.findall(content)
        letters = sum(character.isalpha() for character in telling)
        rows = max(block.count("\n"), block.count("</tr>"))
        if rows:
            return self._copies_of_rows(letters / rows, rows)
        if _CELL.search(block):
            return self.cells if letters <= self.few else self.sentence
        if all(character == "0" for character in telling):
            return max(self.words, self.filler / max(1, len(block)))
        if not letters:
            return self.numbers
        if len(telling) == 1:
            return self.letter
        if len(content) > 3 * self.long:
            return self.speech
        return self.words if len(content) <= self.long else self.sentence

    def _copies_of_rows(self, letters: float, rows: int) -> float:
        """letters: to a line. Copies of a block of several lines are counted in lines, but two are always allowed."""
        lawful = self.rows
        if letters > self.few:
            lawful = min(lawful, self.long_rows if letters > self.many else self.told_rows)
            if rows > 2:
                return min(self.paragraphs, max(2, self.rows / rows))
        return max(2, lawful / rows)


@dataclass(frozen=True)
class Loop:
    """A suffix of `length` tokens that is copies of its first `period` tokens, the last one maybe begun only."""

    period: int
    length: int

    @property
    def surplus(self) -> int:
        """Tokens at the end that say nothing new: all but the first copy."""
        return self.length - self.period


class LoopGuard:
    """Watches one answer; `add` each token as it is generated.

    text_of: the text of tokens one after another, asked once for a block under suspicion; "\ufffd" where a character is not
    whole. longest: of the periods that are watched, in tokens.
    """

    def __init__(
        self, text_of: Callable[[Sequence[int]], str], allowance: Allowance | None = None, *, longest: int = 512
    ) -> None:
        self._text_of, self._allowance, self._longest = text_of, allowance or Allowance(), longest
        self._tokens = np.full(1024, -1, dtype=np.int64)
        self._count = 0
        self._runs = np.zeros(longest + 1, dtype=np.int64)  # by period
        self._periods = np.arange(longest + 1)
        self._judged: dict[tuple[int, int], float] = {}

    def add(self, token: int) -> Loop | None:
        """The loop that this token makes too long; None while all is well."""
        if self._count == len(self._tokens):
            self._tokens = np.concatenate([self._tokens, np.full_like(self._tokens, -1)])
        seen = min(self._count, self._longest)
        before = self._tokens[self._count - seen : self._count][::-1]  # the token p places back, p = 1, 2, ...
        runs = self._runs[1 : seen + 1]
        runs += 1
        runs[before != token] = 0
        self._tokens[self._count] = token
        self._count += 1
        return self._found()

    def extend(self, tokens: Iterable[int]) -> Loop | None:
        """Add tokens until one makes a loop."""
        for token in tokens:
            if (loop := self.add(token)) is not None:
                return loop
        return None

    def _found(self) -> Loop | None:
        """The shortest period whose run is too long; a multiple of it would say the same with a longer block."""
        suspects = np.flatnonzero(self._runs >= np.maximum(2 * self._periods, 1))  # three copies or more
        judged: list[int] = []
        for period in suspects.tolist():
            if any(period % shorter == 0 and self._runs[shorter] >= self._runs[period] for shorter in judged):
                continue
            judged.append(period)
            length = int(self._runs[period]) + period
            if length > period * self._copies(period, length):
                return Loop(period, length)
        return None

    def _copies(self, period: int, length: int) -> float:
        """What the repeated block allows; the same for every token of one run, so it is judged once."""
        start = self._count - length
        key = (period, start)
        if key not in self._judged:
            self._judged[key] = self._allowance.copies(self._block(self._tokens[start : start + period].tolist()))
        return self._judged[key]

    def _block(self, tokens: list[int]) -> str:
        """The text of a block; one that begins inside a character of several tokens ends with that character."""
        text = self._text_of(tokens)
        if "\ufffd" not in text:
            return text
        twice = self._text_of(tokens * 2).replace("\ufffd", "")
        return twice[len(twice) // 2 :] or text


def without_loop(tokens: list[int], loop: Loop) -> int:
    """How many of the tokens are left when a loop at their end is cut down to one copy of its block."""
    return max(0, len(tokens) - loop.surplus)
