"""JSON: pages, lines with boxes, words with boxes and confidence."""

import json
from collections.abc import Sequence
from typing import Any

from texthawk.decode.formats.characters import printable_name
from texthawk.decode.formats.format import Setting
from texthawk.types import Box, Document, Page


def write(document: Document, setting: Setting) -> bytes:
    return dumped([(setting.source, document)], setting.model).encode()


def dumped(documents: Sequence[tuple[str, Document]], model: str) -> str:
    """One JSON record of all documents, each with the name of its source."""
    from texthawk import __version__

    record = {
        "texthawk": __version__,
        "model": printable_name(model),
        "documents": [_document(source, document) for source, document in documents],
    }
    return json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode() + "\n"


def _document(source: str, document: Document) -> dict[str, Any]:
    """A document as plain data; boxes are [left, top, right, bottom] in page pixels, or null."""
    return {
        "source": printable_name(source),
        "pages": [_page(page) for page in document.pages],
        "errors": [{"page": error.number, "message": printable_name(error.message)} for error in document.errors],
    }


def _page(page: Page) -> dict[str, Any]:
    """Where the page has a size in points, every box comes in points too: `points` beside `box`."""
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        **({} if page.points is None else {"points": [round(side, 2) for side in page.points]}),
        "rotation": page.rotation,
        "finish_reason": page.finish_reason,
        **({"reason": page.reason} if page.reason else {}),
        "text": page.text,
        "lines": [
            {
                "text": line.text,
                **_places(line.box, page),
                "words": [
                    {"text": word.text, **_places(word.box, page), "confidence": round(word.confidence, 4)}
                    for word in line.words
                ],
            }
            for line in page.lines
        ],
    }


def _places(box: Box | None, page: Page) -> dict[str, Any]:
    places: dict[str, Any] = {"box": _rounded(box, 1)}
    if page.points is not None:
        places["points"] = _rounded(None if box is None else page.in_points(box), 2)
    return places


def _rounded(box: Box | None, digits: int) -> list[float] | None:
    return None if box is None else [round(float(side), digits) for side in box]
