"""Nouns that cross rooms: boxes, words, pages, documents and the layout of a page's tiles.

All boxes are in pixels of the page as a person sees it (EXIF orientation applied), origin top left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in page pixels; `right` and `bottom` lie just outside it."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


def box_around(boxes: Iterable[Box | None]) -> Box | None:
    """The smallest box that holds all of them; None where there is none."""
    known = [box for box in boxes if box is not None]
    if not known:
        return None
    return Box(
        min(box.left for box in known),
        min(box.top for box in known),
        max(box.right for box in known),
        max(box.bottom for box in known),
    )


@dataclass(frozen=True)
class TileLayout:
    """How a page is cut into views: `rows` x `columns` of them, and whether a thumbnail (the whole page) is sent too.

    `height` and `width` are the page's own size in pixels, before it is resized to the grid. `cut` and `whole` are the
    sizes (height, width) in pixels of each cut view and of the thumbnail; None stands for squares of `tile` pixels.
    """

    rows: int
    columns: int
    thumbnail: bool
    height: int
    width: int
    tile: int = 224
    cut: tuple[int, int] | None = None
    whole: tuple[int, int] | None = None
    thumbnail_last: bool = False

    @property
    def tiles(self) -> int:
        """Views that go through the encoder, the thumbnail included."""
        return self.rows * self.columns + int(self.thumbnail)

    @property
    def views(self) -> tuple[tuple[int, int], ...]:
        """(height, width) in pixels of every view, in the order they are sent."""
        square = (self.tile, self.tile)
        cuts = (self.cut or square,) * (self.rows * self.columns)
        whole = (self.whole or square,) * int(self.thumbnail)
        return cuts + whole if self.thumbnail_last else whole + cuts


@dataclass(frozen=True)
class Word:
    """A word of the result, its box in page pixels (None where the model gave no place) and a confidence in [0, 1]."""

    text: str
    box: Box | None
    confidence: float


@dataclass(frozen=True)
class Line:
    """A line of text with its box in page pixels and its words in reading order.

    role: the part that it plays on its page, of `texthawk.decode.outline.ROLES`; "" where nobody has told.
    """

    text: str
    box: Box | None
    words: tuple[Word, ...] = ()
    role: str = ""


COMPLETE = ("stop", "blank")
"""Reasons for the end of a page's reading that leave no text out."""


@dataclass(frozen=True)
class Page:
    """What was read from one page; `number` counts from 1 within its file.

    finish_reason: "stop"; "blank" (there was nothing to read, `reason` says why); "length" or "repetition" (text may be
    missing). points: the page's width and height in PDF points, where it is a PDF's. rotation: degrees, 0, 90, 180 or
    270, by which the page had to be turned clockwise for its text to stand upright; boxes are those of the page as it
    came, unturned. origin: "ink" (what is printed was read), or "layer" (the PDF's own text was taken, see
    `decode/documents/trust.py`; its words have the confidence 1).
    """

    number: int
    width: int
    height: int
    text: str
    lines: tuple[Line, ...] = ()
    finish_reason: str = "stop"
    source: str = ""
    reason: str = ""
    points: tuple[float, float] | None = None
    rotation: int = 0
    origin: str = "ink"

    @property
    def words(self) -> list[Word]:
        return [word for line in self.lines for word in line.words]

    def in_points(self, box: Box) -> Box:
        """A box of the page in PDF points, still from the top left; ValueError for a page that is no PDF's."""
        if self.points is None:
            raise ValueError(f"page {self.number} of {self.source!r} is no PDF's and has no size in points; use pixels")
        across, down = self.points[0] / self.width, self.points[1] / self.height
        return Box(box.left * across, box.top * down, box.right * across, box.bottom * down)


@dataclass(frozen=True)
class PageError:
    """A page or file that could not be read, with a message for a person; `number` is None when the whole file failed."""

    source: str
    number: int | None
    message: str


@dataclass(frozen=True)
class Document:
    """The pages of one input in order, and one entry in `errors` for each page that could not be read.

    pages: a tuple, or for long documents a sequence that holds them on disk.
    """

    pages: Sequence[Page] = ()
    errors: tuple[PageError, ...] = field(default=())

    @property
    def text(self) -> str:
        return "\n\n".join(page.text for page in self.pages)
