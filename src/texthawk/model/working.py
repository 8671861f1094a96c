"""Answers that are worked out: the model copies the numbers it found into a formula, and the formula is worked out for it.

A small model finds numbers on a page much sooner than it learns to add them up, so an answer that follows from numbers is
written as in a spreadsheet, behind an equals sign:

    =$12.50 + $3.20                 their sum
    =$12.50 - $3.20                 how much they differ
    =$12.50 > $3.20                 whether the first is the larger
    =max(Pears $12.50; Figs $3.20)  the name beside the largest number, or with min beside the smallest
    =count($12.50; $3.20 > $5.00)   how many are larger than the last, or with < smaller
    =count(Pears; Figs)             how many there are
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from texthawk.model.transcript import NO, YES

_MARK = r"[$€£¥￥]|US\$|(?:RM|USD|EUR|GBP|CNY|MYR) ?"
_DIGITS = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?|(?:0|[1-9][0-9]*)?\.[0-9]+|0|[1-9][0-9]*"
_NUMBER = re.compile(rf"(?P<sign>[-−]?)(?P<mark>{_MARK}|)(?P<digits>{_DIGITS})(?P<unit> ?%|)")
_CALL = re.compile(r"=(max|min|count)\((.*?)(?: ([<>]) ([^;<>]*))?\)")
_PARTING = re.compile(r"^\s*$|[;<>\n]")
_SIGNS = (">", "-", "+")


def sum_of(numbers: Sequence[str]) -> str:
    """The formula that adds up numbers as they are printed."""
    return "=" + " + ".join(numbers)


def difference_of(first: str, second: str) -> str:
    """The formula that tells how much two numbers differ."""
    return f"={first} - {second}"


def is_more(first: str, second: str) -> str:
    """The formula that tells whether the first number is the larger one."""
    return f"={first} > {second}"


def extreme_of(names: Sequence[str], numbers: Sequence[str], *, largest: bool) -> str:
    """The formula that names the largest or smallest of numbers."""
    pairs = "; ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
    return f"={'max' if largest else 'min'}({pairs})"


def count_of(numbers: Sequence[str], limit: str, *, above: bool) -> str:
    """The formula that counts the numbers above or below a limit."""
    return f"=count({'; '.join(numbers)} {'>' if above else '<'} {limit})"


def list_of(names: Sequence[str]) -> str:
    """The formula that counts what it names, each by its first two words, or four characters where there are no spaces.

    "" where there is nothing to count, or a name would part the list.
    """
    begun = [" ".join(name.split()[:2]) if name.isascii() or " " in name else name[:4] for name in names]
    return "" if not begun or any(_PARTING.search(name) for name in begun) else f"=count({'; '.join(begun)})"


class _Formula(NamedTuple):
    """An operation and what it is done with: numbers as they are printed, each with where it begins.

    names: of the numbers among which an extreme is sought, or what is listed to be counted. limit: `<` or `>` and a
    number, where numbers are counted.
    """

    operation: str
    numbers: list[tuple[int, str]]
    names: list[tuple[int, str]]
    limit: tuple[str, ...] = ()


def copied(formula: str) -> list[tuple[int, str]]:
    """What a formula copies from a page, names and numbers, each with where it begins in the formula."""
    read = _read(formula)
    return [] if read is None else sorted(read.names + read.numbers)


def is_list(formula: str) -> bool:
    """Whether a formula counts what it names."""
    read = _read(formula)
    return read is not None and read.operation == "list"


def worked_out(answer: str, lang: str = "en") -> str:
    """What a formula comes to, written as its numbers are; whatever is no formula, or of numbers unlike each other, stays.

    lang: language of yes and no. Of several that are the largest or smallest alike, the first is named.
    """
    read = _read(answer.strip())
    if read is None:
        return answer
    printed = [*(number for _, number in read.numbers), *read.limit[1:]]
    found = [number for text in printed if (number := _NUMBER.fullmatch(text)) is not None]
    marks = {number["mark"].strip() for number in found if number["mark"]}
    if len(found) < len(printed) or len(marks) > 1 or len({number["unit"].strip() for number in found}) > 1:
        return answer
    values = [_value(number) for number in found]
    match read.operation:
        case "max" | "min":
            return read.names[values.index(max(values) if read.operation == "max" else min(values))][1]
        case "list":
            return str(len(read.names))
        case "count":
            limit = values.pop()
            return str(sum(value > limit if read.limit[0] == ">" else value < limit for value in values))
        case ">":
            return (YES if values[0] > values[1] else NO)[lang]
        case "-":
            return _written(abs(values[0] - values[1]), found)
    return _written(sum(values, Decimal()), found)


def _read(formula: str) -> _Formula | None:
    """A formula in its parts; None for what is none."""
    if found := _CALL.fullmatch(formula):
        parts = list(_split(found[2], "; ", found.start(2)))
        if found[1] == "count" and found[3]:
            return _Formula("count", parts, [], (found[3], found[4]))
        if found[1] == "count":
            return _Formula("list", [], parts) if all(part.strip() for _, part in parts) else None
        ends = [(begin, *part.rpartition(" ")[::2]) for begin, part in parts]
        numbers = [(begin + len(name) + 1, number) for begin, name, number in ends]
        return _Formula(found[1], numbers, [(begin, name) for begin, name, _ in ends])
    for sign in _SIGNS:
        parts = list(_split(formula[1:], f" {sign} ", 1))
        if formula.startswith("=") and len(parts) > 1 and (sign == "+" or len(parts) == 2):
            return _Formula(sign, parts, [])
    return None


def _split(text: str, sign: str, begin: int) -> Iterator[tuple[int, str]]:
    """The parts of a text between signs, each with where it begins; the text begins at `begin`."""
    for part in text.split(sign):
        yield begin, part
        begin += len(part) + len(sign)


def _value(number: re.Match[str]) -> Decimal:
    value = Decimal(number["digits"].replace(",", ""))
    return -value if number["sign"] else value


def _written(value: Decimal, numbers: Sequence[re.Match[str]]) -> str:
    """A value with the decimals of the finest of some numbers, and their mark and unit; thousands are set apart."""
    decimals = max(len(number["digits"].partition(".")[2]) for number in numbers)
    mark = next((number["mark"] for number in numbers if number["mark"]), "")
    return f"{'-' if value < 0 else ''}{mark}{abs(value):,.{decimals}f}{numbers[0]['unit']}"
