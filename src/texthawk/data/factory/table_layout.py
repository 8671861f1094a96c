"""Setting a grid of cells on a canvas: widths from what stands in the columns, rules or none, spans."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import Colours
from texthawk.data.factory.document import Line, beside
from texthawk.data.factory.grid import Grid
from texthawk.data.factory.ink import Face, joined
from texthawk.data.synth.dice import Dice
from texthawk.types import Box

NARROWEST = 2.2
"""Width of a column at least, in sizes of type."""


@dataclass(frozen=True)
class Ruling:
    """Which lines a table has: "grid" all, "rows" under each row, "head" above, below and under the head, "none".

    band: every second row is tinted; filled: so is the head.
    """

    lines: str = "grid"
    band: bool = False
    filled: bool = False


def ruling(dice: Dice) -> Ruling:
    lines = dice.weighted({"grid": 0.4, "rows": 0.15, "head": 0.25, "none": 0.2})
    return Ruling(lines, lines != "grid" and dice.chance(0.3), dice.chance(0.35))


@dataclass(frozen=True)
class Setting:
    """How cells are set: faces of body and head, alignment by column ("left", "centre", "right"), rules, room in a cell."""

    body: Face
    head: Face
    align: tuple[str, ...]
    ruling: Ruling
    pad: float
    tall: float = 1.5
    """Height of a row of one line, in sizes of type."""


def column_widths(grid: Grid, setting: Setting, width: float) -> list[float]:
    """Widths of columns that fill at most `width`, cells wrapped where they must be; their sum is larger where nothing helps."""
    natural = [NARROWEST * setting.body.size] * grid.columns
    for cell in grid.cells:
        if cell.columns == 1 and cell.text:
            face = setting.head if cell.row < grid.head else setting.body
            natural[cell.column] = max(natural[cell.column], face.width(face.fit(cell.text)) + 2 * setting.pad + 1)
    for cell in grid.cells:
        if cell.columns > 1 and cell.text:
            over = range(cell.column, cell.column + cell.columns)
            lack = setting.head.width(setting.head.fit(cell.text)) + 2 * setting.pad + 1 - sum(natural[c] for c in over)
            for column in over:
                natural[column] += max(0.0, lack) / cell.columns
    for _ in range(6):
        excess = sum(natural) - width
        if excess <= 0:
            break
        mean = sum(natural) / len(natural)
        wide = [i for i, w in enumerate(natural) if w > mean]
        for i in wide:
            natural[i] = max(mean * 0.8, 5 * setting.body.size, natural[i] - excess / len(wide))
    return natural


def set_grid(
    canvas: Canvas, grid: Grid, setting: Setting, colours: Colours, box: Box, widths: Sequence[float]
) -> Grid | None:
    """Print the grid from the top left of `box` and return it with the boxes of its cells; texts are as they were printed.

    None, and nothing printed, where it does not fit into `box`.
    """
    edges = [box.left, *(box.left + x for x in accumulate(widths))]
    wrapped: list[list[str]] = []
    heights = [setting.tall * setting.body.size] * grid.rows
    for cell in grid.cells:
        face = setting.head if cell.row < grid.head else setting.body
        room = edges[cell.column + cell.columns] - edges[cell.column] - 2 * setting.pad
        lines = [joined(parts) for parts in face.wrap(face.fit(cell.text), room)]
        wrapped.append(lines)
        if cell.rows == 1:
            heights[cell.row] = max(heights[cell.row], _tall(lines, setting))
    for cell, lines in zip(grid.cells, wrapped, strict=True):
        heights[cell.row] += max(0.0, _tall(lines, setting) - sum(heights[cell.row : cell.row + cell.rows]))
    downs = [round(y) for y in (box.top, *(box.top + y for y in accumulate(heights)))]
    if edges[-1] > box.right + 0.5 or downs[-1] > box.bottom:
        return None
    done = Grid(
        grid.rows,
        grid.columns,
        grid.head,
        tuple(
            replace(
                cell,
                box=Box(
                    edges[cell.column], downs[cell.row], edges[cell.column + cell.columns], downs[cell.row + cell.rows]
                ),
            )
            for cell in grid.cells
        ),
        grid.title,
    )
    _paint(canvas, done, setting.ruling, colours)
    _print(canvas, done, setting, wrapped)
    return done


def _tall(lines: Sequence[str], setting: Setting) -> float:
    return (setting.tall + 1.25 * (len(lines) - 1)) * setting.body.size


def _paint(canvas: Canvas, grid: Grid, rules: Ruling, colours: Colours) -> None:
    left, right = grid.cells[0].box.left, max(cell.box.right for cell in grid.cells)
    top, bottom = grid.cells[0].box.top, max(cell.box.bottom for cell in grid.cells)
    for cell in grid.cells:
        if (rules.filled and cell.row < grid.head) or (
            rules.band and (cell.row - grid.head) % 2 == 1 and cell.rows == 1
        ):
            canvas.fill(cell.box, colours.tint)
    colour = colours.line
    if rules.lines == "grid":
        for cell in grid.cells:
            x0, y0, x1, y1 = cell.box
            canvas.frame((x0, y0, x1 + 1, y1 + 1), colour)
    elif rules.lines == "rows":
        for cell in grid.cells:
            canvas.fill((cell.box.left, cell.box.bottom, cell.box.right, cell.box.bottom + 1), colour)
    elif rules.lines == "head":
        head = max((cell.box.bottom for cell in grid.cells if cell.row + cell.rows == grid.head), default=top)
        for y, thick in ((top, 2), (head, 1), (bottom, 2)):
            canvas.fill((left, y, right, y + thick), colour)
        for cell in grid.cells:
            if cell.columns > 1 and cell.row + cell.rows < grid.head:
                canvas.fill((cell.box.left + 4, cell.box.bottom, cell.box.right - 4, cell.box.bottom + 1), colour)


def _print(canvas: Canvas, grid: Grid, setting: Setting, wrapped: Sequence[Sequence[str]]) -> None:
    """Cells in reading order; those of a row with one line each make one line of text."""
    for row in range(grid.rows):
        printed: list[list[Line]] = []
        for cell, lines in zip(grid.cells, wrapped, strict=True):
            if cell.row != row or not lines:
                continue
            face = setting.head if row < grid.head else setting.body
            how = "centre" if cell.columns > 1 else setting.align[cell.column]
            x = {
                "left": cell.box.left + setting.pad,
                "centre": (cell.box.left + cell.box.right) / 2,
                "right": cell.box.right - setting.pad,
            }[how]
            pitch = 1.25 * setting.body.size
            middle = (cell.box.top + cell.box.bottom) / 2 + (face.ascent - 0.5 * face.descent) / 2
            first = middle - pitch * (len(lines) - 1) / 2
            printed.append(
                [canvas.text(x, first + i * pitch, text, face, align=how, keep=False) for i, text in enumerate(lines)]
            )
        if all(len(lines) == 1 for lines in printed) and all(c.rows == 1 for c in grid.cells if c.row == row):
            line = None
            for one in printed:
                line = one[0] if line is None else beside(line, one[0])
            canvas.lines.extend([line] if line else [])
        else:
            canvas.lines.extend(line for lines in printed for line in lines)
