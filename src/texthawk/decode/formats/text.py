"""Plain text: the lines of each page, a blank line between pages.

Where the last line of a page goes on in the first of the next, no blank line parts them, and a word that the break parted
is whole again. Lines that begin with their box stay as they are printed.
"""

from collections.abc import Iterator

from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.format import Setting
from texthawk.decode.formats.joining import is_parted, runs_on
from texthawk.types import Box, Document, Page


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """Page by page; nothing at all for a document without pages."""
    flow = TextFlow(boxes=setting.boxes)
    for page in document.pages:
        yield flow.add(page).encode()
    if len(document.pages):
        yield flow.end().encode()


class TextFlow:
    """Pages one after the other; the end of one is held until it is known how the next begins."""

    def __init__(self, *, boxes: bool) -> None:
        self._boxes = boxes
        self._last: str | None = None
        self._full = False

    def add(self, page: Page) -> str:
        """What follows in the text, up to the last line of this page."""
        text = page_text(page, boxes=self._boxes)
        lines = text.split("\n")
        start = ""
        if self._last is not None:
            start = self._break(lines[0])
        self._last, self._full = lines[-1], len(lines) > 1 and len(lines[-1]) >= 0.8 * max(map(len, lines[-6:]))
        return start + (text[:-1] if self._held else text)

    def end(self) -> str:
        """What stands after the last page."""
        return "-\n" if self._held else "\n"

    @property
    def _held(self) -> bool:
        """Whether a hyphen waits for the next page."""
        return self._last is not None and not self._boxes and is_parted(self._last)

    def _break(self, below: str) -> str:
        assert self._last is not None
        if self._boxes or not runs_on(self._last, below, full=self._full):
            return "-\n\n" if self._held else "\n\n"
        return "" if self._held else "\n"


def page_text(page: Page, *, boxes: bool) -> str:
    """A page's text, or its lines each after their box: left,top,right,bottom in whole page pixels and a tab."""
    if not boxes or not page.lines:
        return printable(page.text)
    return "\n".join(f"{_sides(line.box)}\t{printable(line.text)}" for line in page.lines)


def _sides(box: Box | None) -> str:
    return "" if box is None else ",".join(str(round(side)) for side in box)
