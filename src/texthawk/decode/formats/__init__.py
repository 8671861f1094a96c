"""What was read, as files that other programs take: one file per format, and the table of them."""

from texthawk.decode.formats import alto, hocr, json, markdown, pdf, text
from texthawk.decode.formats.format import Format, Setting

__all__ = ["FORMATS", "Format", "Setting"]

FORMATS = {
    "text": Format("text/plain; charset=utf-8", ".txt", text.pieces),
    "markdown": Format("text/markdown; charset=utf-8", ".md", markdown.pieces),
    "json": Format("application/json", ".json", json.pieces),
    "hocr": Format("application/xhtml+xml; charset=utf-8", ".hocr", hocr.pieces),
    "alto": Format("application/xml; charset=utf-8", ".xml", alto.pieces),
    "pdf": Format("application/pdf", ".pdf", pdf.pieces, needs_pictures=True),
}
"""Formats of a read document by name, as `texthawk read --format` knows them."""
