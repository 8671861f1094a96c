"""How full packs of 4096 tokens and 108 tiles are, beside what padding would leave empty.

    python benchmarks/packing.py --packs 1000
    python benchmarks/packing.py --packs 100 --shards FOLDER ANOTHER

Without shards, costs are drawn as for TextHawk2's pre-training: its shares of grounding, general and OCR samples (section 5.1),
pictures of sizes that such sets have cut by the shape-adaptive rule, lengths of text drawn so that about six samples make a
pack, as the paper's 100 million samples in 45,000 steps of 384 packs do. With shards their examples are written down with
the shipped model's tokenizer, pages of up to 36 tiles, in shares of their sizes; no picture is decoded.

Padding is measured twice on the same samples in the same order: each sample padded to a pack's length, and batches of as
many samples as a pack holds on average padded to their longest.
"""

import argparse
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from texthawk.compress.resa import ReSAConfig
from texthawk.data.loading import PackLoader
from texthawk.data.mixture import Mixture
from texthawk.data.packing import Cost, Costly, PackLimits, plan_steps
from texthawk.data.samples import SampleMaker
from texthawk.data.shards import ShardFolder
from texthawk.decode.reader import model_folder
from texthawk.image.tiles import TilingConfig
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.processing import TextHawkProcessor
from texthawk.train.conversation import CHATML
from texthawk.types import TileLayout

FRAME = 2
TEMPLATE = 25  # of a chat turn


@dataclass(frozen=True)
class Kind:
    """A kind of sample: its share, the median of its picture's longer side in pixels, and of its text in tokens.

    Sides and texts are log-normal, `spread` the latter's deviation; shapes vary by a factor of about 1.4 about `shape`
    (height over width).
    """

    share: float
    side: float
    shape: float
    text: float
    spread: float


KINDS = {
    "grounding": Kind(0.41, 640, 0.75, 260, 0.7),
    "general": Kind(0.36, 600, 0.75, 200, 1.0),
    "OCR": Kind(0.23, 1600, 1.3, 600, 0.7),
}
TILING, COMPRESSOR = TilingConfig(max_tiles=36), ReSAConfig()


@dataclass(frozen=True)
class DrawnCost:
    number: int
    cost: Cost
    layout: TileLayout


def drawn(number: int, seed: int, limits: PackLimits) -> DrawnCost:
    """The costs of a sample; a text too long for a pack ends where the pack does."""
    rng = np.random.default_rng((seed, number))
    kind = list(KINDS.values())[rng.choice(len(KINDS), p=[kind.share for kind in KINDS.values()])]
    longer = kind.side * math.exp(rng.normal(0, 0.35))
    shape = kind.shape * math.exp(rng.normal(0, 0.35))
    height, width = (longer, longer / shape) if shape > 1 else (longer * shape, longer)
    layout = TILING.layout(max(1, round(height)), max(1, round(width)))
    visual = COMPRESSOR.visual_tokens(layout) + FRAME + TEMPLATE
    text = max(1, round(kind.text * math.exp(rng.normal(0, kind.spread))))
    return DrawnCost(number, Cost(min(limits.tokens, visual + text), layout.tiles), layout)


def drawn_packs(count: int, seed: int, limits: PackLimits) -> Iterator[tuple[DrawnCost, ...]]:
    def read(numbers: Iterable[int]) -> Iterator[tuple[int, DrawnCost | None]]:
        found = ((number, drawn(number, seed, limits)) for number in numbers)
        return ((number, sample if limits.hold(sample.cost) else None) for number, sample in found)

    return (pack for plan in islice(plan_steps(read, limits, 1), count) for pack in plan.packs)


def shard_packs(folders: list[Path], count: int, seed: int, limits: PackLimits) -> Iterator[tuple[Costly, ...]]:
    tokenizer = AutoTokenizer.from_pretrained(model_folder("nano"))
    processor = TextHawkProcessor(TextHawkImageProcessor(TILING), tokenizer, COMPRESSOR)
    sources = [ShardFolder(folder) for folder in folders]
    mixture = Mixture([(source, len(source)) for source in sources], seed=seed)
    loader = PackLoader(mixture, SampleMaker(processor, CHATML.segments, limits), packs=1)
    yield from (plan.packs[0] for plan in islice(loader.plans(), count))
    print(f"{loader.dropped.count} of {loader.dropped.seen} records left out: {loader.dropped}")


def report(packs: Sequence[tuple[Costly, ...]], limits: PackLimits, seconds: float) -> None:
    samples = sorted((item for pack in packs for item in pack), key=lambda item: item.number)
    tokens = np.array([item.cost.tokens for item in samples])
    tiles = sum(item.cost.tiles for item in samples)
    each = round(len(samples) / len(packs))
    batches = [tokens[start : start + each] for start in range(0, len(tokens), each)]
    longest = sum(len(batch) * batch.max() for batch in batches)
    fills = sorted(sum(item.cost.tokens for item in pack) / limits.tokens for pack in packs)
    print(
        f"{len(packs)} packs of {limits.tokens} tokens and {limits.tiles} tiles, {len(samples)} samples "
        f"({len(samples) / len(packs):.1f} a pack, {tokens.mean():.0f} tokens and {tiles / len(samples):.1f} tiles each)"
    )
    print(f"| way | tokens that are no padding |\n|---|---:|\n| packs | {np.mean(fills):.2%} |")
    print(f"| batches of {each} padded to their longest | {tokens.sum() / longest:.2%} |")
    print(f"| each padded to {limits.tokens} | {tokens.mean() / limits.tokens:.2%} |")
    print(
        f"the emptiest pack in a hundred is {fills[len(fills) // 100]:.2%} full; tiles are {tiles / len(packs):.0f} a pack"
    )
    print(f"{1000 * seconds / len(packs):.1f} ms a pack, costs included")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=PackLimits.tokens)
    parser.add_argument("--tiles", type=int, default=PackLimits.tiles)
    parser.add_argument("--window", type=int, default=PackLimits.window)
    parser.add_argument("--shards", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    limits = PackLimits(args.tokens, args.tiles, args.window)
    start = time.perf_counter()
    if args.shards:
        packs: Sequence[tuple[Costly, ...]] = list(shard_packs(args.shards, args.packs, args.seed, limits))
    else:
        packs = list(drawn_packs(args.packs, args.seed, limits))
    report(packs, limits, time.perf_counter() - start)


if __name__ == "__main__":
    main()
