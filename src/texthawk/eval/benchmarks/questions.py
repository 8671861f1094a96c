"""Questions on documents, charts and tables: exact match, ANLS, and the measure that each kind of set is reported with.

A sample has `question` and `answers`, every one of which is right; where `answer_type` begins with "list", all are needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample
from texthawk.eval.systems import ASK

TASKS = ("docvqa", "chartqa", "tableqa")

RULES = {
    "sroie": Rule(case=False, score="anls"),  # its annotators wrote everything in capitals
    "sroie_train": Rule(case=False, score="anls"),
    "multichartqa_single": Rule(case=False, score="relaxed"),
    "opencqa_train": Rule(case=False, score="anls"),
    "wtq": Rule(case=False, score="denotation"),
    "tabfact": Rule(case=False, score="exact"),
}
"""How a set's answers are compared, and the measure that it is reported with; ANLS without case for any other."""

COLUMNS = (
    Column("pages", "questions", "d"),
    Column("errors", "errors", "d"),
    Column("score", "score", ".4f"),
    Column("measure", "measure", ""),
    Column("exact", "exact", ".4f"),
    Column("anls", "ANLS", ".4f"),
    Column("relaxed", "relaxed", ".4f"),
    Column("denotation", "denotation", ".4f"),
    Column("seconds", "s/question", ".2f"),
)


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The questions of sets on a picture or on a page to draw, at most `limit` of each set."""
    return sets.find(folders, split, chosen, limit, _take, "questions (task docvqa, chartqa or tableqa)")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if row["task"] not in TASKS:
        return None
    if row.get("answer_type") == "open-ended summary":
        return "their answers are sentences, which no measure here fits"
    answers = tuple(map(str, row.get("answers") or ()))
    if not answers or not row.get("question"):
        return "they have no question or no answer"
    items = str(row.get("answer_type", "")).startswith("list")
    rule = RULES.get(set_name, Rule(case=False, score="anls"))
    text = ", ".join(answers) if items else answers[0]
    accepted = (text,) if items else answers
    return Reference(
        set_name, row["id"], row["lang"], text, rule, ASK, row["question"], accepted, answers if items else ()
    )


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system; an error is an empty answer. `score` is the measure that `measure` names.

    Relaxed accuracy and denotation are given only for the sets that are reported with them. Answers are stripped of white
    space at the ends before relaxed accuracy, which by itself strips nothing.
    """
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    measure = pairs[0][1].rule.score
    # Where the page does not say it, no answer is a right one; of a page that could not be read it is none.
    row: dict[str, Any] = {
        "exact": sets.mean(
            [metrics.exact_match(p.text, r.answers, case=r.rule.case) * (p.error is None) for p, r in pairs]
        ),
        "anls": sets.mean([metrics.anls(p.text, r.answers) * (p.error is None) for p, r in pairs]),
        "relaxed": None,
        "denotation": None,
    }
    if measure == "relaxed":
        row["relaxed"] = sets.mean([metrics.relaxed_accuracy(p.text.strip(), r.answers) for p, r in pairs])
    if measure == "denotation":
        row["denotation"] = sets.mean([_denotation(p.text, r) for p, r in pairs])
    return row | {"measure": measure, "score": row[measure]}


def _denotation(text: str, reference: Reference) -> float:
    """A prediction is parted at ", " and "|" only where several items are wanted: an item may hold a comma."""
    if not reference.items:
        return max(metrics.denotation_match([text], [answer]) for answer in reference.answers)
    predicted = [item.strip() for item in text.replace("|", ", ").split(", ") if item.strip()]
    return metrics.denotation_match(predicted, reference.items)
