"""Characters that a model, a file name or a page may hold and a file must not."""

import re
import unicodedata

REPLACEMENT = "\ufffd"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

_NUMBERS = re.compile(r"(\d+)")


def printable(text: str) -> str:
    """The text with each control character, lone surrogate and non-character replaced by U+FFFD.

    Tabs and line feeds stay. XML 1.0 cannot hold most of these at all, escaped or not, and a terminal would obey them.
    """
    return _UNPRINTABLE.sub(REPLACEMENT, text)


def printable_name(name: str) -> str:
    """A file name on one line; bytes that are no UTF-8 show as escapes."""
    return printable(name.encode("utf-8", "backslashreplace").decode("utf-8")).replace("\n", REPLACEMENT)


def as_laid_out(word: str) -> str:
    """A word in the order in which its characters stand from left to right.

    Characters of scripts that run from right to left are turned round, but not the numbers among them; a word with letters of
    both kinds is left as it is. Programs that take text from a PDF turn such characters back.
    """
    kinds = [unicodedata.bidirectional(character) for character in word]
    if "L" in kinds or not {"R", "AL"} & set(kinds):
        return word
    return "".join(part if part.isdecimal() else part[::-1] for part in reversed(_NUMBERS.split(word)))
