"""Pages of formulas between sentences, some of them numbered; the answer is LaTeX."""

import numpy as np

from texthawk.data.example import PLACE, TASKS
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.document import Asked, Document, Line
from texthawk.data.factory.formula_layout import Piece, Setter, print_piece
from texthawk.data.factory.formula_tree import GREEK, LARGE, Grower, Node, latex
from texthawk.data.factory.ink import Face, characters, joined
from texthawk.data.factory.order import Order
from texthawk.data.factory.styles import Style
from texthawk.types import Box

WANTED = "".join((*GREEK, *LARGE, "−≤≥≠×·±∞"))
"""What a style for formulas should have; a formula uses only what it has."""


def make(order: Order) -> Document:
    """A page or part of one with formulas."""
    dice = order.dice
    height = round(order.height * dice.between(0.45, 1.0))
    width = round(min(height * 1.5, order.height * dice.between(0.7, 0.85)))
    paper = dice.pick(((255, 255, 255), (255, 255, 255), (250, 248, 240)))
    canvas = Canvas(width, height, paper, dice.pick(((0, 0, 0), (30, 30, 40))))
    style = _style(order)
    size = max(13.0, order.height / dice.between(40, 52))
    face, setter = style.face(size), Setter(style)
    grower = Grower(dice, lambda text: _has(style, text))
    margin = dice.between(0.06, 0.11) * width
    y, written = margin, list[str]()
    numbered: list[tuple[int, Node, Box]] = []
    number, counts = dice.integer(1, 30), dice.chance(0.75)
    while True:
        if dice.chance(0.75):
            text = face.fit(order.prose(dice.integer(40, 160)))
            rows = list(face.wrap(text, width - 2 * margin))
            if y + 1.5 * size * len(rows) > height - margin:
                break
            for row in rows:
                y += 1.5 * size
                canvas.text(margin, y, row, face)
            written.append(text)
        node, piece = _fitting(grower, setter, 1.1 * size, width - 2.6 * margin - 3 * size)
        baseline = y + 0.9 * size + piece.ascent
        if baseline + piece.descent > height - margin:
            break
        left = (width - piece.width) / 2
        box = print_piece(canvas, piece, left, baseline, canvas.ink)
        source = latex(node)
        canvas.lines.append(Line((source,), (False,), np.array([box], dtype=np.float32)))
        if counts:
            canvas.text(width - margin, baseline, f"({number})", face, align="right")
            numbered.append((number, node, box))
            source += rf" \tag{{{number}}}"
            number += 1
        written.append(f"$$\n{source}\n$$")
        y = baseline + piece.descent + 0.5 * size
    if not written:
        written = [_line(canvas, order, face, margin, size)]
    return Document(
        canvas.image,
        "formulas",
        order.lang,
        tuple(canvas.lines),
        markdown="\n\n".join(written),
        asked=_asked(order, numbered),
        info={"formulas": [latex(node) for _, node, _ in numbered]},
    )


def _line(canvas: Canvas, order: Order, face: Face, margin: float, size: float) -> str:
    """A phrase for a page on which nothing else found room."""
    row = next(face.wrap(face.fit(order.phrase(20)) or "1", canvas.width - 2 * margin))
    canvas.text(margin, margin + 1.5 * size, row, face)
    return joined(row)


def _style(order: Order) -> Style:
    """Of a few styles by dice the one that has most signs."""
    styles = [order.style() for _ in range(5)]
    return max(styles, key=lambda style: sum(_has(style, text) for text in WANTED))


def _has(style: Style, text: str) -> bool:
    return all(any(ord(text) in characters(font.path) for font in chain) for chain in (style.regular, style.italic))


def _fitting(grower: Grower, setter: Setter, size: float, room: float) -> tuple[Node, Piece]:
    """A formula that is no wider than `room`."""
    for depth in (3, 3, 2, 2, 1, 1, 1):
        node = grower.statement(depth)
        piece = setter.set(node, size)
        if piece.width <= room:
            return node, piece
    node = grower.letter()
    return node, setter.set(node, size)


def _asked(order: Order, numbered: list[tuple[int, Node, Box]]) -> tuple[Asked, ...]:
    """Each of a few numbered formulas as LaTeX, or its place; and how many there are."""
    made: list[Asked] = []
    for place in order.dice.rng.permutation(len(numbered)).tolist()[:4]:
        number, node, box = numbered[place]
        name = order.say(f"formula ({number})", f"公式({number})")
        if len(made) % 3 == 2:
            made.append(Asked(TASKS["grounding"].format(name), PLACE, "grounding", (box,), kind="place"))
        else:
            question = order.say(f"Write {name} in LaTeX.", f"用LaTeX写出{name}。")
            made.append(Asked(question, latex(node), "docvqa", (), (), "formula", (box,)))
    if numbered:
        question = order.say("How many numbered formulas are on the page?", "页面上有几个带编号的公式？")
        made.append(
            Asked(question, str(len(numbered)), "docvqa", kind="count", evidence=tuple(box for *_, box in numbered))
        )
    return tuple(made)
