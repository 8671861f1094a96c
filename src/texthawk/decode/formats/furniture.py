"""What stands at the edge of page after page and belongs to no text: page numbers, running heads and feet."""

import re
from collections.abc import Sequence

from texthawk.types import Line, Page

_EDGE = 2  # lines at the top or the bottom of a page that may be furniture
_NUMBER = re.compile(r"\W*(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_LETTERS = 3  # that a running head has at least


def furniture_of(page: Page, neighbours: Sequence[Page | None]) -> tuple[int, int]:
    """How many lines at the head and at the foot of a page are furniture, seen beside the pages before and after it."""
    head = _counted(page.lines, [other.lines for other in neighbours if other is not None])
    foot = _counted(page.lines[::-1], [other.lines[::-1] for other in neighbours if other is not None])
    return (head, foot) if head + foot <= len(page.lines) else (0, 0)


def _counted(lines: Sequence[Line], others: Sequence[Sequence[Line]]) -> int:
    """From the edge inwards."""
    count = 0
    for line in lines[:_EDGE]:
        masked = _masked(line.text)
        letters = sum(character.isalpha() for character in masked)
        again = letters >= _LETTERS and any(masked == _masked(same.text) for other in others for same in other[:_EDGE])
        if not again and _NUMBER.fullmatch(line.text.strip()) is None:
            break
        count += 1
    return count


def _masked(text: str) -> str:
    """The same for all pages of a chapter: without the page's own number."""
    return " ".join(_DIGITS.sub("#", text).casefold().split())
