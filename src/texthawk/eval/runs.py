"""The folder of a run: every prediction as it is made, what it is compared with, and how it came about.

    run.json           benchmark, metric version, each system's settings, packages, machine; one entry for each start
    references.jsonl   id, set, lang, text and rule of every sample; question, answers and kind where it has them
    drawn/             pictures of samples whose set has none
    predictions.jsonl  id, set, system, text, seconds, finish_reason, error; appended page by page
    scores.json        written by `score`, from the three files above alone

A run that was killed goes on where it was; a page that a system cannot read is an entry with an error and no text.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from texthawk.data.example import Drawn
from texthawk.eval.machine import machine, packages
from texthawk.eval.metrics import METRICS_VERSION
from texthawk.eval.systems import FIND, PAGE_ERRORS, READ, System

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

    wanted: READ, ASK, FIND, MARKDOWN or HTML. question: what is asked, or the phrase to be found. answers: every right answer,
    `text` being the first; `items` are the parts of an answer of several, all of which are needed. A box is written by
    `box_text`. kind: of the sample within its set; each kind gets a row of scores of its own, "" none.
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
    kind: str = ""


@dataclass(frozen=True)
class Sample:
    """A page to read and its reference. A picture that must be drawn is drawn into the run's folder when it is wanted."""

    image: Path | Drawn
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
                for prediction in predicted(system, _on_disk(todo, folder)) if todo else ():
                    file.write(json.dumps(asdict(prediction), ensure_ascii=False) + "\n")
                    file.flush()
                    note = f"error: {prediction.error}" if prediction.error else f"{prediction.seconds:.2f} s"
                    place = places[prediction.set, prediction.id]
                    tell(f"[{place}/{len(samples)}] {prediction.set} {prediction.id} {system.name}: {note}")
    for (system_name, set_name, refusal), pages in skipped.items():
        tell(f"{system_name} skipped {pages} page(s) of {set_name}: {refusal}")


def predicted(system: System, group: Sequence[Sample]) -> list[Prediction]:
    """What a system makes of samples of one picture, timed; what the page makes go wrong becomes the predictions' error."""
    image, lang, wanted = group[0].image, group[0].reference.lang, group[0].reference.wanted
    assert isinstance(image, Path)
    questions = [sample.reference.question for sample in group]
    texts, reason, error = [""] * len(group), "error", None
    began = time.perf_counter()
    try:
        if wanted == READ:
            text, reason = system.read(image, lang)
            texts = [text]
        elif wanted in system.writes:
            text, reason = system.writes[wanted](image, lang)
            texts = [text] * len(group)
        elif wanted == FIND:
            assert system.find is not None
            texts, reason = [box_text(box) for box in system.find(image, questions, lang)], "stop"
        else:
            assert system.ask is not None
            texts, reason = system.ask(image, questions), "stop"
        if len(texts) != len(group):
            raise AssertionError(f"{system.name} gave {len(texts)} answers to {len(group)} questions")
    except PAGE_ERRORS as problem:
        error = f"{type(problem).__name__}: {problem}"
    seconds = round((time.perf_counter() - began) / len(group), 4)
    return [
        Prediction(s.reference.set, s.reference.id, system.name, text, seconds, reason, error)
        for s, text in zip(group, texts, strict=True)
    ]


def _on_disk(group: Sequence[Sample], folder: Path) -> list[Sample]:
    """Samples of one picture with a file of it."""
    image, reference = group[0].image, group[0].reference
    if isinstance(image, Path):
        return list(group)
    picture = image.draw()
    pixels = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
    file = folder / "drawn" / f"{reference.set}-{pixels}.png"
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        beside = file.with_suffix(".new")
        picture.save(beside, "PNG")
        beside.replace(file)
    return [replace(sample, image=file) for sample in group]


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
    """A run's record, references and predictions; ValueError where one of its files is missing or no longer whole."""
    return (
        _record(folder),
        [_reference(row) for row in _rows(folder / "references.jsonl", REFERENCE_KEYS)],
        _predictions(folder / "predictions.jsonl"),
    )


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run."""
    return (folder / "run.json").is_file()


def _record(folder: Path) -> dict[str, Any]:
    if not is_run(folder):
        raise ValueError(f"{str(folder)!r} is not the folder of a run (no run.json in it); give what --out was")
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        record["benchmark"], record["metrics_version"], record["systems"], record["starts"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{str(folder / 'run.json')!r} is no record of a run ({error}); begin anew in another folder"
        ) from error
    return dict(record)


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
        record = _record(folder)
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


def _write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    beside = path.with_suffix(".new")
    beside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    beside.replace(path)


REFERENCE_KEYS = frozenset({"set", "id", "lang", "text", "rule"})
PREDICTION_KEYS = frozenset(field.name for field in fields(Prediction))


def _rows(path: Path, keys: frozenset[str]) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise ValueError(
            f"the run has no {path.name}; begin it again with the same --out, which keeps what was predicted"
        )
    # Bytes, because the texts may hold U+2028, which splits a str and which JSON leaves as it is.
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):  # it is still being written
            return
        try:
            row = json.loads(line)
            missing = keys - row.keys()
        except (ValueError, AttributeError) as error:
            raise ValueError(
                f"{path} line {number} is broken ({error}); delete the line to have it made again"
            ) from error
        if missing:
            raise ValueError(
                f"{path} line {number} has no {', '.join(sorted(missing))}; delete the line to have it made again"
            )
        yield row


def _predictions(path: Path) -> list[Prediction]:
    if not path.is_file():
        return []
    return [Prediction(**{key: row[key] for key in PREDICTION_KEYS}) for row in _rows(path, PREDICTION_KEYS)]


def _mended(path: Path) -> list[Prediction]:
    """The predictions of a file, after cutting off a last line that a kill left unfinished."""
    if path.is_file():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
    return _predictions(path)
