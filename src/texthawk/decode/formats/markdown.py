"""Markdown: paragraphs, headings where type is larger, tables, and text that shows as it was read.

Paragraphs and tables that run on over the break of a page are one.

What was read is text, not mark-up, so every character that Markdown would take for its own is escaped.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from statistics import median

from texthawk.decode.formats.blocks import blocks_of, upright_box
from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.format import Setting
from texthawk.decode.formats.furniture import furniture_of
from texthawk.decode.formats.joining import joined, runs_on
from texthawk.decode.formats.tables import tables_of
from texthawk.types import Document, Line, Page

_ANYWHERE = re.compile(r"[\\`*_\[\]<>~|]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_AT_START = re.compile(r"(?:#{1,6}(?=\s|$)|[-+=](?=\s|$|[-=]))")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_HEADING, _TITLE = 1.35, 1.8  # of the page's usual line height
_LONGEST_HEADING = 90  # characters
_MOST_LINES, _MOST_ROWS = 200, 2000  # of a paragraph or table over many pages: what is longer is begun anew
_ALIKE = 0.75  # the smaller type of two halves of a paragraph is at least this part of the larger


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """About a page at a time: what stands last on a page waits for the next one."""
    first = True
    for part in joined_parts(document.pages):
        text = part.markdown()
        if text:
            yield ("" if first else "\n\n").encode() + text.encode()
            first = False
    if not first:
        yield b"\n"


def page_markdown(page: Page) -> str:
    """A page's parts with an empty line between them."""
    return "\n\n".join(text for part in parts_of(page, (None, None)) if (text := part.markdown()))


@dataclass(frozen=True)
class Part:
    """A paragraph, a heading (1 or 2), a table, or furniture of the page.

    lines: of text, not yet escaped. rows, columns: of a table. full: of text, that its last line is as long as the
    others; height: of its type in pixels.
    """

    lines: tuple[str, ...] = ()
    heading: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    columns: tuple[tuple[float, float], ...] = ()
    full: bool = False
    height: float = 0.0
    furniture: bool = False

    def markdown(self) -> str:
        if self.rows:
            lines = ["| " + " | ".join(escaped(cell) for cell in row) + " |" for row in self.rows]
            return "\n".join([lines[0], "|" + " --- |" * len(self.rows[0]), *lines[1:]])
        texts = [text for line in self.lines if (text := escaped(line))]
        return "#" * self.heading + " " + " ".join(texts) if self.heading else "\n".join(texts)

    def with_next(self, other: "Part") -> "Part | None":
        """This part and one that stands first on the next page as one; None where they are two."""
        if self.furniture or other.furniture or self.heading or other.heading:
            return None
        if len(self.lines) + len(other.lines) > _MOST_LINES or len(self.rows) + len(other.rows) > _MOST_ROWS:
            return None
        if self.rows and other.rows:
            alike = len(self.columns) == len(other.columns) and all(
                max(a[0], b[0]) < min(a[1], b[1]) for a, b in zip(self.columns, other.columns, strict=True)
            )
            again = other.rows[0] == self.rows[0]  # the head of a table is printed again on each page
            return replace(self, rows=self.rows + other.rows[again:]) if alike else None
        if self.rows or other.rows or not self.lines or not other.lines:
            return None
        smaller, larger = sorted((self.height, other.height))
        if smaller < _ALIKE * larger or not runs_on(self.lines[-1], other.lines[0], full=self.full):
            return None
        middle = joined(self.lines[-1], other.lines[0])
        return replace(other, lines=(*self.lines[:-1], middle, *other.lines[1:]))


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
        return [Part(tuple(page.text.split("\n")))] if page.text else []
    usual = median(_height(line, page) for line in page.lines)
    tables = tables_of(page)
    head, foot = furniture_of(page, neighbours)
    if tables:  # the head of a table is printed again on each page, too
        head, foot = min(head, tables[0].first), min(foot, len(page.lines) - tables[-1].last)
    made: list[Part] = [Part((line.text,), furniture=True) for line in page.lines[:head]]
    end = len(page.lines) - foot
    place = head
    for table in tables:
        if table.first < place or table.last > end:
            continue
        made += _paragraphs(page, place, table.first, usual)
        made.append(Part(rows=table.rows, columns=table.columns))
        place = table.last
    made += _paragraphs(page, place, end, usual)
    return made + [Part((line.text,), furniture=True) for line in page.lines[end:]]


def _with_neighbours(pages: Iterable[Page]) -> Iterator[tuple[Page | None, Page, Page | None]]:
    before: Page | None = None
    here: Page | None = None
    for after in pages:
        if here is not None:
            yield before, here, after
        before, here = here, after
    if here is not None:
        yield before, here, None


def _paragraphs(page: Page, first: int, last: int, usual: float) -> list[Part]:
    return [_text(block, page, usual) for block in blocks_of(replace(page, lines=page.lines[first:last]))]


def _text(lines: list[Line], page: Page, usual: float) -> Part:
    texts = tuple(line.text for line in lines)
    size = median(_height(line, page) for line in lines)
    if usual and size >= _HEADING * usual and sum(map(len, texts)) <= _LONGEST_HEADING:
        return Part(texts, heading=1 if size >= _TITLE * usual else 2, height=size)
    rights = [box.right for line in lines if (box := upright_box(line.box, page)) is not None]
    full = len(rights) == len(lines) > 1 and rights[-1] >= max(rights) - 4 * size
    return Part(texts, full=full, height=size)


def escaped(line: str) -> str:
    """A line that Markdown shows as it is."""
    text = _ENTITY.sub(r"\&", _ANYWHERE.sub(r"\\\g<0>", printable(line).strip()))
    text = _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text
    return "\\" + text if _AT_START.match(text) else text


def _height(line: Line, page: Page) -> float:
    box = upright_box(line.box, page)
    return 0.0 if box is None else box.height
