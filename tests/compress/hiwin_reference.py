"""Hiwin attention as its authors coded it: four attentions, keys and values pooled apart, everything padded.

Written from the description of the method, to count what it costs and to hold the package's own module to its result.
Windows are read sample by sample, positions are resized to every level, shorter windows are padded to the longest.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.compress.roi_align import roi_align
from texthawk.compress.windows import window_bins, window_boxes

GRID = 12


class FourAttentions(nn.Module):
    """The projector under its published names, without dead weights and without the pyramid."""

    def __init__(self, encoder_width: int, width: int, heads: int, scales: tuple[int, ...] = (1, 2, 4)) -> None:
        super().__init__()
        self.scales = scales
        self.pos_embed = nn.Parameter(torch.zeros(GRID * GRID, width))
        for number in range(1, 5):
            self.register_parameter(f"query_{number}", nn.Parameter(torch.zeros(GRID * GRID, width)))
        for scale in scales:
            self.register_module(f"features_{scale}x_projector", nn.Linear(encoder_width, width))
            self.register_parameter(f"feature_{scale}x_embedding", nn.Parameter(torch.zeros(1, 1, width)))
        for name in ("ln_kv", "ln_q", "ln_proj", "ln_post"):
            self.register_module(name, nn.LayerNorm(width, eps=1e-6))
        self.attn = nn.MultiheadAttention(width, heads)
        self.cat_proj = nn.Linear(4 * width, width)
        self.proj = nn.Parameter(torch.zeros(width, width))

    def forward(self, views: list[list[Tensor]]) -> list[Tensor]:
        """Of every view its levels, each (h, w, W) -> of every view (144, D)."""
        keys, values = zip(*(self.windows(levels) for levels in views), strict=True)
        longest = max(view.shape[1] for view in keys)
        missing = torch.cat(
            [(torch.arange(longest) >= view.shape[1]).expand(view.shape[0], -1) for view in keys]
        )  # (views*144, L)
        keys_LBD, values_LBD = (
            torch.cat([F.pad(view, (0, 0, 0, longest - view.shape[1])) for view in side]).transpose(0, 1)
            for side in (keys, values)
        )
        answers = []
        for number in range(1, 5):
            queries = self.ln_q(self.get_parameter(f"query_{number}")) + self.pos_embed
            queries_1BD = queries.repeat(len(views), 1)[None]
            mask = missing.to(queries.device)
            answer = self.attn(queries_1BD, keys_LBD, values_LBD, key_padding_mask=mask, need_weights=False)[0]
            answers.append(self.ln_proj(answer[0]))
        tokens = self.ln_post(self.cat_proj(torch.cat(answers, dim=-1))) @ self.proj
        return list(tokens.unflatten(0, (len(views), -1)))

    def windows(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Keys and values of every window of a view, level after level: (144, L, D) each."""
        bins = window_bins(*levels[0].shape[:2])
        keys, values = [], []
        for scale, level in zip(self.scales, levels, strict=True):
            value = self.ln_kv(self.get_submodule(f"features_{scale}x_projector")(level))
            table = self.pos_embed.reshape(1, GRID, GRID, -1).permute(0, 3, 1, 2)
            places = F.interpolate(table, size=level.shape[:2], mode="bicubic", align_corners=False)[0].permute(1, 2, 0)
            key = value + places + self.get_parameter(f"feature_{scale}x_embedding")[0]
            keys.append(_sampled(key, bins))
            values.append(_sampled(value, bins))
        return torch.cat(keys, dim=1), torch.cat(values, dim=1)


def _sampled(map_hwD: Tensor, bins: tuple[int, int]) -> Tensor:
    """Every window's samples (144, p*q, D); on the meta device, where nothing is sampled, their shape alone."""
    if map_hwD.is_meta:
        return map_hwD.new_empty(GRID * GRID, math.prod(bins), map_hwD.shape[-1])
    boxes = window_boxes(*map_hwD.shape[:2], GRID)
    return roi_align(map_hwD.permute(2, 0, 1), boxes, bins).flatten(2).transpose(1, 2)
