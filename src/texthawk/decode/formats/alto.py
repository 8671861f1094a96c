"""ALTO 4: blocks, lines and words of each page in pixels, as libraries and archives keep them."""

from collections.abc import Iterator
from xml.etree import ElementTree

from texthawk.decode.formats.blocks import blocks_of
from texthawk.decode.formats.characters import printable, printable_name
from texthawk.decode.formats.elements import around, indented
from texthawk.decode.formats.format import Setting
from texthawk.types import Box, Document, Line, Page, Word, box_around

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-2.xsd"
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """The description, each page, and the end; ValueError where there is no page, for a layout must hold one."""
    if not document.pages:
        raise ValueError(
            f"nothing was read of {setting.source!r}, and ALTO needs a page; ask for JSON, which needs none"
        )
    from texthawk import __version__

    alto = ElementTree.Element(
        "alto",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": _SCHEMA_INSTANCE,
            "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
            "SCHEMAVERSION": "4.2",
        },
    )
    description = ElementTree.SubElement(alto, "Description")
    ElementTree.SubElement(description, "MeasurementUnit").text = "pixel"
    image = ElementTree.SubElement(description, "sourceImageInformation")
    ElementTree.SubElement(image, "fileName").text = printable_name(setting.source)
    processing = ElementTree.SubElement(description, "Processing", {"ID": "reading"})
    ElementTree.SubElement(processing, "processingCategory").text = "contentGeneration"
    ElementTree.SubElement(processing, "processingStepSettings").text = f"model: {printable_name(setting.model)}"
    software = ElementTree.SubElement(processing, "processingSoftware")
    ElementTree.SubElement(software, "softwareName").text = "texthawk"
    ElementTree.SubElement(software, "softwareVersion").text = __version__
    layout = ElementTree.SubElement(alto, "Layout")
    before, after = around(alto, layout, indent=True)
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n' + before
    for place, page in enumerate(document.pages, start=1):
        yield indented(_page(page, place), depth=2)
    yield after + b"\n"


def _page(page: Page, place: int) -> ElementTree.Element:
    size = {"HEIGHT": str(page.height), "WIDTH": str(page.width)}
    element = ElementTree.Element(
        "Page", {"ID": f"page_{place}", "PHYSICAL_IMG_NR": str(page.number), "PROCESSINGREFS": "reading"} | size
    )
    space = ElementTree.SubElement(element, "PrintSpace", {"HPOS": "0", "VPOS": "0"} | size)
    number = 0
    for lines in blocks_of(page):
        lines = [line for line in lines if _said(line)]  # a TextLine must hold a String
        if not lines:
            continue
        number += 1
        key = f"{place}_{number}"
        turned = {"ROTATION": str(page.rotation)} if page.rotation else {}  # of the text, counter-clockwise
        where = _place(box_around(line.box for line in lines))
        block = ElementTree.SubElement(space, "TextBlock", {"ID": f"block_{key}"} | where | turned)
        for row, line in enumerate(lines, start=1):
            _line(block, line, f"{key}_{row}")
    return element


def _line(block: ElementTree.Element, line: Line, key: str) -> None:
    element = ElementTree.SubElement(block, "TextLine", {"ID": f"line_{key}"} | _place(line.box))
    for number, (content, word) in enumerate(_said(line), start=1):
        if number > 1:
            ElementTree.SubElement(element, "SP")
        sure = {"WC": f"{min(1.0, max(0.0, word.confidence)):.4f}"}
        name = {"ID": f"word_{key}_{number}", "CONTENT": content}
        ElementTree.SubElement(element, "String", name | _place(word.box) | sure)


def _said(line: Line) -> list[tuple[str, Word]]:
    """The words of a line with what is written of each; a String must say something."""
    said = ((" ".join(printable(word.text).split()), word) for word in line.words)
    return [(content, word) for content, word in said if content]


def _place(box: Box | None) -> dict[str, str]:
    """Nothing where the place is not known: ALTO asks for none."""
    if box is None:
        return {}
    sides = {"HPOS": box.left, "VPOS": box.top, "WIDTH": box.width, "HEIGHT": box.height}
    return {name: f"{value:.1f}" for name, value in sides.items()}
