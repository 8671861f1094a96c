"""JSON: pages, lines with boxes, words with boxes and confidence."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from texthawk.decode.formats.characters import printable_name
from texthawk.decode.formats.format import Setting
from texthawk.types import Box, Document, Page

END = "\n ]\n}\n"
"""After the last document."""


def pieces(document: Document, setting: Setting) -> Iterator[bytes]:
    """A page at a time."""
    for part in chain([beginning(setting.model)], document_parts(setting.source, document), [END]):
        yield part.encode()


def beginning(model: str) -> str:
    """All that stands before the first document; documents are divided by commas."""
    from texthawk import __version__

    head = _text({"texthawk": __version__, "model": printable_name(model)}, 0)
    return head.removesuffix("\n}") + ',\n "documents": ['


def document_parts(source: str, document: Document) -> Iterator[str]:
    """A document, a page at a time; boxes are [left, top, right, bottom] in page pixels, or null."""
    yield f'\n  {{\n   "source": {_text(printable_name(source), 0)},\n   "pages": ['
    for number, page in enumerate(document.pages):
        yield ("," if number else "") + "\n" + _text(_page(page), 4)
    yield "\n   ]," if len(document.pages) else "],"
    errors = [{"page": error.number, "message": printable_name(error.message)} for error in document.errors]
    yield '\n   "errors": ' + _text(errors, 3).lstrip() + "\n  }"


def _text(value: Any, depth: int) -> str:
    """A value as it stands so deep in the record."""
    text = json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace").decode()
    return "\n".join(" " * depth + line for line in text.split("\n"))


def _page(page: Page) -> dict[str, Any]:
    """Where the page has a size in points, every box comes in points too: `points` beside `box`."""
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        **({} if page.points is None else {"points": [round(side, 2) for side in page.points]}),
        "rotation": page.rotation,
        **({"origin": page.origin} if page.origin != "ink" else {}),
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
