"""Passages of lines whose parts a model has told (`texthawk.decode.outline`)."""

import re
from collections.abc import Sequence
from statistics import median

from texthawk.decode.formats.code import indented, letters_of
from texthawk.decode.formats.joining import all_joined
from texthawk.decode.formats.lists import numbered
from texthawk.decode.formats.prose import LONGEST_HEADING, MOST_HEADING, Passage, is_full, lists_joined
from texthawk.decode.formats.type_size import Standing

_BULLET = re.compile(r"[•◦▪‣∙·●○■□►▶»–*-]\s+(?=\S)")
_LETTERED = re.compile(r"(?:\(\w{1,3}\)|\w{1,2}\)|[ivx]{1,4}\.)\s")
_RUNNING = ("paragraph", "line", "continued")


def passages_told(lines: Sequence[Standing]) -> list[Passage]:
    """The passages of some lines that follow each other on a page, each of which has a role."""
    groups: list[list[Standing]] = []
    for line in lines:
        if groups and _belongs(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    right = max((line.box.right for line in lines if line.box is not None), default=0.0)
    return lists_joined([_passage(group, right) for group in groups])


def _belongs(group: Sequence[Standing], line: Standing) -> bool:
    """Whether a line is of the passage of those before it."""
    first, role = group[0].line.role, line.line.role
    if first == "code":
        return role in ("code", "continued")
    return _goes_on(line) or (role in ("continued", "line") and first in _RUNNING)


def _goes_on(line: Standing) -> bool:
    """Whether a line is one with that above it; one that begins with (a), b) or iv. never is."""
    return line.line.role == "continued" and _LETTERED.match(line.text) is None


def _passage(group: Sequence[Standing], right: float) -> Passage:
    role, size = group[0].line.role, median(line.size for line in group)
    if role == "code":
        return Passage(_code(group), code=True, size=size)
    full = is_full(group, size, right)
    broken: list[list[str]] = []
    for line in group:
        if broken and _goes_on(line):
            broken[-1].append(line.text)
        else:
            broken.append([line.text])
    texts = tuple(all_joined(part) for part in broken)
    if role == "number" and (item := numbered(texts[0])) is not None:
        return Passage((item.text,), marks=(item.mark,), full=full, size=size)
    if role in ("bullet", "number"):
        sign = _BULLET.match(texts[0])
        return Passage((texts[0][sign.end() if sign else 0 :],), marks=("-",), full=full, size=size)
    short = len(group) <= MOST_HEADING and len(" ".join(texts)) <= LONGEST_HEADING
    heading = int(role[-1]) if role.startswith("heading") and short else 0
    return Passage(texts, heading=heading, strong=role == "strong" and short, full=full, size=size)


def _code(lines: Sequence[Standing]) -> tuple[str, ...]:
    placed = all(line.box is not None for line in lines) and letters_of(lines) is not None
    return indented(lines) if placed else tuple(line.text for line in lines)
