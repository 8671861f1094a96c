"""The text that a PDF itself holds of a page: characters with their places, in the order in which the file has them.

N characters; boxes (N, 4) are left, top, right, bottom in pixels of the page, as its RawPage has them.
"""

import ctypes
from dataclasses import dataclass

import numpy as np
import pypdfium2
from pypdfium2 import raw

_FINE = 64  # parts of a pixel: pdfium gives places in whole numbers of what it is asked for
_TURNED = 0.02  # radians: characters that lie less askew stand upright


@dataclass(frozen=True)
class TextLayer:
    """`text` has one character for each box, spaces and ends of lines among them, which have no ink.

    unknown: characters whose meaning the file does not tell; turned: characters that do not stand upright.
    """

    text: str
    boxes: np.ndarray
    unknown: int
    turned: int


def layer_of(page: pypdfium2.PdfPage, width: int, height: int) -> TextLayer:
    """The layer of an open page that is `width` x `height` pixels."""
    words = page.get_textpage()
    try:
        count = max(0, raw.FPDFText_CountChars(words))
        characters: list[str] = []
        corners = np.zeros((count, 4))
        unknown = turned = 0
        turn = page.get_rotation()
        for index in range(count):
            code = raw.FPDFText_GetUnicode(words, index)
            known = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
            hyphen = raw.FPDFText_IsHyphen(words, index) == 1  # at the end of a line; pdfium gives it as a control code
            character = "-" if hyphen else chr(code) if known else "\ufffd"
            characters.append(character)
            if character.isspace():
                continue
            unknown += (_is_unknown(code) and not hyphen) or raw.FPDFText_HasUnicodeMapError(words, index) == 1
            angle = raw.FPDFText_GetCharAngle(words, index) + np.radians(turn)  # both clockwise
            turned += abs((angle + np.pi) % (2 * np.pi) - np.pi) > _TURNED
            corners[index] = _corners(words, index)
    finally:
        words.close()
    return TextLayer("".join(characters), _on_page(page, corners, width, height), unknown, turned)


def _is_unknown(code: int) -> bool:
    """Replacement characters, control characters and those whose meaning is private to a font."""
    return code in (0, 0xFFFD, 0xFFFE, 0xFFFF) or code < 0x20 or 0xE000 <= code < 0xF900 or code >= 0xF0000


def _corners(words: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(words, index, left, right, bottom, top)
    return left.value, bottom.value, right.value, top.value


def _on_page(page: pypdfium2.PdfPage, corners: np.ndarray, width: int, height: int) -> np.ndarray:
    """Boxes in the PDF's own space, whatever its origin and turn, as boxes on the page that is shown: (N, 4)."""
    origin, across, up = (_shown(page, x, y, width, height) for x, y in ((0, 0), (1000, 0), (0, 1000)))
    turn = np.stack([across - origin, up - origin]) / 1000
    ends = np.stack([corners[:, :2] @ turn + origin, corners[:, 2:] @ turn + origin])
    return np.concatenate([ends.min(axis=0), ends.max(axis=0)], axis=1)


def _shown(page: pypdfium2.PdfPage, x: float, y: float, width: int, height: int) -> np.ndarray:
    """Where a place of the PDF's own space is shown, in pixels from the top left: (2,)."""
    right, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, width * _FINE, height * _FINE, 0, x, y, right, down)
    return np.array([right.value, down.value]) / _FINE
