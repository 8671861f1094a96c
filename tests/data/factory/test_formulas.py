"""A formula's LaTeX and its print come from one tree and must agree."""

import re
from collections import Counter
from functools import cache

import numpy as np

from tests.data.factory.orders import order
from texthawk.data.factory import formulas
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.document import Document
from texthawk.data.factory.formula_layout import Piece, Setter, print_piece
from texthawk.data.factory.formula_tree import (
    Fence,
    Fraction,
    Grower,
    Large,
    Matrix,
    Root,
    Row,
    Scripts,
    Symbol,
    latex,
)
from texthawk.data.synth.dice import Dice

A, B, C = (Symbol(letter, letter, "variable") for letter in "abc")
SIZE = 24.0


@cache
def setter() -> Setter:
    return Setter(order(0).style())


@cache
def document(number: int, speech: str = "en") -> Document:
    return formulas.make(order(number, speech))


def places(piece: Piece) -> dict[str, tuple[float, float, float]]:
    """x, y and size of each letter."""
    return {letter.text: (letter.x, letter.y, letter.face.size) for letter in piece.letters}


def test_latex_is_written_with_braces_only_where_they_are_needed():
    assert latex(Fraction(A, B)) == r"\frac{a}{b}"
    assert latex(Scripts(A, Symbol("2", "2"), B)) == "a_b^2"
    assert latex(Scripts(A, Row((Symbol("−", "-"), B)), None)) == "a^{-b}"
    assert latex(Root(A, Symbol("3", "3"))) == r"\sqrt[3]{a}"
    assert latex(Row((Symbol("α", r"\alpha", "variable"), B))) == r"\alpha b"
    assert latex(Fence("(", Fraction(A, B))) == r"\left(\frac{a}{b}\right)"
    assert latex(Fence("(", A)) == "(a)"
    assert latex(Matrix("[", ((A, B), (B, C)))) == r"\begin{bmatrix} a & b \\ b & c \end{bmatrix}"
    assert latex(Large(Symbol("∑", r"\sum"), Row((A, Symbol("=", "="), Symbol("1", "1"))), B)) == r"\sum_{a=1}^b"


def test_what_is_above_stands_above():
    fraction = setter().set(Fraction(A, B), SIZE)
    [bar] = fraction.strokes
    found = places(fraction)
    assert found["a"][1] < bar.points[0][1] < found["b"][1]
    assert bar.points[0][0] <= found["a"][0] and bar.points[1][0] >= found["a"][0]
    scripts = places(setter().set(Scripts(A, B, C), SIZE))
    assert scripts["b"][1] < scripts["a"][1] < scripts["c"][1]
    assert scripts["b"][2] < scripts["a"][2] and scripts["b"][0] > scripts["a"][0]
    large = places(setter().set(Large(Symbol("∑", r"\sum"), B, C), SIZE))
    assert large["c"][1] < large["∑"][1] < large["b"][1] and large["∑"][2] > SIZE > large["b"][2]


def test_a_root_covers_what_is_inside():
    inside = setter().set(Fraction(A, B), SIZE)
    root = setter().set(Root(Fraction(A, B)), SIZE)
    [stroke] = [s for s in root.strokes if len(s.points) == 5]
    assert min(y for _, y in stroke.points) < -inside.ascent and max(y for _, y in stroke.points) >= inside.descent
    assert stroke.points[-1][0] - stroke.points[-2][0] >= inside.width


def test_cells_of_a_matrix_stand_in_rows_and_columns():
    cells = [[Symbol(letter, letter, "variable") for letter in row] for row in ("abc", "xyz")]
    piece = setter().set(Matrix("(", tuple(map(tuple, cells))), SIZE)
    found = places(piece)
    assert len({round(found[letter][1], 3) for letter in "abc"}) == 1
    assert found["a"][1] < found["x"][1]
    assert found["a"][0] < found["b"][0] < found["c"][0] and found["x"][0] < found["y"][0] < found["z"][0]
    assert all(-piece.ascent <= letter.y <= piece.descent for letter in piece.letters)


def test_no_two_letters_are_printed_on_each_other():
    for number in range(60):
        node = Grower(Dice(1, number), lambda text: True).statement()
        boxes = []
        for letter in setter().set(node, SIZE).letters:
            glyph = letter.face.word(letter.text)
            if letter.text not in "()[]|":
                boxes.append(
                    (letter.x + glyph.left, letter.y + glyph.top, letter.x + glyph.right, letter.y + glyph.bottom)
                )
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
                # Slanted letters lean over their neighbours a little.
                assert across < 0.2 * SIZE or down < 0.12 * SIZE, latex(node)


def test_every_letter_of_the_latex_is_printed():
    for number in range(60):
        node = Grower(Dice(2, number), lambda text: True).statement()
        source = re.sub(r"\\(begin|end)\{\w+\}", "", latex(node))
        names = re.findall(r"\\(?:sin|cos|tan|log|ln|exp)(?![a-z])", source)
        letters = Counter(re.sub(r"\\[A-Za-z]+|[^A-Za-z0-9]", "", source))
        printed = Counter()
        for letter in setter().set(node, SIZE).letters:
            if "\\" + letter.text in names:
                continue
            printed.update(character for character in letter.text if character.isascii() and character.isalnum())
        assert printed == letters, latex(node)


def test_braces_are_closed():
    for number in range(60):
        source = latex(Grower(Dice(5, number), lambda text: True).statement())
        depth = 0
        for brace in re.findall("[{}]", source):
            depth += 1 if brace == "{" else -1
            assert depth >= 0
        assert depth == 0 and source.count(r"\left") == source.count(r"\right")


def test_a_box_holds_all_ink_of_its_formula():
    for number in range(20):
        piece = setter().set(Grower(Dice(4, number), lambda text: ord(text) < 0x2000).statement(2), SIZE)
        canvas = Canvas(round(piece.width) + 80, round(piece.ascent + piece.descent) + 80)
        box = print_piece(canvas, piece, 40.0, 40.0 + piece.ascent, (0, 0, 0))
        rows, columns = np.nonzero(np.asarray(canvas.image.convert("L")) < 250)
        left, top, right, bottom = box
        assert left <= columns.min() and columns.max() < right + 1 and top <= rows.min() and rows.max() < bottom + 1
        assert columns.min() - left < 3 and right - columns.max() < 4
        assert rows.min() - top < 3 and bottom - rows.max() < 4
        assert not canvas.lines


def test_a_page_tells_its_formulas_and_asks_for_them():
    asked_for = 0
    for speech in ("en", "zh"):
        for number in range(6):
            page = document(number, speech)
            width, height = page.image.size
            for line in page.lines:
                left, top, right, bottom = line.box
                assert 0 <= left < right <= width and 0 <= top < bottom <= height
            numbered = re.findall(r"\$\$\n(.+) \\tag\{(\d+)\}\n\$\$", page.markdown)
            for asked in page.asked:
                if asked.kind == "count":
                    assert asked.answer == str(len(numbered))
                elif asked.kind == "formula":
                    [name] = re.findall(r"\((\d+)\)", asked.question)
                    assert (asked.answer, name) in numbered and asked.answer in page.text
                    asked_for += 1
    assert asked_for >= 6


def test_a_page_of_formulas_depends_on_its_dice_alone():
    first, second = formulas.make(order(3)), formulas.make(order(3))
    assert first.image.tobytes() == second.image.tobytes() and first.markdown == second.markdown
