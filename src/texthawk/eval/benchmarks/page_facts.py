"""Facts about pages that were read: what must be there, must not, and must come first; the share of them that holds.

A sample has `tests` (see `texthawk.eval.facts`), or is marked `partial` and has `boxes` whose texts must all be there.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import facts, metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample

COLUMNS = (
    Column("pages", "pages", "d"),
    Column("errors", "errors", "d"),
    Column("facts", "facts", "d"),
    Column("held", "hold", ".4f"),
    *(Column(kind, kind, ".4f") for kind in facts.KINDS),
    Column("seconds", "s/page", ".2f"),
)


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The pages of sets of which facts are known, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "facts about pages (tests, or partial text with boxes)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    tests = row.get("tests")
    if not tests and row["task"] == "ocr" and row.get("partial"):
        tests = [{"type": "present", "text": box["text"]} for box in row.get("boxes") or ()]
    if not tests:
        return None
    known = tuple(json.dumps(test, ensure_ascii=False) for test in tests if test["type"] in facts.KINDS)
    if not known:
        return "their facts are of kinds that are not checked (table, math)"
    return Reference(set_name, row["id"], row["lang"], "", Rule(words=not row["lang"].startswith("zh")), items=known)


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system: the share of all facts of the set, and of each kind, that hold.

    Of a page that could not be read nothing holds, what must be absent included. In Chinese white space does not count.
    """
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    held: dict[str, list[float]] = {kind: [] for kind in facts.KINDS}
    for prediction, reference in pairs:
        words = reference.rule.words
        text = prediction.text if words else metrics.normalise(prediction.text, spaces=False)
        for item in reference.items:
            fact = json.loads(item)
            if not words:
                fact |= {name: metrics.normalise(fact[name], spaces=False) for name in _TEXTS if name in fact}
            held[fact["type"]].append(float(bool(prediction.text) and facts.holds(fact, text)))
    every = [value for values in held.values() for value in values]
    return {"facts": len(every), "held": sets.mean(every)} | {kind: sets.mean(values) for kind, values in held.items()}


_TEXTS = ("text", "before", "after")
