"""The folder of a run: every prediction as it is made, what it is compared with, and how it came about.

    run.json           benchmark, metric version, each system's settings, packages, machine; one entry for each start
    references.jsonl   id, set, lang, text and rule of every sample; question and answers where it has them
    predictions.jsonl  id, set, system, text, seconds, finish_reason, error; appended page by page
    scores.json        written by `score`, from the three files above alone

A run that was killed goes on where it was; a page that a system cannot read is an entry with an error and no text.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from texthawk.eval.metrics import METRICS_VERSION
from texthawk.eval.systems import PAGE_ERRORS, System

PACKAGES = ("texthawk", "torch", "transformers", "pillow", "numpy", "rapidfuzz")

READ, ASK, FIND = "read", "ask", "find"
"""What is wanted of a system: a page's text, an answer to a question, or the place of a phrase."""

Tell = Callable[[str], None]
"""Where a line for the person who waits goes."""


@dataclass(frozen=True)
class Rule:
    """How a set's texts are compared: with case or without; by words, or by characters where no spaces part the words.

    score: the measure that a set of questions is reported with.
    """

    case: bool = True
    words: bool = True
    score: str = ""


@dataclass(frozen=True)
class Reference:
    """What a page says, and how to compare with it.

    wanted: READ, ASK or FIND. question: what is asked, or the phrase to be found. answers: every right answer, `text` being
    the first; `items` are the parts of an answer of several, all of which are needed. A box is written by `box_text`.
    """

    set: str
    id: str
    lang: str
    text: str
    rule: Rule = Rule()
    wanted: str = READ
    question: str = ""
    answers: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A page to read and its reference."""

    image: Path
    reference: Reference


@dataclass(frozen=True)
class Prediction:
    """What a system made of a page; `error` is None, or says why there is no text. `seconds` do not include loading a model."""

    set: str
    id: str
    system: str
    text: str
    seconds: float
    finish_reason: str
    error: str | None = None


def run(
    folder: Path,
    benchmark: str,
    samples: Sequence[Sample],
    systems: Sequence[System],
    command: Sequence[str],
    tell: Tell,
) -> None:
    """Read every sample with every system, and write each prediction at once; those that are there already are not made again.

    Page by page with all systems in turn, so that a run cut short has compared them on the same pages. Samples that follow
    one another and ask about one picture are asked together, so that a system may encode it once; they share the time.
    """
    _check_names(samples, systems)
    folder.mkdir(parents=True, exist_ok=True)
    _start(folder, benchmark, systems, command)
    _write_lines(folder / "references.jsonl", [asdict(sample.reference) for sample in samples])
    done = {(p.set, p.id, p.system) for p in _mended(folder / "predictions.jsonl")}
    skipped: dict[tuple[str, str, str], int] = {}
    places = {(s.reference.set, s.reference.id): number for number, s in enumerate(samples, 1)}
    with (folder / "predictions.jsonl").open("a", encoding="utf-8") as file:
        for group in _together(samples):
            reference = group[0].reference
            for system in systems:
                if refusal := system.lacks(reference.wanted) or system.refuses(reference.lang):
                    key = (system.name, reference.set, refusal)
                    skipped[key] = skipped.get(key, 0) + len(group)
                    continue
                names = ((s.reference.set, s.reference.id, system.name) for s in group)
                todo = [s for s, name in zip(group, names, strict=True) if name not in done]
                for prediction in predicted(system, todo) if todo else ():
                    file.write(json.dumps(asdict(prediction), ensure_ascii=False) + "\n")
                    file.flush()
                    note = f"error: {prediction.error}" if prediction.error else f"{prediction.seconds:.2f} s"
                    place = places[prediction.set, prediction.id]
                    tell(f"[{place}/{len(samples)}] {prediction.set} {prediction.id} {system.name}: {note}")
    for (system_name, set_name, refusal), pages in skipped.items():
        tell(f"{system_name} skipped {pages} page(s) of {set_name}: {refusal}")


def predicted(system: System, group: Sequence[Sample]) -> list[Prediction]:
    """What a system makes of samples of one picture, timed; what the page makes go wrong becomes the predictions' error."""
    first = group[0]
    lang, wanted = first.reference.lang, first.reference.wanted
    questions = [sample.reference.question for sample in group]
    texts, reason, error = [""] * len(group), "error", None
    began = time.perf_counter()
    try:
        if wanted == READ:
            text, reason = system.read(first.image, lang)
            texts = [text]
        elif wanted == ASK:
            assert system.ask is not None
            texts, reason = system.ask(first.image, questions), "stop"
        else:
            assert system.find is not None
            texts, reason = [box_text(box) for box in system.find(first.image, questions, lang)], "stop"
        if len(texts) != len(group):
            raise AssertionError(f"{system.name} gave {len(texts)} answers to {len(group)} questions")
    except PAGE_ERRORS as problem:
        error = f"{type(problem).__name__}: {problem}"
    seconds = round((time.perf_counter() - began) / len(group), 4)
    return [
        Prediction(s.reference.set, s.reference.id, system.name, text, seconds, reason, error)
        for s, text in zip(group, texts, strict=True)
    ]


def box_text(box: Sequence[float] | None) -> str:
    """A box (left, top, right, bottom in parts of the picture) as it is kept; "" for none."""
    return "" if box is None else json.dumps([round(float(side), 6) for side in box])


def box_of(text: str) -> tuple[float, ...] | None:
    """The inverse of `box_text`."""
    return tuple(json.loads(text)) if text else None


def _together(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """Runs of samples of one picture of which the same is wanted; a page to read is by itself."""
    group: list[Sample] = []
    for sample in samples:
        same = group and (group[0].image, group[0].reference.wanted) == (sample.image, sample.reference.wanted)
        if group and (not same or sample.reference.wanted == READ):
            yield group
            group = []
        group.append(sample)
    if group:
        yield group


def load(folder: Path) -> tuple[dict[str, Any], list[Reference], list[Prediction]]:
    """A run's record, references and predictions."""
    if not (folder / "run.json").is_file():
        raise ValueError(f"{str(folder)!r} is not the folder of a run (no run.json in it); give what --out was")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return (
        record,
        [_reference(row) for row in _rows(folder / "references.jsonl")],
        _predictions(folder / "predictions.jsonl"),
    )


def _reference(row: dict[str, Any]) -> Reference:
    known: dict[str, Any] = {name: tuple(row[name]) for name in ("answers", "items") if name in row}
    return Reference(**row | known | {"rule": Rule(**row["rule"])})


def same_metrics(record: dict[str, Any], force: bool) -> None:
    """Refuse to score a run of another metric version, unless forced: its numbers would not compare with those reported."""
    made = record["metrics_version"]
    if made != METRICS_VERSION and not force:
        raise ValueError(
            f"the run was made with metric version {made}, this texthawk has {METRICS_VERSION}: scores would not compare "
            "with those reported before; --force scores it all the same"
        )


def write_json(path: Path, value: Any) -> None:
    """Replace a file in one step, so that a kill leaves the old one or the new one."""
    beside = path.with_suffix(path.suffix + ".new")
    beside.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)


def _check_names(samples: Sequence[Sample], systems: Sequence[System]) -> None:
    names = [(s.reference.set, s.reference.id) for s in samples]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ValueError(
            f"samples named twice: {', '.join('/'.join(name) for name in twice[:5])}; an id is unique within its set"
        )
    if len({system.name for system in systems}) < len(systems):
        raise ValueError(f"systems named twice: {', '.join(system.name for system in systems)}")


def _start(folder: Path, benchmark: str, systems: Sequence[System], command: Sequence[str]) -> None:
    path = folder / "run.json"
    record: dict[str, Any] = {"benchmark": benchmark, "metrics_version": METRICS_VERSION, "systems": {}, "starts": []}
    if path.is_file():
        record = json.loads(path.read_text(encoding="utf-8"))
        same_metrics(record, force=False)
        if record["benchmark"] != benchmark:
            raise ValueError(
                f"{str(folder)!r} holds a run of {record['benchmark']!r}, not {benchmark!r}; give another --out"
            )
    for system in systems:
        before = record["systems"].setdefault(system.name, system.settings)
        if before != system.settings:
            changed = sorted(
                k for k in before.keys() | system.settings.keys() if before.get(k) != system.settings.get(k)
            )
            raise ValueError(
                f"{str(folder)!r} was begun with another {system.name} ({', '.join(changed)} differ); one run has one "
                "setting: give another --out"
            )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    record["starts"].append({"time": now, "command": list(command), "machine": machine(), "packages": packages()})
    write_json(path, record)


def machine() -> dict[str, Any]:
    """The processor, its cores (all, and those that this process may use), system and Python."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def packages() -> dict[str, str]:
    """Versions of what a score depends on, of those that are installed."""
    installed = {str(d.metadata["Name"]).lower(): d.version for d in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}


def _write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    beside = path.with_suffix(".new")
    beside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    beside.replace(path)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    # Bytes, because the texts may hold U+2028, which splits a str and which JSON leaves as it is.
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):  # one without is still being written
            yield json.loads(line)


def _predictions(path: Path) -> list[Prediction]:
    return [Prediction(**row) for row in _rows(path)] if path.is_file() else []


def _mended(path: Path) -> list[Prediction]:
    """The predictions of a file, after cutting off a last line that a kill left unfinished."""
    if path.is_file():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
    return _predictions(path)
