"""What was read in the forms that benchmarks compare: a page in Markdown, and the table on it in HTML."""

from collections.abc import Callable

from texthawk.data.factory.grid import Cell, Grid
from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.formats.tables import tables_of
from texthawk.types import Document, Page


def as_markdown(document: Document, outline: Callable[[Page], Page]) -> str:
    """As `texthawk read --format markdown` writes it. outline: the reader's own `outlined`."""
    return FORMATS["markdown"].write(document, Setting(outline=outline)).decode()


def as_table(document: Document) -> str:
    """The table with the most places, its first row as its head, as in Markdown; "" where none was found."""
    tables = [table.rows for page in document.pages for table in tables_of(page)]
    if not tables:
        return ""
    rows = max(tables, key=lambda rows: len(rows) * len(rows[0]))
    cells = [Cell(row, column, text) for row, texts in enumerate(rows) for column, text in enumerate(texts)]
    return Grid(len(rows), len(rows[0]), 1, tuple(cells)).html()
