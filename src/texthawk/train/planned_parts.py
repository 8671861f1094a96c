"""Tower, connector, language model and heads of one mean sample, each weighed by running one layer of it.

Shape letters:  n views of one size   P tokens of a view   E encoder width   L tokens   D language width   K learned tokens
"""

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, CLIPVisionConfig, PretrainedConfig

from texthawk.compress.resa import ReSAConfig
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.grounding import DetectionHead
from texthawk.train.schedule import PaperStage
from texthawk.train.weighing import PartCost, Runnable, weigh
from texthawk.types import TileLayout
from texthawk.vision.tower import Tower
from texthawk.vision.views import ViewGroup, group_sizes

WHOLE = 4
"""Tensors of a layer, as large as its output, that tensor parallelism leaves whole: input, residual, both norms."""


@dataclass(frozen=True)
class PartCosts:
    """Of one sample, or of many alike: the tower's and the language model's layers as one of each and their number.

    patches: operations (forward, backward) of making patches. views: one layer of the tower for all views. levels: how
    many of its outputs are kept where nothing in it learns. connector_cut: whether tensor parallelism knows the connector.
    """

    patches: tuple[int, int]
    views: PartCost
    depth: int
    levels: int
    tower_learns: bool
    connector: PartCost
    connector_cut: bool
    layer: PartCost
    layers: int
    head: PartCost

    def operations(self) -> dict[str, int]:
        """Forward and backward, by part."""
        tower = sum(self.patches) + self.depth * (self.views.forward + self.views.backward)
        return {
            "tower": tower,
            "connector": self.connector.forward + self.connector.backward,
            "language": self.layers * (self.layer.forward + self.layer.backward),
            "heads": self.head.forward + self.head.backward,
        }

    def forward_of_layers(self) -> int:
        """What is computed a second time where layers are computed again in the backward."""
        tower = self.depth * self.views.forward if self.tower_learns else 0
        return tower + self.layers * self.layer.forward

    def balance(self) -> tuple[float, float, float]:
        """Operations before the language model, of one of its layers, and behind it."""
        found = self.operations()
        return found["tower"] + found["connector"], found["language"] / self.layers, found["heads"]

    def scaled(self, samples: float) -> "PartCosts":
        """The costs of so many samples side by side."""

        def times(cost: PartCost) -> PartCost:
            return PartCost(*(round(samples * value) for value in vars(cost).values()))

        patches = (round(samples * self.patches[0]), round(samples * self.patches[1]))
        return replace(
            self,
            patches=patches,
            views=times(self.views),
            connector=times(self.connector),
            layer=times(self.layer),
            head=times(self.head),
        )

    def bytes_of(self, layers: int, *, front: bool, back: bool, tp: int, under_way: int) -> tuple[int, int]:
        """Activations of a device with `layers` layers, `front` also tower and connector, `back` also the heads.

        Returns the most bytes at any time, and the same where layers are computed again. The tokens between the language
        model's matrices are shared by its `tp` devices; the tower's and connector's views are not.
        """
        kept = layers * self.layer.kept / tp
        again = layers * self.layer.boundary / tp
        tops = [self.layer.peak / tp]
        over = [(self.layer.peak - self.layer.kept) / tp]
        if front:
            views, connector = _shared(self.views, tp), _shared(self.connector, tp if self.connector_cut else 1)
            kept += connector.kept + (self.depth * views.kept if self.tower_learns else self.levels * views.boundary)
            again += connector.kept + (self.depth if self.tower_learns else self.levels) * views.boundary
            tops.append(views.peak)
            over += [connector.peak - connector.kept, views.peak - views.kept]
        if back:
            kept += self.head.kept
            again += self.head.kept
            over.append(self.head.peak - self.head.kept)
        return round(under_way * kept + max(over)), round(under_way * again + max(*tops, *over))


def _shared(cost: PartCost, tp: int) -> PartCost:
    whole = min(WHOLE * cost.boundary, cost.kept)
    kept = round(whole + (cost.kept - whole) / tp)
    return replace(cost, kept=kept, peak=round(kept + (cost.peak - cost.kept) / tp))


def part_costs(
    stage: PaperStage, model: nn.Module, config: TextHawkConfig, layout: TileLayout, *, tokens: int, learned: int
) -> PartCosts:
    """Weigh the parts for a sample of a page's layout and so many tokens, `learned` of which the loss looks at.

    model: of the config, on any device; asked for the names of its parameters alone.
    """
    names = [name for name, _ in model.named_parameters()]
    learners = {name: stage.learner(name) for name in names}
    full = {name for name, learner in learners.items() if learner is not None and not learner.lora}
    tower_learns = any(learners[name] for name in names if name.startswith("model.vision_tower."))
    tower_full = any(name.startswith("model.vision_tower.") for name in full)
    language_full = any(name.startswith("model.language_model.") for name in full)
    tower, text = config.vision_config, config.text_config
    sizes = {size: len(index) for size, index in group_sizes([layout]).items()}
    conv = 2 * 3 * tower.hidden_size * sum(n * height * width for (height, width), n in sizes.items())
    views = [
        weigh(partial(_tower_layer, tower, size, n, learns=tower_full, reached=tower_learns))
        for size, n in sizes.items()
    ]
    return PartCosts(
        patches=(conv, conv if tower_full else 0),
        views=PartCost(*(sum(values) for values in zip(*(vars(cost).values() for cost in views), strict=True))),
        depth=max(config.feature_layers),
        levels=len(config.feature_layers),
        tower_learns=tower_learns,
        connector=weigh(partial(_connector, config, layout, full, tower_learns=tower_learns), fused=False),
        connector_cut=isinstance(config.compressor_config, ReSAConfig),
        layer=weigh(partial(_language_layer, text, tokens, learns=language_full)),
        layers=text.num_hidden_layers,
        head=weigh(partial(_heads, config, learned, learns=language_full)),
    )


def _shallow(config: PretrainedConfig) -> PretrainedConfig:
    return type(config).from_dict({**config.to_dict(), "num_hidden_layers": 1, "layer_types": None})


def _tower_layer(config: PretrainedConfig, size: tuple[int, int], n: int, *, learns: bool, reached: bool) -> Runnable:
    layer = Tower(_shallow(config), (1,)).model.encoder.layers[0].requires_grad_(learns)
    tokens = (size[0] // config.patch_size) * (size[1] // config.patch_size)
    tokens += isinstance(config, CLIPVisionConfig)
    views_nPE = torch.empty(n, tokens, config.hidden_size, requires_grad=reached)
    return layer, lambda: layer(views_nPE, attention_mask=None)


def _connector(config: TextHawkConfig, layout: TileLayout, full: set[str], *, tower_learns: bool) -> Runnable:
    width, patch = config.vision_config.hidden_size, config.vision_config.patch_size
    module = config.compressor_config.build(encoder_width=width, language_width=config.text_config.hidden_size)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(f"model.connector.{name}" in full)
    groups = []
    for (height, length), index in group_sizes([layout]).items():
        shape = (len(index), height // patch, length // patch, width)
        levels = [torch.empty(shape, requires_grad=tower_learns) for _ in config.feature_layers]
        groups.append(ViewGroup(torch.tensor(index, device="cpu"), levels, torch.empty(len(index), 3, height, length)))
    return module, lambda: module(groups, [layout])[0]


def _language_layer(config: PretrainedConfig, tokens: int, *, learns: bool) -> Runnable:
    model = AutoModel.from_config(_shallow(config))
    layer = model.layers[0].requires_grad_(learns)
    hidden_1LD = torch.empty(1, tokens, config.hidden_size, requires_grad=True)
    turns = model.rotary_emb(hidden_1LD, torch.empty(1, tokens, dtype=torch.long))
    return layer, lambda: layer(hidden_1LD, attention_mask=None, position_embeddings=turns)


def _heads(config: TextHawkConfig, learned: int, *, learns: bool) -> Runnable:
    width = config.text_config.hidden_size
    heads = nn.ModuleList([nn.Linear(width, config.text_config.vocab_size, bias=False).requires_grad_(learns)])
    if config.coordinate_bins:
        heads.append(DetectionHead(width))
    hidden_KD = torch.empty(learned, width, requires_grad=True)

    def run() -> Tensor:
        loss = F.cross_entropy(heads[0](hidden_KD).float(), torch.empty(learned, dtype=torch.long))
        return loss + sum(head(hidden_KD).float().sum() for head in list(heads)[1:])

    return heads, run
