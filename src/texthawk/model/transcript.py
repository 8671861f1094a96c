"""What was read of a page, written out as a person sees it, for a model that is asked about it.

A small model answers from text much sooner than from pictures: what it has read is shown to it again as rows of print, so
that a label and what stands beside it follow each other also where reading order parts them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

from texthawk.image.wide import WIDE, is_wide
from texthawk.types import Box, box_around

GAP = "\t"
"""Between two pieces of print on one row with a wide gap between them."""
FAR = 1.2
"""Heights of the print, above which a gap parts two pieces."""
LONGEST = 640
"""Bytes (UTF-8) of a page that are shown with a question."""
HEAD = 4
"""Rows at the top of a page that are shown whatever the question is."""
NOT_HERE = {"en": "Not on this page", "zh": "本页没有"}
YES = {"en": "yes", "zh": "是"}
NO = {"en": "no", "zh": "否"}
"""Answers that are not printed on a page, by the language of the question."""
_MARKS = re.compile(r"<(\d{1,3})>")
_LISTED = re.compile(r"[;<>]")
_RUNS = re.compile(rf"(?:(?=[{WIDE}])\w)+|[^\W{WIDE}]+")


def language_of(question: str) -> str:
    """zh for a question with Chinese characters, else en."""
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in question) else "en"


class _Piece(NamedTuple):
    """A part of a line, by the line's number."""

    text: str
    box: Box
    line: int

    @property
    def middle(self) -> float:
        return (self.box.top + self.box.bottom) / 2


def printed_rows(lines: Sequence[Sequence[tuple[str, Box | None]]]) -> list[str]:
    """Rows of print from top to bottom. lines: the words of each line in reading order, with boxes in pixels.

    A word whose place is not known stands where the word beside it does; a line of such words alone is a row of its own,
    behind that of the line before it.
    """
    pieces = [piece for number, line in enumerate(lines) for piece in _pieces(line, number)]
    rows: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if rows and _beside(rows[-1][0], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    texts = [GAP.join(piece.text for piece in sorted(row, key=lambda piece: piece.box.left)) for row in rows]
    row_of = {piece.line: number for number, row in enumerate(rows) for piece in row}
    before, behind = -1, dict[int, list[str]]()
    for number, line in enumerate(lines):
        before = row_of.get(number, before)
        if line and number not in row_of:
            behind.setdefault(before, []).append(_text(line))
    return behind.get(-1, []) + [part for number, text in enumerate(texts) for part in (text, *behind.get(number, []))]


def _pieces(line: Sequence[tuple[str, Box | None]], number: int) -> list[_Piece]:
    """A line cut at its wide gaps, which are measured by the line's own height; none where no word has a place."""
    boxes = [box for _, box in line if box is not None]
    if not boxes:
        return []
    height = max(box.bottom for box in boxes) - min(box.top for box in boxes)
    here = boxes[0]
    groups: list[list[tuple[str, Box]]] = [[]]
    for text, box in line:
        if box is not None and box.left - here.right > FAR * height:
            groups.append([])
        here = box or here
        groups[-1].append((text, here))
    around = [box_around(box for _, box in group) for group in groups]
    return [_Piece(_text(group), box, number) for group, box in zip(groups, around, strict=True) if box is not None]


def _text(words: Sequence[tuple[str, Box | None]]) -> str:
    return " ".join(text for text, _ in words)


def _beside(first: _Piece, other: _Piece) -> bool:
    """Whether two pieces stand on one row: half of the lower one's height is at the height of the other."""
    shared = min(first.box.bottom, other.box.bottom) - max(first.box.top, other.box.top)
    return shared >= 0.5 * min(first.box.height, other.box.height)


def shown_rows(rows: Sequence[str], question: str, longest: int = LONGEST) -> list[str]:
    """The rows that are shown with a question, `longest` bytes of them at most: all, or the head and those nearest to it.

    Rows stay in their order; where not even the first fits, it is cut.
    """
    kept = rows_about(rows, question, longest)
    if rows and not kept:
        return [rows[0].encode()[:longest].decode(errors="ignore")]
    return [rows[row] for row in kept]


def rows_about(rows: Sequence[str], question: str, longest: int = LONGEST) -> list[int]:
    """Which rows are shown with a question, in their order.

    With a row that is near to the question (`nearness`) come the one before it and the two behind.
    """
    if _size(rows) <= longest:
        return list(range(len(rows)))
    scores = nearness(rows, question)
    order = list(range(min(HEAD, len(rows))))
    for best in sorted(range(len(rows)), key=lambda row: (-scores[row], row)):
        order += [row for row in (best, best + 1, best - 1, best + 2) if 0 <= row < len(rows)]
    kept: list[int] = []
    left = longest + 1
    for row in dict.fromkeys(order):
        size = len(rows[row].encode()) + 1
        if size <= left:
            kept.append(row)
            left -= size
    return sorted(kept)


def nearness(rows: Sequence[str], question: str) -> list[float]:
    """How near each row is to a question: by the parts of words that they share (three letters, or two Chinese characters), rare
    ones counting more.

    Parts stand in no order, so they are added up exactly: rows of the same parts are as near as one another, in every process.
    """
    asked = set(_parts(question))
    parts = [set(_parts(row)) for row in rows]
    held = Counter(part for own in parts for part in own)
    return [fsum(1 / held[part] for part in asked & own) for own in parts]


def mark(number: int) -> str:
    """The token that stands around a row of this number: one of the coordinate tokens, which print never holds."""
    return f"<{number}>"


def marked(rows: Sequence[str], first: int = 0) -> str:
    """Rows one below the other, each between two marks of its number; `first` is that of the first row.

    The mark behind a row has seen all of it, so that a question finds a row by one token; the one before it tells every
    letter where it stands.
    """
    return "\n".join(f"{mark(number)}{row}{mark(number)}" for number, row in enumerate(rows, first))


class Cited(NamedTuple):
    """An answer without its marks, and the rows that they name in their order, counted from 0."""

    text: str
    rows: list[int]


def cited(answer: str, rows: Sequence[str]) -> Cited:
    """What an answer says that names the rows it is taken from, each by its mark before what is copied from it.

    A mark with nothing behind it stands for the row's first piece of print, and a list has each row once; one of a row that was
    not shown, or begins with no print, stands for nothing.
    """
    made, *parts = _MARKS.split(answer)
    named, listed = list[int](), set[int]()
    for number, said in zip(map(int, parts[::2]), parts[1::2], strict=True):
        shown = number < len(rows)
        if shown:
            named.append(number)
        if said[:1] in ("", ";", ")"):
            piece = _LISTED.sub(" ", rows[number].partition(GAP)[0]).strip() if shown else ""
            if piece and number not in listed:
                made += piece
            elif said[:1] == ";":
                said = said[1:].lstrip(" ")
            else:
                made = made.removesuffix("; ")
            listed.add(number)
        made += said
    return Cited(made, named)


def about(transcript: str, question: str) -> str:
    """What a person would say: the text, and the question below it."""
    return f"{transcript}\n\n{question}"


def _size(rows: Sequence[str]) -> int:
    return sum(len(row.encode()) + 1 for row in rows) - 1


def _parts(text: str) -> list[str]:
    """Three letters of words in a row, the ends of a word among them; of a script without spaces two characters."""
    parts = list[str]()
    for run in _RUNS.findall(text.casefold()):
        if is_wide(run):
            parts += [run[k : k + 2] for k in range(max(1, len(run) - 1))]
        else:
            parts += [f"^{run}$"[k : k + 3] for k in range(len(run))]
    return parts
