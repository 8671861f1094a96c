"""Pictures of tables into HTML: TEDS, and TEDS of the structure alone.

A sample has `question` and, in `text`, the table's HTML; its `format` is "html_table".
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample
from texthawk.eval.systems import HTML

COLUMNS = (
    Column("pages", "tables", "d"),
    Column("errors", "errors", "d"),
    Column("teds", "TEDS", ".4f"),
    Column("structure", "TEDS-struct", ".4f"),
    Column("seconds", "s/table", ".2f"),
)


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The tables of sets whose HTML is known, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "tables (task markdown, format html_table)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if row["task"] != "markdown" or row.get("format") != "html_table":
        return None
    if not row.get("text") or not row.get("question"):
        return "they have no text or no question"
    return Reference(set_name, row["id"], row["lang"], row["text"], Rule(), HTML, row["question"], (row["text"],))


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system; an answer without a table scores 0."""
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    return {
        "teds": sets.mean([metrics.teds(p.text, r.text) for p, r in pairs]),
        "structure": sets.mean([metrics.teds(p.text, r.text, structure_only=True) for p, r in pairs]),
    }
