"""Pages per minute of `read` on a CPU, in several ways of running the model, beside Tesseract on the same pages.

    python benchmarks/read_speed.py                                    the example page
    python benchmarks/read_speed.py pages/*.png --rounds 5             pages with their text beside them, in NAME.txt
    python benchmarks/read_speed.py pages/*.png --ways "step; tesseract"  only these

All ways read a page before the next page is begun, each round in another order, so that whatever else the machine does
falls on all of them. Per page and way the median of the rounds counts; a model's first reading, in which it is compiled
or packed, does not. CPU seconds include those of processes that were started; on a machine that does other work too they
say more than pages a minute. Prints a table and, with --json, writes what was measured.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch
import transformers
from PIL import Image
from torch import nn

import texthawk
from texthawk.decode.budgets import Budget
from texthawk.decode.greedy import Way, fastest
from texthawk.decode.onnx_step import can_run_onnx
from texthawk.decode.reader import Reader
from texthawk.decode.shipped import model_folder
from texthawk.decode.windows import Window
from texthawk.eval import metrics
from texthawk.eval.systems import tesseract_system

EXAMPLE = Path(__file__).parent.parent / "examples" / "page.png"
BATCHES = (1, 4, 16)
TARGET = "tesseract"
EXACT = "generate, eager"


class Batched(Reader):
    """A reader with a set number of windows in a batch."""

    windows_together = 16

    def _batch(self, windows: Sequence[Window], budget: Budget) -> int:
        return self.windows_together


@dataclass
class Candidate:
    """One way to read: what makes it, once, and what was measured; `reads` gives the text of an image file."""

    name: str
    make: Callable[[], Callable[[Path], str]]
    wall: dict[Path, list[float]] = field(default_factory=dict)
    cpu: dict[Path, list[float]] = field(default_factory=dict)
    text: dict[Path, str] = field(default_factory=dict)
    preparing: float = 0.0
    reads: Callable[[Path], str] | None = None

    def prepare(self, page: Path) -> None:
        began = time.perf_counter()
        self.reads = self.make()
        self.reads(page)
        self.preparing = time.perf_counter() - began

    def measure(self, page: Path) -> None:
        assert self.reads is not None
        began, before = time.perf_counter(), cpu_seconds()
        self.text[page] = self.reads(page)
        self.wall.setdefault(page, []).append(time.perf_counter() - began)
        self.cpu.setdefault(page, []).append(cpu_seconds() - before)

    def seconds(self, measured: dict[Path, list[float]]) -> float:
        """Mean over the pages of the medians over the rounds."""
        return sum(median(values) for values in measured.values()) / len(measured)


def cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def reader_of(
    model: str,
    *,
    way: Way | None = None,
    batch: int = 16,
    dtype: torch.dtype = torch.float32,
    attention: str = "sdpa",
    change: Callable[[nn.Module], nn.Module] | None = None,
) -> Callable[[], Callable[[Path], str]]:
    """What makes a reader. way: None for the default here. change: of the language model."""

    def make() -> Callable[[Path], str]:
        loaded = texthawk.load(model, device="cpu", dtype=dtype)
        reader = Batched(loaded.model, loaded.processor, loaded.calibration, way=way)
        reader.windows_together = batch
        reader.model.set_attn_implementation(attention)
        if change is not None:
            reader.model.model.language_model = change(reader.model.model.language_model)
        return lambda page: reader.read(str(page)).text

    return make


def quantized(language: nn.Module) -> nn.Module:
    """Linear layers with 8-bit weights, and inputs that are brought to 8 bits as they come."""
    return torch.ao.quantization.quantize_dynamic(language, {nn.Linear}, dtype=torch.qint8)


def compiled(language: nn.Module) -> nn.Module:
    language.forward = torch.compile(language.forward, dynamic=True)  # type: ignore[method-assign]
    return language


def tesseract(threads: int) -> Callable[[], Callable[[Path], str]]:
    def make() -> Callable[[Path], str]:
        system = tesseract_system(threads=threads)
        if system is None:
            raise SystemExit("tesseract is not on PATH; install it, or leave it out of --ways")
        return lambda page: system.read(page, "en")[0]

    return make


def ways_of(model: str, threads: int) -> list[Candidate]:
    """The ways that there are on this machine, each in batches of several sizes, and what they are compared with."""
    loaded = texthawk.load(model, device="cpu").model
    onnx: list[Way] = ["onnx", "onnx int8"] if can_run_onnx(loaded) else []
    plain: list[Way] = [*onnx, "step", "generate"]
    print(f"the default here is {fastest(loaded)!r}, batch {BATCHES[-1]}", file=sys.stderr)
    return [
        *(
            Candidate(f"{way}, batch {size}", reader_of(model, way=way, batch=size))
            for way in plain
            for size in reversed(BATCHES)
        ),
        Candidate("step, bf16", reader_of(model, way="step", dtype=torch.bfloat16)),
        Candidate("generate, bf16", reader_of(model, way="generate", dtype=torch.bfloat16)),
        Candidate(EXACT, reader_of(model, way="generate", attention="eager")),
        Candidate("generate, int8", reader_of(model, way="generate", change=quantized)),
        Candidate("generate, compiled", reader_of(model, way="generate", change=compiled)),
        Candidate(TARGET, tesseract(threads)),
    ]


def error_rate(way: Candidate) -> float | None:
    """Character errors over all pages whose text is known."""
    edits = [
        metrics.character_edits(
            metrics.normalise(way.text[page]), metrics.normalise(page.with_suffix(".txt").read_text())
        )
        for page in way.text
        if page.with_suffix(".txt").is_file()
    ]
    return metrics.corpus_rate(edits) if edits else None


def table(ways: Sequence[Candidate], pages: int, rounds: int, threads: int) -> str:
    target = next((way for way in ways if way.name == TARGET), None)
    usual = next((way for way in ways if way.name == EXACT), ways[0])
    lines = [
        f"{pages} page(s), {rounds} round(s), {threads} thread(s), torch {torch.__version__}, "
        f"transformers {transformers.__version__}, {platform.processor() or platform.machine()}",
        "",
        f"| way | pages/min | of {TARGET}'s | CPU s/page | of {TARGET}'s | CER | same text as {usual.name} | first page s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for way in ways:
        wall, cpu = way.seconds(way.wall), way.seconds(way.cpu)
        shares = ["", ""]
        if target is not None:
            shares = [f"{target.seconds(target.wall) / wall:.2f}", f"{target.seconds(target.cpu) / cpu:.2f}"]
        rate = error_rate(way)
        same = sum(way.text[page] == usual.text[page] for page in way.text)
        lines.append(
            f"| {way.name} | {60 / wall:.1f} | {shares[0]} | {cpu:.2f} | {shares[1]} | "
            f"{'' if rate is None else f'{rate:.4f}'} | {same}/{len(way.text)} | {way.preparing:.1f} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, default=[EXAMPLE], help="image files")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ways", help="names, separated by semicolons (default: all)")
    parser.add_argument("--json", type=Path, help="file for what was measured")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model_folder(arguments.model)
    for page in arguments.pages:
        with Image.open(page) as image:
            image.verify()
    ways = ways_of(arguments.model, arguments.threads)
    if arguments.ways:
        wanted = [name.strip() for name in arguments.ways.split(";")]
        unknown = set(wanted) - {way.name for way in ways}
        if unknown:
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {'; '.join(way.name for way in ways)}")
        ways = [way for way in ways if way.name in wanted]
    for way in ways:
        way.prepare(arguments.pages[0])
        print(f"{way.name}: ready after {way.preparing:.1f} s", file=sys.stderr)
    for number in range(arguments.rounds):
        turned = ways[number % len(ways) :] + ways[: number % len(ways)]
        for page in arguments.pages:
            for way in turned:
                way.measure(page)
    print(table(ways, len(arguments.pages), arguments.rounds, arguments.threads))
    if arguments.json:
        measured = {
            way.name: {
                str(page): {"wall": way.wall[page], "cpu": way.cpu[page], "text": way.text[page]} for page in way.wall
            }
            for way in ways
        }
        arguments.json.write_text(json.dumps(measured, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
