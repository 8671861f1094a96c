"""The text with a box for each line, as a model writes it: F1 of the boxes at an IoU of 0.5, and CER.

A sample is one of task "ocr" whose `boxes` hold every line: `text`, and `box` in parts of the picture. Predictions and references
are kept as the model writes them, `<box><x0><y0>,<x1><y1></box>text`, a line each.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import read, sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Sample
from texthawk.eval.systems import ASK
from texthawk.image.tiles import UnitBox
from texthawk.model.grounding import box_text, coordinate_centre, parse_lines_with_boxes
from texthawk.model.processing import PROMPTS

IOU = 0.5

COLUMNS = (
    Column("pages", "pages", "d"),
    Column("errors", "errors", "d"),
    Column("lines", "lines", "d"),
    Column("precision", "precision", ".4f"),
    Column("recall", "recall", ".4f"),
    Column("f1", "F1@0.5", ".4f"),
    Column("iou", "mean IoU", ".4f"),
    Column("cer", "CER", ".4f"),
    Column("seconds", "s/page", ".2f"),
)


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The pages of sets whose lines have boxes, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "lines with boxes (task ocr)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if row["task"] != "ocr" or not row.get("boxes"):
        return None
    if row.get("partial") or row.get("noisy"):
        return "their reference is partial or noisy"
    if row.get("box_level", "line") != "line":
        return f"their boxes are of a {row['box_level']} each, not of lines"
    return boxed(set_name, row["id"], row["lang"], [(line["text"], sets.box(line["box"])) for line in row["boxes"]])


def boxed(set_name: str, name: str, lang: str, lines: Sequence[tuple[str, UnitBox]]) -> Reference:
    """A reference of lines with their boxes, in parts of the picture."""
    text = "\n".join(box_text(box) + line for line, box in lines)
    return Reference(set_name, name, lang, text, read.rule_of(set_name, lang), ASK, PROMPTS["boxes"], (text,))


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system; an error reads as no lines.

    A box that was read and one that is printed are paired where their IoU is at least 0.5, the best pairs first. The mean IoU is
    that of all printed lines, 0 for one without a pair. CER compares the lines' text in the order it was written.
    """
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    found = [lines_of(p.text) for p, _ in pairs]
    printed = [lines_of(r.text) for _, r in pairs]
    matched = [
        overlap for a, b in zip(found, printed, strict=True) for overlap in paired([x for _, x in a], [x for _, x in b])
    ]
    given = sum(box is not None for lines in found for _, box in lines)
    wanted = sum(map(len, printed))
    edits = []
    for (_, reference), a, b in zip(pairs, found, printed, strict=True):
        rule = reference.rule
        texts = ("\n".join(text for text, _ in lines) for lines in (a, b))
        edits.append(
            metrics.character_edits(
                *(metrics.normalise(text, case=rule.case, spaces=rule.words) for text in texts),
            )
        )
    return {
        "lines": wanted,
        "precision": len(matched) / given if given else 0.0,
        "recall": len(matched) / wanted,
        "f1": 2 * len(matched) / (given + wanted),
        "iou": sum(matched) / wanted,
        "cer": metrics.corpus_rate(edits),
    }


def paired(found: Sequence[UnitBox | None], printed: Sequence[UnitBox | None]) -> list[float]:
    """The IoU of each pair, none below 0.5; every box is in one pair at most."""
    overlaps = sorted(
        (
            (metrics.iou(a, b), i, j)
            for i, a in enumerate(found)
            for j, b in enumerate(printed)
            if a is not None and b is not None
        ),
        key=lambda entry: (-entry[0], entry[1:]),
    )
    left, right, kept = set(), set(), []
    for overlap, i, j in overlaps:
        if overlap >= IOU and i not in left and j not in right:
            left.add(i)
            right.add(j)
            kept.append(overlap)
    return kept


def lines_of(text: str) -> list[tuple[str, UnitBox | None]]:
    """Lines as a model writes them: their text, and their box or None."""
    values = [coordinate_centre(int(found)) for found in re.findall(r"<(\d{1,3})>", text)]
    return parse_lines_with_boxes(text, values)
