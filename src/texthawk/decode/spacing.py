"""Where the words of a line stand: at the gaps in its ink, as far as these can be told from gaps between letters.

The widest gaps part the words; which words stand between two of them is decided by the usual width of letters. A gap as wide
as the line is high parts words in any case, so that the cells of a table keep their places even where words ran together.
"""

from collections.abc import Sequence
from itertools import pairwise

from texthawk.image.wide import is_wide
from texthawk.types import Box

Gap = tuple[float, float]
"""Left and right end of a strip of a line without ink."""

SPACE = 0.5  # width of a space, in usual letters
PARTING = 0.9  # line heights: a gap so wide stands between words, however they were read
MISFIT = 0.35  # of the line's ink: words that fit the gaps no better stand elsewhere
POOR, GOOD = 0.15, 0.1  # a cell is taken for unread where words fit this poorly with it and this well without
_WIDE, _NARROW = set("mwMW@%—…"), set("iljtfrI.,:;'!|()[]‘’·")


def places_of(words: Sequence[str], box: Box, gaps: Sequence[Gap] = ()) -> list[Box]:
    """A box for each word of a line, from left to right; `gaps` are those of the line's ink, in the box's own pixels."""
    inside = [gap for gap in gaps if box.left < gap[0] < gap[1] < box.right]
    widest = sorted(inside, key=lambda gap: gap[0] - gap[1])[: len(words) - 1] if len(words) > 1 else []
    parting = [gap for gap in inside if gap[1] - gap[0] >= PARTING * box.height]
    for chosen in (widest, parting):
        spans = _spans(box, sorted(chosen))
        shares = _shares(words, spans, may_lack=bool(parting))
        if len(spans) > 1 and shares is not None:
            found: list[Box] = []
            for span, count in zip(spans, shares, strict=True):
                found += places_of(words[len(found) : len(found) + count], span, gaps)
            return found
    return _shared_out(words, box)


def _spans(box: Box, gaps: Sequence[Gap]) -> list[Box]:
    ends = [box.left, *(side for gap in gaps for side in gap), box.right]
    return [Box(left, box.top, right, box.bottom) for left, right in zip(ends[::2], ends[1::2], strict=True)]


def _shares(words: Sequence[str], spans: Sequence[Box], *, may_lack: bool) -> list[int] | None:
    """How many words stand in each span so that their widths fit best; None where no way fits well.

    may_lack: one of the spans may be a cell that was not read and has no word.
    """
    whole = _fitted(words, spans)
    best = whole if whole is not None and whole[0] < MISFIT else None
    if may_lack and len(spans) > 2 and (whole is None or whole[0] > POOR):
        for lacking in range(len(spans)):
            way = _fitted(words, [*spans[:lacking], *spans[lacking + 1 :]])
            if way is not None and way[0] < min(GOOD, MISFIT if best is None else best[0]):
                best = way[0], [*way[1][:lacking], 0, *way[1][lacking:]]
    return None if best is None else best[1]


def _fitted(words: Sequence[str], spans: Sequence[Box]) -> tuple[float, list[int]] | None:
    """The best shares of at least a word for each span, and how much of the ink they do not fit; None where there are none."""
    ink = sum(span.width for span in spans)
    if ink <= 0 or len(words) < len(spans):
        return None
    reach = [0.0]
    for word in words:
        reach.append(reach[-1] + width_of(word) + SPACE)
    scale = ink / (reach[-1] - SPACE * len(spans))  # the spaces at the ends of spans are gaps, not ink
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]  # by words so far: misfit, and words before this span
    for number, span in enumerate(spans):
        row: dict[int, tuple[float, int]] = {}
        for end in range(number + 1, len(words) - len(spans) + number + 2):
            row[end] = min(
                (misfit + abs(span.width - scale * (reach[end] - reach[start] - SPACE)), start)
                for start, (misfit, _) in best[-1].items()
                if start < end
            )
        best.append(row)
    ends = [len(words)]
    for row in best[:0:-1]:
        ends.append(row[ends[-1]][1])
    return best[-1][len(words)][0] / ink, [end - start for start, end in pairwise(ends[::-1])]


def _shared_out(words: Sequence[str], box: Box) -> list[Box]:
    """Share a box out among words by how wide their letters usually are."""
    widths = [width_of(word) for word in words]
    total = sum(widths) + SPACE * (len(words) - 1)
    places, x = [], box.left
    for width in widths:
        right = x + box.width * width / total
        places.append(Box(x, box.top, right, box.bottom))
        x = right + box.width * SPACE / total
    return places


def width_of(word: str) -> float:
    """The usual width of a word, in usual letters."""
    return sum(_width(character) for character in word)


def _width(character: str) -> float:
    if is_wide(character):
        return 2.2
    if character in _WIDE:
        return 1.5
    if character in _NARROW:
        return 0.55
    return 1.25 if character.isupper() else 1.0
