"""Markdown: paragraphs, headings where type is larger, lists, code, tables, and text that shows as it was read.

Paragraphs, lists and tables that run on over the break of a page are one.

What was read is text, not mark-up, so every character that Markdown would take for its own is escaped, but in code.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.format import Setting
from texthawk.decode.formats.furniture import furniture_of
from texthawk.decode.formats.joining import joined, runs_on
from texthawk.decode.formats.lists import follows, numbered
from texthawk.decode.formats.prose import Passage, passages
from texthawk.decode.formats.roles import passages_told
from texthawk.decode.formats.tables import tables_of
from texthawk.decode.formats.type_size import Standing, standing
from texthawk.types import Document, Page

_ANYWHERE = re.compile(r"[\\`*_\[\]<>~|]")
_CLOSING = re.compile(r"#+$")  # of a heading, which would be taken for its end
_TICKS = re.compile(r"`+")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_AT_START = re.compile(r"(?:#{1,6}(?=\s|$)|[-+=](?=\s|$|[-=]))")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_MOST_LINES, _MOST_ROWS = 200, 2000  # of a paragraph or table over many pages: what is longer is begun anew
_ALIKE = 0.75  # the smaller type of two halves of a paragraph is at least this part of the larger


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """About a page at a time: what stands last on a page waits for the next one."""
    first = True
    pages = document.pages if setting.outline is None else map(setting.outline, document.pages)
    for text in _texts(joined_parts(pages)):
        yield ("" if first else "\n\n").encode() + text.encode()
        first = False
    if not first:
        yield b"\n"


def page_markdown(page: Page) -> str:
    """A page's parts with an empty line between them."""
    return "\n\n".join(_texts(parts_of(page, (None, None))))


def _texts(parts: Iterable["Part"]) -> Iterator[str]:
    """What is written of each part that has text. Lists one after another are numbered in turn as 1. and 1), which parts them."""
    before = ""
    for part in parts:
        sign = part.passage.marks[0][-1] if part.passage.marks else ""
        if sign == before:
            sign = {".": ")", ")": "."}.get(sign, sign)
        if text := part.markdown(sign):
            yield text
            before = sign


_NO_TEXT = Passage(())


@dataclass(frozen=True)
class Part:
    """A passage of text, a table, or furniture of the page.

    rows, columns: of a table.
    """

    passage: Passage = _NO_TEXT
    rows: tuple[tuple[str, ...], ...] = ()
    columns: tuple[tuple[float, float], ...] = ()
    furniture: bool = False

    def markdown(self, sign: str) -> str:
        """sign: what stands behind the numbers of a list."""
        if self.rows:
            lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in self.rows]
            return "\n".join([lines[0], "|" + " --- |" * len(self.rows[0]), *lines[1:]])
        told = self.passage
        if told.code:
            fence = "`" * max(3, 1 + max(map(len, _TICKS.findall("\n".join(told.lines))), default=0))
            return "\n".join([fence, *map(printable, told.lines), fence])
        if told.marks:
            items = zip(told.marks, told.lines, strict=True)
            return "\n".join(
                f"{mark if mark == '-' else mark[:-1] + sign} {text}" for mark, line in items if (text := escaped(line))
            )
        texts = [text for line in told.lines if (text := escaped(line))]
        if told.strong and texts:
            return f"**{' '.join(texts)}**"
        if told.heading and texts:
            return "#" * told.heading + " " + _CLOSING.sub(r"\\\g<0>", " ".join(texts))
        return "\n".join(texts)

    def with_next(self, other: "Part") -> "Part | None":
        """This part and one that stands first on the next page as one; None where they are two."""
        one, two = self.passage, other.passage
        if self.furniture or other.furniture or any(part.heading or part.strong for part in (one, two)):
            return None
        if len(one.lines) + len(two.lines) > _MOST_LINES or len(self.rows) + len(other.rows) > _MOST_ROWS:
            return None
        if self.rows and other.rows:
            alike = len(self.columns) == len(other.columns) and all(
                max(a[0], b[0]) < min(a[1], b[1]) for a, b in zip(self.columns, other.columns, strict=True)
            )
            again = other.rows[0] == self.rows[0]  # the head of a table is printed again on each page
            return replace(self, rows=self.rows + other.rows[again:]) if alike else None
        if self.rows or other.rows or not one.lines or not two.lines:
            return None
        smaller, larger = sorted((one.size, two.size))
        if smaller < _ALIKE * larger or one.code != two.code:
            return None
        if one.code:
            return Part(replace(two, lines=one.lines + two.lines))
        if one.marks and not two.marks and len(two.lines) == 1 and (item := numbered(two.lines[0])) is not None:
            two = replace(two, lines=(item.text,), marks=(item.mark,))
        if one.marks and two.marks and follows(two.marks[0], one.marks[-1]):
            return Part(replace(two, lines=one.lines + two.lines, marks=one.marks + two.marks))
        if two.marks or not runs_on(one.lines[-1], two.lines[0], full=one.full):
            return None
        lines = (*one.lines[:-1], joined(one.lines[-1], two.lines[0]))
        if one.marks:
            return Part(replace(two, lines=lines, marks=one.marks)) if len(two.lines) == 1 else None
        return Part(replace(two, lines=(*lines, *two.lines[1:])))


def joined_parts(pages: Iterable[Page]) -> Iterator[Part]:
    """The parts of all pages, in which those that run on over a break are one; furniture between them stands before them."""
    waiting: list[Part] = []  # the last part of the pages so far, and the furniture below it
    for before, page, after in _with_neighbours(pages):
        parts = parts_of(page, (before, after))
        body = [k for k, part in enumerate(parts) if not part.furniture]
        if not body:
            waiting += parts
            continue
        first, last = body[0], body[-1]
        whole = waiting[0].with_next(parts[first]) if waiting else None
        if whole is None:
            yield from waiting
        else:
            yield from waiting[1:]
            yield from parts[:first]
            parts = [whole, *parts[first + 1 :]]
            last -= first
        yield from parts[:last]
        waiting = parts[last:]
    yield from waiting


def parts_of(page: Page, neighbours: tuple[Page | None, Page | None]) -> list[Part]:
    """The parts of a page in reading order."""
    if not page.lines:
        return [Part(Passage(tuple(page.text.split("\n"))))] if page.text else []
    lines = standing(page)
    tables = tables_of(page)
    head, foot = furniture_of(page, neighbours)
    if tables:  # the head of a table is printed again on each page, too
        head, foot = min(head, tables[0].first), min(foot, len(page.lines) - tables[-1].last)
    made: list[Part] = [_furniture(line.text) for line in page.lines[:head]]
    end = len(page.lines) - foot
    place = head
    for table in tables:
        if table.first < place or table.last > end:
            continue
        made += map(Part, _passages(lines[place : table.first], lines))
        made.append(Part(rows=table.rows, columns=table.columns))
        place = table.last
    made += map(Part, _passages(lines[place:end], lines))
    return made + [_furniture(line.text) for line in page.lines[end:]]


def _passages(lines: Sequence[Standing], page: Sequence[Standing]) -> list[Passage]:
    """As a model has told the parts of the lines, or else by rules."""
    return passages_told(lines) if all(line.line.role for line in lines) else passages(lines, page)


def _furniture(text: str) -> Part:
    return Part(Passage((text,)), furniture=True)


def _with_neighbours(pages: Iterable[Page]) -> Iterator[tuple[Page | None, Page, Page | None]]:
    before: Page | None = None
    here: Page | None = None
    for after in pages:
        if here is not None:
            yield before, here, after
        before, here = here, after
    if here is not None:
        yield before, here, None


def escaped(line: str) -> str:
    """A line that Markdown shows as it is."""
    text = _ENTITY.sub(r"\&", _ANYWHERE.sub(r"\\\g<0>", printable(line).strip()))
    text = _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text
    return "\\" + text if _AT_START.match(text) else text
