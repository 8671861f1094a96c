"""How many devices share the data, the matrices and the depth of a model; numbers only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

AXES = ("dp", "tp", "pp")


@dataclass(frozen=True)
class ParallelLayout:
    """dp: groups of devices with packs of their own, among which weights are sharded. tp: devices that share every matrix
    and, between matrices, the tokens of a pack. pp: stages of layers one after another.

    Written as `dp2,tp2`; what is not named is 1.
    """

    dp: int = 1
    tp: int = 1
    pp: int = 1

    def __post_init__(self) -> None:
        for axis in AXES:
            if getattr(self, axis) < 1:
                raise ValueError(f"{axis}{getattr(self, axis)} is no number of devices; give 1 or more")

    @classmethod
    def from_text(cls, text: str) -> "ParallelLayout":
        """From `dp2,tp2`; ValueError for anything else."""
        found: dict[str, int] = {}
        for entry in text.split(","):
            match = re.fullmatch(r"\s*(dp|tp|pp)(\d+)\s*", entry)
            if not match or match[1] in found:
                raise ValueError(
                    f"parallel layout {text!r}: {entry.strip()!r} is not dp, tp or pp with a number, each once; for "
                    "example dp2,tp2"
                )
            found[match[1]] = int(match[2])
        return cls(**found)

    @property
    def devices(self) -> int:
        return self.dp * self.tp * self.pp

    def __str__(self) -> str:
        return ",".join(f"{axis}{getattr(self, axis)}" for axis in AXES if getattr(self, axis) > 1) or "dp1"


def layers_of_stages(front: float, layer: float, back: float, *, layers: int, stages: int) -> tuple[int, ...]:
    """How many of the language model's layers each pipeline stage takes, so that the slowest is as fast as can be.

    front: what tower, connector and embeddings cost, which stand before the first stage's layers; layer: one layer; back:
    the heads behind the last stage's. The first stage therefore has fewer layers (TextHawk2 section 5.2). ValueError
    where there are fewer layers than stages.
    """
    if layers < stages:
        raise ValueError(
            f"{stages} pipeline stages for {layers} layers; every stage needs a layer, so take fewer stages"
        )
    loads = [layer] * stages
    loads[0] += front
    loads[-1] += back
    counts = [1] * stages
    for _ in range(layers - stages):
        idlest = min(range(stages), key=lambda stage: (loads[stage], -stage))
        counts[idlest] += 1
        loads[idlest] += layer
    return tuple(counts)


def first_layers(counts: Sequence[int]) -> tuple[int, ...]:
    """The number of each stage's first layer in the whole model."""
    return tuple(sum(counts[:stage]) for stage in range(len(counts)))
