"""Whether two lists of answers denote the same, as the evaluator of WikiTableQuestions decides it."""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u00b4\u0060", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    }
)
_CITATIONS = re.compile(r"((?<!^)\[[^\]]*\]|\[\d+\]|[\u2022\u2666\u2020\u2021*#+])*$")
_DETAILS = re.compile(r"(?<!^)( \([^)]*\))*$")
_QUOTED = re.compile(r'^"([^"]*)"$')


class Value(NamedTuple):
    """An answer: its normalised text, and the number or date that it is, if any."""

    text: str
    number: float | None
    date: tuple[int, ...] | None

    @property
    def identity(self) -> object:
        """What makes two answers of one list the same: their number, else their date, else their text."""
        if self.number is not None:
            return self.number
        return self.date or self.text

    def is_like(self, other: "Value") -> bool:
        """Equal as texts, as dates, or as numbers to within a millionth."""
        if self.text == other.text:
            return True
        if self.number is not None and other.number is not None:
            return abs(self.number - other.number) < 1e-6
        return self.date is not None and self.date == other.date


def same(predictions: Sequence[str], answers: Sequence[str]) -> bool:
    """See `texthawk.eval.metrics.denotation_match`."""
    predicted, expected = _values(predictions), _values(answers)
    return len(predicted) == len(expected) and all(any(e.is_like(p) for p in predicted) for e in expected)


def _values(texts: Sequence[str]) -> list[Value]:
    """Each value once, the first of those that are one."""
    values: dict[object, Value] = {}
    for text in texts:
        value = _value(text)
        values.setdefault(value.identity, value)
    return list(values.values())


def _value(text: str) -> Value:
    number = _number(text)
    date = _date(text) if number is None else None
    if date and date[1] == date[2] == -1:  # a year alone
        number, date = float(date[0]), None
    return Value(_normalised(text), number, date)


def _normalised(text: str) -> str:
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn").translate(_MARKS)
    before = None
    while text != before:
        before = text
        text = _CITATIONS.sub("", text.strip())
        text = _DETAILS.sub("", text.strip())
        text = _QUOTED.sub(r"\1", text.strip())
    text = text.removesuffix(".")
    return " ".join(text.split()).lower()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    # Within a millionth of a whole number the fraction is cut off, as the evaluator does it: just below 3 is 2.
    return float(int(number)) if abs(number - round(number)) < 1e-6 else number


def _date(text: str) -> tuple[int, ...] | None:
    """(year, month, day), -1 where one is not known; none where all are unknown or none could be."""
    parts = text.lower().split("-")
    if len(parts) != 3:
        return None
    try:
        year = -1 if parts[0] in ("xx", "xxxx") else int(parts[0])
        month, day = (-1 if part == "xx" else int(part) for part in parts[1:])
    except ValueError:
        return None
    if year == month == day == -1 or not (month == -1 or 1 <= month <= 12) or not (day == -1 or 1 <= day <= 31):
        return None
    return year, month, day
