"""Generated tokens become lines of words, each with a confidence and, where a line has a box, a place in it."""

import math
from collections.abc import Sequence
from typing import Any

from texthawk.decode.spacing import Gap, places_of
from texthawk.image.wide import is_wide
from texthawk.types import Box, Line, Word, box_around

CELLS = 1.5  # heights of a line: a gap so wide parts words of any script; behind a Chinese comma there is less


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


def line_of(text: str, box: Box | None, confidences: dict[int, float], first: int, gaps: Sequence[Gap] = ()) -> Line:
    """A line with its words; `confidences` are by number of the word in the whole answer, `first` this line's first.

    gaps: in the line's ink, at which words are parted.
    """
    parts = text.split()
    places = places_of(parts, box, gaps) if box is not None else [None] * len(parts)
    words = [
        Word(part, place, confidences.get(first + k, 0.0))
        for k, (part, place) in enumerate(zip(parts, places, strict=True))
    ]
    return Line(" ".join(parts), box, tuple(words))


def joined(line: Line, rest: Line, *, spaced: bool, gap: float = 0.0) -> Line:
    """Two pieces of one printed line; where no gap parts them (not `spaced`) the words at the cut are one word.

    gap: between the two, in heights of the line. Beside a Chinese character it parts words only where it is as wide as between
    the cells of a table. A word at the cut has the confidence of its less certain part. What lacks a box keeps the other's.
    """
    spaced = spaced and (gap > CELLS or not (is_wide(line.text[-1:]) or is_wide(rest.text[:1])))
    if spaced or not line.words or not rest.words:
        space = " " if line.text and rest.text else ""
        return Line(f"{line.text}{space}{rest.text}", box_around((line.box, rest.box)), line.words + rest.words)
    head, tail = line.words[-1], rest.words[0]
    word = Word(head.text + tail.text, box_around((head.box, tail.box)), min(head.confidence, tail.confidence))
    words = (*line.words[:-1], word, *rest.words[1:])
    return Line(f"{line.text}{rest.text}", box_around((line.box, rest.box)), words)
