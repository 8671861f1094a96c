"""hOCR 1.2: an XHTML page whose elements say where each word of a page stands and how sure its reading is."""

from collections.abc import Iterator
from xml.etree import ElementTree

from texthawk.decode.formats.blocks import blocks_of
from texthawk.decode.formats.characters import printable, printable_name
from texthawk.decode.formats.elements import around, serialised
from texthawk.decode.formats.format import Setting
from texthawk.types import Box, Document, Line, Page, box_around

_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
)
_CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf"


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """The head, each page, and the end."""
    from texthawk import __version__

    html = ElementTree.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml", "xml:lang": "en", "lang": "en"})
    head = ElementTree.SubElement(html, "head")
    ElementTree.SubElement(head, "title").text = printable_name(setting.source)
    ElementTree.SubElement(
        head, "meta", {"http-equiv": "Content-Type", "content": "application/xhtml+xml; charset=utf-8"}
    )
    for name, content in {
        "ocr-system": f"texthawk {__version__}",
        "ocr-capabilities": _CAPABILITIES,
        "ocr-number-of-pages": str(len(document.pages)),
    }.items():
        ElementTree.SubElement(head, "meta", {"name": name, "content": content})
    before, after = around(html, ElementTree.SubElement(html, "body"))
    yield _DOCTYPE.encode() + before
    for place, page in enumerate(document.pages, start=1):
        yield serialised(_page(page, place, setting.source))
    yield after + b"\n"


def _page(page: Page, place: int, source: str) -> ElementTree.Element:
    """A page is a `div`; areas and paragraphs are the same blocks, for nothing tells them apart here."""
    name = printable_name(page.source or source).replace("\\", "/").replace('"', "%22")
    title = f'image "{name}"; bbox 0 0 {page.width} {page.height}; ppageno {page.number - 1}'
    div = _element(None, "div", "ocr_page", f"page_{place}", title)
    for number, lines in enumerate(blocks_of(page), start=1):
        key = f"{place}_{number}"
        where = _bbox(box_around(line.box for line in lines))
        area = _element(div, "div", "ocr_carea", f"block_{key}", where)
        paragraph = _element(area, "p", "ocr_par", f"par_{key}", where)
        for row, line in enumerate(lines, start=1):
            _line(paragraph, line, f"{key}_{row}", page.rotation)
    return div


def _line(paragraph: ElementTree.Element, line: Line, key: str, rotation: int) -> None:
    angle = f"textangle {rotation}" if rotation else ""  # of the text, counter-clockwise
    span = _element(paragraph, "span", "ocr_line", f"line_{key}", _joined(_bbox(line.box), angle))
    for number, word in enumerate(line.words, start=1):
        sure = f"x_wconf {round(100 * min(1.0, max(0.0, word.confidence)))}"
        inner = _element(span, "span", "ocrx_word", f"word_{key}_{number}", _joined(_bbox(word.box), sure))
        inner.text = printable(word.text)
        inner.tail = " " if number < len(line.words) else None
    if not line.words:
        span.text = printable(line.text)


def _element(parent: ElementTree.Element | None, tag: str, kind: str, key: str, title: str) -> ElementTree.Element:
    made = ElementTree.Element(tag, {"class": kind, "id": key} | ({"title": title} if title else {}))
    made.tail = "\n"
    if parent is not None:
        parent.append(made)
    return made


def _bbox(box: Box | None) -> str:
    """hOCR has whole pixels; nothing where the place is not known."""
    return "" if box is None else "bbox " + " ".join(str(max(0, round(side))) for side in box)


def _joined(*properties: str) -> str:
    return "; ".join(text for text in properties if text)
