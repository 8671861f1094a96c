"""How much of a paper's stage a run carries out: packs in a step, steps, and what else is settled before the first.

What a paper counts in samples or epochs is measured on the first packs of the data; what was settled is written down, so
that a run goes on with it and with nothing else.
"""

from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from texthawk.data.loading import PackLoader
from texthawk.data.mixture import Mixture
from texthawk.data.mixture_file import Weighted
from texthawk.data.packing import PackLimits
from texthawk.data.samples import SampleMaker
from texthawk.decode.shipped import fingerprint
from texthawk.train.identity import hold_to, write_first
from texthawk.train.schedule import PaperStage

TRIED = 64
"""Packs that are planned to learn how many samples one holds."""

FILE = "stage.json"

_WAYS_OUT = {
    "stage": "choose the recipe that it was begun with",
    "seed": "give the seed {old}",
    "start": "begin from the same model",
    "sources": "give the same data in the same order",
    "tokens": "give packs of {old} tokens",
    "tiles": "give packs of {old} tiles",
    "resize": "resize pictures by {old}",
    "packs": "give {old} packs a step",
    "steps": "give {old} steps",
}


@dataclass(frozen=True)
class Settings:
    """How a run is carried out, beside what its stages say.

    steps, packs (in a global step), tokens (of a pack): None takes the stage's. tiles: of a pack, thumbnails among them
    (TextHawk2 5.1). resize: bounds of a random factor on the size of pictures. checkpointing: layers are computed again in
    the backward pass rather than kept. compiled: layers are compiled, and packs padded to one length. evaluate_every: steps
    between looks at `evaluate_packs` held-out packs, 0 for none but the last. save_seconds: between checkpoints.
    """

    seed: int = 1
    steps: int | None = None
    packs: int | None = None
    tokens: int | None = None
    tiles: int = 108
    resize: tuple[float, float] = (1.0, 1.0)
    workers: int = 0
    checkpointing: bool = True
    compiled: bool = False
    evaluate_every: int = 250
    evaluate_packs: int = 8
    save_seconds: float = 240.0
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "packs", "tokens", "tiles", "evaluate_packs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        for name in ("seed", "workers", "evaluate_every", "save_seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 0")


def limits_of(stage: PaperStage, settings: Settings) -> PackLimits:
    """What a pack of a stage holds."""
    return PackLimits(settings.tokens or stage.length or PackLimits.tokens, settings.tiles)


def packs_and_steps(
    stage: PaperStage, settings: Settings, mixture: Mixture, maker: SampleMaker, *, ranks: int = 1
) -> tuple[int, int]:
    """Packs in a global step, a multiple of `ranks` where they are measured, and steps."""
    packs = settings.packs or (stage.batch if stage.batch_of == "packs" else None)
    steps = settings.steps or stage.steps
    if packs and steps:
        return packs, steps
    tried = [plan.packs[0] for plan in islice(PackLoader(mixture, maker, packs=1).plans(), TRIED)]
    each = sum(map(len, tried)) / len(tried)
    if packs is None:
        packs = max(1, round(stage.batch / each / ranks)) * ranks
    if steps is None:
        assert stage.epochs is not None
        examples = sum(sum(source.runs) for source in mixture.sources)
        steps = max(1, round(stage.epochs * examples / (packs * each)))
    return packs, steps


def settle(
    folder: Path, stage: PaperStage, settings: Settings, start: Path, training: Weighted, packs: int, steps: int
) -> None:
    """Write down what a stage is begun with; ValueError where the one in the folder was begun with something else."""
    limits = limits_of(stage, settings)
    values = {
        "stage": blake2b(repr(asdict(stage)).encode(), digest_size=8).hexdigest(),
        "seed": settings.seed,
        "start": fingerprint(start),
        "sources": [[source.name, sum(source.runs), weight] for source, weight in training],
        "tokens": limits.tokens,
        "tiles": limits.tiles,
        "resize": list(settings.resize),
        "packs": packs,
        "steps": steps,
    }
    place = folder / FILE
    if not place.exists():
        write_first(place, values)
    hold_to(place, values, _WAYS_OUT)
