"""Measured: how long a page takes to the first token of an answer, and how much memory, with random weights.

All setups stand side by side in one process and take turns, round after round, so that whatever else the machine does
falls on all of them alike; figures are medians over the rounds. Memory is that of a process of its own for each setup.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PretrainedConfig

from texthawk.compress.views import ViewGroup, group_sizes
from texthawk.eval.comparison.cost import CHANNELS
from texthawk.eval.comparison.rows import Setup
from texthawk.eval.comparison.shapes import TowerShape
from texthawk.types import TileLayout

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
KILOBYTE = 1024


@dataclass(frozen=True)
class Lap:
    """Seconds of one pass over a page, part by part; `first_token` is the whole pass."""

    tower: float
    connector: float
    prefill: float
    first_token: float


@dataclass(frozen=True)
class Timing:
    """Medians of a setup over the rounds, and the memory of one pass: in all, and beyond the weights."""

    name: str
    tokens: int
    rounds: int
    seconds: Lap
    peak_bytes: int | None
    working_bytes: int | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Eyes:
    """Tower and connector of a setup, and a page of one size for them to look at."""

    def __init__(self, setup: Setup, layout: TileLayout, tower: nn.Module, device: str) -> None:
        self.setup, self.layout, self.tower, self.device = setup, layout, tower, device
        with torch.device(device):
            connector = setup.connector.build(
                encoder_width=setup.tower.width, language_width=setup.language.hidden_size
            )
        self.connector = connector.eval()
        self.groups = group_sizes([layout])
        self.pixels = {
            size: torch.rand(len(index), CHANNELS, *size, device=device) for size, index in self.groups.items()
        }

    def look(self) -> list[ViewGroup]:
        """The page's views through the tower."""
        seen = []
        for size, index in self.groups.items():
            levels = self.tower(self.pixels[size])[-self.setup.connector.levels_needed :]
            h, w = (side // self.setup.tower.patch for side in size)
            maps = [level.unflatten(1, (h, w)) for level in levels]
            seen.append(ViewGroup(torch.tensor(index), maps, self.pixels[size]))
        return seen

    def now(self) -> float:
        """The time when all that was asked for is done."""
        if self.device != "cpu":
            torch.cuda.synchronize()
        return perf_counter()


class Reader(Eyes):
    """A page of one size, from pixels to the first token, through all parts of a setup."""

    def __init__(self, setup: Setup, layout: TileLayout, tower: nn.Module, language: nn.Module, device: str) -> None:
        super().__init__(setup, layout, tower, device)
        self.language = language
        self.head = nn.Linear(setup.language.hidden_size, setup.language.vocab_size, bias=False, device=device)

    @torch.inference_mode()
    def pass_over(self) -> Lap:
        """Once from the page's pixels to a token; the separators of a method are zeros here."""
        times = [self.now()]
        groups = self.look()
        times.append(self.now())
        [visual_TD] = self.connector(groups, [self.layout])
        times.append(self.now())
        missing = self.setup.connector.visual_tokens(self.layout) - len(visual_TD)
        sequence = torch.cat([visual_TD, visual_TD.new_zeros(missing, visual_TD.shape[1])])
        hidden = self.language(inputs_embeds=sequence[None], use_cache=True).last_hidden_state
        times.append(self.now())
        self.head(hidden[:, -1]).argmax().item()
        tower, connector, prefill = (after - before for before, after in pairwise(times))
        return Lap(tower, connector, prefill, self.now() - times[0])


def measure(
    pairs: Sequence[tuple[Setup, TileLayout]],
    *,
    rounds: int = 5,
    device: str = "cpu",
    tell: Callable[[str], None] = lambda line: None,
) -> list[Timing]:
    """Times of every setup on its layout of one page; equal towers and language models are built once and shared."""
    towers: dict[str, nn.Module] = {}
    languages: dict[str, nn.Module] = {}
    levels = max(setup.connector.levels_needed for setup, _ in pairs)
    readers = []
    for setup, layout in pairs:
        tower = towers.setdefault(repr(setup.tower), _tower(setup.tower, levels, device))
        language = languages.setdefault(setup.language.to_json_string(), _language(setup.language, device))
        readers.append(Reader(setup, layout, tower, language, device))
    laps: list[list[Lap]] = [[] for _ in readers]
    for turn in range(rounds + 1):
        for step in range(len(readers)):
            place = (turn + step) % len(readers)  # nobody is always first
            lap = readers[place].pass_over()
            if turn:  # the first round only warms up
                laps[place].append(lap)
        tell(f"round {turn} of {rounds}" if turn else "warmed up")
    found = []
    for (setup, layout), own in zip(pairs, laps, strict=True):
        seconds = Lap(*(median(getattr(lap, part) for lap in own) for part in [field.name for field in fields(Lap)]))
        peak, working = _memory(setup, layout, device)
        tell(f"{setup.name}: memory measured")
        tokens = setup.connector.visual_tokens(layout)
        found.append(Timing(setup.name, tokens, rounds, seconds, peak, working))
    return found


def connector_share(setup: Setup, layout: TileLayout, *, rounds: int = 5, device: str = "cpu") -> float:
    """The connector's time as a part of its tower's, the median over rounds in which one follows the other."""
    eyes = Eyes(setup, layout, _tower(setup.tower, setup.connector.levels_needed, device), device)
    shares = []
    with torch.inference_mode():
        for turn in range(rounds + 1):
            started = eyes.now()
            groups = eyes.look()
            looked = eyes.now()
            eyes.connector(groups, [layout])
            if turn:  # the first round only warms up
                shares.append((eyes.now() - looked) / (looked - started))
    return median(shares)


def _tower(shape: TowerShape, levels: int, device: str) -> nn.Module:
    with torch.device(device):
        return shape.build(levels).eval()


def _language(config: PretrainedConfig, device: str) -> nn.Module:
    with torch.device(device):
        return AutoModel.from_config(config).eval()


def _memory(setup: Setup, layout: TileLayout, device: str) -> tuple[int | None, int | None]:
    """Peak bytes of one pass in a process that does nothing else, and how much of it came with the pass.

    None and None for a CPU under a system that does not tell (it needs Linux' /proc).
    """
    if device == "cpu" and not RESET.exists():
        return None, None
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_one_pass, (setup, layout, device, torch.get_num_threads()))


def _one_pass(setup: Setup, layout: TileLayout, device: str, threads: int) -> tuple[int, int]:
    torch.set_num_threads(threads)
    levels = setup.connector.levels_needed
    reader = Reader(setup, layout, _tower(setup.tower, levels, device), _language(setup.language, device), device)
    if device != "cpu":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        reader.pass_over()
        peak = torch.cuda.max_memory_allocated()
    else:
        before = resident("VmRSS")
        RESET.write_text("5")
        reader.pass_over()
        peak = resident("VmHWM")
    return peak, peak - before


def resident(name: str) -> int:
    """Bytes of this process in memory: "VmRSS" now, "VmHWM" at most since the last reset.

    What getrusage gives will not do: a process started by another one inherits the other's highest figure.
    """
    [line] = [line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(name)]
    return int(line.split()[1]) * KILOBYTE
