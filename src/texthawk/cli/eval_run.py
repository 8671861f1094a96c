"""texthawk eval: what its verbs share: systems, runs, their scores as tables, and fonts."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader
    from texthawk.eval.runs import Sample
    from texthawk.eval.systems import System


def systems_for(benchmark: str, arguments: argparse.Namespace, reader: "Reader | None") -> "list[System]":
    """The systems that a benchmark is run with; `reader` is None where the model is left out."""
    from texthawk.decode.reader import Reader
    from texthawk.eval import systems
    from texthawk.eval.answering import boxes_in_rows, in_one_prompt, with_answers
    from texthawk.model.processing import PROMPTS

    found = []
    if reader is not None:
        settings = {"threads": arguments.threads, "device": arguments.device}
        model = arguments.model

        def asked(name: str, ask: Callable[[str, str], tuple[str, str]]) -> None:
            found.append(systems.prompt_system(name, ask, PROMPTS["text"], model, settings))

        if benchmark == "lines":
            asked(systems.IN_ROWS, boxes_in_rows(reader))
        else:
            found.append(with_answers(systems.reader_system(reader.read, reader.outlined, model, settings), reader))
        if arguments.whole_page:
            whole = Reader(reader.model, reader.processor, reader.calibration, whole_page=True)
            found.append(systems.reader_system(whole.read, whole.outlined, model, settings, name=systems.WHOLE_PAGES))
        if benchmark == "lines" or arguments.one_prompt:
            asked(systems.ONE_PROMPT, in_one_prompt(reader))
    if not arguments.no_tesseract:
        tesseract = systems.tesseract_system(threads=arguments.threads, dpi=arguments.dpi)
        if tesseract is None:
            tell("tesseract is not on PATH: left out")
        else:
            found.append(tesseract)
    if not found:
        raise ValueError("nothing to evaluate: no model, and no Tesseract")
    return found


def reader_of(arguments: argparse.Namespace) -> "Reader | None":
    """The reader of --model, or None with --no-model."""
    if arguments.no_model:
        return None
    import torch

    import texthawk

    torch.set_num_threads(arguments.threads)
    return texthawk.load(arguments.model, device=arguments.device)


def run_and_score(
    arguments: argparse.Namespace, argv: Sequence[str], samples: "Sequence[Sample]", benchmark: str = "read"
) -> int:
    """Run what --out says, or go on with it, and print its scores."""
    systems = systems_for(benchmark, arguments, reader_of(arguments))
    _run(arguments.out, argv, samples, benchmark, systems)
    return report(arguments.out, arguments.markdown)


def several(arguments: argparse.Namespace, argv: Sequence[str], samples: "Mapping[str, Sequence[Sample]]") -> int:
    """A run in --out for each benchmark, by its name; what no system can do is told, and the others go on."""
    from texthawk.eval import runs

    if runs.is_run(arguments.out):
        raise ValueError(f"{str(arguments.out)!r} is the folder of a run of one benchmark; give another --out")
    reader, done = reader_of(arguments), []
    for benchmark, wanted in samples.items():
        try:
            systems = systems_for(benchmark, arguments, reader)
            _run(arguments.out / benchmark, argv, wanted, benchmark, systems)
        except Unable as reason:
            tell(f"{benchmark}: {reason}")
            continue
        done.append(report(arguments.out / benchmark, arguments.markdown, heading=True))
    if not done:
        raise ValueError("no system can do any of it; give --model a folder of a model that can")
    return max(done)


class Unable(ValueError):
    """No system can do what a benchmark wants."""


def _run(
    folder: Path, argv: Sequence[str], samples: "Sequence[Sample]", benchmark: str, systems: "Sequence[System]"
) -> None:
    from texthawk.eval import runs

    wanted = samples[0].reference.wanted
    able = [system for system in systems if not system.lacks(wanted)]
    if not able:
        why = "; ".join(f"{system.name}: {system.lacks(wanted)}" for system in systems)
        raise Unable(f"no system can do this ({why}); give --model a folder of a model that can")
    runs.run(folder, benchmark, samples, able, ["texthawk", "eval", *argv], tell)


def scores(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a run and what a reader of them must know."""
    from texthawk.eval import runs
    from texthawk.eval.benchmarks import BENCHMARKS

    record, references, predictions = runs.load(folder)
    if record["benchmark"] not in BENCHMARKS:
        raise ValueError(f"benchmark {record['benchmark']!r} is unknown; there are: {', '.join(BENCHMARKS)}")
    rows = BENCHMARKS[record["benchmark"]].score(references, predictions)
    wanted = Counter(reference.set for reference in references)
    remarks = [
        f"{row['system']} has {row['pages']} of the {wanted[row['set']]} pages of {row['set']}: its row does not compare"
        for row in rows
        if not row["kind"] and row["pages"] < wanted[row["set"]]
    ]
    return rows, remarks


def report(folder: Path, markdown: bool, *, heading: bool = False) -> int:
    """Write scores.json and print the table, below its benchmark's name where it has a heading; 1 if a page was not read."""
    from texthawk.eval import metrics, runs
    from texthawk.eval.benchmarks import BENCHMARKS
    from texthawk.eval.report import table

    rows, remarks = scores(folder)
    record, references, predictions = runs.load(folder)
    name = record["benchmark"]
    runs.write_json(
        folder / "scores.json",
        {"benchmark": name, "metrics_version": metrics.METRICS_VERSION, "remarks": remarks, "rows": rows},
    )
    if heading:
        print(f"### {name}: {BENCHMARKS[name].about}\n" if markdown else f"{name}: {BENCHMARKS[name].about}")
    print(table(rows, BENCHMARKS[name].columns, markdown=markdown))
    if heading:
        print()
    for remark in remarks:
        tell(remark)
    known = {(reference.set, reference.id) for reference in references}
    failed = [p for p in predictions if p.error is not None and (p.set, p.id) in known]
    for prediction in failed:
        tell(f"not read: {prediction.set} {prediction.id} by {prediction.system}: {prediction.error}")
    return 1 if failed else 0


def fonts_of(given: Sequence[Path], held_out: Sequence[str]) -> list[str]:
    """Font files that are given, or those of this system; of them only families whose name holds one of `held_out`."""
    from texthawk.data.synth import fonts as synth

    files = [str(path) for path in given if path.is_file()]
    folders = [path for path in given if path.is_dir()]
    if missing := [str(path) for path in given if not path.exists()]:
        raise ValueError(f"no such font file or folder: {', '.join(missing)}")
    inside = [
        path for path in synth.system_fonts(folders) if not given or any(f in Path(path).parents for f in folders)
    ]
    fonts = files + inside
    if held_out:
        for name in held_out:
            if not synth.hold_out(fonts, [name])[1]:
                raise ValueError(f"no family is called {name!r}; there are: {', '.join(families_of(fonts))}")
        _, fonts = synth.hold_out(fonts, held_out)
    if not fonts:
        raise ValueError("no text fonts found; give --fonts files or folders")
    return fonts


def families_of(fonts: Sequence[str]) -> list[str]:
    """The names of the families of font files."""
    from texthawk.data.synth.fonts import families

    return [family.name for family in families(fonts)]


def tell(line: str) -> None:
    """Progress and warnings, which are no results."""
    print(line, file=sys.stderr, flush=True)
