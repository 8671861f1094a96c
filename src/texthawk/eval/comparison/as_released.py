"""LLaVA-UHD v2's projector as its authors run it: the same result as ours for about three times the operations.

Their code calls one attention once for each set of queries, every call projects the same keys and values again, and
all views of a batch are filled up to the one with most samples.

Shape letters:  n views   K windows   L samples of a window   S sets of queries   A heads   d width of a head   D width
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from texthawk.compress.hiwin import Hiwin, HiwinConfig
from texthawk.compress.views import ViewGroup, views_of_pages
from texthawk.compress.windows import window_bins
from texthawk.types import TileLayout


@dataclass(frozen=True)
class ReleasedHiwinConfig(HiwinConfig):
    """Hiwin attention in the released code's order of work; for counting, not for use."""

    cells_at_once: int = 1

    def flops(self, layout: TileLayout, *, encoder_width: int, language_width: int) -> int:
        """Ours, view by view, and what is repeated and filled up: keys and values, scores and sums."""
        ours = super().flops(layout, encoder_width=encoder_width, language_width=language_width)
        bins = [window_bins(height // 14, width // 14) for height, width in layout.views]
        samples = [self.grid**2 * len(self.levels) * down * across for down, across in bins]
        repeated = self.query_sets * len(samples) * max(samples) - sum(samples)
        filled = self.query_sets * (len(samples) * max(samples) - sum(samples))
        return ours + repeated * 2 * 2 * language_width**2 + filled * 2 * 2 * language_width

    def build(self, *, encoder_width: int, language_width: int) -> "ReleasedHiwin":
        return ReleasedHiwin(self, encoder_width, language_width)


class ReleasedHiwin(Hiwin):
    """Our projector's own parts and weights, used as in the released code."""

    def forward(self, groups: list[ViewGroup], layouts: list[TileLayout]) -> list[Tensor]:
        """The tokens (tokens, D) of each page, its views in the order they were sent."""
        pairs = [self.keys_and_values(self.maps(group.levels[-1], group.pixels)) for group in groups]
        longest = max(keys.shape[2] for keys, _ in pairs)
        answers = [self.set_by_set(keys, values, longest) for keys, values in pairs]
        return [torch.cat(views) for views in views_of_pages(groups, answers, layouts)]

    def set_by_set(self, keys_nKLD: Tensor, values_nKLD: Tensor, longest: int) -> Tensor:
        """Samples by window, filled up to `longest` -> one token for each window (n, K, D)."""
        attention, n = self.attention, len(keys_nKLD)
        missing = longest - keys_nKLD.shape[2]
        keys, values = (F.pad(samples, (0, 0, 0, missing)) for samples in (keys_nKLD, values_nKLD))
        real_1L = torch.arange(longest, device=keys.device)[None] < keys_nKLD.shape[2]
        answers = []
        for queries_KD in attention.queries_SKD:
            queries = (attention.query_norm(queries_KD) + attention.positions_KD).expand(n, 1, -1, -1)
            q = rearrange(attention.q(queries), "n s K (A d) -> (n K) A s d", A=attention.heads)
            k, v = (
                rearrange(projected, "n K L (A d) -> (n K) A L d", A=attention.heads)
                for projected in (attention.k(keys), attention.v(values))
            )
            answer = F.scaled_dot_product_attention(q, k, v, attn_mask=real_1L)
            answer = attention.out(rearrange(answer, "(n K) A s d -> n K (s A d)", n=n))
            answers.append(attention.set_norm(answer))
        return attention.project(attention.norm(attention.mix(torch.cat(answers, dim=-1))))
