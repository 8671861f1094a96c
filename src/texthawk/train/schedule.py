"""A stage of training as a paper states it: what learns how fast from which data, and for how long.

Data only. `Stage` describes training on pages printed here, which these stages are not; `StageRun` trains them, and asks
`learner` what becomes of a parameter and `rate` how fast it learns at a step.
"""

import math
from dataclasses import dataclass
from typing import Literal

from texthawk.train.conversation import Conversation

PARTS = {
    "tower": ("model.vision_tower.",),
    "connector": ("model.connector.",),
    "window positions": ("model.connector.attention.positions_",),
    "pyramid": ("model.connector.pyramid.",),
    "pyramid output": ("model.connector.pyramid.correction.",),
    "language": ("model.language_model.", "lm_head."),
    "detection head": ("detection_head.",),
}
"""A model's parts by the beginnings of their parameters' names; a part inside another is named after it."""


@dataclass(frozen=True)
class Learner:
    """A part that learns: all of it, or through LoRA of `rank` on `targets` (None, (): the paper does not say).

    rate, final: the peak of the learning rate and its end. late: it stands still during the first half of the warm-up.
    """

    part: str
    rate: float
    final: float = 0.0
    lora: bool = False
    rank: int | None = None
    targets: tuple[str, ...] = ()
    late: bool = False

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ValueError(f"part {self.part!r} is unknown; choose one of {', '.join(PARTS)}")
        if not self.lora and (self.rank is not None or self.targets):
            raise ValueError(f"part {self.part!r} has a rank or targets but no LoRA; set lora=True")


@dataclass(frozen=True)
class Source:
    """A set of samples: how many thousands, or its `share` of what is drawn; `suffix` is put after its questions."""

    name: str
    thousands: float | None = None
    share: float | None = None
    suffix: str = ""


@dataclass(frozen=True)
class PaperStage:
    """One stage; where None stands, the paper says nothing.

    batch: samples, or packs of `length` tokens, in a step. Length in tokens; steps or epochs say how long. max_tiles: of
    a picture's grid, thumbnail or overview not counted; 0 sends the overview alone. clip: of the gradient's norm.
    resliced: how often a picture that would not give six slices is resized so that it does (LLaVA-UHD). long_side: what
    pictures of which sets are first resized to.
    """

    name: str
    learners: tuple[Learner, ...]
    sources: tuple[Source, ...]
    batch: int
    max_tiles: int
    batch_of: Literal["samples", "packs"] = "samples"
    length: int | None = None
    steps: int | None = None
    epochs: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    warmup: float = 0.03
    clip: float | None = None
    conversation: Conversation | None = None
    resliced: float = 0.0
    long_side: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.steps is None and self.epochs is None:
            raise ValueError(f"stage {self.name!r} has neither steps nor epochs; say how long it lasts")

    def learner(self, parameter: str) -> Learner | None:
        """What says how a parameter learns, by its name in the model; None: it is frozen.

        A part inside another goes its own way: where a connector learns, its pyramid does not unless it is named.
        """
        known = {start: part for part, starts in PARTS.items() for start in starts if parameter.startswith(start)}
        if not known:
            raise ValueError(
                f"parameter {parameter!r} belongs to none of {', '.join(PARTS)}; is it a TextHawk model's?"
            )
        part = known[max(known, key=len)]
        return next((learner for learner in self.learners if learner.part == part), None)

    def rate(self, learner: Learner, step: int, steps: int) -> float:
        """Its learning rate at a step, counted from 0, of `steps`: a linear warm-up, then half a cosine to its end."""
        warm = max(1, math.ceil(self.warmup * steps))
        if step < warm:
            return 0.0 if learner.late and step < warm // 2 else learner.rate * (step + 1) / warm
        along = min(1.0, (step - warm) / max(1, steps - warm))
        return learner.final + (learner.rate - learner.final) * 0.5 * (1 + math.cos(math.pi * along))

    @property
    def samples(self) -> float | None:
        """Thousands of samples in one epoch; None where a source's size is not said."""
        sizes = [source.thousands for source in self.sources]
        return None if None in sizes else sum(size for size in sizes if size is not None)
