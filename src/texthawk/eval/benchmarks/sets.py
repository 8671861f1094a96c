"""Folders of samples, and predictions put beside their references: what all benchmarks share.

A set is a folder with `samples.SPLIT.jsonl`, one sample on a line: `id`, `task`, `image` (a path inside the set), `lang`,
and what its task needs.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from texthawk.eval.runs import Prediction, Reference, Sample

TASKS = frozenset({"ocr", "docvqa", "chartqa", "tableqa", "kie", "grounding", "markdown"})

Take = Callable[[str, dict[str, Any]], Reference | str | None]
"""(set, row) -> its reference; or why the sample is left out; or None where it is another benchmark's."""
Pair = tuple[Prediction, Reference]


def find(
    folders: Sequence[Path], split: str, sets: Sequence[str], limit: int | None, take: Take, wanted: str
) -> tuple[list[Sample], list[str]]:
    """The samples that `take` takes of sets, or of folders of sets, at most `limit` of each; and what was left out and why."""
    found = dict(_sets(folders))
    unknown = [name for name in sets if name not in found]
    if unknown:
        raise ValueError(f"no set {', '.join(unknown)}; there are: {', '.join(sorted(found))}")
    samples: list[Sample] = []
    remarks: list[str] = []
    for name in sets or sorted(found):
        file = found[name] / f"samples.{split}.jsonl"
        if not file.is_file():
            there = ", ".join(sorted(p.name.split(".")[1] for p in found[name].glob("samples.*.jsonl")))
            remarks.append(f"{name}: no split {split!r} (there is: {there})")
            continue
        left_out: Counter[str] = Counter()
        kept = list(_samples(name, file, take, left_out))
        if kept or sets:
            remarks += [f"{name}: left out {count} sample(s): {reason}" for reason, count in sorted(left_out.items())]
        samples += kept[:limit]
    if not samples:
        raise ValueError(f"no samples of {wanted} (split {split!r}) in {', '.join(map(str, folders))}")
    return samples, remarks


def _sets(folders: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    seen: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{str(folder)!r} is not a folder")
        # Resolved, so that "." has a name.
        places = (folder.resolve(), *sorted(p for p in folder.resolve().iterdir() if p.is_dir()))
        inside = [place for place in places if any(place.glob("samples.*.jsonl"))]
        if not inside:
            raise ValueError(f"{str(folder)!r} holds no samples.*.jsonl, nor does a folder in it")
        for one in inside:
            if seen.setdefault(one.name, one) != one:
                raise ValueError(
                    f"two sets are called {one.name!r}: {seen[one.name]} and {one}; evaluate them in two runs"
                )
            yield one.name, one


def _samples(name: str, file: Path, take: Take, left_out: Counter[str]) -> Iterator[Sample]:
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            task, image, _, _ = row["task"], row.get("image"), row["id"], row["lang"]
            taken = take(name, row) if task in TASKS else f"their task {task!r} is unknown"
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{file} line {number} is no sample: {type(error).__name__}: {error}") from error
        if isinstance(taken, Reference) and not image:
            left_out["they have no image"] += 1
        elif isinstance(taken, Reference):
            yield Sample(file.parent / image, taken)
        elif taken is not None:
            left_out[taken] += 1


def rows(
    references: Sequence[Reference],
    predictions: Sequence[Prediction],
    row: Callable[[Sequence[Pair]], dict[str, Any]],
) -> list[dict[str, Any]]:
    """`row` of each set and system, over the samples that the system has a prediction for.

    Besides what `row` gives: set, system, pages (samples), errors, and seconds, the mean of the samples without error.
    """
    by_key = {(r.set, r.id): r for r in references}
    groups: dict[tuple[str, str], list[Pair]] = {}
    for prediction in predictions:
        reference = by_key.get((prediction.set, prediction.id))
        if reference is not None:
            groups.setdefault((prediction.set, prediction.system), []).append((prediction, reference))
    order = {name: place for place, name in enumerate(dict.fromkeys(r.set for r in references))}
    made = []
    for key in sorted(groups, key=lambda key: order[key[0]]):
        pairs = groups[key]
        seconds = [p.seconds for p, _ in pairs if p.error is None]
        made.append(
            {"set": key[0], "system": key[1], "pages": len(pairs), "errors": sum(p.error is not None for p, _ in pairs)}
            | row(pairs)
            | {"seconds": sum(seconds) / len(seconds) if seconds else None}
        )
    return made


def mean(values: Sequence[float]) -> float | None:
    """None where there is nothing to take a mean of."""
    return sum(values) / len(values) if values else None
