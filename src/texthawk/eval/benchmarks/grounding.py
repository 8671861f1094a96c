"""Where a phrase is printed: accuracy at an IoU of 0.5, and the mean IoU.

A sample has its phrase as the only one of `answers`, and one box in `boxes`, in parts of the picture.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample, box_of, box_text
from texthawk.eval.systems import FIND

COLUMNS = (
    Column("pages", "phrases", "d"),
    Column("errors", "errors", "d"),
    Column("missed", "no box", "d"),
    Column("accuracy", "acc@0.5", ".4f"),
    Column("iou", "mean IoU", ".4f"),
    Column("seconds", "s/phrase", ".2f"),
)


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The phrases of sets whose box is known, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "phrases with a box (task grounding)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if row["task"] != "grounding":
        return None
    if len(row.get("boxes") or ()) != 1 or len(row.get("answers") or ()) != 1:
        return "they have not one phrase and one box"
    [box], [phrase] = row["boxes"], row["answers"]
    text = box_text(sets.box(box["box"]))
    return Reference(set_name, row["id"], row["lang"], text, Rule(), FIND, phrase, (text,))


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system; no box, and an error, is a wrong box."""
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    found = [box_of(p.text) for p, _ in pairs]
    expected = [box for _, r in pairs if (box := box_of(r.text)) is not None]
    return {
        "missed": sum(box is None for box in found),
        "accuracy": metrics.accuracy_at_iou(found, expected),
        "iou": sets.mean([metrics.iou(f, e) if f else 0.0 for f, e in zip(found, expected, strict=True)]),
    }
