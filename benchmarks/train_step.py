"""Tokens a second and utilisation of a training step, in packs and padded, on the machine it runs on.

    python benchmarks/train_step.py --threads 1
    python benchmarks/train_step.py --recipe texthawk2 --lora --device cuda --tokens 4096 --tiles 108 --packs 2

The weights are random and the numbers in pictures and texts too; sizes and lengths are those that benchmarks/packing.py draws.
The same samples are trained on twice: in packs, and in batches of as many samples as a pack holds on average, padded to their
longest. Tokens are those of samples, padding not among them. Utilisation is what the samples need, each by itself, forward
and backward, over what the machine's matrix product can do in that time, measured beforehand; what is computed again, and
padding, are not needed. Of a CPU, time is what its threads worked, so that other programs do not count. --lora takes the
recipe's first stage (TextHawk2's LoRA in tower and language model), without it the last is run.
"""

import argparse
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import torch
from packing import DrawnCost, drawn_packs

from texthawk.data.packing import PackLimits
from texthawk.data.packs import Pack
from texthawk.data.samples import IGNORED
from texthawk.image.tilings import layout_to_row
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes import RECIPES
from texthawk.train.engine import OneProcess
from texthawk.train.lora import add_adapters
from texthawk.train.parts import adamw, choose, set_rates, trained
from texthawk.train.planned_parts import part_costs
from texthawk.train.schedule import PaperStage
from texthawk.types import TileLayout

ANSWERED = 0.5
"""The part of a sample's text that is learned."""


def peak(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of the best of some square matrix products."""
    best = 0.0
    for side in (1024, 2048) if device.type == "cpu" else (4096, 8192, 16384):
        a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        for _ in range(2):
            a @ b
        for _ in range(5):
            with timed(device) as seconds:
                for _ in range(1 if device.type == "cpu" else 10):
                    a @ b
            best = max(best, (1 if device.type == "cpu" else 10) * 2 * side**3 / seconds[0])
    return best


@contextmanager
def timed(device: torch.device) -> Iterator[list[float]]:
    """The seconds that what is inside takes, the device's own work included; of a CPU, those that its threads worked."""
    seconds: list[float] = []
    if device.type == "cpu":
        clock, threads = time.process_time, torch.get_num_threads()
    else:
        clock, threads = time.perf_counter, 1
        torch.cuda.synchronize()
    began = clock()
    yield seconds
    if device.type != "cpu":
        torch.cuda.synchronize()
    seconds.append((clock() - began) / threads)


def rows_of(groups: Sequence[Sequence[DrawnCost]], config: TextHawkConfig, length: int, seed: int) -> Pack:
    """Samples laid side by side, a group to a row of `length` tokens; random words, random pictures."""
    dice = torch.Generator().manual_seed(seed)
    ids = torch.randint(10, 200, (len(groups), length), generator=dice)  # words of every recipe
    labels = torch.full_like(ids, IGNORED)
    places = torch.zeros_like(ids)
    lengths: list[int] = []
    tiles = 0
    for row, group in enumerate(groups):
        start = 0
        for sample in group:
            visual, end = config.visual_tokens(sample.layout), start + sample.cost.tokens
            ids[row, start + 1 : start + 1 + visual] = config.image_token_id
            learned = end - learned_tokens(sample, config)
            labels[row, learned:end] = ids[row, learned:end]
            places[row, start:end] = torch.arange(end - start)
            start, tiles = end, tiles + sample.layout.tiles
            lengths.append(sample.cost.tokens)
        places[row, start:] = torch.arange(length - start)
    side = config.tiling_config.tile
    grids = torch.tensor([layout_to_row(sample.layout) for group in groups for sample in group])
    pixels = torch.randn(tiles, 3, side, side, generator=dice)
    return Pack(ids, labels, torch.full(ids.shape, torch.nan), places, pixels, grids, tuple(lengths), ())


def learned_tokens(sample: DrawnCost, config: TextHawkConfig) -> int:
    return round(ANSWERED * (sample.cost.tokens - config.visual_tokens(sample.layout) - config.frame_tokens))


class Machine:
    """A recipe's model with random weights on a device, and its training step."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.device, self.bf16 = torch.device(args.device), args.dtype == "bfloat16"
        recipe = RECIPES[args.recipe]()
        stages = recipe.paper_stages or RECIPES["texthawk2"]().paper_stages
        self.stage: PaperStage = replace(stages[0 if args.lora else -1], warmup=0.0)
        self.config = recipe.model_config()
        half = self.bf16 and self.device.type != "cpu"
        with self.device:
            torch.set_default_dtype(torch.bfloat16 if half else torch.float32)
            self.model = TextHawkForConditionalGeneration(self.config)
            torch.set_default_dtype(torch.float32)
            add_adapters(self.model, self.stage)
        groups = choose(self.model, self.stage)
        if not args.keep_activations:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                self.model.gradient_checkpointing_enable({"use_reentrant": False})
        if args.compile:
            for layer in [*self.model.model.vision_tower.model.encoder.layers, *self.model.model.language_model.layers]:
                layer.compile()
        self.engine = OneProcess(args.device, bf16=self.bf16, masked=args.compile)
        self.placed = self.engine.place(self.model).train()
        self.optimiser = adamw(self.placed, groups, self.stage)
        set_rates(self.optimiser, groups, self.stage, 1, 100)
        self.needed = cache(self._needed)

    def step(self, packs: Sequence[Pack]) -> float:
        """Seconds of a step: forward, backward, norm and update."""
        with timed(self.device) as seconds:
            found = self.engine.step(self.placed, packs, self.config)
            self.engine.clip(self.placed, 1.0)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
        assert not found.not_finite
        return seconds[0]

    def _needed(self, layout: TileLayout, tokens: int, learned: int) -> int:
        with torch.device("meta"):
            plain = TextHawkForConditionalGeneration(self.config)
        costs = part_costs(self.stage, plain, self.config, layout, tokens=tokens, learned=max(1, learned))
        return sum(costs.operations().values())

    def operations(self, samples: Sequence[DrawnCost]) -> int:
        """What a step on these samples needs."""
        return sum(
            self.needed(sample.layout, sample.cost.tokens, learned_tokens(sample, self.config)) for sample in samples
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="nano", choices=[name for name in RECIPES if "uhd" not in name])
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default=None)
    parser.add_argument("--packs", type=int, default=1, help="in a step")
    parser.add_argument("--steps", type=int, default=3, help="that are timed; the median counts")
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--tiles", type=int, default=40)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--keep-activations", action="store_true")
    args = parser.parse_args()
    args.dtype = args.dtype or ("float32" if args.device == "cpu" else "bfloat16")
    if args.threads:
        torch.set_num_threads(args.threads)
    limits = PackLimits(args.tokens, args.tiles)
    most = peak(torch.device(args.device), getattr(torch, args.dtype))
    machine = Machine(args)
    config = machine.config
    learned = sum(parameter.numel() for parameter in trained(machine.model).values())
    print(
        f"{args.recipe}, {machine.stage.name}: {learned / 1e6:.1f} million weights learn; {args.device}, {args.dtype}"
    )
    print(f"matrix product: {most / 1e12:.3f} TFLOP/s")
    samples = list(drawn_packs(args.packs, args.seed, limits))
    flat = [sample for pack in samples for sample in pack]
    each = round(len(flat) / args.packs)
    batches = [flat[start : start + each] for start in range(0, len(flat), each)]
    tokens, operations = sum(sample.cost.tokens for sample in flat), machine.operations(flat)
    ways = {
        "packs": [rows_of([pack], config, args.tokens, number) for number, pack in enumerate(samples)],
        f"batches of {each}, padded": [
            rows_of([[sample] for sample in batch], config, max(sample.cost.tokens for sample in batch), number)
            for number, batch in enumerate(batches)
        ],
    }
    print(
        f"{len(flat)} samples, {tokens} tokens, {sum(s.layout.tiles for s in flat)} tiles, {operations / 1e12:.2f} TFLOP a step"
    )
    print("| way | tokens with padding | seconds a step | tokens/s | utilisation |\n|---|---:|---:|---:|---:|")
    for way, packs in ways.items():
        machine.step(packs)
        seconds = sorted(machine.step(packs) for _ in range(args.steps))[args.steps // 2]
        full = sum(pack.input_ids.numel() for pack in packs)
        print(f"| {way} | {full} | {seconds:.3f} | {tokens / seconds:.0f} | {operations / seconds / most:.1%} |")
    if args.device != "cpu":
        print(f"most memory: {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
