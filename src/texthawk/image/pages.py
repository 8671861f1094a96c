"""A file becomes pages in RGB, one at a time: PNG, JPEG, TIFF, WebP, GIF, BMP and PDF.

What a file is shows in its first bytes; its name does not matter. Whatever is wrong with a page or a file comes out
as a PageError among the pages, so that one bad page never costs the others.
"""

import io
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from PIL import Image

from texthawk.image.pdf import PdfFile
from texthawk.image.pictures import DECODING_FAILURES, PictureFile, decoded, format_of
from texthawk.image.raw import Limits, RawPage, UnreadablePage
from texthawk.image.selection import EVERY_PAGE, PageSelection, page_selection
from texthawk.types import PageError

__all__ = ["Limits", "PageSelection", "RawPage", "Source", "UnreadablePage", "one_page", "open_pages", "page_selection"]

Source = str | os.PathLike[str] | bytes | Image.Image
"""A path, the bytes of a file, or an image."""

_HEAD = 1024  # a PDF's mark may stand anywhere in here
_DEFAULT_LIMITS = Limits()
_MOST_DPI = 10_000


def open_pages(
    source: Source,
    *,
    name: str | None = None,
    dpi: float = 200,
    limits: Limits = _DEFAULT_LIMITS,
    selection: PageSelection = EVERY_PAGE,
) -> Iterator[RawPage | PageError]:
    """The wanted pages of a source in order, each decoded only when it is asked for and held by nobody after that.

    A file that cannot be opened gives one PageError without a number; a page, one with its number. `name` is what
    the source is called in messages and results, `dpi` the resolution at which PDF pages are drawn.
    """
    check_dpi(dpi)
    name = _name_of(source) if name is None else name
    return _pages(source, name, dpi, limits, selection)


def check_dpi(dpi: float) -> None:
    """ValueError for a resolution in which no page can be measured."""
    if not 0 < dpi <= _MOST_DPI:
        raise ValueError(f"dpi is {dpi}; pages of a PDF have up to {_MOST_DPI} pixels per inch, for example 200")


def one_page(
    source: Source, number: int = 1, *, name: str | None = None, dpi: float = 200, limits: Limits = _DEFAULT_LIMITS
) -> RawPage:
    """One page of a source; raises UnreadablePage where `open_pages` gives a PageError."""
    selection = PageSelection(((number, number),))
    page = next(iter(open_pages(source, name=name, dpi=dpi, limits=limits, selection=selection)))
    if isinstance(page, PageError):
        raise UnreadablePage(page.source, page.number, page.message)
    return page


def _pages(
    source: Source, name: str, dpi: float, limits: Limits, selection: PageSelection
) -> Iterator[RawPage | PageError]:
    try:
        with closing(opened_file(source, name, dpi, limits)) as file:
            for done, number in enumerate(selection.of(file.count)):
                if done == limits.max_pages:
                    reason = (
                        f"pages from here on are left out by the limit max_pages of {done}; raise it or read in parts"
                    )
                    yield PageError(name, number, reason)
                    return
                try:
                    page = file.page(number)
                except UnreadablePage as error:
                    yield error.as_value()
                else:
                    yield page
                    del page  # or it would stay in memory beside the next one
            yield from missing_pages(selection, file.count, name)
    except UnreadablePage as error:
        yield error.as_value()


def missing_pages(selection: PageSelection, count: int, name: str) -> Iterator[PageError]:
    """An error for each range of pages that was asked for and that a file of `count` pages has not."""
    for first, last in selection.beyond(count):
        missing = "is no such page" if first == last else f"are no pages {first}-{last}"
        pages = "1 page" if count == 1 else f"{count} pages"
        yield PageError(name, first, f"there {missing}, for the file has {pages}; choose others")


class _ImageInMemory:
    """An image that somebody else opened, with the interface of PictureFile and PdfFile; it stays open."""

    count = 1

    def __init__(self, image: Image.Image, source: str, limits: Limits) -> None:
        self._image, self._source, self._limits = image, source, limits

    def page(self, number: int) -> RawPage:
        try:
            return decoded(self._image, number, self._source, self._limits, ours=False)
        except UnreadablePage:
            raise
        except DECODING_FAILURES as error:
            raise UnreadablePage(self._source, None, f"the image cannot be decoded; load it again ({error})") from error

    def close(self) -> None:
        pass


OpenedFile = PictureFile | PdfFile | _ImageInMemory


def opened_file(source: Source, name: str, dpi: float, limits: Limits) -> OpenedFile:
    """A source held open, with its `count` of pages and `page(number)`, until `close`; raises UnreadablePage."""
    if isinstance(source, Image.Image):
        return _ImageInMemory(source, name, limits)
    content = source if isinstance(source, bytes) else _regular_file(Path(source), name)
    stream = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
    head = stream.read(_HEAD)
    try:
        if not head:
            raise UnreadablePage(name, None, "the file is empty; copy or save it again")
        reader = format_of(head)
        if reader is not None:
            return PictureFile(stream, reader, name, limits)
        if b"%PDF-" in head:
            with stream:
                return PdfFile(
                    content if isinstance(content, bytes) else str(content.absolute()), stream, name, dpi, limits
                )
        raise UnreadablePage(
            name,
            None,
            "the content is no PNG, JPEG, TIFF, WebP, GIF, BMP or PDF, whatever the name says; convert it to one",
        )
    except UnreadablePage:
        stream.close()
        raise


def _regular_file(path: Path, name: str) -> Path | bytes:
    """The path itself when it can be opened and sought; the content of a pipe."""
    try:
        if path.is_fifo():
            return path.read_bytes()
        if path.is_dir():
            raise UnreadablePage(name, None, "this is a folder; name the files in it")
        if not path.exists():
            raise UnreadablePage(name, None, "there is no such file; check the spelling and the folder")
        if not path.is_file():
            raise UnreadablePage(name, None, "this is a device, not a file; copy its content to a file")
        path.open("rb").close()
    except UnreadablePage:
        raise
    except (OSError, ValueError) as error:
        raise UnreadablePage(
            name, None, f"the file cannot be opened; check its name and permissions ({error})"
        ) from error
    return path


def _name_of(source: Source) -> str:
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "") or "image")
    return "bytes" if isinstance(source, bytes) else os.fspath(source)
