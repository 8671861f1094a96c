"""texthawk compare: what each connector costs on a page, on equal terms and before any weights are needed."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from texthawk.eval.comparison.rows import Row, Setup
    from texthawk.eval.comparison.shapes import TowerShape
    from texthawk.eval.comparison.targets import Target
    from texthawk.eval.comparison.timing import Timing
    from texthawk.image.tilings import Tiling

    Towers = dict[str, Callable[[], TowerShape]]
    Languages = dict[str, Callable[[], PretrainedConfig]]

DEFAULT_PAGES = "a4@150,a4@300,1344x1344,448x224"
PAPER_MM = {"a3": (297, 420), "a4": (210, 297), "a5": (148, 210), "letter": (215.9, 279.4)}
MM_PER_INCH = 25.4

CONVENTION = (
    "A multiply and an add are two operations; matrix products, convolutions and attention count. Only the page's own "
    "tokens count, no prompt. TFLOP: every token attends to every token, logits for all tokens, as papers count that "
    "publish one number. First token: causal attention, logits for the last token, which is all that an answer's "
    "first word needs. KV: keys and values of the page in bfloat16."
)


def main(argv: list[str]) -> int:
    """0; 1 when a count and its formula differ by more than 1%; 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _compare(arguments)
    except (ValueError, ImportError) as error:
        print(f"texthawk compare: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="texthawk compare", description=__doc__, epilog=CONVENTION)
    made.add_argument(
        "--pages",
        type=pages,
        default=pages(DEFAULT_PAGES),
        metavar="A,B",
        help=f"WIDTHxHEIGHT in pixels or PAPER@DPI (default: {DEFAULT_PAGES})",
    )
    made.add_argument("--connectors", type=_connectors, metavar="A,B", help="only these (default: all)")
    made.add_argument("--tower", metavar="NAME", help="one tower for all (default: each paper's own)")
    made.add_argument("--language", default="qwen2-7b", metavar="NAME", help="for all (default: qwen2-7b)")
    made.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    made.add_argument("--markdown", action="store_true", help="print the tables in Markdown")
    made.add_argument("--out", type=Path, metavar="DIR", help="write compare.json and compare.png there")
    measuring = made.add_argument_group("measured, with random weights")
    measuring.add_argument("--measure", action="store_true", help="also time the page to its first token, and memory")
    measuring.add_argument("--measured-tower", default="nano", metavar="NAME", help="tower of all (default: nano)")
    measuring.add_argument("--measured-language", default="small", metavar="NAME", help="default: small")
    measuring.add_argument("--rounds", type=_positive, default=5, metavar="N", help="timed rounds (default: 5)")
    measuring.add_argument("--threads", type=_positive, default=1, metavar="N", help="default: 1")
    measuring.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    return made


def pages(text: str) -> list[tuple[int, int]]:
    """(height, width) in pixels of each page named: 448x224 is 448 wide, a4@150 is A4 at 150 dots per inch."""
    found = []
    for name in _names(text):
        if match := re.fullmatch(r"(\d+)[xX](\d+)", name):
            width, height = int(match[1]), int(match[2])
        elif (match := re.fullmatch(r"(\w+)@(\d+)", name)) and match[1].lower() in PAPER_MM:
            width, height = (round(side / MM_PER_INCH * int(match[2])) for side in PAPER_MM[match[1].lower()])
        else:
            raise argparse.ArgumentTypeError(
                f"{name!r} is no page; give WIDTHxHEIGHT in pixels or one of {', '.join(PAPER_MM)} as a4@150"
            )
        if not (width and height):
            raise argparse.ArgumentTypeError(f"{name!r} has no area; sides are at least 1 px")
        found.append((height, width))
    if not found:
        raise argparse.ArgumentTypeError("no page is named")
    return list(dict.fromkeys(found))


def _names(text: str) -> list[str]:
    """Each name once, in the order given."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _connectors(text: str) -> list[str]:
    names = _names(text)
    if not names:
        raise argparse.ArgumentTypeError("no connector is named; leave --connectors out for all of them")
    return names


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _compare(arguments: argparse.Namespace) -> int:
    import torch

    from texthawk.eval.comparison import report, targets
    from texthawk.eval.comparison.counting import Counter
    from texthawk.eval.comparison.entries import ENTRIES, setup
    from texthawk.eval.comparison.published import cases
    from texthawk.eval.comparison.rows import check_views, compare
    from texthawk.image.settings import known
    from texthawk.model.loading import usable_device

    arguments.device = usable_device(arguments.device)
    torch.set_num_threads(arguments.threads)
    towers, languages = _backbones()
    names = arguments.connectors or list(ENTRIES)
    language = languages[known("language model", arguments.language, languages)]()
    setups = [(setup(name, towers, language, arguments.tower), ENTRIES[name].tiling) for name in names]
    small = languages[known("language model", arguments.measured_language, languages)]()
    measured = [
        (setup(name, towers, small, arguments.measured_tower), tiling)
        for name, (_, tiling) in zip(names, setups, strict=True)
    ]

    check_views([*setups, *(measured if arguments.measure else ())], arguments.pages)
    if arguments.out:
        _require_writable(arguments.out)

    counter = Counter()
    rows = compare(setups, arguments.pages, counter)
    papers = [(case, case.row(counter)) for case in cases()]
    aims = targets.counted(counter, language) if arguments.language == targets.LANGUAGE else []
    timings: dict[tuple[int, int], list[Timing]] = {}
    if arguments.measure:
        timings = {page: _measure(measured, page, arguments) for page in arguments.pages}
        aims += targets.measured(timings.get(targets.PAGE, []))
        aims.append(_share(arguments))
    found = report.document(rows, papers, aims, timings, _settings(arguments, names))
    if arguments.out:
        _write(arguments.out, found, rows)
    print(json.dumps(found, indent=1) if arguments.json else report.tables(found, markdown=arguments.markdown))
    for line in found["disagreements"]:
        print(f"texthawk compare: {line}; they may differ by 1% at most", file=sys.stderr)
    return 1 if found["disagreements"] else 0


def _backbones() -> "tuple[Towers, Languages]":
    """The public shapes, and nano's."""
    from texthawk.eval.comparison.shapes import LANGUAGES, TOWERS, TowerShape
    from texthawk.recipes import RECIPES

    nano = RECIPES["nano"]().model_config()
    towers: Towers = {**TOWERS, "nano": lambda: TowerShape(nano.vision_config, nano.feature_layers)}
    languages: Languages = {**LANGUAGES, "nano": lambda: nano.text_config}
    return towers, languages


def _settings(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """What was asked, for the document."""
    from texthawk.eval.comparison.entries import ENTRIES

    about = {name: ENTRIES[name].about for name in names}
    towers = {name: arguments.tower or ENTRIES[name].tower for name in names}
    threads = f"{arguments.threads} thread{'s' * (arguments.threads > 1)}"
    measured_on = (
        f"tower {arguments.measured_tower}, language model {arguments.measured_language}, random weights in float32, "
        f"{arguments.device}, {threads}"
    )
    return {
        "language": arguments.language,
        "towers": towers,
        "connectors": about,
        "convention": CONVENTION,
        "cache_values": "bfloat16",
        "measured_on": measured_on if arguments.measure else None,
    }


def _measure(
    setups: "Sequence[tuple[Setup, Tiling]]", page: tuple[int, int], arguments: argparse.Namespace
) -> "list[Timing]":
    from texthawk.eval.comparison.timing import measure

    pairs = [(made, tiling.layout(*page)) for made, tiling in setups]

    def tell(line: str) -> None:
        print(f"texthawk compare: {page[1]}x{page[0]}: {line}", file=sys.stderr, flush=True)

    return measure(pairs, rounds=arguments.rounds, device=arguments.device, tell=tell)


def _share(arguments: argparse.Namespace) -> "Target":
    """ReSA's share of its tower's time, both at their own size, on two tiles: what they cost is the same for each."""
    from texthawk.eval.comparison import targets
    from texthawk.eval.comparison.entries import setup
    from texthawk.eval.comparison.shapes import LANGUAGES, TOWERS
    from texthawk.eval.comparison.timing import connector_share
    from texthawk.types import TileLayout

    ours = setup(targets.OURS, TOWERS, LANGUAGES["qwen2-7b"]())
    layout = TileLayout(1, 2, False, 224, 448)
    return targets.share(connector_share(ours, layout, rounds=arguments.rounds, device=arguments.device))


def _require_writable(folder: Path) -> None:
    """Make the folder; ValueError where nothing can be written to it, before anybody has waited for what is to be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"the comparison cannot be written to {folder}; choose another folder ({error})") from error


def _write(folder: Path, found: dict[str, Any], rows: "Sequence[Row]") -> None:
    from texthawk.eval.comparison.figure import draw

    (folder / "compare.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(rows, [folder / "compare.png"])
