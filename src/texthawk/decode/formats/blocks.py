"""Lines of a page are grouped into blocks, as paragraphs stand on it, by their places and the size of their type.

Two lines that follow each other belong together when they share columns of the page, are of about the same size and
no more than a line's height apart. Lines without a box that follow each other are a block of their own.
"""

from collections.abc import Sequence

from texthawk.decode.formats.type_size import Standing, standing
from texthawk.types import Box, Line, Page

_APART = 0.9  # of the lines' height: a wider gap parts paragraphs
_ALIKE = 0.6  # the smaller height is at least this part of the larger


def blocks_of(page: Page) -> list[list[Line]]:
    """The page's lines in reading order, cut where one block ends and the next begins."""
    return [[line.line for line in block] for block in blocks(standing(page))]


def blocks(lines: Sequence[Standing]) -> list[list[Standing]]:
    """Lines of a page in reading order, cut where one block ends and the next begins."""
    made: list[list[Standing]] = []
    for line in lines:
        if made and _together(made[-1][-1].box, line.box):
            made[-1].append(line)
        else:
            made.append([line])
    return made


def _together(above: Box | None, below: Box | None) -> bool:
    if above is None or below is None:
        return above is below
    smaller, larger = sorted((above.height, below.height))
    gap = below.top - above.bottom
    shared = min(above.right, below.right) - max(above.left, below.left)
    return shared > 0 and smaller >= _ALIKE * larger and -0.5 * larger <= gap <= _APART * larger
