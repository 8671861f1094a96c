"""The public backbones that connectors stand between, by name: shapes only, no weights.

A tower is a transformers config and the layers it may be read at, from shallow to deep; layers past the deepest one are
never run. A language model is a transformers config.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn
from transformers import PretrainedConfig, Qwen2Config, Qwen2VLVisionConfig

from texthawk.eval.comparison.page_tower import WholePageTower
from texthawk.model.backbones import clip_vit_large, internlm_7b, qwen2_7b, qwen2_vl_tower, siglip_so400m, vicuna_7b
from texthawk.vision.tower import Tower


@dataclass(frozen=True)
class TowerShape:
    """A vision transformer and the layers (counted from 1, shallow to deep) at which connectors may read it."""

    config: PretrainedConfig
    layers: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.config.embed_dim if isinstance(self.config, Qwen2VLVisionConfig) else self.config.hidden_size

    @property
    def patch(self) -> int:
        return self.config.patch_size

    @property
    def step(self) -> int:
        """Sides of views must be multiples of so many pixels; 1 where any view is taken."""
        return self.patch * self.config.spatial_merge_size if isinstance(self.config, Qwen2VLVisionConfig) else 1

    @property
    def heads(self) -> int:
        return (
            self.config.num_heads if isinstance(self.config, Qwen2VLVisionConfig) else self.config.num_attention_heads
        )

    @property
    def intermediate(self) -> int:
        """Width of the MLPs."""
        if isinstance(self.config, Qwen2VLVisionConfig):
            return int(self.width * self.config.mlp_ratio)
        return self.config.intermediate_size

    @property
    def depth(self) -> int:
        """Layers that run."""
        return max(self.layers)

    def read_at(self, levels: int) -> tuple[int, ...]:
        """The deepest layers, as many as a connector reads."""
        if levels > len(self.layers):
            raise ValueError(f"{levels} feature levels are asked of a tower that is read at {len(self.layers)} layers")
        return self.layers[-levels:]

    def build(self, levels: int = 1) -> nn.Module:
        """The module that runs: views of one size (n, 3, H, W) -> [(n, patches, width)], one for each level."""
        if isinstance(self.config, Qwen2VLVisionConfig):
            return WholePageTower(self.config, self.read_at(levels))
        return Tower(self.config, self.read_at(levels))


def _siglip(side: int) -> TowerShape:
    return TowerShape(siglip_so400m(side), (14, 18, 22, 26))


def _clip(side: int) -> TowerShape:
    return TowerShape(clip_vit_large(side), (14, 17, 20, 23))


def _qwen2_vl() -> TowerShape:
    return TowerShape(qwen2_vl_tower(), (8, 16, 24, 32))


TOWERS: dict[str, Callable[[], TowerShape]] = {
    "siglip-so400m-224/14": lambda: _siglip(224),
    "siglip-so400m-448/14": lambda: _siglip(448),
    "clip-vit-l-336/14": lambda: _clip(336),
    "clip-vit-l-448/14": lambda: _clip(448),
    "qwen2-vl": _qwen2_vl,
}
"""qwen2-vl: 32 layers, rotary positions, attention over the whole page; its 2x2 merger is the connector, not the tower."""


def _small() -> Qwen2Config:
    return Qwen2Config(
        vocab_size=8192,
        hidden_size=896,
        intermediate_size=4736,
        num_hidden_layers=6,
        num_attention_heads=7,
        num_key_value_heads=1,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
    )


LANGUAGES: dict[str, Callable[[], PretrainedConfig]] = {
    "vicuna-7b": vicuna_7b,
    "internlm-7b": internlm_7b,
    "qwen2-7b": qwen2_7b,
    "small": _small,
}
"""small: every width of Qwen2-7B divided by four, six layers, 95 million parameters; for times on a CPU."""
