"""Batches in which a model tells the part of each line of the factory's documents, as `texthawk.decode.outline` asks for it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from texthawk.data.factory.document import Document
from texthawk.data.factory.factory import Factory
from texthawk.data.factory.texts import Texts
from texthawk.decode.outline import PROMPT, Window, windows_of
from texthawk.model.transcript import about, mark
from texthawk.train.batches import TOGETHER, Batch
from texthawk.train.questions import QuestionMaker, Row, misread
from texthawk.types import Box, Line, Page, Word, box_around

FAMILIES = {
    "article": 4.0,
    "readme": 2.5,
    "letter": 1.5,
    "code": 1.0,
    "slide": 1.5,
    "form": 1.0,
    "invoice": 1.0,
    "receipt": 0.7,
    "table": 0.5,
    "card": 0.4,
    "ticket": 0.4,
    "formulas": 0.3,
    "pie_chart": 0.3,
    "bar_chart": 0.3,
    "line_chart": 0.3,
}
"""Whose documents are shown, and how often: articles have most of all that there is to tell, charts labels that are no text."""
HEIGHT = (700, 1500)
WINDOWS = 2
"""Windows that are shown of a document, at most."""
PARTED = 1.2
"""Heights of a line: at a wider gap some lines are shown in pieces, as a reader may cut them."""
BROKEN_IN = 0.5
"""Share of documents that are shown from some line on, as a page is that goes on with the one before it."""
SECTIONS = 0.35
"""Share of documents whose headings are shown with the number of a section."""
APART = 0.9
"""Heights of a line: what Markdown has not begins anew below a wider gap."""
SHAKEN = 0.4
"""Pixels by which sides of boxes are off, in the middle."""
HEADINGS, GOING_ON = frozenset("123"), frozenset("+/")
_GAP = re.compile(r"\s+")
_HEADING = re.compile(r"(#{1,6})\s+")
_BULLET = re.compile(r"-\s+")
_NUMBER = re.compile(r"\d+[.)]\s")
_FENCE = re.compile(r"`{3,}|\$\$$")
_STRONG = re.compile(r"\*\*(.+)\*\*")
_SIGN = re.compile(r"(?:[^\w\s]|\d+)\s+")
_SURE = 16
"""Characters of a line that are looked for where all of it is not found: Markdown has what follows otherwise."""


class Outlined(NamedTuple):
    """Rows of a document as they are shown, and the letter of `ROLES` for each."""

    window: Window
    roles: tuple[str, ...]


class OutlineMaker:
    """Makes batches of rows of a factory's documents, with the part that each plays in their Markdown."""

    def __init__(self, questions: QuestionMaker, texts: Texts, fonts: Sequence[str], seed: int) -> None:
        self._questions, self._texts, self._fonts, self._seed = questions, texts, fonts, seed
        self._factories: dict[tuple[tuple[str, float], ...], Factory] = {}
        self._drawn: tuple[tuple[int, ...], list[Outlined]] | None = None

    def factory(self, languages: Mapping[str, float]) -> Factory:
        """Documents of these languages, undamaged, for none of it would be seen."""
        key = tuple(languages.items())
        if key not in self._factories:
            self._factories[key] = Factory(
                self._texts,
                self._fonts,
                seed=self._seed,
                families=FAMILIES,
                languages=languages,
                damage=(1, 0, 0, 0),
                height=HEIGHT,
            )
        return self._factories[key]

    def batch(self, dice: tuple[int, ...], step: int, rows: int, languages: Mapping[str, float] | None = None) -> Batch:
        """The batch of a step, from 0, of so many windows of rows: `TOGETHER` steps share a draw, dealt out by length."""
        group, turn = divmod(step, TOGETHER)
        key = (*dice, group, rows)
        if self._drawn is None or self._drawn[0] != key:
            rng = np.random.default_rng((67867967, *key))
            factory = self.factory(languages or {"en": 1.0})
            drawn: list[Outlined] = []
            while len(drawn) < rows * TOGETHER:
                document = factory.document(int(rng.integers(2**40)))
                drawn += outlined_of(document, self._questions.tokenizer, rng)
            drawn = sorted(drawn[: rows * TOGETHER], key=lambda one: len(one.window.text.encode()))
            self._drawn = (key, drawn)
        part = np.random.default_rng((104729, *key)).permutation(TOGETHER)[turn] * rows
        return self._questions.batch_of([self._row(one) for one in self._drawn[1][part : part + rows]])

    def _row(self, shown: Outlined) -> Row:
        questions = self._questions
        text, _ = questions.ids(questions.before + about(shown.window.text, ""))
        asked, _ = questions.ids(PROMPT + questions.behind)
        marks, _ = questions.ids("".join(mark(number) for number in range(len(shown.roles))))
        behind = [_last(text, token) for token in marks]
        ids = [*text, *asked, *marks, questions.end]
        begin = len(text) + len(asked) + 1  # what is expected behind a mark is a label one place further on
        labels = [-100] * len(ids)
        for k, role in enumerate(shown.roles):
            if role:
                (labels[begin + k],) = questions.ids(role)[0]
        guide = [(begin + k, [behind[k]]) for k in range(len(marks))]
        branches = [0] * len(text) + [1] * (len(ids) - len(text))
        return Row(ids, labels, list(range(len(ids))), branches, len(text), guide)


def _last(ids: Sequence[int], token: int) -> int:
    """Where a token stands last."""
    return len(ids) - 1 - ids[::-1].index(token)


def outlined_of(document: Document, tokenizer: Any, rng: np.random.Generator) -> Iterator[Outlined]:
    """Some windows of a document's rows as a reader would show them, some letters misread; none without Markdown."""
    if not (document.markdown and document.lines):
        return
    lines, roles = _as_read(document, roles_of(document), rng)
    begin = int(rng.integers(len(lines))) if rng.random() < BROKEN_IN else 0
    lines, roles = lines[begin:], roles[begin:]
    if roles[0] in GOING_ON:
        roles[0] = "p"
    page = Page(1, document.image.width, document.image.height, "", lines)
    windows = windows_of(page, tokenizer)
    for k in rng.permutation(len(windows))[:WINDOWS].tolist():
        yield Outlined(windows[k], tuple(roles[line] for line in windows[k].lines))


def _as_read(document: Document, roles: Sequence[str], rng: np.random.Generator) -> tuple[tuple[Line, ...], list[str]]:
    """Lines as a reader has them, and their parts: misread here and there, some cut where they have a wide gap."""
    rate = float(rng.random()) if rng.random() < 0.5 else 0.0
    cut, sections = rng.random() < 0.5, rng.random() < SECTIONS
    lines: list[Line] = []
    told: list[str] = []
    for line, role in zip(document.lines, roles, strict=True):
        words = [(misread(text, rate, rng), _shaken(box, rng)) for text, box in line.words]
        if sections and role in HEADINGS:
            words = _in_section(words, line.box.height, rng)
        parts = [[words[0]]]
        for word in words[1:]:
            if cut and word[1].left - parts[-1][-1][1].right > PARTED * line.box.height:
                parts.append([])
            parts[-1].append(word)
        for number, part in enumerate(parts):
            text = " ".join(word for word, _ in part)
            made = Line(text, box_around(box for _, box in part), tuple(Word(*word, 1.0) for word in part))
            lines.append(made)
            told.append(role if not number or role in ("", "`") else "+")
    return tuple(lines), _all_told(lines, told)


def _in_section(words: list[tuple[str, Box]], height: float, rng: np.random.Generator) -> list[tuple[str, Box]]:
    """The words of a heading behind the number of its section."""
    numbers = ".".join(str(number) for number in rng.integers(1, 10, size=int(rng.integers(1, 4))))
    number = numbers + ("." if rng.random() < 0.3 else "")
    left, top, _, bottom = words[0][1]
    width = 0.5 * height * len(number)
    moved = [
        (text, box._replace(left=box.left + width + height, right=box.right + width + height)) for text, box in words
    ]
    return [(number, Box(left, top, left + width, bottom)), *moved]


def _all_told(lines: Sequence[Line], roles: Sequence[str]) -> list[str]:
    """The parts with those of lines that Markdown has not: labels, numbers of pages, rows of tables that are cut into lines.

    Such a line begins anew below other text or a gap, and is else a new line of the same paragraph; below code it is code.
    """
    made: list[str] = []
    for k, (line, role) in enumerate(zip(lines, roles, strict=True)):
        if not role:
            box, above = line.box, lines[k - 1].box if k and not roles[k - 1] else None
            near = box is not None and above is not None and abs(box.top - above.bottom) <= APART * box.height
            role = "`" if made[-1:] == ["`"] else "/" if near else "p"
        made.append(role)
    return made


def _shaken(box: Box, rng: np.random.Generator) -> Box:
    left, top, right, bottom = (float(side + rng.normal(0, SHAKEN)) for side in box)
    return Box(left, top, max(right, left + 1), max(bottom, top + 1))


def roles_of(document: Document) -> list[str]:
    """The letter of `ROLES` for each line, as the document's Markdown has it; "" of lines that it has not, or in a table."""
    held, begins = _held(document.markdown)
    made: list[str] = []
    place = 0
    for line in document.lines:
        found = None
        for text in _as_written(line.text):
            at = held.find(text, place, place + len(text) + 4)
            at = at if at >= 0 else _begun(held, begins, text)
            if at >= 0:
                found = at, at + len(text)
                break
        if found is None:
            made.append("")
            continue
        start, place = found
        made.append(begins[start])
    return made


def _begun(held: str, begins: Sequence[str], text: str) -> int:
    """Where a text stands anywhere, -1 where it does not: a short one, which may stand in any other, where a line begins."""
    at = held.find(text)
    while at >= 0 and len(text) < _SURE and begins[at] == "+":
        at = held.find(text, at + 1)
    return at


def _as_written(text: str) -> Iterator[str]:
    """A line's text as Markdown may have it, without spaces: as it is, or without its bullet, its number or its hyphen."""
    plain = _GAP.sub("", text)
    yield plain
    sign = _SIGN.match(text)
    bare = _GAP.sub("", text[sign.end() :] if sign else text)
    if bare != plain:
        yield bare
    if plain.endswith("-"):
        yield plain[:-1]
        yield bare[:-1]
    if len(plain) > 2 * _SURE:
        yield plain[:_SURE]


def _held(markdown: str) -> tuple[str, list[str]]:
    """All text of some Markdown without spaces, and for each character the part of a line that begins with it."""
    held: list[str] = []
    begins: list[str] = []
    fence, fresh = "", True
    for written in markdown.split("\n"):
        sign = written.strip()
        if fence:
            if sign == fence:
                fence, fresh = "", True
            elif fence.startswith("`") and sign:
                _add(held, begins, written, "`", "`")
            continue
        if found := _FENCE.match(sign):
            fence = found[0]
            continue
        if not sign or sign.startswith("|"):
            fresh = True
            continue
        text, role = sign, "p" if fresh else "/"
        if found := _HEADING.match(sign):
            text, role = sign[found.end() :], str(min(3, len(found[1])))
        elif found := _BULLET.match(sign):
            text, role = sign[found.end() :], "-"
        elif _NUMBER.match(sign):
            role = "n"
        elif found := _STRONG.fullmatch(sign):
            text, role = found[1], "*"
        _add(held, begins, text, role, "+")
        fresh = False
    return "".join(held), begins


def _add(held: list[str], begins: list[str], text: str, first: str, further: str) -> None:
    letters = _GAP.sub("", text)
    held.extend(letters)
    begins.extend([first] * min(1, len(letters)) + [further] * (len(letters) - 1))
