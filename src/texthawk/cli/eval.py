"""texthawk eval: score a model, with Tesseract beside it on the same pages; every prediction is kept."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from texthawk.cli.eval_calibration import calibration
from texthawk.cli.eval_run import families_of, fonts_of, report, run_and_score, scores, several, tell

BENCHMARKS = ("read", "lines", "questions", "fields", "grounding", "tables", "markdown", "facts")
"""Verbs that are benchmarks on folders of sets, by their names in `texthawk.eval.benchmarks`."""
FACTORY_TASKS = ("read", "questions", "grounding")
"""What documents of the factory are evaluated for where nothing else is said."""

VERBS = {
    "read": "read the full text of pages in sets: CER, WER, F1 of words, seconds per page",
    "lines": "the text with a box for each line, set on rows and in one prompt: F1 of boxes at an IoU of 0.5, CER",
    "questions": "questions on documents, charts and tables: exact match, ANLS, relaxed accuracy, denotations",
    "fields": "key fields of documents as JSON: field F1",
    "grounding": "where phrases are printed: accuracy at an IoU of 0.5",
    "tables": "pictures of tables into HTML: TEDS",
    "markdown": "pages into Markdown: edit distance, F1 of words",
    "facts": "facts about the text of pages: what is there, what is not, what comes first",
    "all": "every benchmark on every set that has its task, each in a folder of its own in RUN",
    "factory": "documents of the factory that training cannot have had: text, questions by kind, boxes",
    "score": "score a run again from its predictions alone, without model or images",
    "density": "error against the number of words on 448 x 224 pixels, with a figure",
    "print": "error on printed text and fonts that no training page had",
    "calibration": "fit the map from the model's probabilities to a confidence that means what it says, or measure it",
}


def main(argv: list[str]) -> int:
    """0; 1 when some pages could not be read (the others are scored); 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        verbs = {
            **dict.fromkeys(BENCHMARKS, on_sets),
            "all": on_all_sets,
            "factory": factory,
            "score": score,
            "density": density,
            "print": printed,
            "calibration": calibration,
        }
        return verbs[arguments.verb](arguments, argv)
    except (ValueError, ImportError, OSError) as error:
        print(f"texthawk eval {arguments.verb}: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="texthawk eval", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {name: verbs.add_parser(name, help=about, description=about) for name, about in VERBS.items()}

    for verb in (*BENCHMARKS, "all"):
        made[verb].add_argument(
            "folders", nargs="+", type=Path, metavar="DIR", help="a set (samples.*.jsonl), or a folder of sets"
        )
        made[verb].add_argument("--sets", type=_names, default=[], metavar="A,B", help="only these sets")
        made[verb].add_argument("--split", default="dev", help="which samples.SPLIT.jsonl (default: dev)")
        made[verb].add_argument("--limit", type=_positive, metavar="N", help="at most N samples of each set")

    made["all"].add_argument(
        "--benchmarks", type=_names, default=[], metavar="A,B", help=f"only these of {', '.join(BENCHMARKS)}"
    )

    made["score"].add_argument("run", type=Path, metavar="RUN", help="what --out was, also of all and factory")
    made["score"].add_argument(
        "--force", action="store_true", help="score a run that was made with another metric version"
    )

    for verb in ("density", "print", "calibration", "factory"):
        made[verb].add_argument(
            "--text",
            type=Path,
            required=verb != "calibration",
            metavar="DIR",
            help=".txt, .md or .jsonl; its test split is printed"
            if verb != "factory"
            else "texts by language (en_news.jsonl, zh.txt); their test split is printed",
        )
        made[verb].add_argument("--seed", type=_seed, default=0)
    made["density"].add_argument(
        "--per", type=_positive, default=20, metavar="N", help="sheets for each number of words (default: 20)"
    )
    made["density"].add_argument(
        "--fonts", nargs="+", type=Path, default=[], metavar="FONT", help="font files, or folders of them"
    )
    made["density"].add_argument(
        "--hold-out", type=_names, default=[], metavar="A,B", help="only families whose name holds one of these"
    )
    for verb, count, what in (
        ("print", 200, "sheets of text"),
        ("calibration", 200, "sheets of text"),
        ("factory", 100, "samples of each task"),
    ):
        made[verb].add_argument(
            "--fonts-held-out",
            type=_names,
            required=verb != "calibration",
            default=[],
            metavar="A,B",
            help="families that training did not use",
        )
        made[verb].add_argument(
            "--count", type=_positive, default=count, metavar="N", help=f"{what} (default: {count})"
        )
    made["factory"].add_argument(
        "--tasks",
        type=_names,
        default=list(FACTORY_TASKS),
        metavar="A,B",
        help=f"of read, questions, grounding, fields, tables, markdown (default: {','.join(FACTORY_TASKS)})",
    )
    made["factory"].add_argument(
        "--families", type=_names, default=[], metavar="A,B", help="of documents (default: all)"
    )
    made["factory"].add_argument(
        "--lang", type=_names, default=[], metavar="A,B", help="languages, or mixed (default: all)"
    )
    made["factory"].add_argument(
        "--level", type=int, choices=range(4), metavar="0-3", help="damage (default: all levels)"
    )
    made["factory"].add_argument(
        "--height", type=_positive, default=1000, metavar="PX", help="of a page (default: 1000)"
    )
    made["print"].add_argument(
        "--boxes", action="store_true", help="ask for the text with a box for each line, set on rows and in one prompt"
    )
    made["calibration"].add_argument(
        "--pages",
        nargs="+",
        type=Path,
        default=[],
        metavar="DIR",
        help="fit nothing, and measure the model's own map on the dev pages of these sets",
    )
    made["calibration"].add_argument("--limit", type=_positive, metavar="N", help="pages of each set (default: all)")
    made["calibration"].add_argument(
        "--save", action="store_true", help="write the map into the model's folder, where reading finds it"
    )

    for verb in (*BENCHMARKS, "all", "factory", "density", "print", "calibration"):
        made[verb].add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
        if verb != "calibration":
            made[verb].add_argument("--no-model", action="store_true", help="Tesseract alone")
            made[verb].add_argument(
                "--one-prompt",
                action="store_true",
                help="beside the reader, the model with each whole picture in one prompt",
            )
            made[verb].add_argument(
                "--whole-page",
                action="store_true",
                help="beside the reader, the reader with all lines of a page in one prompt, on one tall grid of tiles",
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
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; give a whole number, 0 or more")
    return int(text)


def on_sets(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.eval import benchmarks

    samples, remarks = benchmarks.BENCHMARKS[arguments.verb].find(
        arguments.folders, arguments.split, arguments.sets, arguments.limit
    )
    for remark in remarks:
        tell(remark)
    return run_and_score(arguments, argv, samples, arguments.verb)


def on_all_sets(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.eval import benchmarks

    if unknown := [name for name in arguments.benchmarks if name not in BENCHMARKS]:
        raise ValueError(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    found, remarks = benchmarks.on_all(
        arguments.benchmarks or BENCHMARKS, arguments.folders, arguments.split, arguments.sets, arguments.limit
    )
    for remark in remarks:
        tell(remark)
    return several(arguments, argv, found)


def factory(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.data.factory.factory import HELD_OUT_SEEDS, Factory
    from texthawk.data.factory.texts import Texts
    from texthawk.eval import unseen

    fonts = fonts_of([], arguments.fonts_held_out)
    tell(f"families: {', '.join(families_of(fonts))}")
    texts = Texts.from_folder(arguments.text, split="test")
    languages = [lang for lang in arguments.lang if lang != "mixed"]
    made = Factory(
        texts.only(languages) if languages and "mixed" not in arguments.lang else texts,
        fonts,
        seed=HELD_OUT_SEEDS + arguments.seed,
        languages=dict.fromkeys(arguments.lang, 1.0) or None,
        families=dict.fromkeys(arguments.families, 1.0) or None,
        damage=[0.4, 0.3, 0.2, 0.1] if arguments.level is None else [float(n == arguments.level) for n in range(4)],
        height=arguments.height,
    )
    samples = unseen.samples(made, arguments.out / "images", arguments.tasks, arguments.count)
    for name, taken in samples.items():
        if len(taken) < arguments.count:
            tell(f"{name}: {len(taken)} samples, for few of these documents have any; choose among --families")
    return several(arguments, argv, samples)


def score(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.eval import runs

    folders = [arguments.run]
    if arguments.run.is_dir() and not runs.is_run(arguments.run):
        folders = [path for path in sorted(arguments.run.iterdir()) if runs.is_run(path)] or folders
    for folder in folders:
        runs.same_metrics(runs.load(folder)[0], arguments.force)
    return max(report(folder, arguments.markdown, heading=len(folders) > 1) for folder in folders)


def density(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.data.synth.corpus import Corpus
    from texthawk.eval import density as benchmark
    from texthawk.eval import sheets
    from texthawk.eval.runs import write_json

    fonts = fonts_of(arguments.fonts, arguments.hold_out)
    corpus = Corpus.from_folder(arguments.text, split="test")
    samples = benchmark.samples(corpus, fonts, arguments.out / "images", per=arguments.per, seed=arguments.seed)
    status = run_and_score(arguments, argv, samples)
    rows, _ = scores(arguments.out)
    write_json(
        arguments.out / "density.json",
        {
            "width": sheets.WIDTH,
            "height": sheets.HEIGHT,
            "sheets": arguments.per,
            "families": families_of(fonts),
            "cer": benchmark.curves(rows),
            "rows": rows,
        },
    )
    benchmark.draw(rows, [arguments.out / "density.png", arguments.out / "density.svg"])
    return status


def printed(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.data.synth.corpus import Corpus
    from texthawk.eval import printed as benchmark

    fonts = fonts_of([], arguments.fonts_held_out)
    tell(f"families: {', '.join(families_of(fonts))}")
    corpus = Corpus.from_folder(arguments.text, split="test")
    samples = benchmark.samples(
        corpus, fonts, arguments.out / "images", sheets=arguments.count, seed=arguments.seed, boxes=arguments.boxes
    )
    return run_and_score(arguments, argv, samples, "lines" if arguments.boxes else "read")
