"""What a stage of a paper costs before it is run: memory of a device by part, operations and tokens of a step, hours.

Nothing is allocated. Parts are run without numbers (`weighing`), one layer of each stack, on one mean sample, and taken as
often as a step has them. A step's samples are laid side by side in packs, one pack at a time on a device; all samples
are alike. Numbers are kept as training here keeps them: learned weights, their gradients and Adam's two moments in 32 bits,
frozen weights and activations in 16.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.devices import Device, device_named
from texthawk.train.lora import add_adapters
from texthawk.train.parallel.layout import ParallelLayout, layers_of_stages
from texthawk.train.parallel.split import check_heads, heads_of, is_cut
from texthawk.train.parts import choose, trained
from texthawk.train.planned_parts import PartCosts, part_costs
from texthawk.train.recipe import Recipe
from texthawk.train.schedule import PaperStage
from texthawk.types import TileLayout

PACK = 4096
"""Tokens of a pack where a stage counts its batch in samples and names no length."""
MOST_TILES = 108
"""Of a pack (TextHawk2 section 5.1)."""
FULL, MOMENTS, HALF = 4, 8, 2
"""Bytes of a learned weight or its gradient, of Adam's moments, and of a frozen weight or a copy to calculate with."""


@dataclass(frozen=True)
class Sample:
    """The mean sample: its picture's (height, width) in pixels and the tokens of its questions and answers.

    Stages that send one view of a picture see one view of it, whatever its size.
    """

    page: tuple[int, int] = (896, 672)
    text_tokens: int = 256

    def __post_init__(self) -> None:
        if min(*self.page, self.text_tokens) < 1:
            raise ValueError(
                f"a sample of {self.page} px with {self.text_tokens} tokens of text; all numbers are above 0"
            )

    def layout(self, stage: PaperStage, config: TextHawkConfig) -> TileLayout:
        height, width = self.page if stage.max_tiles > 1 else (config.tiling_config.tile,) * 2
        return config.tiling_config.layout(height, width)


@dataclass(frozen=True)
class Memory:
    """Bytes of the fullest device. working: 16-bit copies of weights to calculate with. activations: of one pack (of the
    packs that are under way, in a pipeline); recomputed: the same where layers are computed again in the backward.
    """

    weights: int
    gradients: int
    optimiser: int
    working: int
    activations: int
    recomputed: int

    def total(self, *, recompute: bool) -> int:
        fixed = self.weights + self.gradients + self.optimiser + self.working
        return fixed + (self.recomputed if recompute else self.activations)


@dataclass(frozen=True)
class StagePlan:
    """packs, tokens, samples, tiles: of a step. operations: of a step, by part, forward and backward; what is computed
    again to save memory is not among them. steps: None where neither stage nor caller says how many samples there are.
    """

    stage: str
    learned: int
    frozen: int
    packs: int
    tokens: int
    samples: float
    tiles: float
    operations: dict[str, int]
    recomputed_operations: int
    steps: int | None
    layouts: dict[ParallelLayout, Memory]

    @property
    def step_operations(self) -> int:
        return sum(self.operations.values())

    def hours(self, device: Device, devices: int, utilisation: float) -> float | None:
        """At a share of the devices' peak; None where the number of steps is not known."""
        if self.steps is None:
            return None
        return self.steps * self.step_operations / (devices * device.teraflops * 1e12 * utilisation) / 3600


@dataclass(frozen=True)
class Reported:
    """What authors say that stages together took: on so many devices of a kind, hours."""

    stages: tuple[str, ...]
    device: str
    devices: int
    hours: float
    where: str
    sample: Sample


REPORTED = {
    "llava_uhd2": Reported(("instruction",), "a100", 8, 27, "LLaVA-UHD v2, fine-tuning", Sample((480, 640), 220)),
    "llava_uhd1_13b": Reported(
        ("alignment", "instruction"), "a100", 8, 23, "LLaVA-UHD, abstract", Sample((480, 640), 180)
    ),
}
"""By recipe. TextHawk and TextHawk2 report no times. sample: pictures as most of their sets have them, 640 x 480 px."""


def plan_stage(
    recipe: Recipe,
    stage: PaperStage,
    layouts: Sequence[ParallelLayout],
    *,
    sample: Sample | None = None,
    samples: int | None = None,
) -> StagePlan:
    """The plan of one stage. samples: of an epoch, where the stage does not say (its own number comes first).

    ValueError for a layout that does not fit the model.
    """
    sample = sample or Sample()
    config = recipe.model_config()
    for parallel in layouts:
        check_fits(config, parallel)
    with torch.device("meta"):
        model = TextHawkForConditionalGeneration(config)
    layout = sample.layout(stage, config)
    visual = config.visual_tokens(layout) + config.frame_tokens
    each = visual + sample.text_tokens
    length = stage.length or PACK
    if each > length:
        raise ValueError(
            f"a sample of {each} tokens does not fit {length} of stage {stage.name!r}; take a smaller page or text"
        )
    in_pack = min(length / each, MOST_TILES / len(layout.views))
    packs = stage.batch if stage.batch_of == "packs" else math.ceil(stage.batch / in_pack)
    in_step = packs * in_pack if stage.batch_of == "packs" else float(stage.batch)
    costs = part_costs(stage, model, config, layout, tokens=each, learned=sample.text_tokens)
    operations = {part: round(in_step * operation) for part, operation in costs.operations().items()}
    add_adapters(model, stage)
    choose(model, stage)
    learned = sum(parameter.numel() for parameter in trained(model).values())
    return StagePlan(
        stage=stage.name,
        learned=learned,
        frozen=sum(parameter.numel() for parameter in model.parameters()) - learned,
        packs=packs,
        tokens=round(in_step * each),
        samples=in_step,
        tiles=in_step * len(layout.views),
        operations=operations,
        recomputed_operations=round(in_step * costs.forward_of_layers()),
        steps=_steps(stage, samples, in_step),
        layouts={
            parallel: memory_of(model, costs, parallel, in_step=in_step, in_pack=in_pack, config=config)
            for parallel in layouts
        },
    )


def reported_utilisation(recipe: Recipe) -> float | None:
    """The share of their devices' peak that authors reached, by their hours and our count; None: they tell no hours."""
    told = REPORTED.get(recipe.name)
    if told is None:
        return None
    device, hours = device_named(told.device), 0.0
    for stage in recipe.paper_stages:
        if stage.name in told.stages:
            at_peak = plan_stage(recipe, stage, (), sample=told.sample).hours(device, told.devices, 1.0)
            assert at_peak is not None, "stages with reported hours have a known number of samples"
            hours += at_peak
    return hours / told.hours


def usual_layouts(config: TextHawkConfig, devices: int) -> list[ParallelLayout]:
    """What one would try on so many devices: data alone, then matrices or depth shared by two or four."""
    found = [ParallelLayout(dp=devices)]
    for shared in (2, 4):
        if devices % shared:
            continue
        if all(count % shared == 0 for _, count in heads_of(config)):
            found.append(ParallelLayout(dp=devices // shared, tp=shared))
        if config.text_config.num_hidden_layers >= shared:
            found.append(ParallelLayout(dp=devices // shared, pp=shared))
    return found


def _steps(stage: PaperStage, samples: int | None, in_step: float) -> int | None:
    if stage.steps is not None:
        return stage.steps
    thousands = stage.samples if stage.samples is not None else (samples / 1000 if samples else None)
    assert stage.epochs is not None
    return None if thousands is None else math.ceil(stage.epochs * thousands * 1000 / in_step)


def memory_of(
    model: nn.Module,
    costs: PartCosts,
    parallel: ParallelLayout,
    *,
    in_step: float,
    in_pack: float,
    config: TextHawkConfig,
) -> Memory:
    """Of the fullest device of a layout, for a model in which it is chosen what learns.

    costs: of one sample. in_step, in_pack: samples; packs are shorter where there would be fewer of them than devices.
    """
    in_pack = min(in_pack, in_step / parallel.dp)
    costs, rounds = costs.scaled(in_pack), max(1, round(in_step / in_pack / parallel.dp))
    counts = layers_of_stages(*costs.balance(), layers=config.text_config.num_hidden_layers, stages=parallel.pp)
    fullest: Memory | None = None
    first = 0
    for number, count in enumerate(counts):
        last = number == len(counts) - 1
        own = [
            name
            for name, _ in model.named_parameters()
            if _belongs(name, range(first, first + count), first=number == 0, last=last)
        ]
        under_way = min(len(counts) - number, rounds)
        kept, recomputed = costs.bytes_of(count, front=number == 0, back=last, tp=parallel.tp, under_way=under_way)
        weights, gradients, moments, working = _weights(model, own, parallel)
        made = Memory(weights, gradients, moments, working, kept, recomputed)
        if fullest is None or made.total(recompute=True) > fullest.total(recompute=True):
            fullest = made
        first += count
    assert fullest is not None
    return fullest


def check_fits(config: TextHawkConfig, parallel: ParallelLayout) -> None:
    """ValueError where a layout cannot share out the model."""
    check_heads(config, parallel.tp)
    layers_of_stages(0, 1, 0, layers=config.text_config.num_hidden_layers, stages=parallel.pp)


def _belongs(parameter: str, layers: range, *, first: bool, last: bool) -> bool:
    """Whether a pipeline stage holds a parameter."""
    _, found, rest = parameter.partition("language_model.layers.")
    if found:
        return int(rest.split(".")[0]) in layers
    if parameter.startswith(("model.language_model.norm", "lm_head.", "detection_head.")):
        return last
    return first


def _weights(model: nn.Module, own: Sequence[str], parallel: ParallelLayout) -> tuple[int, int, int, int]:
    """Bytes of weights, gradients, moments and working copies of the parameters `own` on one device."""
    learned = frozen = 0.0
    units: dict[str, float] = {}
    parameters = dict(model.named_parameters())
    for name in own:
        parameter = parameters[name]
        count = parameter.numel() / (parallel.tp if is_cut(name) else 1)
        if parameter.requires_grad:
            learned += count
        else:
            frozen += count
        stack, found, rest = name.partition(".layers.")
        unit = stack + rest.split(".")[0] if found else name
        units[unit] = units.get(unit, 0.0) + count
    # Sharded weights are whole for one layer while it runs, and for the next one that is fetched meanwhile.
    working = HALF * (2 * max(units.values()) if parallel.dp > 1 else learned)
    learned, frozen = learned / parallel.dp, frozen / parallel.dp
    return round(FULL * learned + HALF * frozen), round(FULL * learned), round(MOMENTS * learned), round(working)
