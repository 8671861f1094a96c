"""Reading the full text of pages: character and word error rates, and F1 of the words whatever their order.

A set is a folder with `samples.SPLIT.jsonl`, one sample on a line: `id`, `task` ("ocr" is ours), `image` (a path inside the
set), `text` (all of the page), `lang`. Samples marked `partial` (not all the text is in the reference) or `noisy` (a machine
wrote it) are left out. A page that must be drawn for its questions is read, too.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from texthawk.eval import metrics
from texthawk.eval.benchmarks import sets
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Rule, Sample
from texthawk.types import COMPLETE

TASK = "ocr"

RULES = {
    "sroie": Rule(case=False),  # its annotators wrote everything in capitals
    "sroie_train": Rule(case=False),
}
"""How a set departs from comparing words with their case; sets in Chinese are compared by characters."""

COLUMNS = (
    Column("pages", "pages", "d"),
    Column("errors", "errors", "d"),
    Column("unfinished", "unfinished", "d"),
    Column("cer", "CER", ".4f"),
    Column("cer_median", "CER median", ".4f"),
    Column("wer", "WER", ".4f"),
    Column("wer_median", "WER median", ".4f"),
    Column("f1", "F1", ".4f"),
    Column("seconds", "s/page", ".2f"),
)


def rule_of(set_name: str, lang: str) -> Rule:
    """The rule of a set by its name, or else by its language."""
    return RULES.get(set_name, Rule(words=not lang.startswith("zh")))


def find(
    folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[list[Sample], list[str]]:
    """The samples of sets, or of folders of sets, at most `limit` of each set, and what was left out and why."""
    return sets.find(folders, split, chosen, limit, _take, f"full text (task {TASK!r})")


def _take(set_name: str, row: dict[str, Any]) -> Reference | str | None:
    if drawn := sets.page_text(row):
        return Reference(set_name, row["doc"], row["lang"], drawn, rule_of(set_name, row["lang"]))
    if row["task"] != TASK:
        return None
    if row.get("partial") or row.get("noisy"):
        return "their reference is partial or noisy"
    if not row.get("text"):
        return "they have no text"
    return Reference(set_name, row["id"], row["lang"], row["text"], rule_of(set_name, row["lang"]))


def score(references: Sequence[Reference], predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One row for each set and system, over the pages that the system has a prediction for; an error reads as no text.

    `cer` and `wer` are all edits over the length of all references, uncapped, so that one page read in circles shows; the
    medians are of the pages' own rates. `f1` is the mean of the pages'. `seconds` is the mean of the pages without error.
    """
    return sets.rows(references, predictions, _row)


def _row(pairs: Sequence[sets.Pair]) -> dict[str, Any]:
    characters, words, f1 = [], [], []
    for prediction, reference in pairs:
        rule = reference.rule
        read, written = (
            metrics.normalise(text, case=rule.case, spaces=rule.words) for text in (prediction.text, reference.text)
        )
        characters.append(metrics.character_edits(read, written))
        if rule.words:
            words.append(metrics.word_edits(read, written))
        f1.append(metrics.bag_of_words_f1(read, written) if rule.words else metrics.bag_of_f1(read, written))
    return {
        "unfinished": sum(p.error is None and p.finish_reason not in COMPLETE for p, _ in pairs),
        "cer": metrics.corpus_rate(characters),
        "cer_median": median(edits.rate for edits in characters),
        "wer": metrics.corpus_rate(words) if words else None,
        "wer_median": median(edits.rate for edits in words) if words else None,
        "f1": sum(f1) / len(f1),
    }
