"""Pipeline parallelism: the model in stages one after another, the first with tower, connector and fewer layers.

A stage is the model itself with what other stages have taken out, so parameters keep their names and go into one
checkpoint. Packs are its micro-batches: what travels between stages is hidden states, and each stage looks up in its own
copy of the packs what else it needs.

Shape letters:  L tokens   D language width   M packs of a step
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import ProcessGroup
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe

from texthawk.data.packs import Pack
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.global_step import Counts, Sums, scored, share, targets_of
from texthawk.train.parallel.layout import first_layers, layers_of_stages
from texthawk.train.parallel.split import tied_names

TOKENS, PATCHES = 4096, 108 * 256
"""Positions of a usual pack in the language model and in the tower, by which depth is divided."""


class Elsewhere(nn.Module):
    """Stands for what another stage has: hands on what it gets."""

    def forward(self, hidden: Any, *_: Any, **__: Any) -> Any:
        return hidden


def depth_of(model: TextHawkForConditionalGeneration, stages: int) -> tuple[int, ...]:
    """Layers of each stage, by weights times positions; ValueError where there are fewer layers than stages."""
    core = model.model
    before = (core.vision_tower, core.connector)
    layers = core.language_model.layers
    return layers_of_stages(
        PATCHES * sum(parameter.numel() for part in before for parameter in part.parameters()),
        TOKENS * sum(parameter.numel() for parameter in layers[0].parameters()),
        TOKENS / 2 * sum(parameter.numel() for parameter in model.lm_head.parameters()),
        layers=len(layers),
        stages=stages,
    )


def keep_stage(model: TextHawkForConditionalGeneration, number: int, counts: Sequence[int]) -> None:
    """Take out of a model what is not stage `number`'s; embeddings that are tied stay in the last stage as well."""
    core, language = model.model, model.model.language_model
    first = first_layers(counts)[number]
    for index in range(len(language.layers)):
        if not first <= index < first + counts[number]:
            language.layers[index] = Elsewhere()
    tied = bool(tied_names(model))
    last = number == len(counts) - 1
    if number > 0:
        for part in ("vision_tower", "connector"):
            core.set_submodule(part, Elsewhere())
        if not (tied and last):
            language.embed_tokens = Elsewhere()
    if not last:
        language.norm, model.lm_head, model.detection_head = Elsewhere(), Elsewhere(), None


class StageOfPacks(nn.Module):
    """One stage as torch's pipeline calls it: the number of a pack, or hidden states, to hidden states or to sums."""

    def __init__(
        self,
        model: nn.Module,
        packs: Sequence[Pack],
        config: TextHawkConfig,
        *,
        last: bool,
        device: torch.device,
        bf16: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.packs, self.config, self.last, self.device = model, packs, config, last, device
        self.bf16 = bf16

    def forward(self, given: Tensor, *, number: Tensor) -> Tensor:
        """number (1, 1) says which pack; given: (1, 1) in the first stage, else (1, L, D). -> (1, L, D), at last (1, 3)."""
        pack = self.packs[int(number)]
        inputs = pack.inputs(self.device) | {"sample_lengths": pack.lengths}
        del inputs["labels"], inputs["coordinates"]
        if given.is_floating_point():
            kept = {name: inputs[name] for name in ("position_ids", "use_cache", "sample_lengths")}
            inputs = kept | {"inputs_embeds": given}
        targets = targets_of(pack)
        with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            if not self.last:
                return self.model(**inputs).logits
            out = self.model(**inputs, logits_to_keep=targets.positions.to(self.device))
        sums = scored(out.logits, out.coordinates, targets, self.config)
        return torch.stack([value.float() for value in sums])[None]


def run_packs(
    stage: StageOfPacks,
    number: int,
    stages: int,
    group: ProcessGroup,
    *,
    counts: Counts | None,
    scale: float,
    dtype: torch.dtype,
) -> Tensor | None:
    """Send packs of one length through the pipeline; the sums of each, (M, 3), where this is the last stage, else None.

    counts: of the global step, whose gradients are then left in the parameters, `scale` times; None: no gradients.
    dtype: of hidden states on their way.
    """
    packs, config = len(stage.packs), stage.config
    hidden = torch.empty(
        1, stage.packs[0].input_ids.shape[1], config.text_config.hidden_size, dtype=dtype, device=stage.device
    ).requires_grad_(counts is not None)
    numbers = torch.arange(packs, device=stage.device)[:, None]
    sums = torch.empty(1, len(Sums._fields), device=stage.device).requires_grad_(counts is not None)
    part = PipelineStage(
        stage,
        number,
        stages,
        stage.device,
        input_args=numbers[:1] if number == 0 else hidden,
        output_args=sums if stage.last else hidden,
        group=group,
    )

    def loss(found: Tensor, _: Tensor) -> Tensor:
        assert counts is not None
        return share(Sums(*found[0]), counts, config) * scale

    if counts is None:
        schedule: Any = ScheduleGPipe(part, packs)
        run = schedule.eval
    else:
        kind = Schedule1F1B if packs >= stages else ScheduleGPipe
        schedule = kind(part, packs, loss_fn=loss, scale_grads=False)
        run = schedule.step
    given = (numbers,) if number == 0 else ()
    found = run(*given, number=numbers, **({"target": numbers} if stage.last and counts is not None else {}))
    return found.detach() if stage.last else None
