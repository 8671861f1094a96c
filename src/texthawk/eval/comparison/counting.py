"""What a page costs by running the code: torch's counter on the meta device, where tensors have shapes but no content.

Parts of any size are built and run in moments, and the count cannot drift from the code. A multiply and an add are two.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel, PretrainedConfig

from texthawk.compress import CompressorConfig
from texthawk.compress.views import ViewGroup, group_sizes
from texthawk.eval.comparison.cost import CHANNELS, Flops
from texthawk.eval.comparison.shapes import TowerShape
from texthawk.types import TileLayout

WEIGHTS = ("addmm", "mm")
"""torch's names for a product with a matrix of weights; all else that a language model runs and that counts is attention."""


class Counter:
    """Counts parts on the meta device; what was counted once is kept.

    Layers of one backbone are all alike, so a tower or a language model is run with one layer and with two, and the
    second is taken as often as the whole has it.
    """

    def __init__(self) -> None:
        self._towers: dict[tuple[str, int], nn.Module] = {}
        self._views: dict[tuple[str, tuple[int, int]], int] = {}
        self._connectors: dict[tuple[str, int, int, int, TileLayout], int] = {}
        self._languages: dict[tuple[str, int], nn.Module] = {}
        self._prompts: dict[tuple[str, int], tuple[int, int, int]] = {}
        self._sizes: dict[str, int] = {}

    def flops(
        self,
        tower: TowerShape,
        connector: CompressorConfig,
        language: PretrainedConfig,
        layout: TileLayout,
        seen: Sequence[tuple[int, int]] | None = None,
    ) -> Flops:
        """A page's operations by part, as `Flops` says; `seen` are the tower's views where they are not the layout's."""
        tokens = connector.visual_tokens(layout)
        weights, attention, head = self.language(language, tokens)
        return Flops(
            tower=self.tower(tower, seen or layout.views),
            connector=self.connector(connector, tower, language.hidden_size, layout),
            language=weights,
            attention=attention,
            head=head,
            tokens=tokens,
        )

    def tower(self, shape: TowerShape, views: Sequence[tuple[int, int]]) -> int:
        """Views of (height, width) pixels; one view of each size is run, for views never meet in a tower."""
        return sum(self._view(shape, size) for size in views)

    def _view(self, shape: TowerShape, size: tuple[int, int]) -> int:
        name = repr(shape)
        if (name, size) not in self._views:
            one, two = (sum(self._run(self._tower(shape, depth), _pixels(size)).values()) for depth in (1, 2))
            self._views[name, size] = one + (shape.depth - 1) * (two - one)
        return self._views[name, size]

    def _tower(self, shape: TowerShape, depth: int) -> nn.Module:
        key = (repr(shape), depth)
        if key not in self._towers:
            with torch.device("meta"):
                self._towers[key] = replace(shape, layers=(depth,)).build()
        return self._towers[key]

    def connector(self, config: CompressorConfig, tower: TowerShape, language_width: int, layout: TileLayout) -> int:
        """The connector's module on all views of a page."""
        key = (repr(config), tower.patch, tower.width, language_width, layout)
        if key not in self._connectors:
            with torch.device("meta"):
                module = config.build(encoder_width=tower.width, language_width=language_width)
            views = empty_views(tower, config.levels_needed, layout)
            self._connectors[key] = sum(self._run(module, views, [layout]).values())
        return self._connectors[key]

    def language(self, config: PretrainedConfig, tokens: int) -> tuple[int, int, int]:
        """Matrices, attention and logits of `tokens` tokens: every token with every token, logits of all."""
        key = (config.to_json_string(), tokens)
        if key not in self._prompts:
            embeddings = torch.empty(1, tokens, config.hidden_size, device="meta")
            # A mask that is there already: to make one, transformers would look into the positions.
            mask = torch.empty(1, 1, tokens, tokens, device="meta", dtype=torch.bool)
            counts = []
            for depth in (1, 2):
                model = self._language(config, depth)
                counts.append(self._run(model, inputs_embeds=embeddings, attention_mask=mask, use_cache=False))
            one, two = (
                [sum(n for name, n in c.items() if (name in WEIGHTS) is part) for part in (True, False)] for c in counts
            )
            weights, attention = (a + (config.num_hidden_layers - 1) * (b - a) for a, b in zip(one, two, strict=True))
            logits = nn.Linear(config.hidden_size, config.vocab_size, bias=False, device="meta")
            self._prompts[key] = (weights, attention, sum(self._run(logits, embeddings).values()))
        return self._prompts[key]

    def _language(self, config: PretrainedConfig, depth: int) -> nn.Module:
        key = (config.to_json_string(), depth)
        if key not in self._languages:
            shallow = type(config).from_dict({**config.to_dict(), "num_hidden_layers": depth, "layer_types": None})
            with torch.device("meta"):
                self._languages[key] = AutoModel.from_config(shallow)
        return self._languages[key]

    def parameters(self, tower: TowerShape, connector: CompressorConfig, language: PretrainedConfig) -> dict[str, int]:
        """Of each part that runs; embeddings and logits belong to the language model. No memory is needed."""
        width = language.hidden_size
        logits = 0 if language.tie_word_embeddings else width * language.vocab_size
        return {
            "tower": self._size(repr(tower), tower.build),
            "connector": self._size(
                f"{connector!r} {tower.width} {width}",
                lambda: connector.build(encoder_width=tower.width, language_width=width),
            ),
            "language": self._size(language.to_json_string(), lambda: AutoModel.from_config(language)) + logits,
        }

    def _size(self, name: str, build: Callable[[], nn.Module]) -> int:
        if name not in self._sizes:
            with torch.device("meta"):
                self._sizes[name] = sum(parameter.numel() for parameter in build().parameters())
        return self._sizes[name]

    def _run(self, module: nn.Module, *arguments: Any, **named: Any) -> dict[str, int]:
        """Operations of one pass, by torch's name of what was called."""
        module.eval().requires_grad_(False)  # the counter does not take views of parameters that want gradients
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(*arguments, **named)
        return {call.__name__: int(count) for call, count in counter.get_flop_counts()["Global"].items()}


def _pixels(size: tuple[int, int]) -> Tensor:
    return torch.empty(1, CHANNELS, *size, device="meta")


def empty_views(tower: TowerShape, levels: int, layout: TileLayout) -> list[ViewGroup]:
    """What the tower would hand to a connector for this page, without content."""

    def empty(*shape: int) -> Tensor:
        return torch.empty(*shape, device="meta")

    return [
        ViewGroup(
            torch.tensor(index),
            [empty(len(index), height // tower.patch, width // tower.patch, tower.width) for _ in range(levels)],
            empty(len(index), CHANNELS, height, width),
        )
        for (height, width), index in group_sizes([layout]).items()
    ]
