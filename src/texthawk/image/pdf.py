"""PDF files as pages, drawn one at a time by pdfium."""

import contextlib
import math
import re
import threading
from typing import BinaryIO

import pypdfium2

from texthawk.image.layer import TextLayer, layer_of
from texthawk.image.raw import Limits, RawPage, UnreadablePage

POINTS_PER_INCH = 72
BYTES_PER_PIXEL = 12  # while a page is drawn: pdfium's own, Pillow's, and a copy in RGB
_PASSWORD_NEEDED = 4
_HEAD, _TAIL = 1024, 4096
_PDFIUM = threading.Lock()
"""pdfium may be in one thread at a time, even with different documents."""


class PdfFile:
    """The pages of a PDF at `dpi` pixels per inch, filled-in form fields included.

    A page of more than `Limits.max_pixels`, or of more than twice `Limits.enough_side` along a side, is drawn at a
    smaller scale rather than refused: its RawPage has the width and height of the resolution asked for and an image
    with fewer pixels, so a page of 200 x 200 inches costs no more memory than a large scan.
    """

    def __init__(self, content: bytes | str, stream: BinaryIO, source: str, dpi: float, limits: Limits) -> None:
        self._source, self._dpi, self._limits = source, dpi, limits
        if _is_cut_short(stream):
            raise UnreadablePage(source, None, "the PDF ends in the middle; copy or download it again")
        with _PDFIUM:
            try:
                self._document = _opened(content)
            except pypdfium2.PdfiumError as error:
                raise UnreadablePage(source, None, _reason(error)) from error
            self._document.init_forms()
            self.count = len(self._document)

    def page(self, number: int) -> RawPage:
        """Draw a page; raises UnreadablePage, after which the other pages can still be had."""
        try:
            with _PDFIUM:
                page = self._document[number - 1]
                try:
                    width, height, scale = self._size(*page.get_size())
                    bitmap = page.render(scale=scale)
                    image = bitmap.to_pil().convert("RGB")  # a copy: the bitmap owns the other
                    bitmap.close()
                finally:
                    page.close()
        except (pypdfium2.PdfiumError, ValueError, MemoryError) as error:
            reason = f"this page of the PDF is damaged; save the PDF again ({error})"
            raise UnreadablePage(self._source, number, reason) from error
        needed = image.width * image.height * BYTES_PER_PIXEL
        return RawPage(number, image, width, height, self._source, self.count, needed)

    def layer(self, page: RawPage) -> TextLayer | None:
        """The file's own text of a page that it has drawn, in the page's pixels; None where it cannot be had."""
        try:
            with _PDFIUM:
                opened = self._document[page.number - 1]
                try:
                    return layer_of(opened, page.width, page.height)
                finally:
                    opened.close()
        except pypdfium2.PdfiumError:
            return None

    def points(self, number: int) -> tuple[float, float] | None:
        """Width and height of a page in points, as it is shown."""
        try:
            with _PDFIUM:
                width, height = self._document.get_page_size(number - 1)
        except pypdfium2.PdfiumError:
            return None
        return width, height

    def close(self) -> None:
        with _PDFIUM:
            self._document.close()

    def _size(self, points_wide: float, points_high: float) -> tuple[int, int, float]:
        """The page's size in pixels and the scale at which it is drawn."""
        scale = self._dpi / POINTS_PER_INCH
        width, height = math.ceil(points_wide * scale), math.ceil(points_high * scale)
        excess = max(
            1.0,
            max(width, height) / (2 * self._limits.enough_side),
            math.sqrt(width * height / self._most_pixels()),
        )
        return max(1, width), max(1, height), scale / excess

    def _most_pixels(self) -> int:
        """Pixels that may be drawn."""
        if self._limits.max_bytes is None:
            return self._limits.max_pixels
        return max(1, min(self._limits.max_pixels, self._limits.max_bytes // BYTES_PER_PIXEL))


def _is_cut_short(stream: BinaryIO) -> bool:
    """Whether the end of the file is missing; pdfium would mend such a file and lose pages without a word.

    A file made for the web has an end mark near its start as well, but it also states its own length.
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    length = stream.seek(0, 2)
    stream.seek(max(0, length - _TAIL))
    stated = re.search(rb"/Linearized.{0,200}?/L\s+(\d+)", head, re.DOTALL)
    return b"%%EOF" not in stream.read() or (stated is not None and int(stated[1]) > length)


def _opened(content: bytes | str) -> pypdfium2.PdfDocument:
    """Open a document; the error's code is its own.

    pdfium keeps the code of its last failure and sets none for a document without pages. Opening nothing first
    leaves a known code behind, or such a document would seem to need the password of the one before it.
    """
    with contextlib.suppress(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(b"")
    return pypdfium2.PdfDocument(content)


def _reason(error: pypdfium2.PdfiumError) -> str:
    if error.err_code == _PASSWORD_NEEDED:
        return "the PDF asks for a password; save a copy without one and read that"
    return f"the PDF is damaged or has no pages; save it again from where it came from ({error})"
