"""A table as a grid of cells that may span rows and columns, and its HTML and Markdown."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from texthawk.types import Box

NOWHERE = Box(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Cell:
    """A cell whose top left place in the grid is (row, column); `box` is the whole cell in pixels."""

    row: int
    column: int
    text: str
    rows: int = 1
    columns: int = 1
    box: Box = NOWHERE


@dataclass(frozen=True)
class Grid:
    """rows x columns places, each covered by exactly one cell; cells go by row, then column.

    head: how many rows from the top are headings.
    """

    rows: int
    columns: int
    head: int
    cells: tuple[Cell, ...]
    title: str = ""

    @property
    def spans(self) -> bool:
        """Whether a cell covers more than one place."""
        return any(cell.rows > 1 or cell.columns > 1 for cell in self.cells)

    def texts(self) -> list[list[str]]:
        """rows x columns texts; a cell that spans has its text at its top left place and "" at the others."""
        places = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            places[cell.row][cell.column] = cell.text
        return places

    def html(self) -> str:
        """The table in HTML, as PubTabNet writes it: thead and tbody, td alone, spans as attributes."""
        rows = [[cell for cell in self.cells if cell.row == row] for row in range(self.rows)]
        written = ["<tr>" + "".join(map(_td, row)) + "</tr>" for row in rows]
        head, body = "".join(written[: self.head]), "".join(written[self.head :])
        return (
            "<table>"
            + (f"<thead>{head}</thead>" if head else "")
            + (f"<tbody>{body}</tbody>" if body else "")
            + "</table>"
        )

    def markdown(self) -> str:
        """The table in Markdown; spans leave their other places empty, and a table without headings has empty ones."""
        return markdown_table(self.texts() if self.head else [[""] * self.columns, *self.texts()])

    def moved(self, move: Callable[[Sequence[Box]], Sequence[Box]]) -> "Grid":
        boxes = move([cell.box for cell in self.cells])
        cells = (replace(cell, box=box) for cell, box in zip(self.cells, boxes, strict=True))
        return replace(self, cells=tuple(cells))


def markdown_table(texts: Sequence[Sequence[str]]) -> str:
    """Rows of texts as a Markdown table, the first as its head."""
    rows = ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in texts]
    return "\n".join([rows[0], "|" + " --- |" * len(texts[0]), *rows[1:]])


def _td(cell: Cell) -> str:
    rows = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
    columns = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    return f"<td{rows}{columns}>{html.escape(cell.text, quote=False)}</td>"
