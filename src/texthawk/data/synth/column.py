"""Filling strips of a sheet: which blocks stand together, and how whole pages are arranged."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from texthawk.data.synth import records
from texthawk.data.synth.corpus import Corpus
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.layout import Row, Run, align
from texthawk.data.synth.sheet import Sheet
from texthawk.data.synth.writer import Type, Writer

Block = Callable[[Writer, int], list[Row]]
PROSE: dict[Block, float] = {
    Writer.paragraph: 8.0,
    Writer.heading: 1.6,
    Writer.items: 1.6,
    records.form: 0.4,
    records.labels: 0.5,
    records.table: 0.4,
}
REPORT: dict[Block, float] = {
    Writer.paragraph: 2.0,
    Writer.heading: 1.5,
    Writer.items: 1.0,
    records.table: 2.0,
    records.form: 1.5,
    records.contents: 0.6,
    records.labels: 0.5,
}
MOODS: dict[str, tuple[float, dict[Block, float]]] = {
    "prose": (0.58, PROSE),
    "items": (0.07, {Writer.items: 4.0, Writer.heading: 0.8, Writer.paragraph: 0.6}),
    "receipt": (0.08, {records.receipt: 5.0, records.labels: 1.0, records.form: 0.5}),
    "form": (0.06, {records.form: 5.0, Writer.heading: 1.0, records.labels: 0.5}),
    "table": (0.08, {records.table: 6.0, Writer.heading: 0.7, Writer.paragraph: 0.7}),
    "contents": (0.03, {records.contents: 6.0, Writer.heading: 0.7}),
    "listing": (0.03, {Writer.listing: 6.0, Writer.paragraph: 1.0}),
    "labels": (0.07, {records.labels: 6.0, Writer.heading: 1.0}),
}
"""What stands together: (share of windows, blocks by weight)."""
RUNNING = ("prose", "items")


class Column:
    """A strip of a sheet from `left` to `right` that rows are put into from `top` to `bottom`."""

    def __init__(self, sheet: Sheet, left: float, right: float, top: float, bottom: float = math.inf):
        self.sheet, self.left, self.right, self.bottom = sheet, left, right, bottom
        self.baseline, self.clear, self._first = top, top - 1.0, True

    def put(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Print rows below what stands there and return those for which no room is left. A row that is too wide is left out."""
        for i, row in enumerate(rows):
            self.baseline += row.height[0] + 1 if self._first else row.lead
            if self.baseline + row.height[1] > min(self.bottom, self.sheet.height - self.sheet.margin[1]):
                return rows[i:]
            done = self.sheet.print(row, self.left, round(self.baseline), self.clear, (self.left, self.right))
            if done is not None:
                self.baseline, self.clear, self._first = done[0] + row.after, done[1], False
        return ()

    def skip(self, distance: float) -> None:
        """Leave `distance` pixels empty."""
        self.baseline += distance
        self.clear += distance


def fill_window(
    sheet: Sheet, dice: Dice, corpus: Corpus, style: Type, limit: int, scale: float, records: float | None = None
) -> None:
    """Write blocks of one mood down the sheet until it is full or `limit` lines stand; now and then only a few.

    records: how often the mood is not one of running text; None for the shares in MOODS.
    """
    across, down = sheet.margin
    roomy = dice.chance(0.4)

    def blank(probability: float, length: float) -> float:
        return dice.between(0, length) if roomy and dice.chance(probability) else 0.0

    left = across + dice.between(1, 10) * scale + blank(0.6, 0.25 * sheet.width)
    right = sheet.width - across - dice.between(1, 10) * scale - blank(0.6, 0.25 * sheet.width)
    top = down + dice.between(0, 12) * scale + blank(0.5, 0.5 * sheet.height)
    if roomy and dice.chance(0.5):
        limit = min(limit, dice.integer(1, 4))
    writer = Writer(corpus, dice, style, right - left)
    column = Column(sheet, left, right, top)
    shares = {name: share for name, (share, _) in MOODS.items()}
    if records is not None:
        other = sum(share for name, share in shares.items() if name not in RUNNING)
        running = sum(shares[name] for name in RUNNING)
        shares = {
            name: share * ((1 - records) / running if name in RUNNING else records / other)
            for name, share in shares.items()
        }
    mood = dice.weighted(shares)
    if dice.chance(0.04):
        largest = min(60 * scale, sheet.width / 5) / style.size
        column.put(writer.heading(min(limit, 2), scale=dice.between(min(1.5, largest), largest)))
    fill(column, writer, MOODS[mood][1], limit)
    if roomy and dice.chance(0.1 * style.ornaments):
        x = dice.pick((left - 4 * scale, right + 3 * scale))
        sheet.rule(x, 0, x + dice.pick((1, 1, 2, 6)), sheet.height)


def fill(
    column: Column, writer: Writer, blocks: dict[Block, float], limit: int = 10_000, pictures: float = 0.0
) -> Sequence[Row]:
    """Write random `blocks` until the column is full or the sheet has `limit` lines; returns the rows that found no room."""
    sheet, size, dice = column.sheet, writer.style.size, writer.dice
    for _ in range(400):
        left = min(column.bottom, sheet.height) - column.baseline
        room = min(limit - len(sheet.lines), 1 + int(left / size))
        if room <= 0:
            break
        if dice.chance(pictures) and left > 14 * size:
            _picture(column, writer)
        rest = column.put(dice.weighted(blocks)(writer, room))
        if rest:
            return rest
    return ()


def _picture(column: Column, writer: Writer) -> None:
    """A picture without letters, with a caption below it."""
    dice, size = writer.dice, writer.style.size
    height = dice.between(5, 11) * size
    width = (column.right - column.left) * dice.between(0.5, 1)
    left = column.left + (column.right - column.left - width) / 2
    top = column.clear + size * 0.8
    column.sheet.picture(left, top, left + width, top + height)
    column.skip(height + 1.2 * size)
    if dice.chance(0.8):
        used = writer.face(dice.pick(("regular", "italic", "bold")), 0.9)
        label = dice.pick(("Figure {}: ", "Fig. {}. ", "Figure {} - ", "{} ")).format(dice.integer(1, 30))
        column.put(writer.paragraph(3, text=label + writer.prose(90), used=used))
    column.skip(0.6 * size)


def fill_page(sheet: Sheet, dice: Dice, corpus: Corpus, style: Type) -> None:
    """Arrange a whole page: running head, title, one to three columns, foot; or a receipt, a letter, a report, a slide."""
    kind = dice.weighted({"article": 0.5, "letter": 0.13, "report": 0.17, "receipt": 0.12, "slide": 0.08})
    if kind in ("receipt", "slide"):
        style = replace(style, size=style.size * dice.between(1.3, 2.0), align="left", indent=0.0)
    side = max(sheet.margin[0], sheet.width * dice.between(0.05, 0.13))
    top = max(sheet.margin[1], sheet.height * dice.between(0.03, 0.09))
    bottom = sheet.height - max(sheet.margin[1], sheet.height * dice.between(0.03, 0.09))
    writer = Writer(corpus, dice, style, sheet.width - 2 * side)
    whole = Column(sheet, side, sheet.width - side, top, bottom)
    foot = bottom - 2.2 * style.size
    if kind in ("article", "report") and dice.chance(0.5):
        head = records.ends(
            writer,
            writer.phrase(1, 6),
            dice.pick((writer.phrase(1, 2), str(dice.integer(1, 400)))),
            writer.face(scale=0.9),
        )
        if head is not None:
            head.rule, head.after = "thin" if writer.ornament(0.5) else "", style.size
            whole.put([head])
    if dice.chance(0.7):
        whole.put(writer.heading(3, scale=dice.between(1.4, 2.6)))
        whole.skip(dice.between(0, 1.5) * style.size)
    if kind == "article":
        _columns(whole, writer, foot)
    else:
        blocks = {
            "letter": {**PROSE, records.labels: 2.0},
            "report": REPORT,
            "receipt": MOODS["receipt"][1],
            "slide": MOODS["items"][1],
        }[kind]
        if kind == "letter":
            whole.put(records.labels(writer, 6))
            whole.skip(style.size)
        whole.bottom = foot if dice.chance(0.6) else top + (foot - top) * dice.between(0.3, 1)
        fill(whole, writer, blocks, pictures=0.06 if kind in ("report", "slide") else 0.0)
    if kind != "receipt" and dice.chance(0.7):
        used = writer.face(scale=0.9)
        number = dice.pick(("{}", "{}", "- {} -", "Page {}", "{} | " + writer.phrase(1, 3), "Page {} of 400")).format(
            dice.integer(1, 400)
        )
        line = writer.clipped(number, used, writer.width)
        rows = [Row([Run(line, used, 0.0)], 0.0)] if line else []
        align(rows, writer.width, dice.pick(("left", "centre", "centre", "right")))
        Column(sheet, side, sheet.width - side, bottom - 1.4 * style.size).put(rows)


def _columns(whole: Column, writer: Writer, foot: float) -> None:
    """Columns of prose below what stands in `whole`; a block that finds no room goes on in the next column."""
    dice, style, sheet = writer.dice, writer.style, whole.sheet
    fits = max(1, int((whole.right - whole.left) / (13 * style.size)))
    count = min(fits, dice.weighted({1: 0.5, 2: 0.38, 3: 0.12}))
    gutter = style.size * dice.between(1.2, 2.5)
    width = (whole.right - whole.left - gutter * (count - 1)) / count
    narrow = Writer(writer.corpus, dice, style, width)
    top = whole.clear + style.size
    rest: Sequence[Row] = ()
    lined = count > 1 and writer.ornament(0.1)
    for i in range(count):
        left = whole.left + i * (width + gutter)
        column = Column(sheet, left, left + width, top, foot)
        rest = column.put(rest) or fill(column, narrow, PROSE, pictures=0.05)
        if lined and i:
            sheet.rule(left - gutter / 2, top, left - gutter / 2 + 1, foot)
