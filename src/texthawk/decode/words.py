"""Generated tokens become lines of words, each with a confidence and, where a line has a box, a place in it."""

import math
from collections.abc import Sequence
from typing import Any

from texthawk.types import Box, Line, Word

_WIDE, _NARROW = set("mwMW@%—…"), set("iljtfrI.,:;'!|()[]‘’·")


def word_confidences(
    tokens: Sequence[int], log_probabilities: Sequence[float], tokenizer: Any
) -> list[tuple[str, float]]:
    """Words of the generated tokens in order, each with the geometric mean of its tokens' probabilities."""
    groups: list[tuple[list[int], list[float]]] = []
    fresh = True
    for token, piece, value in zip(
        tokens, tokenizer.convert_ids_to_tokens(list(tokens)), log_probabilities, strict=True
    ):
        if piece in ("Ġ", "Ċ"):
            fresh = True
            continue
        if fresh or piece.startswith(("Ġ", "Ċ")):
            groups.append(([], []))
        groups[-1][0].append(token)
        groups[-1][1].append(value)
        fresh = False
    words = []
    for ids, values in groups:
        text = tokenizer.decode(ids, skip_special_tokens=True)
        confidence = math.exp(sum(values) / len(values))
        words += [(part, confidence) for part in text.split()]
    return words


def line_of(text: str, box: Box | None, confidences: dict[int, float], first: int) -> Line:
    """A line with its words; `confidences` are by number of the word in the whole answer, `first` this line's first."""
    parts = text.split()
    places = _places(parts, box) if box is not None else [None] * len(parts)
    words = [
        Word(part, place, confidences.get(first + k, 0.0))
        for k, (part, place) in enumerate(zip(parts, places, strict=True))
    ]
    return Line(" ".join(parts), box, tuple(words))


def joined(line: Line, rest: Line, *, spaced: bool) -> Line:
    """Two pieces of one printed line; where no gap parts them (not `spaced`) the words at the cut are one word.

    Such a word has the confidence of its less certain part. What lacks a box keeps the other's.
    """
    if spaced or not line.words or not rest.words:
        space = " " if line.text and rest.text else ""
        return Line(f"{line.text}{space}{rest.text}", _around(line.box, rest.box), line.words + rest.words)
    head, tail = line.words[-1], rest.words[0]
    word = Word(head.text + tail.text, _around(head.box, tail.box), min(head.confidence, tail.confidence))
    words = (*line.words[:-1], word, *rest.words[1:])
    return Line(f"{line.text}{rest.text}", _around(line.box, rest.box), words)


def _around(box: Box | None, other: Box | None) -> Box | None:
    """The smallest box around both."""
    if box is None or other is None:
        return box or other
    low, high = map(min, box[:2], other[:2]), map(max, box[2:], other[2:])
    return Box(*low, *high)


def _places(words: list[str], box: Box) -> list[Box]:
    """Share a line's box out among its words by how wide their characters usually are."""
    widths = [sum(_width(character) for character in word) for word in words]
    space = 0.5
    total = sum(widths) + space * (len(words) - 1)
    places, x = [], box.left
    for width in widths:
        right = x + box.width * width / total
        places.append(Box(x, box.top, right, box.bottom))
        x = right + box.width * space / total
    return places


def _width(character: str) -> float:
    if character in _WIDE:
        return 1.5
    if character in _NARROW:
        return 0.55
    return 1.25 if character.isupper() else 1.0
