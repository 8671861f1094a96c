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
_DATE = re.compile(r"^(\d{4}|xx|xxxx)-(\d{1,2}|xx)-(\d{1,2}|xx)$")


class Value(NamedTuple):
    """An answer: its normalised text, and the number or date that it is, if any."""

    text: str
    number: float | None
    date: tuple[int, ...] | None

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
    return [_value(text) for text in dict.fromkeys(texts)]


def _value(text: str) -> Value:
    return Value(_normalised(text), _number(text), _date(text))


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
    return number if math.isfinite(number) else None


def _date(text: str) -> tuple[int, ...] | None:
    """(year, month, day), -1 where one is not known; none where all are unknown or none could be."""
    found = _DATE.match(text.strip().lower())
    if found is None:
        return None
    year, month, day = (-1 if part.startswith("x") else int(part) for part in found.groups())
    if year == month == day == -1 or month > 12 or month == 0 or day > 31 or day == 0:
        return None
    return year, month, day
