"""Tables of a page, found by the places of their words: rows of cells with wide gaps between them that stand in columns.

Gaps are those between the boxes of words: of a PDF's own text as they are printed, of pages read from pixels as the ink of
their lines has gaps (`decode/spacing.py`). A cell that was not read leaves its row with too few, and may part the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from texthawk.decode.formats.type_size import upright_box
from texthawk.types import Box, Line, Page, box_around

WIDE = 1.2  # line heights: a gap between words that parts cells
FEWEST_ROWS = 3


@dataclass(frozen=True)
class Cell:
    text: str
    left: float
    right: float


@dataclass(frozen=True)
class Table:
    """Lines `first` to `last` (just outside) of a page; `columns` are (left, right) in pixels of the upright page."""

    first: int
    last: int
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[float, float], ...]


def tables_of(page: Page) -> list[Table]:
    """In the order of the page's lines, without overlap."""
    found: list[Table] = []
    run: list[tuple[int, int, list[Cell]]] = []
    for start, end in _rows(page):
        cells = [cell for line in page.lines[start:end] for cell in _cells(line, page)]
        if len(cells) >= 2 and (not run or _columns([*(row for _, _, row in run), cells])):
            run.append((start, end, cells))
            continue
        found += _table(run)
        run = [(start, end, cells)] if len(cells) >= 2 else []
    return found + _table(run)


def _table(run: Sequence[tuple[int, int, list[Cell]]]) -> list[Table]:
    if len(run) < FEWEST_ROWS:
        return []
    columns = _columns([cells for _, _, cells in run])
    rows = []
    for _, _, cells in run:
        row = [""] * len(columns)
        for cell in cells:
            place = next(k for k, (left, right) in enumerate(columns) if left <= cell.left and cell.right <= right)
            row[place] = cell.text
        rows.append(tuple(row))
    return [Table(run[0][0], run[-1][1], tuple(rows), tuple(columns))]


def _columns(rows: Sequence[Sequence[Cell]]) -> list[tuple[float, float]]:
    """The columns in which the cells of these rows stand; none where two cells of a row fall into one."""
    columns: list[list[float]] = []
    for cell in sorted((cell for row in rows for cell in row), key=lambda cell: cell.left):
        if columns and cell.left < columns[-1][1]:
            columns[-1][1] = max(columns[-1][1], cell.right)
        else:
            columns.append([cell.left, cell.right])
    for row in rows:
        taken = [k for cell in row for k, (left, right) in enumerate(columns) if left <= cell.left <= right]
        if len(set(taken)) < len(row):
            return []
    return [(left, right) for left, right in columns] if len(columns) >= 2 else []


def _rows(page: Page) -> list[tuple[int, int]]:
    """Lines that stand beside each other, from first to last (just outside)."""
    rows: list[tuple[int, int]] = []
    for k, line in enumerate(page.lines):
        box = upright_box(line.box, page)
        before = upright_box(page.lines[k - 1].box, page) if k else None
        if rows and box is not None and before is not None and _beside(before, box):
            rows[-1] = rows[-1][0], k + 1
        else:
            rows.append((k, k + 1))
    return rows


def _beside(left: Box, right: Box) -> bool:
    shared = min(left.bottom, right.bottom) - max(left.top, right.top)
    return right.left >= left.right and shared >= 0.5 * min(left.height, right.height)


def _cells(line: Line, page: Page) -> list[Cell]:
    box = upright_box(line.box, page)
    places = [upright_box(word.box, page) for word in line.words]
    if box is None or not places or any(place is None for place in places):
        return []
    groups: list[tuple[list[str], list[Box]]] = []
    for word, place in zip(line.words, places, strict=True):
        assert place is not None
        if not groups or place.left - groups[-1][1][-1].right > WIDE * box.height:
            groups.append(([], []))
        groups[-1][0].append(word.text)
        groups[-1][1].append(place)
    cells = []
    for texts, boxes in groups:
        around = box_around(boxes)
        assert around is not None
        cells.append(Cell(" ".join(texts), around.left, around.right))
    return cells
