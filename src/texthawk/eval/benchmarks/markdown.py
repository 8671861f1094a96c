"""Pages into Markdown: edits over the longer text, formatting included, and F1 of the words.

A sample has `question` and, in `text`, the page's Markdown; documents of several pictures are left out.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample
from texthawk.eval.systems import MARKDOWN

COLUMNS = (
    Column("pages", "pages", "d"),
    Column("errors", "errors", "d"),
    Column("distance", "edit distance", ".4f"),
    Column("f1", "F1", ".4f"),
    Column("seconds", "s/page", ".2f"),
)


_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The pages of sets whose Markdown is known, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "Markdown (task markdown)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if row["task"] != "markdown" or row.get("format") == "html_table":
        return None
    if len(row.get("images") or ()) > 1:
        return "they have several pictures"
    if not row.get("text") or not row.get("question"):
        return "they have no text to compare with, or no question"
    rule = Rule(words=not row["lang"].startswith("zh"))
    return Reference(set_name, row["id"], row["lang"], row["text"], rule, MARKDOWN, row["question"], (row["text"],))


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system: means over pages, after `metrics.normalise`; an error is an empty page.

    A mark that is escaped is that mark, for writers of Markdown differ in which they escape.
    """
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    distances, f1 = [], []
    for prediction, reference in pairs:
        words = reference.rule.words
        plain = (_ESCAPED.sub(r"\1", text) for text in (prediction.text, reference.text))
        read, written = (metrics.normalise(text, spaces=words) for text in plain)
        longer = max(len(read), len(written))
        distances.append(metrics.character_edits(read, written).edits / longer if longer else 0.0)
        f1.append(metrics.bag_of_words_f1(read, written) if words else metrics.bag_of_f1(read, written))
    return {"distance": sets.mean(distances), "f1": sets.mean(f1)}
