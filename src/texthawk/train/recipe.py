"""A recipe: one frozen dataclass that says what a model is and how it is trained."""

from collections.abc import Callable
from dataclasses import dataclass, field

from texthawk.model.configuration import TextHawkConfig
from texthawk.train.schedule import PaperStage
from texthawk.train.stage import Stage


@dataclass(frozen=True)
class Recipe:
    """name: of the recipe. model_config: makes the model's config. stages: how it is trained here, in order.

    paper_stages: how its authors trained it, in order, on stored examples (`PaperRun`).
    vocabulary: entries of the byte-level BPE trained for it, 262 for bytes alone (None: a public model's tokenizer).
    guided_layers: language-model layers with heads that are shown where to look while training.
    hold_out: families of fonts that training never sees.
    further: it goes on from a model of another recipe and is begun with its folder. keep: the share of that model's weights in
    the mean that is exported, so that less is forgotten (Wortsman et al., 2022, Robust fine-tuning of zero-shot models,
    section 3). answers: what it trains is how that model answers, and ships beside it (texthawk.model.answering). answered: that
    model must have answers already.
    """

    name: str
    model_config: Callable[[], TextHawkConfig]
    stages: tuple[Stage, ...] = ()
    paper_stages: tuple[PaperStage, ...] = ()
    vocabulary: int | None = None
    guided_layers: tuple[int, ...] = ()
    hold_out: tuple[str, ...] = field(default=())
    further: bool = False
    keep: float = 0.0
    answers: bool = False
    answered: bool = False
