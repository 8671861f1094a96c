"""Answers that are worked out: the model copies the numbers it found into a formula, and the formula is worked out for it.

A small model finds numbers on a page much sooner than it learns to add them up, so an answer that follows from numbers is
written as in a spreadsheet, behind an equals sign:

    =$12.50 + $3.20                 their sum
    =$12.50 - $3.20                 how much they differ
    =$12.50 > $3.20                 whether the first is the larger
    =max(Pears $12.50; Figs $3.20)  the name beside the largest number, or with min beside the smallest
    =count($12.50; $3.20 > $5.00)   how many are larger than the last, or with < smaller
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from texthawk.model.transcript import NO, YES

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_CALL = re.compile(r"=(max|min|count)\((.*?)(?: ([<>]) ([^;<>]*))?\)")
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


class _Formula(NamedTuple):
    """An operation and what it is done with: numbers as they are printed, each with where it begins.

    names: of the numbers among which an extreme is sought. limit: signed `<` or `>`, of numbers that are counted.
    """

    operation: str
    numbers: list[tuple[int, str]]
    names: list[tuple[int, str]]
    limit: tuple[str, str] = ("", "")


def copied(formula: str) -> list[tuple[int, str]]:
    """What a formula copies from a page, names and numbers, each with where it begins in the formula."""
    read = _read(formula)
    return [] if read is None else sorted(read.names + read.numbers)


def worked_out(answer: str, lang: str = "en") -> str:
    """What a formula comes to, written as its numbers are; an answer that is no formula stays as it is.

    lang: language of yes and no. Of several that are the largest or smallest alike, the first is named.
    """
    read = _read(answer.strip())
    numbers = [] if read is None else [number for _, number in read.numbers]
    values = [value for number in numbers if (value := _value(number)) is not None]
    if read is None or len(values) < len(numbers):
        return answer
    match read.operation:
        case "max" | "min":
            return read.names[values.index(max(values) if read.operation == "max" else min(values))][1]
        case "count":
            sign, number = read.limit
            limit = _value(number)
            if limit is None:
                return answer
            return str(sum(value > limit if sign == ">" else value < limit for value in values))
        case ">":
            return (YES if values[0] > values[1] else NO)[lang]
        case "-":
            return _written(abs(values[0] - values[1]), numbers)
    return _written(sum(values, Decimal()), numbers)


def _read(formula: str) -> _Formula | None:
    """A formula in its parts; None for what is none."""
    if found := _CALL.fullmatch(formula):
        parts = list(_split(found[2], "; ", found.start(2)))
        if found[1] == "count":
            return _Formula("count", parts, [], (found[3], found[4])) if found[3] else None
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


def _value(number: str) -> Decimal | None:
    """A number as it is printed, with whatever is set before and behind it; None where there is none, or there are two."""
    found = _NUMBER.findall(number)
    if len(found) != 1:
        return None
    value = Decimal(found[0].replace(",", ""))
    before = number[: number.index(found[0])]
    return -value if any(sign in before for sign in "-−(") else value


def _written(value: Decimal, numbers: Sequence[str]) -> str:
    """A value with the decimals of the finest of some numbers, and what stands around the first; thousands are set apart."""
    digits = [_NUMBER.findall(number)[0] for number in numbers]
    decimals = max(len(part.partition(".")[2]) for part in digits)
    before, _, behind = numbers[0].strip().partition(digits[0])
    sign = "-" if value < 0 else ""
    return f"{sign}{before.strip(' -−(')}{abs(value):,.{decimals}f}{behind.rstrip(')')}"
