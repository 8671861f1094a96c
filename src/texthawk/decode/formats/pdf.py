"""A searchable PDF: the picture of each page, and over it the text, invisible, each word in its place.

The file is written object by object (PDF 32000-1, 7.5): nothing of a page is kept once it is written but where its objects
begin, and which characters the document holds is told at the end.
"""

import io
import zlib
from collections.abc import Iterator, Mapping

from PIL import Image

from texthawk.decode.formats.characters import REPLACEMENT, as_laid_out, printable
from texthawk.decode.formats.format import Setting
from texthawk.decode.formats.glyphless import ADVANCE, ASCENT, DESCENT, EM, font, to_unicode
from texthawk.decode.rotation import turned_box, turned_size
from texthawk.types import Box, Document, Page

_INCH, _DPI = 72, 200  # a picture that is no PDF's page is taken for a scan of this resolution
_LONGEST = 14_400  # points; a PDF page may not be longer
_MOST_CODES = 0xFFFF
_PLACELESS = 1.0  # points: the type of words whose place is not known, at the head of their page
_THINNEST = 0.01  # points: a word must have some extent to be written over it
_COLOURS = {"L": "DeviceGray", "RGB": "DeviceRGB"}
_CATALOG, _PAGES, _FONT = 1, 2, 3  # objects that others name before they are written


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """The pages in their own size where they come from a PDF; `setting.pictures` has one JPEG, grey or RGB, for each."""
    if not document.pages:
        raise ValueError(
            f"nothing was read of {setting.source!r}, and a PDF needs a page; ask for JSON, which needs none"
        )
    if len(setting.pictures) != len(document.pages):
        raise ValueError(
            f"{len(document.pages)} pages and {len(setting.pictures)} pictures; a PDF needs one picture for each page"
        )
    file, codes, sheets = _File(), _Codes(), list[int]()
    yield file.head()
    for page, picture in zip(document.pages, setting.pictures, strict=True):
        image, content, sheet = file.number(), file.number(), file.number()
        yield file.stream(image, _picture(picture), picture)
        width, height = points_of(page)
        drawn = f"q {_sides(width, 0, 0, height, 0, 0)} cm /I Do Q\nBT /F 1 Tf 3 Tr\n"
        layer = "".join(_written(word, codes) for word in _placed(page, width, height))
        yield file.stream(content, {"Filter": "/FlateDecode"}, zlib.compress(f"{drawn}{layer}ET\n".encode("ascii")))
        resources = f"<</Font<</F {_FONT} 0 R>>/XObject<</I {image} 0 R>>>>"
        entries = {"Type": "/Page", "Parent": f"{_PAGES} 0 R", "MediaBox": f"[{_sides(0, 0, width, height)}]"}
        yield file.entry(sheet, entries | {"Resources": resources, "Contents": f"{content} 0 R"})
        sheets.append(sheet)
    yield from _font(file, codes.known)
    kids = " ".join(f"{sheet} 0 R" for sheet in sheets)
    yield file.entry(_PAGES, {"Type": "/Pages", "Kids": f"[{kids}]", "Count": str(len(sheets))})
    yield file.entry(_CATALOG, {"Type": "/Catalog", "Pages": f"{_PAGES} 0 R"})
    yield file.end()


def points_of(page: Page) -> tuple[float, float]:
    """The page's width and height in PDF points."""
    if page.points is not None:
        return page.points
    scale = min(_INCH / _DPI, _LONGEST / max(page.width, page.height))
    return page.width * scale, page.height * scale


class _File:
    """Counts a file's objects and notes where each begins."""

    def __init__(self) -> None:
        self._begin = {_CATALOG: 0, _PAGES: 0, _FONT: 0}
        self._length = 0

    def number(self) -> int:
        """The number of one more object."""
        number = len(self._begin) + 1
        self._begin[number] = 0
        return number

    def head(self) -> bytes:
        return self._counted(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")  # the second line says that the file is no text

    def entry(self, number: int, entries: Mapping[str, str], rest: bytes = b"") -> bytes:
        """An object: a dictionary of values as they are written, and what follows it."""
        self._begin[number] = self._length
        inside = "".join(f"/{name} {value}" for name, value in entries.items())
        return self._counted(f"{number} 0 obj\n<<{inside}>>".encode("ascii") + rest + b"\nendobj\n")

    def stream(self, number: int, entries: Mapping[str, str], content: bytes) -> bytes:
        entries = {**entries, "Length": str(len(content))}
        return self.entry(number, entries, b"\nstream\n" + content + b"\nendstream")

    def end(self) -> bytes:
        count, start = len(self._begin) + 1, self._length
        table = "".join(f"{self._begin[number]:010} 00000 n \n" for number in range(1, count))
        trailer = f"trailer\n<</Size {count}/Root {_CATALOG} 0 R>>\nstartxref\n{start}\n%%EOF\n"
        return self._counted(f"xref\n0 {count}\n0000000000 65535 f \n{table}{trailer}".encode("ascii"))

    def _counted(self, content: bytes) -> bytes:
        self._length += len(content)
        return content


class _Codes:
    """A code for each character of the document, given when it is first written."""

    def __init__(self) -> None:
        self.known = {REPLACEMENT: 1}

    def of(self, text: str) -> str:
        """The codes of a text in hexadecimal; of characters beyond what a font holds, that of U+FFFD."""
        for character in text:
            if character not in self.known and len(self.known) < _MOST_CODES:
                self.known[character] = len(self.known) + 1
        return "".join(f"{self.known.get(character, 1):04X}" for character in text)


def _picture(content: bytes) -> dict[str, str]:
    """What a PDF must be told of a JPEG; ValueError for what is none that it can show."""
    with Image.open(io.BytesIO(content)) as image:
        kind, (width, height), mode = image.format, image.size, image.mode
    if kind != "JPEG" or mode not in _COLOURS:
        raise ValueError(f"the picture of a page is {kind} in mode {mode}; a PDF takes JPEG in L or RGB")
    size = {"Width": str(width), "Height": str(height), "BitsPerComponent": "8"}
    return {"Type": "/XObject", "Subtype": "/Image", "ColorSpace": f"/{_COLOURS[mode]}", "Filter": "/DCTDecode"} | size


def _font(file: _File, codes: Mapping[str, int]) -> Iterator[bytes]:
    """The glyphless font, in which every code is drawn as glyph 1, and what each code says."""
    glyphs, letters, descriptor, program, meaning = (file.number() for _ in range(5))
    name = "/BaseFont/Glyphless"
    yield file.entry(
        _FONT,
        {
            "Type": f"/Font/Subtype/Type0{name}/Encoding/Identity-H",
            "DescendantFonts": f"[{letters} 0 R]",
            "ToUnicode": f"{meaning} 0 R",
        },
    )
    yield file.entry(
        letters,
        {
            "Type": f"/Font/Subtype/CIDFontType2{name}",
            "CIDSystemInfo": "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>",
            "FontDescriptor": f"{descriptor} 0 R",
            "DW": str(ADVANCE),
            "CIDToGIDMap": f"{glyphs} 0 R",
        },
    )
    box = f"[0 {DESCENT} {ADVANCE} {ASCENT}]"
    yield file.entry(
        descriptor,
        {
            "Type": f"/FontDescriptor/FontName/Glyphless/Flags 5/FontBBox{box}/ItalicAngle 0/StemV 80",
            "Ascent": str(ASCENT),
            "Descent": str(DESCENT),
            "CapHeight": str(ASCENT),
            "FontFile2": f"{program} 0 R",
        },
    )
    packed = {"Filter": "/FlateDecode"}
    yield file.stream(program, packed | {"Length1": str(len(font()))}, zlib.compress(font()))
    yield file.stream(glyphs, packed, zlib.compress(b"\0\0" + b"\0\1" * len(codes)))
    yield file.stream(meaning, packed, zlib.compress(to_unicode(codes)))


def _placed(page: Page, width: float, height: float) -> Iterator[tuple[str, str]]:
    """The words of a page and the spaces between them, each with the matrix that brings it to its place."""
    across, down = width / page.width, height / page.height
    for text, box in _words(page):
        if box is None:
            place, rotation = Box(0, 0, 0.5 * _PLACELESS * len(text), _PLACELESS), 0
        else:
            place = Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
            rotation = page.rotation
        yield text, _matrix(place, len(text), rotation, height)


def _written(word: tuple[str, str], codes: _Codes) -> str:
    text, matrix = word
    return f"{matrix} Tm <{codes.of(text)}> Tj\n"


def _words(page: Page) -> Iterator[tuple[str, Box | None]]:
    """The words of a page and the spaces between them, each with its place in pixels of the page."""
    for line in page.lines:
        for number, word in enumerate(line.words):
            text = as_laid_out(printable(word.text))
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


def _matrix(place: Box, letters: int, rotation: int, height: float) -> str:
    """Takes text that is `letters` * ADVANCE / EM wide and 1 high onto a place; PDF counts upwards from the bottom."""
    left, bottom, right, top = place.left, height - place.bottom, place.right, height - place.top
    wide = letters * ADVANCE / EM
    below = -DESCENT / EM  # of the height of type, under the line it stands on
    across, up = max(_THINNEST, right - left), max(_THINNEST, top - bottom)
    if rotation == 90:  # reads upwards
        return _sides(0, up / wide, -across, 0, right - below * across, bottom)
    if rotation == 180:
        return _sides(-across / wide, 0, 0, -up, right, top - below * up)
    if rotation == 270:  # reads downwards
        return _sides(0, -up / wide, across, 0, left + below * across, top)
    return _sides(across / wide, 0, 0, up, left, bottom + below * up)


def _sides(*values: float) -> str:
    return " ".join(f"{value:.5f}".rstrip("0").rstrip(".") for value in values)
