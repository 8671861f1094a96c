"""What a format is: a name for it, the end of its files' names, and a function that writes a document."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from texthawk.types import Document, Page


@dataclass(frozen=True)
class Setting:
    """What a format may tell beside what was read, and how.

    source: the name of the file that was read; model: of the model; boxes: text lines begin with their box;
    pictures: one JPEG per page, in the document's order, for formats that show the page. outline: gives a page's lines their
    roles, for formats that tell what lines are (`Reader.outlined`); without it rules tell.
    """

    source: str = ""
    model: str = ""
    boxes: bool = False
    pictures: Sequence[bytes] = ()
    outline: Callable[[Page], Page] | None = None


@dataclass(frozen=True)
class Format:
    """`pieces` makes a file of a document in pieces of about a page, so that a long one is never in memory as a whole.

    It raises ValueError, before its first piece, where the format cannot hold the document. needs_pictures: it takes a
    picture of each page in its setting.
    """

    media_type: str
    suffix: str
    pieces: Callable[[Document, Setting], Iterator[bytes]]
    needs_pictures: bool = False

    def write(self, document: Document, setting: Setting) -> bytes:
        """The whole file."""
        return b"".join(self.pieces(document, setting))
