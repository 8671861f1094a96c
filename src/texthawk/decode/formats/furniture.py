"""What stands at the edge of page after page and belongs to no text: page numbers, running heads and feet."""

import re
from collections.abc import Sequence

from texthawk.decode.formats.blocks import blocks_of
from texthawk.types import Line, Page

_EDGE = 2  # lines at the top or the bottom of a page that may be furniture
_NUMBER = re.compile(r"\W*(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_LETTERS = 3  # that a running head has at least


def furniture_of(page: Page, neighbours: Sequence[Page | None]) -> tuple[int, int]:
    """How many lines at the head and at the foot of a page are furniture, seen beside the pages before and after it.

    It stands apart from the text: a line with others close to it is furniture with them or not at all.
    """
    blocks = blocks_of(page)
    others = [other.lines for other in neighbours if other is not None]
    head = _counted(blocks, [lines[:_EDGE] for lines in others])
    foot = _counted(blocks[::-1], [lines[-_EDGE:] for lines in others])
    return (head, foot) if head + foot <= len(page.lines) else (0, 0)


def _counted(blocks: Sequence[Sequence[Line]], others: Sequence[Sequence[Line]]) -> int:
    """Lines of furniture from the edge inwards."""
    count = 0
    edges = {_masked(line.text) for lines in others for line in lines}
    for block in blocks:
        if count + len(block) > _EDGE or not all(_is_furniture(line.text, edges) for line in block):
            break
        count += len(block)
    return count


def _is_furniture(text: str, edges: set[str]) -> bool:
    masked = _masked(text)
    again = masked in edges and sum(character.isalpha() for character in masked) >= _LETTERS
    return again or _NUMBER.fullmatch(text.strip()) is not None


def _masked(text: str) -> str:
    """The same for all pages of a chapter: without the page's own number."""
    return " ".join(_DIGITS.sub("#", text).casefold().split())
