"""Characters that a model, a file name or a page may hold and a file must not."""

import re

REPLACEMENT = "\ufffd"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def printable(text: str) -> str:
    """The text with each control character, lone surrogate and non-character replaced by U+FFFD.

    Tabs and line feeds stay. XML 1.0 cannot hold most of these at all, escaped or not, and a terminal would obey them.
    """
    return _UNPRINTABLE.sub(REPLACEMENT, text)


def printable_name(name: str) -> str:
    """A file name on one line; bytes that are no UTF-8 show as escapes."""
    return printable(name.encode("utf-8", "backslashreplace").decode("utf-8")).replace("\n", REPLACEMENT)
