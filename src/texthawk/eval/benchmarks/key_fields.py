"""Key fields of receipts and invoices as JSON: F1 over all fields of a set, and documents without a mistake.

A sample has `question` and `fields`, which map names to values.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample
from texthawk.eval.systems import ASK

COLUMNS = (
    Column("pages", "pages", "d"),
    Column("errors", "errors", "d"),
    Column("malformed", "no JSON", "d"),
    Column("f1", "field F1", ".4f"),
    Column("whole", "all right", ".4f"),
    Column("seconds", "s/page", ".2f"),
)
CAPITALS = ("sroie", "sroie_train")
"""Sets whose annotators wrote everything in capitals: compared without case."""


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The documents of sets whose fields are known, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "key fields (task kie)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if row["task"] != "kie":
        return None
    if not row.get("fields") or not row.get("question"):
        return "they have no fields or no question"
    text = json.dumps(row["fields"], ensure_ascii=False)
    rule = Rule(case=set_name not in CAPITALS)
    return Reference(set_name, row["id"], row["lang"], text, rule, ASK, row["question"], (text,))


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system. What is no JSON has no fields; numbers are compared as numbers, texts as they are."""
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    read = [(_object(p.text), json.loads(r.text)) for p, r in pairs]
    compared = [
        (_canonical(found, r.rule.case), _canonical(expected, r.rule.case))
        for (found, expected), (_, r) in zip(read, pairs, strict=True)
    ]
    return {
        "malformed": sum(found is None and p.error is None for (found, _), (p, _) in zip(read, pairs, strict=True)),
        "f1": metrics.corpus_field_f1(compared),
        "whole": sets.mean([float(metrics.field_f1(*pair) == 1) for pair in compared]),
    }


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object in an answer, from its first brace to its last; None where there is none."""
    try:
        found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _canonical(value: Any, case: bool) -> Any:
    """Numbers as texts without zeros at their end, texts that are numbers likewise; without case where it does not count."""
    if isinstance(value, dict):
        return {name: _canonical(inner, case) for name, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner, case) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    text = str(value).strip()
    try:
        return format(float(text), ".12g")
    except ValueError:
        return text if case else text.casefold()
