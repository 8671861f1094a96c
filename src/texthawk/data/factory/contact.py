"""Sheets to look at: documents with their boxes drawn in, and beside each what is asked about it."""

from collections.abc import Sequence

from PIL import Image

from texthawk.data.example import PLACE, Turn
from texthawk.data.factory.canvas import BLACK, Canvas, Colour
from texthawk.data.factory.document import Document
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.styles import Style

LINE: Colour = (225, 30, 30)
WORD: Colour = (60, 120, 255)
CELL: Colour = (240, 150, 0)
THING: Colour = (0, 150, 60)
EVIDENCE: Colour = (200, 0, 200)
SHADE: Colour = (235, 235, 240)
PANEL = 420
"""Width in pixels of what is written beside a document."""
LONGEST = 160
"""Characters of an answer that are shown."""


def contact_sheet(documents: Sequence[tuple[Document, Sequence[Turn]]], style: Style, height: int = 900) -> Image.Image:
    """Documents side by side, `height` pixels high each: red lines, blue words, orange cells, green things, purple evidence."""
    parts = [
        part for document, turns in documents for part in (_marked(document, height), _written(turns, style, height))
    ]
    sheet = Image.new("RGB", (sum(part.width + 6 for part in parts), height), (90, 90, 90))
    left = 0
    for part in parts:
        sheet.paste(part, (left, 0))
        left += part.width + 6
    return sheet


def _marked(document: Document, height: int) -> Image.Image:
    canvas = Canvas(*document.image.size)
    canvas.image.paste(document.image)
    for line in document.lines:
        for _, box in line.words:
            canvas.frame(box, WORD)
        canvas.frame(line.box, LINE)
    for colour, boxes in (
        (CELL, [cell.box for grid in document.grids for cell in grid.cells]),
        (THING, [thing.box for thing in document.things]),
        (EVIDENCE, [box for asked in document.asked for box in asked.evidence]),
    ):
        for left, top, right, bottom in boxes:
            canvas.frame((left - 1, top - 1, right + 1, bottom + 1), colour)
    scale = min(height / canvas.height, 0.9 * height / canvas.width)
    size = (max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale)))
    return canvas.image.resize(size, Image.Resampling.LANCZOS)


def _written(turns: Sequence[Turn], style: Style, height: int) -> Image.Image:
    canvas = Canvas(PANEL, height, SHADE)
    regular, bold = style.face(12), style.face(12, "bold")
    strip = Strip(canvas, 8, PANEL - 8, 6, height - 6, 1.25)
    for turn in turns:
        question, answer = (text.replace(PLACE, "[]").replace("\n", " / ") for text in (turn.question, turn.answer))
        for text, face, colour in ((f"{turn.task}: {question}", bold, BLACK), (answer, regular, LINE)):
            if face.fit(text):
                strip.paragraph(text if len(text) <= LONGEST else text[:LONGEST] + "...", face, colour, hang=4)
        strip.skip(4)
    return canvas.image
