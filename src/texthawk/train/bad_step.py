"""A step whose loss is not finite is kept whole, so that it can be looked at sample by sample."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from texthawk.data.packs import Pack
from texthawk.data.samples import IGNORED
from texthawk.train.engine import read_whole, write_whole
from texthawk.train.global_step import counts_of, losses
from texthawk.train.stage_model import StageModel


@dataclass(frozen=True)
class SampleLoss:
    """number: of the sample in its mixture's order. loss: the mean over its learned tokens, NaN where there are none."""

    number: int
    loss: float
    box: float


def keep_step(place: Path, packs: Sequence[Pack], weights: dict[str, Tensor]) -> None:
    """Write down the packs of a step and the weights that learn, as they were before it."""
    write_whole(place, {"packs": list(packs), "weights": weights})


def replay(place: Path, model: StageModel) -> list[SampleLoss]:
    """What each sample of a kept step costs by itself, computed in float32 with the weights that were kept.

    model: the stage's, as it is before its first step.
    """
    saved = read_whole(place, plain=False)
    model.put(saved["weights"])
    plain, config = model.model.float().eval(), model.model.config
    found: list[SampleLoss] = []
    with torch.no_grad():
        for pack in saved["packs"]:
            for number, alone in _samples(pack):
                sums, counts = losses(plain, alone, config), counts_of([alone], config)
                found.append(
                    SampleLoss(
                        number,
                        float(sums.language) / counts.weight if counts.weight else math.nan,
                        float(sums.box) / counts.places if counts.places else math.nan,
                    )
                )
    return found


def _samples(pack: Pack) -> list[tuple[int, Pack]]:
    """Each sample of a pack with its number, as the pack in which nothing else is learned."""
    found: list[tuple[int, Pack]] = []
    start = 0
    for number, length in zip(pack.numbers, pack.lengths, strict=False):
        others = torch.ones_like(pack.labels, dtype=torch.bool)
        others[:, start : start + length] = False
        found.append((number, replace(pack, labels=pack.labels.masked_fill(others, IGNORED))))
        start += length
    return found
