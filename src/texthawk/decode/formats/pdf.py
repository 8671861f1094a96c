"""A searchable PDF: the picture of each page, and over it the text, invisible, each word in its place."""

import ctypes
import io
from collections.abc import Iterator

import pypdfium2
from pypdfium2 import raw

from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.format import Setting
from texthawk.decode.formats.glyphless import ADVANCE, DESCENT, EM, font, to_unicode
from texthawk.decode.rotation import turned_box, turned_size
from texthawk.image.pdf import _PDFIUM as PDFIUM_LOCK
from texthawk.types import Box, Document, Page

_INCH, _DPI = 72, 200  # a picture that is no PDF's page is taken for a scan of this resolution
_LONGEST = 14_400  # points; a PDF page may not be longer
_MOST_CODES = 0xFFFF
_PLACELESS = 1.0  # points: the type of words whose place is not known, at the head of their page


def write(document: Document, setting: Setting) -> bytes:
    """The pages in their own size where they come from a PDF; `setting.pictures` has one JPEG for each."""
    if not document.pages:
        raise ValueError(
            f"nothing was read of {setting.source!r}, and a PDF needs a page; ask for JSON, which needs none"
        )
    if len(setting.pictures) != len(document.pages):
        raise ValueError(
            f"{len(document.pages)} pages and {len(setting.pictures)} pictures; a PDF needs one picture for each page"
        )
    with PDFIUM_LOCK:
        made = pypdfium2.PdfDocument.new()
        try:
            layer = _TextLayer(made, document)
            for page, picture in zip(document.pages, setting.pictures, strict=True):
                _page(made, page, picture, layer)
            layer.close()
            out = io.BytesIO()
            made.save(out)
        finally:
            made.close()
    return out.getvalue()


def points_of(page: Page) -> tuple[float, float]:
    """The page's width and height in PDF points."""
    if page.points is not None:
        return page.points
    scale = min(_INCH / _DPI, _LONGEST / max(page.width, page.height))
    return page.width * scale, page.height * scale


def _page(made: pypdfium2.PdfDocument, page: Page, picture: bytes, layer: "_TextLayer") -> None:
    width, height = points_of(page)
    sheet = made.new_page(width, height)
    image = pypdfium2.PdfImage.new(made)
    image.load_jpeg(io.BytesIO(picture), inline=True)
    image.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
    sheet.insert_obj(image)
    scale = width / page.width, height / page.height
    for text, box in _words(page):
        if box is None:
            place = Box(0, 0, 0.5 * _PLACELESS * len(text), _PLACELESS)
        else:
            place = Box(box.left * scale[0], box.top * scale[1], box.right * scale[0], box.bottom * scale[1])
        layer.set_word(sheet, text, place, page.rotation if box is not None else 0)
    sheet.gen_content()
    sheet.close()


def _words(page: Page) -> Iterator[tuple[str, Box | None]]:
    """The words of a page and the spaces between them, each with its place in pixels of the page."""
    for line in page.lines:
        for number, word in enumerate(line.words):
            text = printable(word.text)
            if text:
                yield text, word.box
            if number + 1 < len(line.words):
                after = line.words[number + 1].box
                yield " ", _between(word.box, after, page.rotation, page.width, page.height)


def _between(first: Box | None, second: Box | None, rotation: int, width: float, height: float) -> Box | None:
    """The gap between two words of a line, at least a little wide: words may touch and still be two."""
    if first is None or second is None:
        return None
    left, right = (turned_box(box, rotation, width, height) for box in (first, second))
    end = max(left.right + 0.01 * left.height, right.left)
    gap = Box(left.right, left.top, end, left.bottom)
    wide, high = turned_size(width, height, rotation)
    return turned_box(gap, (360 - rotation) % 360, wide, high)


class _TextLayer:
    """The glyphless font in a PDF, with a code for each character of the document."""

    def __init__(self, made: pypdfium2.PdfDocument, document: Document) -> None:
        used = {character for page in document.pages for text, _ in _words(page) for character in text}
        if len(used) >= _MOST_CODES:
            raise ValueError(f"{len(used)} different characters are more than a PDF's font can hold; write fewer pages")
        self._document = made
        self._codes = {character: code for code, character in enumerate(sorted(used), start=1)}
        content = font()
        glyphs = b"\0\0" + b"\0\1" * len(self._codes)  # every code is drawn as glyph 1
        self._font = raw.FPDFText_LoadCidType2Font(
            made, _bytes(content), len(content), to_unicode(self._codes), _bytes(glyphs), len(glyphs)
        )
        assert self._font, "pdfium refuses the glyphless font"

    def set_word(self, sheet: pypdfium2.PdfPage, text: str, place: Box, rotation: int) -> None:
        """Stretch a word over its place, in points from the top left; `rotation` as a Page has it."""
        written = raw.FPDFPageObj_CreateTextObj(self._document, self._font, 1.0)
        codes = (ctypes.c_uint32 * len(text))(*(self._codes[character] for character in text))
        done = raw.FPDFText_SetCharcodes(written, codes, len(text))
        done = done and raw.FPDFTextObj_SetTextRenderMode(written, raw.FPDF_TEXTRENDERMODE_INVISIBLE)
        assert done, "pdfium refuses a text object"
        raw.FPDFPageObj_SetMatrix(written, _matrix(place, len(text), rotation, sheet.get_height()))
        raw.FPDFPage_InsertObject(sheet, written)

    def close(self) -> None:
        raw.FPDFFont_Close(self._font)


def _matrix(place: Box, letters: int, rotation: int, height: float) -> raw.FS_MATRIX:
    """Takes text that is `letters` * ADVANCE / EM wide and 1 high onto a place; PDF counts upwards from the bottom."""
    left, bottom, right, top = place.left, height - place.bottom, place.right, height - place.top
    wide = letters * ADVANCE / EM
    below = -DESCENT / EM  # of the height of type, under the line it stands on
    across, up = right - left, top - bottom
    if rotation == 90:  # reads upwards
        return raw.FS_MATRIX(0, up / wide, -across, 0, right - below * across, bottom)
    if rotation == 180:
        return raw.FS_MATRIX(-across / wide, 0, 0, -up, right, top - below * up)
    if rotation == 270:  # reads downwards
        return raw.FS_MATRIX(0, -up / wide, across, 0, left + below * across, top)
    return raw.FS_MATRIX(across / wide, 0, 0, up, left, bottom + below * up)


def _bytes(content: bytes) -> "ctypes.Array[ctypes.c_ubyte]":
    return (ctypes.c_ubyte * len(content)).from_buffer_copy(content)
