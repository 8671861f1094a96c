"""What a page costs by formula: operations of tower and language model, bytes of the cache, on paper.

A multiply and an add are two operations; matrix products, convolutions and attention count, all else does not.

Shape letters:  P patches of a view   N tokens of a view (P and a class token)   T tokens of the language model
                W width   K width of all key heads   M width of the MLP   V vocabulary
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import CLIPVisionConfig, PretrainedConfig, Qwen2VLVisionConfig

from texthawk.eval.comparison.shapes import TowerShape
from texthawk.image.budget import CacheShape

CHANNELS = 3


@dataclass(frozen=True)
class Flops:
    """Operations from a page's pixels to the language model's output, by part.

    language: the products with the language model's matrices; attention: its scores and sums of values; head: logits.
    As counted, every token looks at every token and every token gets logits, which is how papers that publish one
    number count; `first_token` is what the first word of an answer needs.
    """

    tower: int
    connector: int
    language: int
    attention: int
    head: int
    tokens: int

    @property
    def total(self) -> int:
        return self.tower + self.connector + self.language + self.attention + self.head

    def first_token(self) -> "Flops":
        """Causal attention (a token looks at itself and at those before it), logits of the last token alone."""
        return replace(
            self,
            attention=self.attention * (self.tokens + 1) // (2 * self.tokens),
            head=self.head // self.tokens,
        )

    def parts(self) -> dict[str, int]:
        """Tower, connector, language model with its attention, logits."""
        return {
            "tower": self.tower,
            "connector": self.connector,
            "language": self.language + self.attention,
            "head": self.head,
        }


def tower_flops(shape: TowerShape, views: Sequence[tuple[int, int]]) -> int:
    """Views of (height, width) pixels through the layers that run; each view attends to itself alone."""
    width, mlp = shape.width, shape.intermediate
    frames = shape.config.temporal_patch_size if isinstance(shape.config, Qwen2VLVisionConfig) else 1
    classes = int(isinstance(shape.config, CLIPVisionConfig))
    total = 0
    for height, length in views:
        patches = (height // shape.patch) * (length // shape.patch)
        tokens = patches + classes
        total += 2 * patches * frames * CHANNELS * shape.patch**2 * width
        total += shape.depth * tokens * (8 * width * width + 4 * width * mlp + 4 * tokens * width)
    return total


def language_flops(config: PretrainedConfig, tokens: int) -> tuple[int, int, int]:
    """Matrices, attention and logits of `tokens` tokens: every token with every token, logits of all."""
    cache, width = cache_shape(config), config.hidden_size
    queries, keys = config.num_attention_heads * cache.head_width, cache.kv_heads * cache.head_width
    weights = 2 * width * queries + 2 * width * keys + 3 * width * config.intermediate_size
    layers = config.num_hidden_layers
    return (
        layers * 2 * tokens * weights,
        layers * 4 * tokens * tokens * queries,
        2 * tokens * width * config.vocab_size,
    )


def cache_shape(config: PretrainedConfig) -> CacheShape:
    """What the language model keeps of a token; values in bfloat16."""
    head_width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return CacheShape(config.num_hidden_layers, config.num_key_value_heads, head_width)
