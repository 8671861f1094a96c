"""Tables, alone or among paragraphs: with and without rules, with cells that span rows and columns."""

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import Colours, colours
from texthawk.data.factory.document import Document
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.grid import Grid
from texthawk.data.factory.order import Order
from texthawk.data.factory.styles import Style
from texthawk.data.factory.table_data import Table, table
from texthawk.data.factory.table_layout import Setting, column_widths, ruling, set_grid
from texthawk.data.factory.table_questions import table_questions
from texthawk.types import Box

TRIES = 5


def make(order: Order) -> Document:
    """A page with a table, with its title above and maybe text around it; without text it ends where the table does."""
    dice = order.dice
    style, paints = order.style(), colours(dice)
    height = order.height
    width = round(height * dice.pick((0.707, 0.707, 0.9, 1.2, 1.41)))
    canvas = Canvas(width, height, paints.paper, paints.ink)
    margin = width * dice.between(0.03, 0.1)
    size = max(9.0, height * dice.between(0.0145, 0.024))
    body = style.face(size)
    strip = Strip(canvas, margin, width - margin, height * dice.between(0.03, 0.07), 0.96 * height)
    alone = dice.chance(0.5)
    written: list[str] = []
    if not alone and strip.rows(body) > 20:
        _paragraph(order, strip, style, size, written, most=5)
    titled = dice.chance(0.7)
    number = dice.integer(1, 9)
    title_at = strip.y
    if titled:
        strip.skip(2.2 * size)
    data, grid, bottom = _placed(order, canvas, style, paints, size, strip)
    if titled:
        right = max(cell.box.right for cell in grid.cells)
        above = Strip(
            canvas, strip.left, right if right - strip.left > 14 * size else strip.right, title_at, strip.y + size
        )
        caption = order.pick(("{t}", "Table {n}: {t}", "Table {n}. {t}"), ("{t}", "表{n} {t}", "表{n}：{t}"))
        face = style.face(size * dice.between(1.0, 1.2), "bold")
        text = face.fit(caption.format(n=number, t=data.title))
        table_lines = canvas.lines[:]
        line = above.line(text, face, align=dice.pick(("left", "centre")))
        if line is not None:
            at = next((i for i, other in enumerate(table_lines) if other.box.top > line.box.top), len(table_lines))
            canvas.lines[:] = [*table_lines[:at], line, *table_lines[at:]]
            written.append(text)
    written.append(grid.markdown())
    strip.y = bottom + 1.2 * size
    for _ in range(0 if alone else dice.integer(1, 5)):
        _paragraph(order, strip, style, size, written, most=10)
    image = canvas.image if not alone else canvas.image.crop((0, 0, width, min(height, round(bottom + 1.5 * size))))
    return Document(
        image,
        "table",
        order.lang,
        tuple(canvas.lines),
        "\n\n".join(written),
        grids=(grid,),
        asked=tuple(table_questions(order, data)),
        caption=order.say(
            f"A table with {len(data.columns)} columns and {len(data.rows)} rows under the heading.",
            f"一张表格，有{len(data.columns)}列，表头下有{len(data.rows)}行。",
        ),
        info={"title": data.title},
    )


def _paragraph(order: Order, strip: Strip, style: Style, size: float, written: list[str], most: int) -> None:
    face = style.face(size)
    text = face.fit(order.prose(order.dice.integer(80, 500)))
    lines, rest = strip.paragraph(text, face, most=most)
    if lines:
        written.append(text.removesuffix(rest).rstrip())
    strip.skip(size)


def _placed(
    order: Order, canvas: Canvas, style: Style, paints: Colours, size: float, strip: Strip
) -> tuple[Table, Grid, float]:
    """A table that fits below what stands in the strip, its grid on the canvas, and where it ends."""
    dice = order.dice
    rules, roomy = ruling(dice), dice.between(1.4, 2.1)
    numbers, centred = dice.pick(("right", "centre", "left")), dice.chance(0.15)
    full = dice.chance(0.5)
    for attempt in range(TRIES + 1):
        small = 0.9**attempt * size
        rows = max(2, int((strip.bottom - strip.y) / (roomy * small)) - 3 - attempt)
        most = (min(3, rows), min(14, rows)) if attempt < TRIES else (1, 1)
        body, head = style.face(small), style.face(small, "bold")
        data = table(order, body.fit, rows=most, columns=(2, max(2, 6 - attempt)), spans=0.3 if attempt < 3 else 0.0)
        aside = ("left",) if data.row_groups else ()
        align = aside + tuple(
            "centre" if centred and i else numbers if column.numbers else "left"
            for i, column in enumerate(data.columns)
        )
        setting = Setting(body, head, align, rules, 0.5 * small, roomy)
        grid = data.grid()
        widths = column_widths(grid, setting, strip.width)
        spare = strip.width - sum(widths)
        if full and spare > 0:
            widths = [width + spare / len(widths) for width in widths]
        done = set_grid(canvas, grid, setting, paints, Box(strip.left, strip.y, strip.right, strip.bottom), widths)
        if done is not None:
            return data, done, max(cell.box.bottom for cell in done.cells)
    raise AssertionError(f"not even a table of one row fits on {canvas.width} x {canvas.height}")
