"""texthawk eval: score a model, with Tesseract beside it on the same pages; every prediction is kept."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from texthawk.eval.runs import Sample
    from texthawk.eval.systems import System

BENCHMARKS = ("read", "lines", "questions", "fields", "grounding", "tables", "markdown", "facts")
"""Verbs that are benchmarks on folders of sets, by their names in `texthawk.eval.benchmarks`."""

VERBS = {
    "read": "read the full text of pages in sets: CER, WER, F1 of words, seconds per page",
    "lines": "the text with a box for each line, set on rows and in one prompt: F1 of boxes at an IoU of 0.5, CER",
    "questions": "questions on documents, charts and tables: exact match, ANLS, relaxed accuracy, denotations",
    "fields": "key fields of documents as JSON: field F1",
    "grounding": "where phrases are printed: accuracy at an IoU of 0.5",
    "tables": "pictures of tables into HTML: TEDS",
    "markdown": "pages into Markdown: edit distance, F1 of words",
    "facts": "facts about the text of pages: what is there, what is not, what comes first",
    "score": "score a run again from its predictions alone, without model or images",
    "density": "error against the number of words on 448 x 224 pixels, with a figure",
    "print": "error on printed text and fonts that no training page had",
    "calibration": "fit the map from the model's probabilities to a confidence that means what it says, and measure it",
}


def main(argv: list[str]) -> int:
    """0; 1 when some pages could not be read (the others are scored); 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        verbs = {
            **dict.fromkeys(BENCHMARKS, on_sets),
            "score": score,
            "density": density,
            "print": printed,
            "calibration": calibration,
        }
        return verbs[arguments.verb](arguments, argv)
    except (ValueError, ImportError) as error:
        print(f"texthawk eval {arguments.verb}: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="texthawk eval", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {name: verbs.add_parser(name, help=about, description=about) for name, about in VERBS.items()}

    for verb in BENCHMARKS:
        made[verb].add_argument(
            "folders", nargs="+", type=Path, metavar="DIR", help="a set (samples.*.jsonl), or a folder of sets"
        )
        made[verb].add_argument("--sets", type=_names, default=[], metavar="A,B", help="only these sets")
        made[verb].add_argument("--split", default="dev", help="which samples.SPLIT.jsonl (default: dev)")
        made[verb].add_argument("--limit", type=_positive, metavar="N", help="at most N samples of each set")

    made["score"].add_argument("run", type=Path, metavar="RUN", help="what --out was")
    made["score"].add_argument(
        "--force", action="store_true", help="score a run that was made with another metric version"
    )

    for verb in ("density", "print", "calibration"):
        made[verb].add_argument(
            "--text", type=Path, required=True, metavar="DIR", help=".txt, .md or .jsonl; its test split is printed"
        )
        made[verb].add_argument("--seed", type=int, default=0)
    made["density"].add_argument(
        "--per", type=_positive, default=20, metavar="N", help="sheets for each number of words (default: 20)"
    )
    made["density"].add_argument(
        "--fonts", nargs="+", type=Path, default=[], metavar="FONT", help="font files, or folders of them"
    )
    made["density"].add_argument(
        "--hold-out", type=_names, default=[], metavar="A,B", help="only families whose name holds one of these"
    )
    for verb in ("print", "calibration"):
        made[verb].add_argument(
            "--fonts-held-out", type=_names, required=True, metavar="A,B", help="families that training did not use"
        )
        made[verb].add_argument(
            "--count", type=_positive, default=200, metavar="N", help="sheets of text (default: 200)"
        )
    made["print"].add_argument(
        "--boxes", action="store_true", help="ask for the text with a box for each line, set on rows and in one prompt"
    )
    made["calibration"].add_argument(
        "--save", action="store_true", help="write the map into the model's folder, where reading finds it"
    )

    for verb in (*BENCHMARKS, "density", "print", "calibration"):
        made[verb].add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
        if verb != "calibration":
            made[verb].add_argument("--no-model", action="store_true", help="Tesseract alone")
            made[verb].add_argument(
                "--one-prompt",
                action="store_true",
                help="beside the reader, the model with each whole picture in one prompt",
            )
            made[verb].add_argument("--no-tesseract", action="store_true", help="the model alone")
            made[verb].add_argument(
                "--dpi", type=_positive, help="resolution to tell Tesseract (default: it estimates)"
            )
        made[verb].add_argument(
            "--out", type=Path, required=True, metavar="RUN", help="folder of the run; one that was begun goes on"
        )
        made[verb].add_argument("--device", help="cpu or cuda (default: what the model chooses)")
        made[verb].add_argument(
            "--threads", type=_positive, default=1, metavar="N", help="processor threads for either (default: 1)"
        )
    for one in made.values():
        one.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    return top


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def on_sets(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.eval import benchmarks

    samples, remarks = benchmarks.BENCHMARKS[arguments.verb].find(
        arguments.folders, arguments.split, arguments.sets, arguments.limit
    )
    for remark in remarks:
        _tell(remark)
    return _run_and_score(arguments, argv, samples, arguments.verb)


def score(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.eval import runs

    record, _, _ = runs.load(arguments.run)
    runs.same_metrics(record, arguments.force)
    return _report(arguments.run, arguments.markdown)[1]


def density(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.data.synth.corpus import Corpus
    from texthawk.eval import density as benchmark
    from texthawk.eval import sheets
    from texthawk.eval.runs import write_json

    fonts = _fonts(arguments.fonts, arguments.hold_out)
    corpus = Corpus.from_folder(arguments.text, split="test")
    samples = benchmark.samples(corpus, fonts, arguments.out / "images", per=arguments.per, seed=arguments.seed)
    status = _run_and_score(arguments, argv, samples)
    rows, _ = _scores(arguments.out)
    write_json(
        arguments.out / "density.json",
        {
            "width": sheets.WIDTH,
            "height": sheets.HEIGHT,
            "sheets": arguments.per,
            "families": _families(fonts),
            "cer": benchmark.curves(rows),
            "rows": rows,
        },
    )
    benchmark.draw(rows, [arguments.out / "density.png", arguments.out / "density.svg"])
    return status


def printed(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.data.synth.corpus import Corpus
    from texthawk.eval import printed as benchmark

    fonts = _fonts([], arguments.fonts_held_out)
    _tell(f"families: {', '.join(_families(fonts))}")
    corpus = Corpus.from_folder(arguments.text, split="test")
    samples = benchmark.samples(
        corpus, fonts, arguments.out / "images", sheets=arguments.count, seed=arguments.seed, boxes=arguments.boxes
    )
    return _run_and_score(arguments, argv, samples, "lines" if arguments.boxes else "read")


def calibration(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    import torch

    import texthawk
    from texthawk.data.synth.corpus import Corpus
    from texthawk.decode.shipped import model_folder
    from texthawk.eval import printed as benchmark
    from texthawk.eval import reliability
    from texthawk.eval.runs import write_json

    fonts = _fonts([], arguments.fonts_held_out)
    corpus = Corpus.from_folder(arguments.text, split="test")
    samples = benchmark.samples(corpus, fonts, arguments.out / "images", sheets=arguments.count, seed=arguments.seed)
    torch.set_num_threads(arguments.threads)
    reader = texthawk.load(arguments.model, device=arguments.device)
    reader.calibration = None  # what is measured and mapped are the model's own probabilities
    verdicts, errors = reliability.judged(samples, lambda image: reader.read(image, rotate=0))
    for error in errors:
        _tell(f"not read: {error.source}: {error.message}")
    made, record = reliability.calibrated(verdicts)
    arguments.out.mkdir(parents=True, exist_ok=True)
    command = ["texthawk", "eval", *argv]
    write_json(arguments.out / "reliability.json", {"command": command, "families": _families(fonts), **record})
    reliability.draw(record, [arguments.out / "reliability.png", arguments.out / "reliability.svg"])
    made.save(arguments.out)
    if arguments.save:
        _tell(f"written: {made.save(model_folder(arguments.model))}")
    before, after = record["before"]["error"], record["after"]["error"]
    print(f"expected calibration error: {before:.4f} before, {after:.4f} after, on {record['words']['measured']} words")
    return 1 if errors else 0


def _fonts(given: Sequence[Path], held_out: Sequence[str]) -> list[str]:
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
                raise ValueError(f"no family is called {name!r}; there are: {', '.join(_families(fonts))}")
        _, fonts = synth.hold_out(fonts, held_out)
    if not fonts:
        raise ValueError("no text fonts found; give --fonts files or folders")
    return fonts


def _families(fonts: Sequence[str]) -> list[str]:
    from texthawk.data.synth.fonts import families

    return [family.name for family in families(fonts)]


def _systems(arguments: argparse.Namespace) -> "list[System]":
    from texthawk.eval import systems
    from texthawk.eval.answering import boxes_in_rows, in_one_prompt, with_answers
    from texthawk.model.processing import PROMPTS

    found = []
    if not arguments.no_model:
        import torch

        import texthawk

        torch.set_num_threads(arguments.threads)
        reader = texthawk.load(arguments.model, device=arguments.device)
        settings = {"threads": arguments.threads, "device": arguments.device}
        model = arguments.model

        def asked(name: str, ask: Callable[[str, str], tuple[str, str]]) -> None:
            found.append(systems.prompt_system(name, ask, PROMPTS["text"], model, settings))

        boxes = arguments.verb == "lines" or getattr(arguments, "boxes", False)
        if boxes:
            asked(systems.IN_ROWS, boxes_in_rows(reader))
        else:
            found.append(with_answers(systems.reader_system(reader.read, model, settings), reader))
        if boxes or arguments.one_prompt:
            asked(systems.ONE_PROMPT, in_one_prompt(reader))
    if not arguments.no_tesseract:
        tesseract = systems.tesseract_system(threads=arguments.threads, dpi=arguments.dpi)
        if tesseract is None:
            _tell("tesseract is not on PATH: left out")
        else:
            found.append(tesseract)
    if not found:
        raise ValueError("nothing to evaluate: no model, and no Tesseract")
    return found


def _run_and_score(
    arguments: argparse.Namespace, argv: Sequence[str], samples: "Sequence[Sample]", benchmark: str = "read"
) -> int:
    from texthawk.eval import runs

    systems = _systems(arguments)
    wanted = samples[0].reference.wanted
    able = [system for system in systems if not system.lacks(wanted)]
    if not able:
        why = "; ".join(f"{system.name}: {system.lacks(wanted)}" for system in systems)
        raise ValueError(f"no system can do this ({why}); give --model a folder of a model that can")
    runs.run(arguments.out, benchmark, samples, able, ["texthawk", "eval", *argv], _tell)
    return _report(arguments.out, arguments.markdown)[1]


def _scores(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of a run and what a reader of them must know."""
    from texthawk.eval import runs
    from texthawk.eval.benchmarks import BENCHMARKS

    record, references, predictions = runs.load(folder)
    if record["benchmark"] not in BENCHMARKS:
        raise ValueError(f"benchmark {record['benchmark']!r} is unknown; there are: {', '.join(BENCHMARKS)}")
    rows = BENCHMARKS[record["benchmark"]].score(references, predictions)
    wanted = {name: sum(r.set == name for r in references) for name in {r.set for r in references}}
    remarks = [
        f"{row['system']} has {row['pages']} of the {wanted[row['set']]} pages of {row['set']}: its row does not compare"
        for row in rows
        if row["pages"] < wanted[row["set"]]
    ]
    return rows, remarks


def _report(folder: Path, markdown: bool) -> tuple[list[dict[str, Any]], int]:
    """Write scores.json, print the table; the exit status says whether all pages were read."""
    from texthawk.eval import metrics, report, runs
    from texthawk.eval.benchmarks import BENCHMARKS

    rows, remarks = _scores(folder)
    record, _, predictions = runs.load(folder)
    runs.write_json(
        folder / "scores.json",
        {
            "benchmark": record["benchmark"],
            "metrics_version": metrics.METRICS_VERSION,
            "remarks": remarks,
            "rows": rows,
        },
    )
    print(report.table(rows, BENCHMARKS[record["benchmark"]].columns, markdown=markdown))
    for remark in remarks:
        _tell(remark)
    failed = [p for p in predictions if p.error is not None]
    for prediction in failed:
        _tell(f"not read: {prediction.set} {prediction.id} by {prediction.system}: {prediction.error}")
    return rows, 1 if failed else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
