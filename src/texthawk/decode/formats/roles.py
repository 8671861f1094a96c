"""Passages of lines whose parts a model has told (`texthawk.decode.outline`)."""

import re
from collections.abc import Sequence
from statistics import median

from texthawk.decode.formats.code import indented, letters_of
from texthawk.decode.formats.joining import all_joined
from texthawk.decode.formats.lists import numbered
from texthawk.decode.formats.prose import LONGEST_HEADING, MOST_HEADING, Passage, lists_joined
from texthawk.decode.formats.type_size import Standing

_SIGN = re.compile(r"[^\w\s]\s+(?=\S)")
_FULL = 4.0  # of the size: what is missing at most of a line that is as long as the others
_SHORTEST = 12.0  # sizes of type across: a line by itself that is as long as the others is longer


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
    return role == "continued" or (role == "line" and first in ("paragraph", "line", "continued"))


def _passage(group: Sequence[Standing], right: float) -> Passage:
    role, size, last = group[0].line.role, median(line.size for line in group), group[-1].box
    if role == "code":
        return Passage(_code(group), code=True, size=size)
    long = last is not None and (len(group) > 1 or last.width >= _SHORTEST * size)
    full = long and last is not None and last.right >= right - _FULL * size
    broken: list[list[str]] = []
    for line in group:
        if broken and line.line.role == "continued":
            broken[-1].append(line.text)
        else:
            broken.append([line.text])
    texts = tuple(all_joined(part) for part in broken)
    if role == "number" and (item := numbered(texts[0])) is not None:
        return Passage((item.text,), marks=(item.mark,), full=full, size=size)
    if role in ("bullet", "number"):
        return Passage((_SIGN.sub("", texts[0], count=1),), marks=("-",), full=full, size=size)
    heading = int(role[-1]) if role.startswith("heading") and len(group) <= MOST_HEADING else 0
    if len(" ".join(texts)) > LONGEST_HEADING:
        heading = 0
    return Passage(texts, heading=heading, strong=role == "strong", full=full, size=size)


def _code(lines: Sequence[Standing]) -> tuple[str, ...]:
    placed = all(line.box is not None for line in lines) and letters_of(lines) is not None
    return indented(lines) if placed else tuple(line.text for line in lines)
