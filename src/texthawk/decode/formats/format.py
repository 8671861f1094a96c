"""What a format is: a name for it, the end of its files' names, and a function that writes a document."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from texthawk.types import Document


@dataclass(frozen=True)
class Setting:
    """What a format may tell beside what was read, and how.

    source: the name of the file that was read; model: of the model; boxes: text lines begin with their box;
    pictures: one JPEG per page, in the document's order, for formats that show the page.
    """

    source: str = ""
    model: str = ""
    boxes: bool = False
    pictures: Sequence[bytes] = ()


@dataclass(frozen=True)
class Format:
    """`write` makes the whole file; `needs_pictures`: it takes a picture of each page in its setting.

    pieces: makes the file in pieces, of which each is about a page, where the format allows it.
    """

    media_type: str
    suffix: str
    write: Callable[[Document, Setting], bytes]
    needs_pictures: bool = False
    pieces: Callable[[Document, Setting], Iterator[bytes]] | None = None

    def parts(self, document: Document, setting: Setting) -> Iterator[bytes]:
        """The file in as small pieces as the format allows, so that a long document is never in memory as a whole."""
        if self.pieces is None:
            yield self.write(document, setting)
        else:
            yield from self.pieces(document, setting)
