"""Code among the blocks of a page: letters of one width, as a typewriter's, with signs of code among them."""

import re
from collections.abc import Sequence
from statistics import median

from texthawk.decode.formats.type_size import Standing
from texthawk.image.wide import is_wide
from texthawk.types import Box

_SIGN = re.compile(
    r"[{}=]|\w\(|^\W*(?:#|//)|^(?:return|import|const|let|var|def|func|function|pip|npm|git)\b"
    r"|^(?:if|for|while|else|elif|with|class)\b.*:$"
)
_BARE = re.compile(r"\W*(?:end)?\W*")
_MOST_PLAIN = 0.6  # of the lines of code, those without a sign of it
_EVEN = 0.06  # of the usual letter's width: how much wider or narrower those of a word may be, on average,
_MOST_UNEVEN = 0.25  # in all but this share of the words,
_FEWEST = 5  # of which there must be some
_SHORTEST = 4  # letters of a word that tells how wide letters are
_BESIDE = 0.15  # of a letter's width: white beside the ink of a word, which its box leaves out
_ALIKE = 0.86  # the smaller size of type of two blocks of one piece of code is at least this part of the larger
_EMPTY = 0.9  # of a line's height: room for an empty line


def with_code(parts: Sequence[list[Standing]]) -> list[tuple[list[Standing], bool]]:
    """Blocks, each with whether it is code; blocks of code one after another are one.

    A block beside code is code, too, where its letters are as wide, or it has hardly any: a bracket stands alone.
    """
    code = [_is_code(block) for block in parts]
    if not any(code):
        return [(block, False) for block in parts]
    sure = [line for block, sure in zip(parts, code, strict=True) if sure for line in block]
    width, size = median(_letter_widths(sure)), median(line.size for line in sure)
    for k in (*range(1, len(parts)), *range(len(parts) - 2, -1, -1)):
        beside = any(code[n] for n in (k - 1, k + 1) if 0 <= n < len(parts))
        code[k] = code[k] or (beside and _set_alike(parts[k], width, size))
    made: list[tuple[list[Standing], bool]] = []
    for block, is_code in zip(parts, code, strict=True):
        if is_code and made and made[-1][1]:
            made[-1][0].extend(block)
        else:
            made.append((list(block), is_code))
    return made


def indented(lines: Sequence[Standing]) -> tuple[str, ...]:
    """Lines of code, each with the spaces before it, and an empty line where there is room for one."""
    width = median(_letter_widths(lines))
    left = min(line.box.left for line in lines if line.box is not None)
    made: list[str] = []
    above: Box | None = None
    for line in lines:
        box = line.box
        if above is not None and box is not None and box.top - above.bottom > _EMPTY * box.height:
            made.append("")
        made.append(" " * (0 if box is None else round((box.left - left) / width)) + line.text)
        above = box
    return tuple(made)


def letters_of(block: Sequence[Standing]) -> tuple[float, float] | None:
    """Pixels of a letter, the middle one of long words, and how far the others are from it, on average, in parts of it."""
    widths = _letter_widths(block)
    if not widths:
        return None
    usual = median(widths)
    return usual, sum(abs(width - usual) for width in widths) / len(widths) / usual


def _is_code(block: Sequence[Standing]) -> bool:
    widths = _letter_widths(block)
    return (
        len(block) >= 2
        and len(widths) >= _FEWEST
        and all(line.box is not None for line in block)
        and sum(_SIGN.search(line.text) is None for line in block) <= _MOST_PLAIN * len(block)
        and _even(widths, median(widths))
    )


def _set_alike(block: Sequence[Standing], width: float, size: float) -> bool:
    """Whether a block could be of code with letters of this width and size, by its own, or by what stands on its lines."""
    own = median(line.size for line in block)
    if any(line.box is None for line in block) or min(own, size) < _ALIKE * max(own, size):
        return all(_BARE.fullmatch(line.text) and line.box is not None for line in block)
    widths = _letter_widths(block)
    if widths:
        return _even(widths, width)
    return all(_BARE.fullmatch(line.text) or _SIGN.search(line.text) for line in block)


def _even(widths: Sequence[float], usual: float) -> bool:
    return sum(abs(width - usual) > _EVEN * usual for width in widths) <= _MOST_UNEVEN * len(widths)


def _letter_widths(block: Sequence[Standing]) -> list[float]:
    """Pixels of a letter, on average, of each word that is long enough to tell."""
    return [
        box.width / (len(text) - _BESIDE)
        for line in block
        for text, box in line.words
        if box is not None and box.width > 0 and len(text) >= _SHORTEST and not any(map(is_wide, text))
    ]
