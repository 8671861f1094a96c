"""Lines of a page are grouped into blocks, as paragraphs stand on it, by their boxes alone.

Two lines that follow each other belong together when they share columns of the page, are of about the same height and
no more than a line's height apart. Lines without a box that follow each other are a block of their own.
"""

from texthawk.decode.rotation import turned_box
from texthawk.types import Box, Line, Page

_APART = 0.9  # of the lines' height: a wider gap parts paragraphs
_ALIKE = 0.6  # the smaller height is at least this part of the larger


def blocks_of(page: Page) -> list[list[Line]]:
    """The page's lines in reading order, cut where one block ends and the next begins."""
    blocks: list[list[Line]] = []
    for line in page.lines:
        if blocks and _together(upright_box(blocks[-1][-1].box, page), upright_box(line.box, page)):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def upright_box(box: Box | None, page: Page) -> Box | None:
    """A box of the page as it lies once the page is turned so that its text stands upright."""
    return None if box is None else turned_box(box, page.rotation, page.width, page.height)


def _together(above: Box | None, below: Box | None) -> bool:
    if above is None or below is None:
        return above is below
    smaller, larger = sorted((above.height, below.height))
    gap = below.top - above.bottom
    shared = min(above.right, below.right) - max(above.left, below.left)
    return shared > 0 and smaller >= _ALIKE * larger and -0.5 * larger <= gap <= _APART * larger
