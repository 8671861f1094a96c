"""Scripts that put no spaces between words (Chinese, Japanese), whose characters fill a square each."""

import re

WIDE = "\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
"""Their characters, as ranges of a regular expression's set."""
_FIRST = re.compile(f"[{WIDE}]")


def is_wide(text: str) -> bool:
    """Whether the first character of a text is of such a script; an empty text has none."""
    return _FIRST.match(text) is not None
