"""The place of a phrase among words that were read: how a system that only reads is made to point."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from texthawk.eval.metrics import normalise

PlacedWord = tuple[str, Sequence[float]]
"""A word and its box: left, top, right, bottom, in any unit."""

MOST = 0.4
"""Edits for each character of a phrase, at most; what is further from it is another phrase."""


def place_of(phrase: str, lines: Sequence[Sequence[PlacedWord]]) -> tuple[float, ...] | None:
    """The box around the run of words of one line that is nearest to the phrase, or None where nothing is near.

    Compared without case and white space, by edit distance over the phrase's length; of equally near runs the first counts.
    """
    wanted = normalise(phrase, case=False, spaces=False)
    best: tuple[float, tuple[float, ...] | None] = (MOST * len(wanted), None)
    for line in lines:
        words = [(normalise(text, case=False, spaces=False), box) for text, box in line]
        for start in range(len(words)):
            run = ""
            for end in range(start, len(words)):
                run += words[end][0]
                if len(run) > len(wanted) + best[0]:
                    break
                edits = Levenshtein.distance(run, wanted, score_cutoff=int(best[0]))
                if edits < best[0] or (best[1] is None and edits <= best[0]):
                    best = (edits, _around([box for _, box in words[start : end + 1]]))
    return best[1]


def _around(boxes: Sequence[Sequence[float]]) -> tuple[float, ...]:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
