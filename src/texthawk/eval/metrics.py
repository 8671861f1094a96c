"""Scores as pure functions: text, numbers, boxes, tables.

Every function takes the prediction first and the reference second, and looks at one sample unless its name begins with
`corpus_`. Where a benchmark has an official script, its edge cases are kept, odd ones included, and named in the docstring.
Nothing is normalised in silence: `normalise` is a function of its own, and whoever reports a score says that it was applied.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rapidfuzz.distance import Levenshtein

from texthawk.eval import denotation, fields, tables

METRICS_VERSION = "2"
"""Goes up with any change that can move a score; runs of different versions are not compared."""

Corners = Sequence[float]
"""left, top, right, bottom, in any unit; `texthawk.types.Box` is one."""


# Text, made comparable

# Applied before NFKC too, because NFKC turns some of these into a space and a combining mark.
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u0060\u02b9\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),  # invisible in print
    }
)


def normalise(text: str, *, case: bool = True, spaces: bool = True) -> str:
    """Bring two transcriptions of the same print to the same string.

    In order: typographic quotes and primes become ' or ", every dash and the minus sign become -, soft hyphens and
    zero-width characters go; NFKC (ligatures into letters, full width into ASCII, superscripts into digits); each run of
    white space becomes one space, none at the ends. Print does not always tell these apart, so telling them apart would
    score a convention and not the reading. Guillemets, bullets and letters such as ae and oe stay as they are.

    `case=False` folds case; `spaces=False` removes white space altogether (scripts that put none between words).
    """
    text = unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY))
    if not case:
        text = unicodedata.normalize("NFKC", text.casefold())
    text = text.translate(_TYPOGRAPHY)  # some come out of NFKC: a triple prime is three primes
    joined = ("" if not spaces else " ").join(text.split())
    return unicodedata.normalize("NFC", joined)  # a mark may have come to stand after a letter


# Edit distances


class Edits(NamedTuple):
    """Insertions, deletions and substitutions, and the length of the reference they are counted against."""

    edits: int
    length: int

    @property
    def rate(self) -> float:
        """Edits per unit of reference; above 1 where the prediction is far too long.

        With an empty reference it is 0 for an empty prediction and 1 for any other.
        """
        return self.edits / self.length if self.length else float(self.edits > 0)


def character_edits(prediction: str, reference: str) -> Edits:
    """Levenshtein distance over code points."""
    return Edits(Levenshtein.distance(prediction, reference), len(reference))


def word_edits(prediction: str, reference: str) -> Edits:
    """Levenshtein distance over words, which are what white space separates."""
    words = reference.split()
    return Edits(Levenshtein.distance(prediction.split(), words), len(words))


def cer(prediction: str, reference: str) -> float:
    """Character error rate of one sample; an empty reference gives 0 if the prediction is empty too, else 1."""
    return character_edits(prediction, reference).rate


def wer(prediction: str, reference: str) -> float:
    """Word error rate of one sample; an empty reference gives 0 if the prediction is empty too, else 1."""
    return word_edits(prediction, reference).rate


def corpus_rate(edits: Iterable[Edits]) -> float:
    """All edits over all reference lengths: long pages weigh more, and nothing is capped."""
    counts = list(edits)
    return Edits(sum(e.edits for e in counts), sum(e.length for e in counts)).rate


def corpus_cer(pairs: Iterable[tuple[str, str]]) -> float:
    """Character error rate of (prediction, reference) pairs taken together."""
    return corpus_rate(character_edits(*pair) for pair in pairs)


def corpus_wer(pairs: Iterable[tuple[str, str]]) -> float:
    """Word error rate of (prediction, reference) pairs taken together."""
    return corpus_rate(word_edits(*pair) for pair in pairs)


def bag_of_f1(prediction: Iterable[str], reference: Iterable[str]) -> float:
    """F1 of two multisets; 1 if both are empty, 0 if one is."""
    predicted, expected = Counter(prediction), Counter(reference)
    total = predicted.total() + expected.total()
    return 2 * (predicted & expected).total() / total if total else 1.0


def bag_of_words_f1(prediction: str, reference: str) -> float:
    """F1 of the words as multisets: what was read, in whatever order; a word printed twice must be read twice."""
    return bag_of_f1(prediction.split(), reference.split())


# Answers


def _accepted(answers: str | Sequence[str]) -> list[str]:
    accepted = [answers] if isinstance(answers, str) else list(answers)
    if not accepted:
        raise ValueError("no accepted answers: a question needs at least one")
    return accepted


def exact_match(prediction: str, answers: str | Sequence[str], *, case: bool = True) -> float:
    """1 if the prediction equals an accepted answer after `normalise`, else 0."""
    wanted = {normalise(answer, case=case) for answer in _accepted(answers)}
    return float(normalise(prediction, case=case) in wanted)


def squad_exact_match(prediction: str, answers: str | Sequence[str]) -> float:
    """1 if the prediction equals an accepted answer but for case, ASCII punctuation, English articles and white space.

    As SQuAD's script has it: punctuation goes first and leaves no space, so "u.s." is "us" and "well-known" is
    "wellknown"; then "a", "an" and "the" as whole words; two texts of which nothing is left are equal.
    """

    def bare(text: str) -> str:
        letters = text.lower().translate(_PUNCTUATION)
        return " ".join(_ARTICLES.sub(" ", letters).split())

    return float(bare(prediction) in {bare(answer) for answer in _accepted(answers)})


_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def denotation_match(predictions: Sequence[str], answers: Sequence[str]) -> float:
    """1 if the two lists of items denote the same, whatever their order (WikiTableQuestions), else 0.

    As the official evaluator has it: accents, quotes around an item, trailing notes in brackets, parentheses or marks, a
    final full stop, case and white space do not count; numbers may differ by a millionth, but what is as near to a whole
    number has its fraction cut off before; dates as YYYY-MM-DD are compared with xx for what is unknown, and a year alone
    (2001-xx-xx) is a number; what is given twice, as text, number or date, counts once, but otherwise the lists must be of
    one length. "1,000" is text: the official run reads numbers of the reference with a parser that this does not have.
    """
    return float(denotation.same(predictions, _accepted(answers)))


def anls(prediction: str, answers: str | Sequence[str], threshold: float = 0.5) -> float:
    """Normalised Levenshtein similarity to the nearest accepted answer; below `threshold` it is 0 (DocVQA).

    As the official script of DocVQA and InfographicVQA has it: case is ignored and white space collapsed for the distance, but
    the length it is divided by is that of the longer string *before* collapsing; a similarity of exactly 0.5 counts; two empty
    strings are alike.
    """

    def distance(answer: str) -> float:
        length = max(len(answer.upper()), len(prediction.upper()))
        edits = Levenshtein.distance(" ".join(prediction.lower().split()), " ".join(answer.lower().split()))
        return edits / length if length else 0.0

    similarity = 1 - min(distance(answer) for answer in _accepted(answers))
    return similarity if similarity >= threshold else 0.0


def _number(text: str) -> float | None:
    percent = text.endswith("%")
    try:
        value = float(text.rstrip("%") if percent else text)
    except ValueError:
        return None
    return value / 100 if percent else value


def relaxed_accuracy(prediction: str, answers: str | Sequence[str], tolerance: float = 0.05) -> float:
    """1 if the prediction is within 5% of a numeric answer, or equals a textual one but for case (ChartQA), else 0.

    As the script that ChartQA results are reported with (pix2struct) has it: "12%" is the number 0.12, so it is wrong for "12";
    "1,000" is text; an answer of zero is compared as text ("0.0" is wrong for "0"); nothing is stripped; a year is a number
    like any other, so 2010 is right for 2019.
    """

    def right(answer: str) -> bool:
        predicted, expected = _number(prediction), _number(answer)
        if predicted is not None and expected:
            return abs(predicted - expected) / abs(expected) <= tolerance
        return prediction.lower() == answer.lower()

    return float(any(right(answer) for answer in _accepted(answers)))


# Boxes


def iou(box_a: Corners, box_b: Corners) -> float:
    """Intersection over union of two boxes (left, top, right, bottom), without the +1 of inclusive pixels.

    A box without area, or with its corners the wrong way round, has an IoU of 0 with any box, itself included.
    """
    left, top, right, bottom = (f(a, b) for f, a, b in zip((max, max, min, min), box_a, box_b, strict=True))
    common = max(0.0, right - left) * max(0.0, bottom - top)
    areas = sum(max(0.0, b[2] - b[0]) * max(0.0, b[3] - b[1]) for b in (box_a, box_b))
    return common / (areas - common) if common else 0.0


def accuracy_at_iou(
    predictions: Sequence[Corners | None], references: Sequence[Corners], threshold: float = 0.5
) -> float:
    """Share of references whose prediction reaches an IoU of `threshold` (exactly 0.5 counts); None is a wrong answer."""
    if len(predictions) != len(references):
        raise ValueError(
            f"{len(predictions)} predicted boxes for {len(references)} references: give one, or None, for each"
        )
    if not references:
        raise ValueError("no reference boxes: an accuracy needs at least one")
    hits = (p is not None and iou(p, r) >= threshold for p, r in zip(predictions, references, strict=True))
    return sum(hits) / len(references)


# Fields


def field_f1(prediction: Any, reference: Any) -> float:
    """F1 of two documents' key fields, which are the (path, value) pairs of their JSON; 1 if neither has any.

    As Donut's script for CORD has it (SROIE's is the same on its flat fields): a value must be equal to the letter but for
    white space at its ends; entries of a list are a multiset without order, all under the list's own path; empty values are
    no fields, and neither is the number 0; in a list, what is no text or number is left out.
    """
    return fields.shared(prediction, reference).f1


def corpus_field_f1(pairs: Iterable[tuple[Any, Any]]) -> float:
    """F1 over the fields of all (prediction, reference) pairs together, the figure that is reported for SROIE and CORD."""
    counts = [fields.shared(*pair) for pair in pairs]
    return fields.Shared(*(sum(column) for column in zip(*counts, strict=True))).f1 if counts else 1.0


# Tables


def teds(prediction_html: str, reference_html: str, structure_only: bool = False) -> float:
    """Similarity of two HTML tables by the edit distance of their trees (PubTabNet): 1 - distance / nodes of the larger one.

    As the official script has it: a missing table scores 0; inserting or deleting a node costs 1, as does changing a tag or
    a span; changing a cell costs the Levenshtein distance of the contents (characters, and each tag inside as one) over the
    longer one; `thead` and `tbody` are nodes; only `td` has content, so the words of a `th` are not compared; tags inside a
    cell count as nodes of the table; nothing is clipped. `structure_only` leaves the contents of cells out.
    Unlike the script it takes a table wherever it is in the document (the first one counts), not only in <body>, reads a
    span that is no number as 1, and calls two tables without rows alike.
    Needs the extra `eval` (`pip install "texthawk[eval]"`).
    """
    return tables.similarity(prediction_html, reference_html, structure_only)
