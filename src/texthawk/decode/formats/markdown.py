"""Markdown: paragraphs, headings where type is larger, and text that shows as it was read.

What was read is text, not mark-up, so every character that Markdown would take for its own is escaped.
"""

import re
from statistics import median

from texthawk.decode.formats.blocks import blocks_of, upright_box
from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.format import Setting
from texthawk.types import Document, Line, Page

_ANYWHERE = re.compile(r"[\\`*_\[\]<>~|]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_AT_START = re.compile(r"(?:#{1,6}(?=\s|$)|[-+=](?=\s|$|[-=]))")
_NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_HEADING, _TITLE = 1.35, 1.8  # of the page's usual line height
_LONGEST_HEADING = 90  # characters


def write(document: Document, setting: Setting) -> bytes:
    pages = [page_markdown(page) for page in document.pages]
    return ("\n\n".join(page for page in pages if page) + "\n").encode() if any(pages) else b""


def page_markdown(page: Page) -> str:
    """A page's blocks with an empty line between them."""
    if not page.lines:
        return "\n".join(escaped(line) for line in page.text.split("\n"))
    usual = median(_height(line, page) for line in page.lines)
    return "\n\n".join(part for block in blocks_of(page) if (part := _block(block, page, usual)))


def escaped(line: str) -> str:
    """A line that Markdown shows as it is."""
    text = _ENTITY.sub(r"\&", _ANYWHERE.sub(r"\\\g<0>", printable(line).strip()))
    text = _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text
    return "\\" + text if _AT_START.match(text) else text


def _block(lines: list[Line], page: Page, usual: float) -> str:
    texts = [text for line in lines if (text := escaped(line.text))]
    size = median(_height(line, page) for line in lines)
    if usual and size >= _HEADING * usual and sum(map(len, texts)) <= _LONGEST_HEADING:
        return ("# " if size >= _TITLE * usual else "## ") + " ".join(texts)
    return "\n".join(texts)


def _height(line: Line, page: Page) -> float:
    box = upright_box(line.box, page)
    return 0.0 if box is None else box.height
