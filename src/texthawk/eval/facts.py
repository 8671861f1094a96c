"""Facts about a page's text that hold or do not: a text is there, is not there, or comes before another (olmOCR-bench).

A fact is a mapping with `type` and, as the benchmark's authors write it:
    present, absent    text, max_diffs, case_sensitive (default true), first_n and last_n (only this many characters of the
                       page's beginning and end are looked at)
    order              before, after, max_diffs
Both sides are normalised first: white space, emphasis of Markdown and typographic marks do not count.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from rapidfuzz import fuzz

KINDS = ("present", "absent", "order")
"""Kinds of facts that are checked here; the authors' `table` and `math` need parsers of those."""

_EMPHASIS = re.compile(r"(\*\*|__)(.*?)\1|(\*|_)(.*?)\3")
_MARKS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        "\uff3f": "_",
    }
)


def holds(fact: Mapping[str, Any], page: str) -> bool:
    """Whether a fact holds for a page's text; ValueError for a kind that is not checked here."""
    if fact["type"] not in KINDS:
        raise ValueError(f"a fact of type {fact['type']!r} is not checked; there are: {', '.join(KINDS)}")
    most = int(fact.get("max_diffs") or 0)
    content = plain(page)
    if fact["type"] == "order":
        before = list(near(plain(fact["before"]), content, most))
        after = list(near(plain(fact["after"]), content, most))
        return bool(before and after) and min(before) < max(after)
    return (fact["type"] == "present") == _is_there(fact, content, most)


def _is_there(fact: Mapping[str, Any], content: str, most: int) -> bool:
    text = plain(fact["text"])
    first, last = fact.get("first_n"), fact.get("last_n")
    if first or last:
        content = (content[:first] if first else "") + (content[-last:] if last else "")
    if fact.get("case_sensitive") is False:
        text, content = text.lower(), content.lower()
    if not text:
        return True
    # rapidfuzz slides the shorter text along the longer one, so a page shorter than the text must not match in part.
    if len(content) < len(text) - most:
        return False
    return fuzz.partial_ratio(text, content) / 100 >= 1 - most / len(text)


def plain(text: str) -> str:
    """A text without what Markdown and typography add to it."""
    text = " ".join(text.replace("<br>", " ").replace("<br/>", " ").split())
    text = _EMPHASIS.sub(lambda found: found[2] or found[4] or "", text)
    return unicodedata.normalize("NFC", text).translate(_MARKS)


def near(pattern: str, text: str, most: int) -> Iterator[int]:
    """Where in `text` the pattern starts with at most `most` edits (Sellers' algorithm: the pattern against every end)."""
    if not pattern:
        return
    costs, starts = list(range(len(pattern) + 1)), [0] * (len(pattern) + 1)
    for end, character in enumerate(text, 1):
        diagonal, diagonal_start = costs[0], starts[0]
        costs[0], starts[0] = 0, end
        for row, wanted in enumerate(pattern, 1):
            choices = (
                (diagonal + (wanted != character), diagonal_start),
                (costs[row] + 1, starts[row]),
                (costs[row - 1] + 1, starts[row - 1]),
            )
            diagonal, diagonal_start = costs[row], starts[row]
            costs[row], starts[row] = min(choices, key=lambda choice: choice[0])
        if costs[-1] <= most:
            yield starts[-1]
