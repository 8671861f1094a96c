"""LoRA inside a model for the length of a stage, through peft, and its merge at the stage's end."""

import re
from dataclasses import dataclass
from typing import Any

from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.added_rows import add_rows, merge_rows
from texthawk.train.schedule import PaperStage

RANK, TARGETS = 128, ("q_proj", "v_proj")
"""Where a paper does not say: those of TextHawk2's language model."""

ADAPTER = "stage"
_ADAPTED = re.compile(r"\.lora_[AB]\.|\.rows$")


@dataclass(frozen=True)
class Adapters:
    """What was put into a model for a stage; `merge` takes it out again."""

    model: TextHawkForConditionalGeneration
    tuner: Any

    def merge(self) -> None:
        """Leave the plain model with all that its adapters have learned."""
        if self.tuner is not None:
            self.tuner.merge_and_unload()
        merge_rows(self.model)


def is_adapter(parameter: str) -> bool:
    """Whether a parameter, by its name, was put into a model by `add_adapters`."""
    return _ADAPTED.search(parameter) is not None


def ranks_of(model: TextHawkForConditionalGeneration, stage: PaperStage) -> dict[str, int]:
    """The rank of every linear layer that learns through LoRA in a stage, by the layer's name.

    ValueError where a stage's targets name no layer of the part.
    """
    found: dict[str, int] = {}
    without = {learner.part for learner in stage.learners if learner.lora}
    for name, _ in model.named_modules():
        owner, _, kind = name.rpartition(".")
        learner = stage.learner(f"{name}.weight") if owner.startswith("model.") else None
        if learner is not None and learner.lora and kind in (learner.targets or TARGETS):
            found[name] = learner.rank or RANK
            without.discard(learner.part)
    if without:
        raise ValueError(
            f"stage {stage.name!r} wants LoRA in {', '.join(sorted(without))}, which has no layer of the names it "
            "gives; set the learner's targets to names of linear layers there"
        )
    return found


def add_adapters(model: TextHawkForConditionalGeneration, stage: PaperStage) -> Adapters:
    """Put the stage's LoRA into a model, and rows for added tokens where its language model learns so.

    The adapters' share is 1 (alpha equal to the rank), at first nothing: B starts at 0. Draws from torch's dice.
    """
    ranks = ranks_of(model, stage)
    tuner = None
    if ranks:
        from peft import LoraConfig
        from peft.tuners.lora import LoraModel

        by_layer = {re.escape(name): rank for name, rank in ranks.items()}
        config = LoraConfig(
            r=RANK, lora_alpha=RANK, target_modules=list(ranks), rank_pattern=by_layer, alpha_pattern=by_layer
        )
        tuner = LoraModel(model, config, ADAPTER)
    if any(learner.part == "language" and learner.lora for learner in stage.learners):
        add_rows(model)
    return Adapters(model, tuner)
