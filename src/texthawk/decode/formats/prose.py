"""Running text as it is meant: lines that a margin has broken are one again, and headings, items of lists and code are told.

Nothing but the places, sizes and first letters of lines is looked at. A line was broken by the margin where the first word of
the next would not have fitted behind it; any other break stays.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from texthawk.decode.formats.blocks import blocks
from texthawk.decode.formats.joining import joined
from texthawk.decode.formats.type_size import Standing, usual_size
from texthawk.image.wide import is_wide
from texthawk.types import Box, Word

_BULLET = re.compile(r"[•◦▪‣●○■□·∙*+–—-]\s+(?=\S)")
_NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_SECTION = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,3})\.?\s+[^\W\d_]")
_ENDS = re.compile(r"[.!?:;…。！？：；][\"'”’»)\]』」）]*$")
_OPEN = re.compile(r"[,;，；、]$")
_LETTERS = re.compile(r"[^\W\d_]")
_NEAR = 12  # lines between one number of a list and the next
_HEADING, _TITLE = 1.13, 1.45  # of the size that most of the page is printed in
_LONGEST_HEADING = 90  # characters
_MOST_HEADING = 3  # lines
_SAME = 0.86  # the smaller size of two lines of one paragraph is at least this part of the larger
_NARROWEST, _NARROWEST_WIDE = 12.0, 8.0  # sizes of type across: a shorter line stands by itself
_ALONE = 1.6  # times as much where no other line of the page ends at that margin: an address has one longest line, too
_FLUSH, _RAGGED = 4.0, 2.5  # of the size: how far lines of one column begin and end apart
_SPACE, _LETTER = 0.25, 0.5  # of the size: a space, and a letter whose width is not known
_INDENT, _MOST_SET_IN = 0.8, 4.0  # of the size: how far the first line of a paragraph is set in, at least and at most
_GAP = 1.3  # of the size: a gap between columns
_EMPTY = 0.9  # of a line's height: room for an empty line of code
_CODE = re.compile(r"[{}=;]|\w\(|^\W*(?:#|//|\$|return\b|import\b|pip\b|npm\b|git\b)|^\w[\w ]*:$")
_MOST_PLAIN = 0.6  # of the lines of code, those that have nothing of code about them
_EVEN, _MOST_UNEVEN, _FEWEST_WORDS = (
    0.07,
    0.25,
    4,
)  # of letters of one width: how much widths differ, for how many words, of how many


@dataclass(frozen=True)
class Passage:
    """A paragraph or some lines that stay broken, a heading (1 to 3), items of a list (with their `marks`), or code.

    full: its last printed line is as long as the others. size: of its type in pixels.
    """

    lines: tuple[str, ...]
    heading: int = 0
    marks: tuple[str, ...] = ()
    code: bool = False
    full: bool = False
    size: float = 0.0


def passages(lines: Sequence[Standing], page: Sequence[Standing]) -> list[Passage]:
    """The passages of some lines that follow each other on a page, of which `page` are all."""
    marks = _marks(lines)
    made: list[Passage] = []
    for block, code in _with_code(blocks(lines)):
        if code:
            made.append(Passage(_indented(block), code=True, size=_size(block)))
        else:
            made += _of_block(block, marks, page)
    return _lists_joined(made)


def _of_block(block: Sequence[Standing], marks: dict[int, str], page: Sequence[Standing]) -> list[Passage]:
    """The passages of a block. Lines of which each stays by itself, as those of an address, are one passage."""
    usual = usual_size(page)
    right = max((line.box.right for line in block if line.box is not None), default=0.0)
    made: list[Passage] = []
    single = False
    for group in _groups(block, marks, page):
        passage = _passage(group, marks, usual, right, first=not made)
        plain = len(group) == 1 and not passage.heading and not passage.marks
        if plain and single:
            made[-1] = replace(passage, lines=made[-1].lines + passage.lines)
        else:
            made.append(passage)
        single = plain
    return made


def _marks(lines: Sequence[Standing]) -> dict[int, str]:
    """The Markdown mark of each line that begins an item, by the line's id: numbers are of a list where one follows another."""
    marks = {id(line): "- " for line in lines if _BULLET.match(line.text)}
    numbered = [(place, int(found[1])) for place, line in enumerate(lines) if (found := _NUMBER.match(line.text))]
    for place, number in numbered:
        if any(
            (other - number, there > place) in ((1, True), (-1, False)) and abs(there - place) <= _NEAR
            for there, other in numbered
        ):
            marks[id(lines[place])] = f"{number}. "
    return marks


def _groups(block: Sequence[Standing], marks: dict[int, str], page: Sequence[Standing]) -> list[list[Standing]]:
    """The lines of a block, those together that were one before they met the margin."""
    margin = _margin(block, page)
    groups: list[list[Standing]] = []
    for line in block:
        if groups and id(line) not in marks and _goes_on(groups[-1], line, margin, item=id(groups[-1][0]) in marks):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


class _Margin(NamedTuple):
    """Where the lines of a block end, and whether another line of the page ends there, too."""

    right: float
    shared: bool


def _margin(block: Sequence[Standing], page: Sequence[Standing]) -> _Margin:
    widest = max(block, key=lambda line: -1.0 if line.box is None else line.box.right)
    box = widest.box
    if box is None:
        return _Margin(0.0, shared=False)
    others = (line.box for line in page if line is not widest and line.box is not None)
    shared = any(
        abs(other.left - box.left) <= _FLUSH * widest.size and abs(other.right - box.right) <= _RAGGED * widest.size
        for other in others
    )
    return _Margin(box.right, shared)


def _goes_on(group: Sequence[Standing], below: Standing, margin: _Margin, *, item: bool) -> bool:
    above = group[-1]
    if above.box is None or below.box is None:
        return False
    size = max(above.size, below.size)
    alike = (
        min(above.size, below.size) >= _SAME * size or below.text[:1].islower()
    )  # a fraction or an index makes a line higher
    if not alike or _SECTION.match(above.text) or _parted(above):
        return False
    wide = is_wide(below.text)
    fits = above.box.right + (0.0 if wide else _SPACE * size) + _first_word(below) <= margin.right
    if item and group[0].box is not None:
        set_in = below.box.left - group[0].box.left
        if _INDENT * size < set_in <= _MOST_SET_IN * size:  # below the item's own text
            return not fits or not _ENDS.search(above.text)
    narrowest = (_NARROWEST_WIDE if wide else _NARROWEST) * (1.0 if margin.shared else _ALONE)
    if fits or above.box.width < narrowest * size:
        return False
    return -_MOST_SET_IN * size <= below.box.left - above.box.left <= _INDENT * size


def _parted(line: Standing) -> bool:
    """Whether a line has a gap as between columns: it is no running text, and no margin broke it."""
    boxes = [word.box for word in line.line.words if word.box is not None]
    return any(b.left - a.right > _GAP * line.size for a, b in pairwise(boxes))


def _first_word(line: Standing) -> float:
    """Its width in pixels: what a margin lets through or not."""
    if is_wide(line.text):
        return line.size
    word = next(iter(line.line.words), None)
    if word is not None and word.box is not None:
        return word.box.width if line.box is not None and word.box.width < line.box.width + 1 else 0.0
    return _LETTER * line.size * len(line.text.split(" ")[0])


def _passage(group: Sequence[Standing], marks: dict[int, str], usual: float, right: float, *, first: bool) -> Passage:
    text, size = group[0].text, _size(group)
    for line in group[1:]:
        text = joined(text, line.text)
    last = group[-1].box
    full = last is not None and (len(group) > 1 or last.width >= _NARROWEST * size) and last.right >= right - 4 * size
    if mark := marks.get(id(group[0])):
        found = _NUMBER.match(text) or _BULLET.match(text)
        assert found is not None
        return Passage((text[found.end() :],), marks=(mark,), full=full, size=size)
    return Passage((text,), heading=_heading(text, len(group), size, usual, first=first), full=full, size=size)


def _heading(text: str, lines: int, size: float, usual: float, *, first: bool) -> int:
    """1 to 3 for a heading, by its size or by the number of its section; else 0."""
    if len(text) > _LONGEST_HEADING or lines > _MOST_HEADING or len(_LETTERS.findall(text)) < 2 or _OPEN.search(text):
        return 0
    section = _SECTION.match(text) if lines == 1 and first and not _ENDS.search(text) else None
    if not usual or (size < _HEADING * usual and section is None):
        return 0
    if section is not None:
        return min(3, section[1].count(".") + 1)
    return 1 if size >= _TITLE * usual else 2


def _lists_joined(made: Sequence[Passage]) -> list[Passage]:
    """Items one after another are one list."""
    merged: list[Passage] = []
    for passage in made:
        if merged and merged[-1].marks and passage.marks:
            before = merged[-1]
            merged[-1] = replace(passage, lines=before.lines + passage.lines, marks=before.marks + passage.marks)
        else:
            merged.append(passage)
    return merged


def _size(lines: Sequence[Standing]) -> float:
    return median(line.size for line in lines)


def _with_code(parts: Sequence[list[Standing]]) -> list[tuple[list[Standing], bool]]:
    """Blocks, each with whether it is code; blocks of code one after another are one.

    A block beside code is code, too, where its letters are as wide, or it has hardly any: a bracket stands alone.
    """
    code = [_is_code(block) for block in parts]
    if not any(code):
        return [(block, False) for block in parts]
    usual = median(width for block, sure in zip(parts, code, strict=True) if sure for width in _letter_widths(block))
    for k in (*range(1, len(parts)), *range(len(parts) - 2, -1, -1)):
        beside = any(code[n] for n in (k - 1, k + 1) if 0 <= n < len(parts))
        code[k] = code[k] or (beside and _set_alike(parts[k], usual))
    made: list[tuple[list[Standing], bool]] = []
    for block, is_code in zip(parts, code, strict=True):
        if is_code and made and made[-1][1]:
            made[-1] = (made[-1][0] + block, True)
        else:
            made.append((block, is_code))
    return made


def _is_code(block: Sequence[Standing]) -> bool:
    """Whether all letters have one width, as those of a typewriter and of code have, and signs of code are among them."""
    widths = _letter_widths(block)
    plain = sum(_CODE.search(line.text) is None for line in block)
    return (
        len(block) >= 2
        and len(widths) >= _FEWEST_WORDS
        and plain <= _MOST_PLAIN * len(block)
        and _uneven(widths, median(widths)) <= _MOST_UNEVEN * len(widths)
    )


def _set_alike(block: Sequence[Standing], usual: float) -> bool:
    """Whether a block could be of code with letters of this width, by its own, or by what stands on its lines."""
    widths = _letter_widths(block)
    if not widths:
        return all(len(_LETTERS.findall(line.text)) < 4 or _CODE.search(line.text) for line in block)
    return _uneven(widths, usual) <= _MOST_UNEVEN * len(widths)


def _uneven(widths: Sequence[float], usual: float) -> int:
    return sum(abs(width - usual) > _EVEN * usual for width in widths)


def _letter_widths(block: Sequence[Standing]) -> list[float]:
    return [width for line in block for word in line.line.words if (width := _letter_width(word))]


def _letter_width(word: Word) -> float:
    """Pixels of a letter, on average; 0 of a word that is too short to tell, or that has Chinese characters."""
    if word.box is None or len(word.text) < 4 or any(is_wide(letter) for letter in word.text):
        return 0.0
    return word.box.width / (len(word.text) - 0.15)


def _indented(lines: Sequence[Standing]) -> tuple[str, ...]:
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
