"""Where the text of a page runs on over the break to the next: paragraphs are joined, and words that were parted."""

import re

from texthawk.image.wide import is_wide

_ENDS = re.compile(r"[.!?:;…][\"'”’»)\]]*$")
_PARTED = re.compile(r"[^\W\d_]-$")
_ITEM = re.compile(r"(?:[-•*–]|\(?\w{1,3}[.)])\s")


def is_parted(line: str) -> bool:
    """Whether a line ends in the middle of a word, as far as it tells itself."""
    return _PARTED.search(line) is not None


def runs_on(above: str, below: str, *, full: bool) -> bool:
    """Whether the last line of a page goes on in the first of the next.

    full: the last line reaches as far as those above it; one that is short ends its paragraph.
    """
    if not above or not below or _ENDS.search(above) or _ITEM.match(below):
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
    if is_parted(above) and below[:1].islower():
        return above[:-1] + below
    return above + below if is_wide(above[-1:]) and is_wide(below) else f"{above} {below}"
