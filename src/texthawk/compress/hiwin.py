"""Hiwin attention: 144 tokens for any view, each from its own window of several pyramid levels (LLaVA-UHD v2, 3.3).

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width   K windows (144)
                P samples of a window on one level
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from texthawk.compress.order import TokenLayout, separated, tokens_with_separators
from texthawk.compress.per_view import PerViewConfig, heads_for
from texthawk.compress.views import PerViewConnector, group_sizes
from texthawk.compress.window_attention import NORM_EPSILON, WindowAttention
from texthawk.compress.windows import WindowDtype, Windows, window_bins
from texthawk.types import TileLayout
from texthawk.vision.pyramid import Pyramid, pyramid_flops

SCALES = (1, 2, 4)


@dataclass(frozen=True, kw_only=True)
class WindowedConfig(PerViewConfig):
    """Settings of both of LLaVA-UHD's projectors, in which a token sees its own window of a view.

    grid: windows along a side; a view becomes grid*grid tokens. heads: None takes 128-wide heads, a little
    wider ones where those would not divide the width.
    token_layout: "2d" lays slices out as one map with row breaks; "1d" sends slice after slice.
    window_dtype: the authors' code rounds windows to bfloat16, which moves them; "float32" does not.
    roi_aligned: False samples half a cell off, as the released weights learned it, differently at each level; True not.
    vdim_dropout_in_mllm: True leaves the pyramid's dropout on while the rest trains, as in the authors' code.
    trainable_pos_embed: whether the table of positions learns, as in the code; the paper keeps it fixed.
    cells_at_once: views of one size go through together as long as their finest maps have no more cells than this.
    Their number changes memory and speed and, but for rounding, no result.
    """

    grid: int = 12
    heads: int | None = None
    token_layout: TokenLayout = "2d"
    window_dtype: WindowDtype = "float32"
    roi_aligned: bool = False
    vdim_dropout_in_mllm: bool = False
    trainable_pos_embed: bool = True
    cells_at_once: int = 36_864

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        """Rows and columns of the tokens of any view."""
        return self.grid, self.grid

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page, separators included: for 3 x 2 slices and their overview 1033 as "2d", 1014 as "1d"."""
        return tokens_with_separators(layout, self.grid, self.token_layout)

    def separators(self, layout: TileLayout) -> list[int] | None:
        """The page's sequence: k >= 0 is the connector's k-th token, -1 a newline, -2 a comma."""
        return separated(layout, self.grid, self.token_layout)


@dataclass(frozen=True, kw_only=True)
class HiwinConfig(WindowedConfig):
    """Settings of LLaVA-UHD v2's projector (arXiv 2412.13871): 144 tokens a view, 4x fewer than a 24x24 view's patches.

    The defaults are the authors' code of December 2024, which made the released 7B model, with clean arithmetic where
    it changes nothing that was learned on purpose; to run the released weights set window_dtype="bfloat16".

    levels: scales of the pyramid that are read; (1, 2, 4) is the authors' mask 7, (1, 4) mask 5, (1, 2) mask 3, (1,)
    mask 1 (no pyramid at all).
    stages: of the pyramid; None takes as many as the highest level needs. A pyramid of two stages read at (1, 2) gives
    another 2x map than a pyramid of one, because its learned correction falls on 4x.
    query_sets: 4 as in the code, whose answers are concatenated and mixed, or 1 as in the paper.
    token_layout: "1d" is the code of April 2025. The other settings are WindowedConfig's.
    """

    levels: tuple[int, ...] = SCALES
    stages: int | None = None
    query_sets: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.levels or tuple(sorted(set(self.levels))) != self.levels or not set(self.levels) <= set(SCALES):
            raise ValueError(f"levels {self.levels} are not a rising choice of {SCALES}; take (1, 2, 4) or (1, 4)")
        needed = SCALES.index(self.levels[-1])
        if self.stages is not None and not needed <= self.stages < len(SCALES):
            raise ValueError(f"levels {self.levels} need a pyramid of {needed} to 2 stages, not {self.stages}")

    @property
    def pyramid_stages(self) -> int:
        """How often the pyramid doubles the tower's map; 0 is no pyramid."""
        return SCALES.index(self.levels[-1]) if self.stages is None else self.stages

    def views_at_once(self, h: int, w: int) -> int:
        """How many views of h x w patches go through together."""
        return max(1, self.cells_at_once // (h * w * self.levels[-1] ** 2))

    def flops(self, layout: TileLayout, *, encoder_width: int, language_width: int) -> int:
        """Operations of matrix products, convolutions and attention for a page; a multiply and an add are two.

        Queries and positions are the same for all views that go through together, and are counted once for them.
        """
        total = 0
        for (height, width), index in group_sizes([layout]).items():
            h, w = height // self.patch, width // self.patch
            total += len(index) * self.view_flops(h, w, encoder_width, language_width)
            total += -(-len(index) // self.views_at_once(h, w)) * self._shared_flops(h, w, language_width)
        return total

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        """Operations for one view of h x w patches, without those that views share."""
        D, K, S = language_width, self.grid**2, self.query_sets
        bins = window_bins(h, w)
        y, x = self.grid * bins[0], self.grid * bins[1]
        L = len(self.levels) * math.prod(bins)
        total = 2 * K * (2 * L * D * D + 2 * S * L * D + S * D * D + D * D + (S * D * D if S > 1 else 0))
        for scale in self.levels:
            H, W = scale * h, scale * w
            total += 2 * H * W * encoder_width * D + 2 * y * W * D * (H + x)
        return total + (pyramid_flops(h, w, encoder_width, self.pyramid_stages) if self.levels[-1] > 1 else 0)

    def _shared_flops(self, h: int, w: int, language_width: int) -> int:
        G, D = self.grid, language_width
        bins = window_bins(h, w)
        y, x = G * bins[0], G * bins[1]
        tables = sum(G * (y * scale * h + x * scale * w) + y * G * D * (G + x) for scale in self.levels)
        return 2 * (self.query_sets * G * G * D * D + tables)

    def build(self, *, encoder_width: int, language_width: int) -> "Hiwin":
        return Hiwin(self, encoder_width, language_width)


class Hiwin(PerViewConnector):
    """The tower's deepest level and the pixels in, grid*grid tokens of each view out."""

    level_marks: ClassVar[bool] = True
    """Whether levels are told apart by the biases of their projections and by an embedding of each."""

    def __init__(self, config: HiwinConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.config = config
        if config.pyramid_stages:
            self.pyramid = Pyramid(encoder_width, stages=config.pyramid_stages)
        self.level_projections = nn.ModuleDict(
            {str(scale): nn.Linear(encoder_width, language_width, bias=self.level_marks) for scale in config.levels}
        )
        if self.level_marks:
            self.level_embeddings = nn.ParameterDict(
                {str(scale): nn.Parameter(torch.zeros(language_width)) for scale in config.levels}
            )
        self.feature_norm = nn.LayerNorm(language_width, eps=NORM_EPSILON)
        self.attention = WindowAttention(
            language_width,
            grid=config.grid,
            heads=config.heads or heads_for(language_width),
            query_sets=config.query_sets,
            trainable_positions=config.trainable_pos_embed,
        )
        self.reset_parameters()
        self.train()

    def reset_parameters(self) -> None:
        """The authors' start for everything but the pyramid, which is learned before (multi-level reconstruction)."""
        for name, parameter in self.level_projections.named_parameters():
            nn.init.trunc_normal_(parameter, std=0.02) if name.endswith("weight") else nn.init.zeros_(parameter)
        if self.level_marks:
            for embedding in self.level_embeddings.values():
                nn.init.zeros_(embedding)
        self.feature_norm.reset_parameters()
        self.attention.reset_parameters()

    def train(self, mode: bool = True) -> "Hiwin":
        """Training mode, in which the pyramid's dropout stays off unless the config wants it."""
        super().train(mode)
        if self.config.pyramid_stages:
            self.pyramid.train(mode and self.config.vdim_dropout_in_mllm)
        return self

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        """The deepest of [(n, h, w, W)] and the pixels (n, 3, H, W) that it was made of -> (n, K, D)."""
        features_nhwW = levels[-1]
        views = self.config.views_at_once(features_nhwW.shape[1], features_nhwW.shape[2])
        parts = zip(features_nhwW.split(views), pixels.split(views), strict=True)
        return torch.cat([self.resample(self.maps(features, picture)) for features, picture in parts])

    def maps(self, features_nhwW: Tensor, pixels: Tensor) -> list[Tensor]:
        """The levels of the config: maps (n, s*h, s*w, W) for each scale s."""
        scales = {1: features_nhwW}
        if self.config.levels[-1] > 1:
            finer = self.pyramid(features_nhwW.permute(0, 3, 1, 2), pixels.to(features_nhwW.dtype))
            scales |= {scale: level.permute(0, 2, 3, 1) for scale, level in zip(SCALES[1:], finer, strict=False)}
        return [scales[scale] for scale in self.config.levels]

    def resample(self, maps: list[Tensor]) -> Tensor:
        """One map (n, s*h, s*w, W) for each level of the config -> tokens (n, K, D), window after window."""
        return self.attention(*self.keys_and_values(maps))

    def keys_and_values(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Samples of every window, level after level (n, K, L, D): keys know their place and level, values do not.

        A key is a value with place and level added before pooling; both are added to pooled values instead, pooled
        themselves, which gives the same because pooling is linear.
        """
        keys, values = [], []
        for scale, level, windows in zip(self.config.levels, maps, self.windows(maps), strict=True):
            name = str(scale)
            values.append(windows.pool(self.feature_norm(self.level_projections[name](level))))
            marks = windows.pool_table(self.attention.positions_GGD)
            if self.level_marks:
                marks = marks + windows.pool_ones().to(marks.dtype) * self.level_embeddings[name]
            keys.append(values[-1] + marks)
        return torch.cat(keys, dim=2), torch.cat(values, dim=2)

    def attended(self, maps: list[Tensor]) -> list[Tensor]:
        """How much each token drew on each cell, level by level: (n, K, s*h, s*w); over all levels they sum to one.

        They sum to less where samples lie outside of the map.
        """
        keys, _ = self.keys_and_values(maps)
        by_level = self.attention.weights(keys).chunk(len(maps), dim=2)
        return [windows.spread(weights) for windows, weights in zip(self.windows(maps), by_level, strict=True)]

    def windows(self, maps: list[Tensor]) -> list[Windows]:
        """The windows of each level; all levels of a view take the same bins."""
        sizes = [(level.shape[1], level.shape[2]) for level in maps]
        bins = window_bins(*sizes[0])
        return [
            Windows(
                size,
                self.config.grid,
                bins,
                dtype=self.config.window_dtype,
                aligned=self.config.roi_aligned,
                device=level.device,
            )
            for size, level in zip(sizes, maps, strict=True)
        ]
