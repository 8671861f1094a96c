"""A small training on packs that can be killed: `python -m tests.data.training FOLDER` goes on until it is."""

import os
import sys
from pathlib import Path

import numpy as np
import torch

from tests.data.test_shards import encoded
from tests.model import tiny
from texthawk.data.example import PLACE, Example, Turn
from texthawk.data.loading import PackLoader
from texthawk.data.mixture import Mixture
from texthawk.data.packing import PackLimits, PackState
from texthawk.data.samples import SampleMaker
from texthawk.data.shards import ShardFolder, ShardWriter
from texthawk.train.conversation import CHATML

LIMITS = PackLimits(tokens=320, tiles=14, window=12)


def example(number: int) -> Example:
    """Pictures of one to seven tiles, answers of a few words to many."""
    rng = np.random.default_rng(number)
    height, width = (int(side) for side in rng.integers(20, 200, 2))
    answer = " ".join(["total", "quick", "fox"][int(k)] for k in rng.integers(0, 3, int(rng.integers(1, 9))))
    turns = (Turn(f"Nr {number}?", answer, "vqa"), Turn("Where?", PLACE, "grounding", ((0.1, 0.2, 0.3, 0.4),)))
    return Example(str(number), "made", encoded(height, width, number), turns)


def write_shards(folder: Path, counts: tuple[int, ...] = (40, 25)) -> None:
    first = 0
    for name, count in zip("ab", counts, strict=True):
        with ShardWriter(folder / name, samples=16) as writer:
            for number in range(first, first + count):
                writer.write(example(number))
        first += count


def loader(folder: Path, *, seed: int = 5, limits: PackLimits = LIMITS, resize=(0.7, 1.4), **settings) -> PackLoader:
    mixture = Mixture([(ShardFolder(folder / "a"), 2), (ShardFolder(folder / "b"), 1)], seed=seed, window=4)
    maker = SampleMaker(tiny.processor(), CHATML.segments, limits, resize=resize)
    return PackLoader(mixture, maker, packs=settings.pop("packs", 2), **settings)


def train(folder: Path, end: int | None, checkpoint: Path, *, workers: int = 0) -> list[str]:
    """Losses of every step up to `end`, as exact hexadecimal; goes on from a checkpoint, which each step writes."""
    model = tiny.model().train()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    state, losses = PackState(), []
    torch.manual_seed(0)
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        torch.set_rng_state(saved["rng"])
        state, losses = PackState.from_json(saved["state"]), saved["losses"]
    for step in loader(folder, workers=workers).steps(state, end=end):
        optimiser.zero_grad()
        loss = torch.stack([model(**pack.inputs()).loss for pack in step.packs]).mean()
        loss = loss + 0.01 * torch.rand(())  # what training draws by chance must go on too
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()).hex())
        content = {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "rng": torch.get_rng_state(),
            "state": step.after.to_json(),
            "losses": losses,
        }
        torch.save(content, checkpoint.with_suffix(".part"))
        os.replace(checkpoint.with_suffix(".part"), checkpoint)
        print(len(losses), flush=True)
    return losses


if __name__ == "__main__":
    train(Path(sys.argv[1]), None, Path(sys.argv[1]) / "checkpoint")
