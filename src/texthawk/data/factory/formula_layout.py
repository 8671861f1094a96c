"""Formulas set on a canvas: every node becomes letters, rules and strokes about a baseline.

Sizes follow usual typography: scripts at 70%, fractions on the axis through the middle of small letters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.figure import Colour
from texthawk.data.factory.formula_tree import CLOSED, Fence, Fraction, Large, Matrix, Node, Root, Row, Scripts, Symbol
from texthawk.data.factory.ink import Face
from texthawk.data.factory.styles import Style
from texthawk.types import Box

SCRIPT = 0.7
"""Size of scripts as a part of their base's."""


class Letter(NamedTuple):
    """Text with its pen at (x, y), y downwards from the baseline."""

    x: float
    y: float
    text: str
    face: Face


class Stroke(NamedTuple):
    """A line of some thickness through points."""

    points: tuple[tuple[float, float], ...]
    thick: float


@dataclass(frozen=True)
class Piece:
    """Something set: its width, how far it reaches above and below the baseline, and its marks."""

    width: float
    ascent: float
    descent: float
    letters: tuple[Letter, ...] = ()
    strokes: tuple[Stroke, ...] = ()

    def at(self, x: float, y: float) -> "Piece":
        """Moved right and down; its reach is counted from the old baseline."""
        return replace(
            self,
            ascent=self.ascent - y,
            descent=self.descent + y,
            letters=tuple(letter._replace(x=letter.x + x, y=letter.y + y) for letter in self.letters),
            strokes=tuple(Stroke(tuple((a + x, b + y) for a, b in s.points), s.thick) for s in self.strokes),
        )


def _together(width: float, pieces: Sequence[Piece], strokes: Sequence[Stroke] = ()) -> Piece:
    """Pieces that stand where they shall be, as one of a given width."""
    ys = [y for stroke in strokes for _, y in stroke.points]
    return Piece(
        width,
        max([*(piece.ascent for piece in pieces), *(-y for y in ys)]),
        max([*(piece.descent for piece in pieces), *ys]),
        tuple(letter for piece in pieces for letter in piece.letters),
        (*(stroke for piece in pieces for stroke in piece.strokes), *strokes),
    )


class Setter:
    """Sets formulas in a style; sizes are those of its faces in pixels."""

    def __init__(self, style: Style):
        self.style = style

    def set(self, node: Node, size: float) -> Piece:
        match node:
            case Symbol():
                return self._symbol(node, size)
            case Row():
                return self._row(node, size)
            case Fraction():
                return self._fraction(node, size)
            case Scripts():
                return self._scripts(self.set(node.base, size), node.above, node.below, size)
            case Root():
                return self._root(node, size)
            case Large():
                return self._large(node, size)
            case Fence():
                return self._fenced(node.bracket, self.set(node.inside, size), size)
            case Matrix():
                return self._matrix(node, size)

    def _face(self, size: float, kind: str = "regular") -> Face:
        return self.style.face(max(size, 8.0), kind)

    def _thick(self, size: float) -> float:
        return max(1.0, round(0.055 * size))

    def _symbol(self, node: Symbol, size: float) -> Piece:
        face = self._face(size, "italic" if node.kind == "variable" else "regular")
        glyph = face.word(node.text)
        room = {"binary": 0.24, "relation": 0.3}.get(node.kind, 0.02) * size
        start = max(0.0, -float(glyph.left))
        width = start + max(glyph.advance, float(glyph.right)) + 2 * room
        letter = Letter(room + start, 0.0, node.text, face)
        return Piece(width, float(-glyph.top), float(glyph.bottom), (letter,))

    def _row(self, node: Row, size: float) -> Piece:
        x, pieces = 0.0, []
        for part in node.parts:
            piece = self.set(part, size).at(x, 0.0)
            pieces.append(piece)
            x += piece.width + (0.12 * size if isinstance(part, Large) else 0.0)
        return _together(x, pieces)

    def _axis(self, size: float) -> float:
        return round(0.56 * self._face(size).x_height)

    def _fraction(self, node: Fraction, size: float) -> Piece:
        inner = 0.85 * size
        above, below = self.set(node.above, inner), self.set(node.below, inner)
        width, pad, gap = max(above.width, below.width), 0.12 * size, 0.2 * size
        axis, thick = self._axis(size), self._thick(size)
        top = above.at(pad + (width - above.width) / 2, -axis - gap - above.descent)
        foot = below.at(pad + (width - below.width) / 2, -axis + gap + thick + below.ascent)
        bar = Stroke(((pad / 2, -axis), (pad * 1.5 + width, -axis)), thick)
        return _together(width + 2 * pad, [top, foot], [bar])

    def _scripts(self, base: Piece, above: Node | None, below: Node | None, size: float) -> Piece:
        pieces, width, small, gap = [base], base.width, SCRIPT * size, 0.04 * size
        x_height = self._face(size).x_height
        if above is not None:
            piece = self.set(above, small)
            lift = max(0.75 * x_height, base.ascent - 0.45 * x_height) + 0.2 * piece.descent
            pieces.append(piece.at(base.width + gap, -lift))
            width = max(width, base.width + gap + piece.width)
        if below is not None:
            piece = self.set(below, small)
            drop = max(0.35 * x_height, base.descent + 0.1 * x_height)
            if above is not None:
                drop = max(drop, piece.ascent - pieces[1].ascent + lift + pieces[1].descent - lift + 0.1 * size)
            pieces.append(piece.at(base.width + gap, drop))
            width = max(width, base.width + gap + piece.width)
        return _together(width, pieces)

    def _root(self, node: Root, size: float) -> Piece:
        inside, thick = self.set(node.inside, size), self._thick(size)
        hook, gap = 0.62 * size, 0.16 * size
        degree = self.set(node.degree, 0.55 * size) if node.degree is not None else None
        left = max(0.0, degree.width - 0.55 * hook) if degree is not None else 0.0
        top, foot = -inside.ascent - gap, inside.descent + 0.05 * size
        high = foot - top
        end = left + hook + inside.width + 0.12 * size
        points = (
            (left, foot - 0.42 * high),
            (left + 0.2 * hook, foot - 0.5 * high),
            (left + 0.5 * hook, foot),
            (left + 0.92 * hook, top),
            (end, top),
        )
        pieces = [inside.at(left + hook, 0.0)]
        if degree is not None:
            pieces.append(degree.at(max(0.0, left + 0.42 * hook - degree.width), foot - 0.56 * high - degree.descent))
        return _together(end + 0.06 * size, pieces, [Stroke(points, thick)])

    def _large(self, node: Large, size: float) -> Piece:
        face = self._face(1.65 * size)
        glyph = face.word(node.sign.text)
        ink = float(glyph.bottom - glyph.top)
        drop = ink / 2 - self._axis(size) - glyph.bottom
        sign = Piece(float(glyph.right - min(0, glyph.left)), -glyph.top - drop, glyph.bottom + drop)
        sign = replace(sign, letters=(Letter(-min(0.0, float(glyph.left)), drop, node.sign.text, face),))
        small, gap = SCRIPT * size, 0.16 * size
        below, above = self.set(node.below, small), self.set(node.above, small)
        if node.sign.text == "∫":
            high = above.at(sign.width + 0.08 * size, -sign.ascent + 0.7 * above.ascent)
            low = below.at(0.72 * sign.width + 0.08 * size, sign.descent)
            return _together(sign.width + 0.1 * size + max(high.width, low.width), [sign, high, low])
        width = max(sign.width, below.width, above.width)
        return _together(
            width,
            [
                sign.at((width - sign.width) / 2, 0.0),
                above.at((width - above.width) / 2, -sign.ascent - gap - above.descent),
                below.at((width - below.width) / 2, sign.descent + gap + below.ascent),
            ],
        )

    def _fenced(self, bracket: str, inside: Piece, size: float) -> Piece:
        face = self._face(size)
        glyph = face.word(bracket)
        if inside.ascent <= -1.25 * glyph.top and inside.descent <= 1.6 * glyph.bottom + 1:
            left, right = (self._symbol(Symbol(text, text), size) for text in (bracket, CLOSED[bracket]))
            middle, last = inside.at(left.width, 0.0), right.at(left.width + inside.width, 0.0)
            return _together(left.width + inside.width + right.width, [left, middle, last])
        over = 0.08 * size
        top, foot = -inside.ascent - over, inside.descent + over
        wide = min(0.5 * size, 0.16 * size + 0.09 * (foot - top))
        pad = 0.12 * size
        end = pad + wide + 0.1 * size + inside.width + 0.1 * size
        strokes = [
            Stroke(_bracket(bracket, pad, pad + wide, top, foot), self._thick(size)),
            Stroke(_bracket(bracket, end + wide, end, top, foot), self._thick(size)),
        ]
        return _together(end + wide + pad, [inside.at(pad + wide + 0.1 * size, 0.0)], strokes)

    def _matrix(self, node: Matrix, size: float) -> Piece:
        cells = [[self.set(cell, 0.95 * size) for cell in row] for row in node.rows]
        widths = [max(row[column].width for row in cells) for column in range(len(cells[0]))]
        gap, lead = 0.8 * size, 0.45 * size
        y, pieces = 0.0, []
        for number, row in enumerate(cells):
            y += max(cell.ascent for cell in row) + (lead if number else 0.0)
            x = 0.0
            for cell, width in zip(row, widths, strict=True):
                pieces.append(cell.at(x + (width - cell.width) / 2, y))
                x += width + gap
            y += max(cell.descent for cell in row)
        whole = _together(sum(widths) + gap * (len(widths) - 1), pieces)
        return self._fenced(node.bracket, whole.at(0.0, -y / 2 - self._axis(size)), size)


def _bracket(form: str, outer: float, inner: float, top: float, foot: float) -> tuple[tuple[float, float], ...]:
    """An opening bracket from top to foot that bends towards `inner`; with inner left of outer it is a closing one."""
    if form == "|":
        return (((outer + inner) / 2, top), ((outer + inner) / 2, foot))
    if form == "[":
        return ((inner, top), (outer, top), (outer, foot), (inner, foot))
    turns = [math.pi * step / 12 for step in range(13)]
    middle, half = (top + foot) / 2, (foot - top) / 2
    return tuple((inner + (outer - inner) * math.sin(turn), middle - half * math.cos(turn)) for turn in turns)


def print_piece(canvas: Canvas, piece: Piece, x: float, baseline: float, colour: Colour) -> Box:
    """Put a formula on a canvas without keeping its letters as lines; returns the box of its ink."""
    boxes: list[tuple[float, float, float, float]] = []
    for letter in piece.letters:
        line = canvas.text(x + letter.x, baseline + letter.y, letter.text, letter.face, colour, keep=False)
        boxes.append(line.box)
    for stroke in piece.strokes:
        points = [(x + a, round(baseline + b)) for a, b in stroke.points]
        canvas.draw.line(points, fill=colour, width=round(stroke.thick), joint="curve")
        half = stroke.thick / 2
        across, down = [a for a, _ in points], [b for _, b in points]
        boxes.append((min(across) - half, min(down) - half, max(across) + half + 1, max(down) + half + 1))
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))
