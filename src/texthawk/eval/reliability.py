"""How far confidence can be trusted: words that were read beside words that stand there, before and after calibration."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from texthawk.decode.calibration import Calibration, calibration_error, fitted, reliability
from texthawk.eval.runs import Sample
from texthawk.types import Document, PageError

BINS = 15
Verdicts = tuple[list[float], list[bool]]
"""Confidence of each word, and whether it was right."""


def right_words(read: Sequence[str], reference: Sequence[str], *, moved: bool = False) -> list[bool]:
    """For each word read whether it stands in the reference at its place, by the fewest words to be changed.

    moved: a word that the reference has elsewhere is right, too, as often as it has it there: on pages whose columns and tables
    may be read in several orders, a word in another place was not misread.
    """
    from rapidfuzz.distance import Levenshtein

    right, left = [False] * len(read), Counter[str]()
    for step in Levenshtein.opcodes(list(read), list(reference)):
        if step.tag == "equal":
            right[step.src_start : step.src_end] = [True] * (step.src_end - step.src_start)
        elif moved:
            left.update(reference[step.dest_start : step.dest_end])
    for place, word in enumerate(read):
        if not right[place] and left[word]:
            right[place] = True
            left[word] -= 1
    return right


def judged(
    samples: Sequence[Sample], read: Callable[[Path | Image.Image], Document], *, moved: bool = False
) -> tuple[list[Verdicts], list[PageError]]:
    """The verdicts on the words of each sample, in order; `read` must give confidence as the model has it.

    Letters' case is compared where the sample's rule says so. moved: as of `right_words`.
    """
    verdicts: list[Verdicts] = []
    errors: list[PageError] = []
    for sample in samples:
        document = read(sample.image if isinstance(sample.image, Path) else sample.image.draw())
        errors += document.errors
        words = [word for page in document.pages for word in page.words]
        cased = str if sample.reference.rule.case else str.casefold
        read_words = [cased(word.text) for word in words]
        right = right_words(read_words, cased(sample.reference.text).split(), moved=moved)
        verdicts.append(([word.confidence for word in words], right))
    return verdicts, errors


def calibrated(verdicts: Sequence[Verdicts]) -> tuple[Calibration, dict[str, Any]]:
    """A calibration fitted on every other sample, and how well it holds on the samples between them.

    The record has, before and after, the expected calibration error and the reliability by bins, all on samples that the
    fit did not see.
    """
    calibration = fitted(*_joined(verdicts[::2]))
    record = held(verdicts[1::2], calibration)
    return calibration, record | {"words": {"fitted": calibration.words, **record["words"]}}


def held(verdicts: Sequence[Verdicts], calibration: Calibration) -> dict[str, Any]:
    """How well a calibration holds on samples that its fit did not see: the record that `calibrated` describes."""
    scores, right = _joined(verdicts)
    after = [calibration(score) for score in scores]
    return {
        "words": {"measured": len(scores)},
        "right": sum(right) / len(right) if right else 0.0,
        **{
            name: {"error": calibration_error(values, right, BINS), "bins": reliability(values, right, BINS)}
            for name, values in (("before", scores), ("after", after))
        },
    }


def draw(record: Mapping[str, Any], files: Sequence[Path]) -> None:
    """The reliability plot, written to each of `files` (.png, .svg); needs the extra `eval`."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('the figure needs matplotlib: pip install "texthawk[eval]"') from error
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, marker in (("before", "o"), ("after", "s")):
        bins = record[name]["bins"]
        label = f"{name} calibration: error {record[name]['error']:.3f}"
        axes.plot([score for _, score, _ in bins], [share for _, _, share in bins], marker=marker, label=label)
    axes.set(xlabel="confidence of a word", ylabel="share of words that are right", xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    for file in files:
        figure.savefig(file, dpi=160, metadata={"Date": None} if file.suffix == ".svg" else None)


def _joined(verdicts: Sequence[Verdicts]) -> Verdicts:
    return [score for scores, _ in verdicts for score in scores], [one for _, right in verdicts for one in right]
