"""Running text as it is meant: lines that a margin has broken are one again, and headings, lists and code are told.

Places and sizes of lines are looked at, how they begin and end, and signs of code in them. A line was broken by the margin where
the first word of the next would not have fitted behind it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np

from texthawk.decode.formats.blocks import blocks
from texthawk.decode.formats.code import indented, with_code
from texthawk.decode.formats.joining import ENDS, all_joined
from texthawk.decode.formats.lists import Item, follows, items_of
from texthawk.decode.formats.type_size import Standing, usual_size
from texthawk.image.wide import WIDE, is_wide

_SECTION = re.compile(rf"([1-9][0-9]?(?:\.[1-9][0-9]?){{1,3}})\.?\s+(?:[^\W\d_a-z]\w*[a-z]|[{WIDE}])")
_OPEN = re.compile(r"[,;，；、]$")
_LETTERS = re.compile(r"[^\W\d_]")
_HEADING, _TITLE = 1.13, 1.45  # of the size that most of the page is printed in
LONGEST_HEADING = 90  # characters
MOST_HEADING = 3  # lines
_RUNNING = 60  # characters of a paragraph that may stand below the number of a section
_SAME = 0.86  # the smaller size of two lines of one paragraph is at least this part of the larger
_NARROWEST, _NARROWEST_WIDE = 12.0, 8.0  # sizes of type across: a shorter line stands by itself
_ALONE = 1.6  # times as much where no other line of the page ends at that margin: an address has one longest line, too
_FLUSH, _RAGGED = 4.0, 2.5  # of the size: how far lines of one column begin and end apart
_SPACE, _LETTER = 0.25, 0.5  # of the size: a space, and a letter whose width is not known
_INDENT, _MOST_SET_IN = 0.8, 3.0  # of the size: how far the first line of a paragraph is set in, at least and at most
_GAP = 1.3  # of the size: a gap between columns
_FULL = 4.0  # of the size: what is missing at most of a line that is as long as the others


@dataclass(frozen=True)
class Passage:
    """A paragraph or some lines that stay broken, a heading (1 to 3), a line in bold (`strong`), items of a list (with their
    `marks`), or code.

    marks: "-" or a number with what stands behind it. full: the last printed line is as long as the others. size: of the
    type in pixels.
    """

    lines: tuple[str, ...]
    heading: int = 0
    marks: tuple[str, ...] = ()
    code: bool = False
    strong: bool = False
    full: bool = False
    size: float = 0.0


class _Margins(NamedTuple):
    """Of a page: the size that most is printed in, and where its lines begin and end, which have a place."""

    usual: float
    lefts: np.ndarray
    rights: np.ndarray


def passages(lines: Sequence[Standing], page: Sequence[Standing]) -> list[Passage]:
    """The passages of some lines that follow each other on a page, of which `page` are all."""
    boxes = [line.box for line in page if line.box is not None]
    margins = _Margins(
        usual_size(page),
        np.array([box.left for box in boxes]),
        np.array([box.right for box in boxes]),
    )
    items = items_of(lines)
    made: list[Passage] = []
    for block, code in with_code(blocks(lines)):
        if code:
            made.append(Passage(indented(block), code=True, size=_size(block)))
        else:
            made += _of_block(block, items, margins)
    return lists_joined(_sections_kept(made, margins.usual))


def _of_block(block: Sequence[Standing], items: dict[int, Item], margins: _Margins) -> list[Passage]:
    """The passages of a block. Lines of which each stays by itself, as those of an address, are one passage."""
    right = max((line.box.right for line in block if line.box is not None), default=0.0)
    made: list[Passage] = []
    single = False
    for group in _groups(block, items, margins):
        passage = _passage(group, items.get(id(group[0])), margins.usual, right, first=not made)
        plain = len(group) == 1 and not passage.heading and not passage.marks
        if plain and single:
            made[-1] = replace(passage, lines=made[-1].lines + passage.lines)
        elif made and _one_heading(made[-1], passage):
            made[-1] = replace(made[-1], lines=made[-1].lines + passage.lines)
        else:
            made.append(passage)
        single = plain
    return made


def _one_heading(above: Passage, below: Passage) -> bool:
    """Whether two headings one below the other are one on two lines, as centred ones are."""
    together = len(above.lines) < MOST_HEADING and len(" ".join(above.lines + below.lines)) <= LONGEST_HEADING
    alike = min(above.size, below.size) >= _SAME * max(above.size, below.size)
    return bool(above.heading and below.heading) and together and alike and _SECTION.match(below.lines[0]) is None


def _groups(block: Sequence[Standing], items: dict[int, Item], margins: _Margins) -> list[list[Standing]]:
    """The lines of a block, those together that were one before they met the margin."""
    right, shared = _margin(block, margins)
    groups: list[list[Standing]] = []
    for line in block:
        item = bool(groups) and id(groups[-1][0]) in items
        if groups and id(line) not in items and _goes_on(groups[-1], line, right, shared=shared, item=item):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _margin(block: Sequence[Standing], margins: _Margins) -> tuple[float, bool]:
    """Where the lines of a block end, and whether another line of the page ends there, too."""
    widest = max(block, key=lambda line: -1.0 if line.box is None else line.box.right)
    if widest.box is None:
        return 0.0, False
    near = np.abs(margins.lefts - widest.box.left) <= _FLUSH * widest.size
    near &= np.abs(margins.rights - widest.box.right) <= _RAGGED * widest.size
    return widest.box.right, int(near.sum()) > 1  # one of them is the line itself


def _goes_on(group: Sequence[Standing], below: Standing, right: float, *, shared: bool, item: bool) -> bool:
    """Whether a line goes on with a group. shared: the margin ends other lines of the page, too; item: of a list."""
    above = group[-1]
    if above.box is None or below.box is None:
        return False
    size = max(above.size, below.size)
    # A fraction or an index makes a line higher.
    alike = min(above.size, below.size) >= _SAME * size or below.text[:1].islower()
    wide = is_wide(below.text)
    fits = above.box.right + (0.0 if wide else _SPACE * size) + _first_word(below) <= right
    if not alike or fits or _parted(above):
        return False
    if item and group[0].box is not None:
        set_in = below.box.left - group[0].box.left
        if _INDENT * size < set_in <= _FLUSH * size:  # below the item's own text
            return True
    narrowest = (_NARROWEST_WIDE if wide else _NARROWEST) * (1.0 if shared else _ALONE)
    if above.box.width < narrowest * size:
        return False
    most = _MOST_SET_IN if len(group) == 1 else _INDENT
    return -most * size <= below.box.left - above.box.left <= _INDENT * size


def _parted(line: Standing) -> bool:
    """Whether a line has a gap as between columns: it is no running text, and no margin broke it."""
    boxes = [box for _, box in line.words if box is not None]
    return any(b.left - a.right > _GAP * line.size for a, b in pairwise(boxes))


def _first_word(line: Standing) -> float:
    """Its width in pixels: what a margin lets through or not."""
    if is_wide(line.text):
        return line.size
    text, box = next(iter(line.words), ("", None))
    if box is not None and text:
        return box.width
    return _LETTER * line.size * len(line.text.split(" ")[0])


def is_full(group: Sequence[Standing], size: float, right: float) -> bool:
    """Whether the last line of a passage reaches the margin, as the others do; one that stands alone must be long."""
    last = group[-1].box
    return (
        last is not None and (len(group) > 1 or last.width >= _NARROWEST * size) and last.right >= right - _FULL * size
    )


def _passage(group: Sequence[Standing], item: Item | None, usual: float, right: float, *, first: bool) -> Passage:
    begin = group[0].text if item is None else item.text
    text, size = all_joined([begin, *(line.text for line in group[1:])]), _size(group)
    full = is_full(group, size, right)
    if item is not None:
        return Passage((text,), marks=(item.mark,), full=full, size=size)
    return Passage((text,), heading=_heading(text, len(group), size, usual, first=first), full=full, size=size)


def _heading(text: str, lines: int, size: float, usual: float, *, first: bool) -> int:
    """1 to 3 for a heading, by its size or by the number of its section; else 0."""
    if len(text) > LONGEST_HEADING or lines > MOST_HEADING or len(_LETTERS.findall(text)) < 2 or _OPEN.search(text):
        return 0
    section = _SECTION.match(text) if lines == 1 and first and not ENDS.search(text) else None
    if not usual or (size < _HEADING * usual and section is None):
        return 0
    if section is not None:
        return min(3, section[1].count(".") + 1)
    return 1 if size >= _TITLE * usual else 2


def _sections_kept(made: Sequence[Passage], usual: float) -> list[Passage]:
    """A heading that only its number tells has text or another heading below it: a date or a price has not."""
    kept = list(made)
    for k in reversed(range(len(kept))):
        if kept[k].heading and kept[k].size < _HEADING * usual:
            below = kept[k + 1] if k + 1 < len(kept) else None
            if below is None or not (below.heading or len(below.lines[0]) >= _RUNNING):
                kept[k] = replace(kept[k], heading=0)
    return kept


def lists_joined(made: Sequence[Passage]) -> list[Passage]:
    """Items one after another are one list, those with numbers where one number follows the other."""
    merged: list[Passage] = []
    for passage in made:
        before = merged[-1] if merged else None
        if before is not None and before.marks and passage.marks and follows(passage.marks[0], before.marks[-1]):
            merged[-1] = replace(passage, lines=before.lines + passage.lines, marks=before.marks + passage.marks)
        else:
            merged.append(passage)
    return merged


def _size(lines: Sequence[Standing]) -> float:
    return median(line.size for line in lines)
