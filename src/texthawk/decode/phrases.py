"""Where a phrase is printed, among the words that were read: also where some of its letters were misread.

Every run of words on a page is held against the phrase, without case, without spaces and without the signs around words,
by edit distance. The distances of one start to all its ends come out of one pass (Hyyrö, "A bit-vector algorithm for
computing Levenshtein and Damerau edit distances", 2003): a column of the table is two whole numbers.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from texthawk.types import Box, Page, box_around

LONGEST = 500  # characters of a phrase
NEAR = 0.2  # edits for each letter of a phrase, at most: a figure that differs makes another number
FAR = 0.4  # the same where nothing nearer is on the page: then the one nearest place counts
FIGURES = 8  # of a number, of which one may be misread where it stands nowhere to the letter
TELLING = 6  # characters from which on a phrase is known by so few
_BREAK = 2  # edits: what a line break between two words counts where places are compared
_SINGLE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Run:
    """A run of words: its text as it was read, a box for each line it stands on, the edits that part it from the phrase,
    and its words' mean confidence."""

    text: str
    boxes: tuple[Box, ...]
    edits: int
    confidence: float


@dataclass(frozen=True)
class _Unit:
    """What a run may begin or end with: a word, or one sign of a script that has no spaces."""

    plain: str
    text: str
    box: Box
    line: int
    confidence: float
    opens: bool  # a word, so that a space stands before it


def runs_of(phrase: str, page: Page) -> list[Run]:
    """The runs of words that are the phrase, nearest first and then in reading order; none overlaps another.

    ValueError for a phrase that is empty or too long.
    """
    wanted = _wanted(phrase)
    units = _units(page)
    if not wanted or not units:
        return []
    enough, most = _bounds(wanted)
    found = list(_candidates(wanted, [unit.plain for unit in units], most))
    chosen = [entry for entry in found if entry[0] <= enough] or found
    spaceless = "".join(phrase.split())

    def rank(entry: tuple[int, int, int]) -> tuple[bool, int, int, int]:
        """What is there to the letter, then edits and line breaks; of equals, the one that is nearer with case and signs."""
        edits, first, last = entry
        said = "".join(unit.text for unit in units[first:last])
        breaks = units[last - 1].line - units[first].line
        return edits > 0, edits + _BREAK * breaks, _Distances(spaceless).after(said), first

    taken = [False] * len(units)
    runs: list[Run] = []
    for edits, first, last in sorted(chosen, key=rank):
        if not any(taken[first:last]) and (edits <= enough or not runs):
            taken[first:last] = [True] * (last - first)
            runs.append(_run(units[first:last], edits))
    return runs


def exact_runs(phrase: str, page: Page) -> list[Run]:
    """The runs of words that are the phrase to the letter, in reading order; ValueError as for `runs_of`.

    A page is gone through once, however long the phrase is.
    """
    wanted, units = _wanted(phrase), _units(page)
    starts = [0, *accumulate(len(unit.plain) for unit in units)]
    unit_at = {start: number for number, start in reversed(list(enumerate(starts)))}
    text = "".join(unit.plain for unit in units)
    runs, place = list[Run](), text.find(wanted)
    while place >= 0 and wanted:
        first, last = unit_at.get(place), unit_at.get(place + len(wanted))
        if first is None or last is None:
            place = text.find(wanted, place + 1)
            continue
        runs.append(_run(units[first:last], 0))
        place = text.find(wanted, place + len(wanted))
    return runs


def near(phrase: str) -> int:
    """The edits up to which a run is taken wherever it stands; of runs that are further off, only one counts."""
    return _bounds(_wanted(phrase))[0]


def _bounds(wanted: str) -> tuple[int, int]:
    """Edits up to which a run is near, and up to which the nearest one counts where none is."""
    letters = sum(not character.isdigit() for character in wanted)
    if 2 * letters < len(wanted):
        return 0, len(wanted) // FIGURES
    enough = int(NEAR * letters)
    return enough, int(FAR * letters) if len(wanted) >= TELLING else enough


def check_phrase(phrase: str) -> None:
    """ValueError for a phrase that is empty, too long or no text."""
    if not phrase.strip():
        raise ValueError("the phrase is empty; write what is to be found")
    if any("\ud800" <= character <= "\udfff" for character in phrase):
        raise ValueError("the phrase holds what is no character; write it in valid Unicode")
    if len(phrase) > LONGEST:
        raise ValueError(f"the phrase has {len(phrase)} characters; {LONGEST} is the most")


def _wanted(phrase: str) -> str:
    check_phrase(phrase)
    return "".join(map(_plain, phrase.split())) or _folded("".join(phrase.split()))


def _units(page: Page) -> list[_Unit]:
    units = []
    for number, line in enumerate(page.lines):
        for word in line.words:
            if word.box is None:
                continue
            opens = True
            for text, box in _parts(word.text, word.box):
                plain = _plain(text) or _folded(text)
                units.append(_Unit(plain, text, box, number, word.confidence, opens))
                opens = False
    return units


def _parts(text: str, box: Box) -> Iterator[tuple[str, Box]]:
    """A word, or where its script has no spaces its signs, which share its box out alike."""
    if not _SINGLE.search(text):
        yield text, box
        return
    pieces = [piece for piece in re.split(f"({_SINGLE.pattern})", text) if piece]
    step, start = box.width / len(text), 0
    for piece in pieces:
        left = box.left + step * start
        start += len(piece)
        yield piece, Box(left, box.top, left + step * len(piece), box.bottom)


def _candidates(wanted: str, plain: Sequence[str], most: int) -> Iterator[tuple[int, int, int]]:
    """Runs as (edits, first, last just outside): of all that begin at one word the nearest one, if it is near enough."""
    for first in range(len(plain)):
        column = _Distances(wanted)
        best: tuple[int, int, int] | None = None
        length = 0
        for last in range(first, len(plain)):
            length += len(plain[last])
            if length > len(wanted) + most:
                break
            edits = column.after(plain[last])
            if edits <= most and (best is None or edits < best[0]):
                best = edits, first, last + 1
            if column.least_to_come > most:
                break
        if best is not None:
            yield best


class _Distances:
    """The edit distance of a text that grows to a pattern that does not."""

    def __init__(self, pattern: str) -> None:
        self._size = len(pattern)
        self._all, self._last = (1 << self._size) - 1, 1 << (self._size - 1)
        self._places: dict[str, int] = {}
        for place, character in enumerate(pattern):
            self._places[character] = self._places.get(character, 0) | 1 << place
        self._more, self._less = self._all, 0  # where the distance grows, and shrinks, down the column
        self._distance, self._length = self._size, 0

    def after(self, text: str) -> int:
        """The distance once this text is added."""
        more, less, distance = self._more, self._less, self._distance
        for character in text:
            equal = self._places.get(character, 0)
            vertical = equal | less
            horizontal = (((equal & more) + more) ^ more) | equal
            up, down = less | ~(horizontal | more), more & horizontal
            distance += bool(up & self._last) - bool(down & self._last)
            up, down = up << 1 | 1, down << 1
            more, less = (down | ~(vertical | up)) & self._all, up & vertical & self._all
        self._more, self._less, self._distance = more, less, distance
        self._length += len(text)
        return distance

    @property
    def least_to_come(self) -> int:
        """A bound from below on the distance of every longer text: the least entry of the column."""
        least = value = self._length
        for place in range(self._size):
            value += (self._more >> place & 1) - (self._less >> place & 1)
            least = min(least, value)
        return least


def _run(units: Sequence[_Unit], edits: int) -> Run:
    text = "".join(f" {unit.text}" if unit.opens else unit.text for unit in units).strip()
    boxes = []
    for line in dict.fromkeys(unit.line for unit in units):
        box = box_around(unit.box for unit in units if unit.line == line)
        assert box is not None
        boxes.append(box)
    return Run(text, tuple(boxes), edits, sum(unit.confidence for unit in units) / len(units))


def _plain(word: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", _folded(word))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
