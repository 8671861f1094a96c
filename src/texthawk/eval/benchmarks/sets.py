"""Folders of samples, and predictions put beside their references: what all benchmarks share.

A set is a folder with `samples.SPLIT.jsonl`, one sample on a line: `id`, `task`, `image` (a path inside the set), `lang`,
and what its task needs. Where `image` is null and `to_render` is true, the page is drawn from `title` and `context`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Unusable
from texthawk.data.example import UnitBox, check_box
from texthawk.data.public.drawn_text import DrawnText, drawn_text
from texthawk.eval.runs import Prediction, Reference, Sample

TASKS = frozenset({"ocr", "docvqa", "chartqa", "tableqa", "kie", "grounding", "markdown"})

Take = Callable[[str, dict[str, Any]], Reference | str | None]
"""(set, row) -> its reference; or why the sample is left out; or None where it is another benchmark's."""
Pair = tuple[Prediction, Reference]


HAS_NO, LEFT_OUT = "has no", "left out"
"""How the remark on a set begins that has none of what is wanted, and on samples that are not taken."""


class NothingFound(ValueError):
    """No set has a sample of what is wanted; `remarks` say what each has instead."""

    def __init__(self, message: str, remarks: list[str]):
        super().__init__("; ".join([message, *remarks]))
        self.remarks = remarks


def find(
    folders: Sequence[Path], split: str, sets: Sequence[str], limit: int | None, take: Take, wanted: str
) -> tuple[list[Sample], list[str]]:
    """The samples that `take` takes of sets, or of folders of sets, at most `limit` of each; and what was left out and why.

    ValueError for a folder that holds no sets or a line that is no sample; NothingFound where nothing is taken.
    """
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
        remarks += [f"{name}: {LEFT_OUT} {count} sample(s): {reason}" for reason, count in sorted(left_out.items())]
        if not kept and not left_out:
            remarks.append(f"{name}: {HAS_NO} {wanted}")
        samples += kept[:limit]
    if not samples:
        raise NothingFound(f"no samples of {wanted} (split {split!r}) in {', '.join(map(str, folders))}", remarks)
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
    seen: set[Reference] = set()
    for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            task, image = row["task"], row.get("image")
            _check_texts(row)
            taken = take(name, row) if task in TASKS else f"their task {task!r} is unknown"
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{file} line {number} is no sample: {type(error).__name__}: {error}") from error
        if taken is None:
            continue
        if isinstance(taken, str):
            left_out[taken] += 1
        elif taken in seen:
            left_out["the same is asked before"] += 1
        elif image and not (file.parent / image).is_file():
            left_out["their image is missing"] += 1
        elif image:
            seen.add(taken)
            yield Sample(file.parent / image, taken)
        elif isinstance(page := _drawn(row), DrawnText):
            seen.add(taken)
            yield Sample(page, taken)
        else:
            left_out[page] += 1


def _check_texts(row: dict[str, Any]) -> None:
    for key in ("id", "lang"):
        if not isinstance(row[key], str):
            raise TypeError(f"{key!r} is {row[key]!r}, which is no text")
    for key in ("text", "question", "image"):
        if not isinstance(row.get(key) or "", str):
            raise TypeError(f"{key!r} is {row[key]!r}, which is no text")


def page_text(row: dict[str, Any]) -> str | None:
    """The text of a page that must be drawn, its title on the first line; None for any other."""
    if row.get("image") or not row.get("to_render") or not row.get("context"):
        return None
    return f"{row.get('title') or ''}\n{row['context']}".strip()


def _drawn(row: dict[str, Any]) -> DrawnText | str:
    """A page that must be drawn, or why there is none."""
    text = page_text(row)
    if text is None:
        return "they have no image"
    try:
        return drawn_text(text)
    except Unusable as reason:
        return f"they must be drawn, and {reason}"


def rows(
    references: Sequence[Reference],
    predictions: Sequence[Prediction],
    row: Callable[[Sequence[Pair]], dict[str, Any]],
) -> list[dict[str, Any]]:
    """`row` of each set and system, over the samples that the system has a prediction for, and of each kind within them.

    Besides what `row` gives: set, kind ("" for the whole set), system, pages (samples), errors, and seconds, the mean of the
    samples without error.
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
        made.append(_one(*key, "", groups[key], row))
        for kind in sorted({r.kind for _, r in groups[key]} - {""}):
            made.append(_one(*key, kind, [pair for pair in groups[key] if pair[1].kind == kind], row))
    return made


def _one(
    set_name: str, system: str, kind: str, pairs: Sequence[Pair], row: Callable[[Sequence[Pair]], dict[str, Any]]
) -> dict[str, Any]:
    seconds = [p.seconds for p, _ in pairs if p.error is None]
    errors = sum(p.error is not None for p, _ in pairs)
    return (
        {"set": set_name, "kind": kind, "system": system, "pages": len(pairs), "errors": errors}
        | row(pairs)
        | {"seconds": sum(seconds) / len(seconds) if seconds else None}
    )


def box(corners: Any) -> UnitBox:
    """A box of a sample; ValueError unless it is one, in parts of the picture."""
    left, top, right, bottom = map(float, corners)
    check_box((left, top, right, bottom))
    return left, top, right, bottom


def mean(values: Sequence[float]) -> float | None:
    """None where there is nothing to take a mean of."""
    return sum(values) / len(values) if values else None
