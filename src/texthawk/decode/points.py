"""The sizes of a PDF's pages in points, so that places on them can be given in points as well as in pixels."""

from pathlib import Path

import pypdfium2
from PIL import Image

from texthawk.image.pages import Source
from texthawk.image.pdf import _PDFIUM as PDFIUM_LOCK

_HEAD = 1024


def page_points(source: Source) -> list[tuple[float, float]]:
    """Width and height in points of each page, as it is shown; empty for what is no PDF or cannot be opened."""
    if isinstance(source, Image.Image):
        return []
    try:
        content = source if isinstance(source, bytes) else _of_file(Path(source))
    except (OSError, ValueError):
        return []
    if content is None or (isinstance(content, bytes) and b"%PDF-" not in content[:_HEAD]):
        return []
    with PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError:
            return []
        try:
            return [document.get_page_size(index) for index in range(len(document))]
        except pypdfium2.PdfiumError:
            return []
        finally:
            document.close()


def _of_file(path: Path) -> Path | None:
    """The path of a PDF; a pipe cannot be read twice."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return path if b"%PDF-" in stream.read(_HEAD) else None
