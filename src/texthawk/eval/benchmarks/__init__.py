"""The benchmarks: which samples of a folder they take, and how predictions become rows of scores."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texthawk.eval.benchmarks import (
    boxed_lines,
    grounding,
    key_fields,
    markdown,
    page_facts,
    questions,
    read,
    sets,
    table_images,
)
from texthawk.eval.report import Column
from texthawk.eval.runs import Prediction, Reference, Sample


@dataclass(frozen=True)
class Benchmark:
    """`find` takes (folders, split, sets or none for all, samples per set or None) and returns samples and remarks.

    `score` takes references and predictions and returns one row for each set and system; a row has `set`, `system` and a
    value or None for each of `columns`.
    """

    about: str
    find: Callable[[Sequence[Path], str, Sequence[str], int | None], tuple[list[Sample], list[str]]]
    score: Callable[[Sequence[Reference], Sequence[Prediction]], list[dict[str, Any]]]
    columns: tuple[Column, ...]


BENCHMARKS = {
    "read": Benchmark("the full text of pages", read.find, read.score, read.COLUMNS),
    "lines": Benchmark("lines with their boxes", boxed_lines.find, boxed_lines.score, boxed_lines.COLUMNS),
    "questions": Benchmark(
        "questions on documents, charts and tables", questions.find, questions.score, questions.COLUMNS
    ),
    "fields": Benchmark("key fields of documents as JSON", key_fields.find, key_fields.score, key_fields.COLUMNS),
    "grounding": Benchmark("where phrases are printed", grounding.find, grounding.score, grounding.COLUMNS),
    "tables": Benchmark("pictures of tables into HTML", table_images.find, table_images.score, table_images.COLUMNS),
    "markdown": Benchmark("pages into Markdown", markdown.find, markdown.score, markdown.COLUMNS),
    "facts": Benchmark("facts about the text of pages", page_facts.find, page_facts.score, page_facts.COLUMNS),
}


def on_all(
    names: Sequence[str], folders: Sequence[Path], split: str, chosen: Sequence[str], limit: int | None
) -> tuple[dict[str, list[Sample]], list[str]]:
    """The samples of benchmarks by their name, and a remark on each set: what it has for which, or why it has nothing.

    ValueError where no set has anything for any of them.
    """
    found: dict[str, list[Sample]] = {}
    told: dict[str, dict[str, None]] = {}
    for name in names:
        try:
            samples, remarks = BENCHMARKS[name].find(folders, split, chosen, limit)
        except sets.NothingFound as nothing:
            samples, remarks = [], nothing.remarks
        if samples:
            found[name] = samples
        for remark in remarks:
            own, _, rest = remark.partition(": ")
            told.setdefault(own, {})[f"{name} {rest}" if rest.startswith(sets.LEFT_OUT) else rest] = None
    if not found:
        raise ValueError(
            f"no set in {', '.join(map(str, folders))} has samples (split {split!r}) of: {', '.join(names)}"
        )
    counts = {name: Counter(sample.reference.set for sample in samples) for name, samples in found.items()}
    every = dict.fromkeys([*sorted(told), *(own for by_set in counts.values() for own in by_set)])
    lines = []
    for own in sorted(every):
        has = [f"{name} {by_set[own]}" for name, by_set in counts.items() if by_set[own]]
        left_out = [rest for rest in told.get(own, {}) if not rest.startswith(sets.HAS_NO)]
        lines.append("; ".join([f"{own}: {', '.join(has) or 'nothing to evaluate'}", *left_out]))
    return found, lines
