"""Perceiver resampler: a fixed set of learned queries looks at all patches of a view.

Shape letters:  n views of one size   h, w patches of a view   P = h*w   Q queries   W encoder width   D language width
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from texthawk.compress.per_view import PerViewConfig, heads_for
from texthawk.compress.resa import Attention
from texthawk.compress.views import PerViewConnector
from texthawk.vision.positions import sinusoidal


@dataclass(frozen=True)
class PerceiverConfig(PerViewConfig):
    """Qwen-VL's adapter (arXiv 2308.12966, section 2.1) as MiniCPM-V uses it (arXiv 2408.01800, section 3.2): one layer
    of cross-attention at the language model's width; 16x for MiniCPM-V 2.6's views of 448 px (1024 patches).

    queries: tokens of each view, whatever its size; 64 in MiniCPM-V 2.6, 96 in 2.5, 256 in Qwen-VL.
    heads: of the attention; None takes heads of 128, or of a little more where that does not divide the width.

    Keys carry 2D sinusoids of the patch's own row and column, MiniCPM-V's way, so that a view may have any size and
    shape; Qwen-VL stretches a square table instead. Queries are learned and need no positions of their own. The tokens
    have no place in the view: what a query looks at is learned and may lie anywhere.
    """

    queries: int = 64
    heads: int | None = None

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return 1, self.queries

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        patches, width = h * w, language_width
        keys_and_values = patches * width * (encoder_width + 2 * width)
        queries = 3 * self.queries * width * width  # into the attention, out of it, and the projection
        return 2 * (keys_and_values + queries + 2 * self.queries * patches * width)

    def build(self, *, encoder_width: int, language_width: int) -> "Perceiver":
        return Perceiver(self, encoder_width, language_width)


class Perceiver(PerViewConnector):
    """Patches to the language model's width, one cross-attention, LayerNorm, projection."""

    def __init__(self, config: PerceiverConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        heads = config.heads or heads_for(language_width)
        if language_width % heads:
            raise ValueError(
                f"language width {language_width} is not divisible by the resampler's {heads} heads; set heads"
            )
        self.queries_QD = nn.Parameter(torch.empty(config.queries, language_width))
        nn.init.trunc_normal_(self.queries_QD, std=0.02)
        self.widen = nn.Linear(encoder_width, language_width, bias=False)
        self.query_norm = nn.LayerNorm(language_width, eps=1e-6)
        self.patch_norm = nn.LayerNorm(language_width, eps=1e-6)
        self.attention = Attention(language_width, heads)
        self.norm = nn.LayerNorm(language_width, eps=1e-6)
        self.project = nn.Linear(language_width, language_width, bias=False)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        n, h, w, _ = levels[-1].shape
        patches = self.patch_norm(self.widen(levels[-1].flatten(1, 2)))
        places = sinusoidal(h, patches.shape[-1], patches.device, columns=w).to(patches.dtype)
        queries = self.query_norm(self.queries_QD).expand(n, -1, -1)
        return self.project(self.norm(self.attention(queries, patches + places, patches)))
