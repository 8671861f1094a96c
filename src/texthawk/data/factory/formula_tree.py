"""Formulas as trees: what they are made of, how LaTeX writes them, and how dice grow them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from texthawk.data.synth.dice import Dice


@dataclass(frozen=True)
class Symbol:
    """A letter, number, sign or word. `kind`: "variable" (italic), "upright", "binary" or "relation" (signs with room)."""

    text: str
    latex: str
    kind: str = "upright"


@dataclass(frozen=True)
class Row:
    """Parts beside each other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Fraction:
    above: "Node"
    below: "Node"


@dataclass(frozen=True)
class Scripts:
    """A base with something small above or below its right end."""

    base: "Node"
    above: "Node | None"
    below: "Node | None"


@dataclass(frozen=True)
class Root:
    inside: "Node"
    degree: "Node | None" = None


@dataclass(frozen=True)
class Large:
    """A large sign (sum, product) with limits below and above it, or an integral with limits at its right side."""

    sign: Symbol
    below: "Node"
    above: "Node"


@dataclass(frozen=True)
class Fence:
    """Parts in brackets: "(" or "[" or "|"."""

    bracket: str
    inside: "Node"


@dataclass(frozen=True)
class Matrix:
    """Rows of cells in brackets: "(" or "[" or "|"."""

    bracket: str
    rows: tuple[tuple["Node", ...], ...]


Node = Symbol | Row | Fraction | Scripts | Root | Large | Fence | Matrix

CLOSED = {"(": ")", "[": "]", "|": "|"}
MATRICES = {"(": "pmatrix", "[": "bmatrix", "|": "vmatrix"}
GREEK = dict(
    zip(
        "αβγδεθλμπρστφωΓΔΘΛΣΦΩ",
        "alpha beta gamma delta varepsilon theta lambda mu pi rho sigma tau varphi omega Gamma Delta Theta Lambda Sigma Phi "
        "Omega".split(),
        strict=True,
    )
)
RELATIONS = {"=": "=", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "<": "<", ">": ">", "≈": r"\approx"}
BINARIES = {"+": "+", "−": "-", "×": r"\times", "·": r"\cdot", "±": r"\pm"}
LARGE = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int"}
FUNCTIONS = ("sin", "cos", "tan", "log", "ln", "exp", "max", "min", "lim")


def latex(node: Node) -> str:
    """The formula as LaTeX writes it in mathematics mode."""
    match node:
        case Symbol():
            return node.latex
        case Row():
            return joined([latex(part) for part in node.parts])
        case Fraction():
            return rf"\frac{{{latex(node.above)}}}{{{latex(node.below)}}}"
        case Scripts():
            below = f"_{_braced(node.below)}" if node.below else ""
            above = f"^{_braced(node.above)}" if node.above else ""
            return latex(node.base) + below + above
        case Root():
            degree = f"[{latex(node.degree)}]" if node.degree else ""
            return rf"\sqrt{degree}{{{latex(node.inside)}}}"
        case Large():
            return f"{node.sign.latex}_{_braced(node.below)}^{_braced(node.above)}"
        case Fence():
            opened, closed = (rf"\left{node.bracket}", rf"\right{CLOSED[node.bracket]}")
            if not _tall(node.inside):
                opened, closed = node.bracket, CLOSED[node.bracket]
            return joined([opened, latex(node.inside), closed])
        case Matrix():
            name = MATRICES[node.bracket]
            rows = r" \\ ".join(" & ".join(latex(cell) for cell in row) for row in node.rows)
            return rf"\begin{{{name}}} {rows} \end{{{name}}}"


def joined(parts: Sequence[str]) -> str:
    """LaTeX pieces one after another, with a space only where a command would run into a letter."""
    text = ""
    for part in parts:
        text += " " + part if re.search(r"\\[A-Za-z]+$", text) and part[:1].isalpha() else part
    return text


def _braced(node: Node) -> str:
    text = latex(node)
    return text if len(text) == 1 else f"{{{text}}}"


def _tall(node: Node) -> bool:
    match node:
        case Fraction() | Large() | Matrix():
            return True
        case Row():
            return any(_tall(part) for part in node.parts)
        case Scripts():
            return _tall(node.base)
        case _:
            return False


class Grower:
    """Grows formulas from signs that can be printed; `has` says of a character whether it can."""

    def __init__(self, dice: Dice, has: Callable[[str], bool]):
        self.dice = dice
        self.greek = [Symbol(text, "\\" + name, "variable") for text, name in GREEK.items() if has(text)]
        self.relations = [Symbol(text, form, "relation") for text, form in RELATIONS.items() if has(text)]
        self.binaries = [Symbol(text, form, "binary") for text, form in BINARIES.items() if has(text)]
        self.large = [Symbol(text, form) for text, form in LARGE.items() if has(text)]
        self.infinity = [Symbol("∞", r"\infty")] if has("∞") else []

    def statement(self, depth: int = 3) -> Node:
        """Two sides and a relation between them."""
        relation = self.relations[0] if self.dice.chance(0.8) else self.dice.pick(self.relations)
        if self.dice.chance(0.12):
            return Row((self.letter("ABCMPQ"), self.relations[0], self.matrix()))
        return Row((self.left(), relation, self.terms(depth)))

    def left(self) -> Node:
        if self.dice.chance(0.45):
            return Row((self.letter("fghFGHP"), Fence("(", self.letter("xtyzu"))))
        return self.scripted() if self.dice.chance(0.5) else self.letter()

    def letter(self, letters: str = "abcdkmnpqrstuvwxyzEFKLNRTV") -> Symbol:
        if self.greek and letters[0] == "a" and self.dice.chance(0.25):
            return self.dice.pick(self.greek)
        text = self.dice.pick(letters)
        return Symbol(text, text, "variable")

    def number(self) -> Symbol:
        text = str(self.dice.integer(2, 9) if self.dice.chance(0.7) else self.dice.integer(10, 99))
        return Symbol(text, text)

    def scripted(self) -> Node:
        below = self.letter("ijkmn") if self.dice.chance(0.6) else Symbol(digit := self.dice.pick("0123"), digit)
        above = Symbol("2", "2") if self.dice.chance(0.25) else None
        return Scripts(self.letter(), above, below)

    def atom(self) -> Node:
        form = self.dice.weighted({"letter": 0.55, "scripted": 0.2, "power": 0.25})
        if form == "letter":
            return self.letter()
        return self.scripted() if form == "scripted" else Scripts(self.letter(), self.exponent(), None)

    def exponent(self) -> Node:
        if self.dice.chance(0.6):
            return Symbol(text := str(self.dice.integer(2, 5)), text)
        if self.dice.chance(0.5):
            return self.letter("knmxt")
        return Row((self._bare("−"), self.letter("knmxt")))

    def _bare(self, text: str) -> Symbol:
        """A sign without room around it."""
        return Symbol(text, BINARIES[text])

    def terms(self, depth: int) -> Node:
        """One to three terms with signs between them."""
        parts: list[Node] = [self.term(depth)]
        for _ in range(self.dice.weighted({0: 0.3, 1: 0.5, 2: 0.2})):
            parts += [
                self.binaries[0] if self.dice.chance(0.5) else self.dice.pick(self.binaries[:2]),
                self.term(depth - 1),
            ]
        return Row(tuple(parts))

    def term(self, depth: int) -> Node:
        """A product, fraction, root, function, sum or integral; near the leaves a number or letter."""
        if depth <= 0:
            return self.number() if self.dice.chance(0.25) else self.atom()
        form = self.dice.weighted(
            {
                "product": 0.3,
                "fraction": 0.22,
                "root": 0.1,
                "function": 0.1,
                "large": 0.14 if self.large else 0,
                "fence": 0.14,
            }
        )
        match form:
            case "product":
                parts: tuple[Node, ...] = (
                    (self.number(), self.atom()) if self.dice.chance(0.5) else (self.letter(), self.atom())
                )
                return Row(parts)
            case "fraction":
                return Fraction(self.terms(depth - 2), self.terms(depth - 2))
            case "root":
                degree = Symbol("3", "3") if self.dice.chance(0.2) else None
                return Root(self.terms(depth - 2), degree)
            case "function":
                return self.function()
            case "fence":
                fence = Fence("(" if self.dice.chance(0.8) else "[", self.terms(depth - 2))
                return Scripts(fence, self.exponent(), None) if self.dice.chance(0.5) else Row((self.letter(), fence))
            case _:
                return self.summed(depth)

    def function(self) -> Node:
        name = self.dice.pick(FUNCTIONS[:6])
        return Row((Symbol(name, "\\" + name), Fence("(", self.terms(0))))

    def summed(self, depth: int) -> Node:
        sign = self.dice.pick(self.large)
        top: Node = self.dice.pick(self.infinity) if self.infinity and self.dice.chance(0.3) else self.letter("nNmMT")
        if sign.text == "∫":
            variable = self.letter("xtyu")
            body = Row((self.term(depth - 2), Symbol("d", "d", "variable"), variable))
            return Row((Large(sign, Symbol("0", "0"), top), body))
        index = self.letter("ijk")
        start = Row((index, Symbol("=", "="), Symbol(first := self.dice.pick("01"), first)))
        return Row((Large(sign, start, top), Scripts(self.letter("abcxyz"), None, index)))

    def matrix(self) -> Node:
        rows, columns = self.dice.integer(2, 3), self.dice.integer(2, 3)
        cells = tuple(tuple(self.cell() for _ in range(columns)) for _ in range(rows))
        return Matrix(self.dice.pick("([") if rows != columns else self.dice.pick("([|"), cells)

    def cell(self) -> Node:
        return self.scripted() if self.dice.chance(0.3) else self.number() if self.dice.chance(0.5) else self.letter()
