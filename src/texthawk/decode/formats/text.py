"""Plain text: the lines of each page, a blank line between pages."""

from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.format import Setting
from texthawk.types import Box, Document, Page


def write(document: Document, setting: Setting) -> bytes:
    """All pages; nothing at all for a document without pages."""
    if not document.pages:
        return b""
    return ("\n\n".join(page_text(page, boxes=setting.boxes) for page in document.pages) + "\n").encode()


def page_text(page: Page, *, boxes: bool) -> str:
    """A page's text, or its lines each after their box: left,top,right,bottom in whole page pixels and a tab."""
    if not boxes or not page.lines:
        return printable(page.text)
    return "\n".join(f"{_sides(line.box)}\t{printable(line.text)}" for line in page.lines)


def _sides(box: Box | None) -> str:
    return "" if box is None else ",".join(str(round(side)) for side in box)
