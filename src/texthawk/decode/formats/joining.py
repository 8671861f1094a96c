"""Where text runs on over the break of a line or a page: what was parted is joined, words too."""

import re
from collections.abc import Sequence
from itertools import pairwise

from texthawk.image.wide import is_wide

ENDS = re.compile(r"[.!?:;…。！？：；][\"'”’»)\]』」）]*$")
_PARTED = re.compile(r"[^\W\d_]-$")
_SHARED = re.compile(r"(?:und|oder|and|or|bis|to)\b")  # "Ein- und Ausgang": the hyphen stays
_NEAR = 4  # characters at a break that tell which script runs over it
_MARKS = "“”‘’…—"  # that scripts without spaces share with others
_ITEM = re.compile(r"(?:[-•*–]|\(?\w{1,3}[.)])\s")


def is_parted(line: str) -> bool:
    """Whether a line ends in the middle of a word, as far as it tells itself."""
    return _PARTED.search(line[-2:]) is not None


def runs_on(above: str, below: str, *, full: bool) -> bool:
    """Whether the last line of a page goes on in the first of the next.

    full: the last line reaches as far as those above it; one that is short ends its paragraph.
    """
    if not above or not below or ENDS.search(above) or _ITEM.match(below):
        return False
    first = below[0]
    if is_parted(above):
        return first.islower()
    return first.islower() or (full and (first.isalnum() or first in "(\"'“‘"))


def joined(above: str, below: str) -> str:
    """One line of two, in which the word that the break parted is whole again.

    A hyphen that belongs to a word ("well-" and "known") is lost, for nothing tells it from one that the break made. Scripts
    without spaces get none.
    """
    if is_parted(above) and below[:1].islower() and not _SHARED.match(below):
        return above[:-1] + below
    wide = is_wide(above[-_NEAR:].rstrip(_MARKS)[-1:]) and is_wide(below[:_NEAR].lstrip(_MARKS))
    return above + below if wide else f"{above} {below}"


def all_joined(lines: Sequence[str]) -> str:
    """Lines as one, each joined to the next."""
    made = list(lines[:1])
    for above, below in pairwise(lines):
        both = joined(above, below)
        made[-1:] = [both[: len(both) - len(below)], below]
    return "".join(made)
