"""TokenPacker: a coarse point draws details from the patches of its own region, at several levels.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   L levels   D language width
                y, x rows and columns of tokens   a, b place within a region   r = n*y*x regions
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.per_view import PerViewConfig, heads_for, windows
from texthawk.compress.resa import Attention
from texthawk.compress.views import PerViewConnector, padded


@dataclass(frozen=True)
class TokenPackerConfig(PerViewConfig):
    """TokenPacker ("Efficient Visual Projector for Multimodal LLM", arXiv 2407.02392, section 3.2): downsampled points
    attend to their regions, then a two-layer MLP; 4x at scale 2.

    scale: side of the region that becomes one token; the paper has 2, 3 and 4 (4x, 9x, 16x).
    levels: how many levels, up to the deepest, keys and values are made of; four in the paper (layers 12, 16, 22 and 23
        of CLIP ViT-L), 1 is its single-level ablation.
    heads: of the attention; None takes heads of 128, or of a little more where that does not divide the width.

    As in the released code, what a point drew from its region replaces the point (no residual), and no positions are
    used: a region has only scale x scale patches, which the tower has already told apart.
    """

    scale: int = 2
    levels: int = 4
    heads: int | None = None

    @property
    def levels_needed(self) -> int:
        return self.levels

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return windows(h, w, self.scale, self.scale)

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        rows, columns = self.token_grid(h, w)
        tokens, width = rows * columns, encoder_width
        patches = tokens * self.scale**2
        points = tokens * 3 * width * width  # point projection, into the attention and out of it
        details = 2 * patches * (self.levels + 2) * width * width  # both MLPs, then into the attention
        attention = 2 * patches * width
        return 2 * (points + details + attention + tokens * (width + language_width) * language_width)

    def build(self, *, encoder_width: int, language_width: int) -> "TokenPacker":
        return TokenPacker(self, encoder_width, language_width)


class Details(nn.Module):
    """Keys or values of all levels of a patch: linear, GELU, linear, LayerNorm."""

    def __init__(self, levels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(levels * width, width)
        self.fc2 = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, levels_LW: Tensor) -> Tensor:
        """(..., L*W) -> (..., W)."""
        return self.norm(self.fc2(F.gelu(self.fc1(levels_LW))))


class TokenPacker(PerViewConnector):
    """Points of the deepest level, injection from their regions, MLP."""

    def __init__(self, config: TokenPackerConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.config = config
        heads = config.heads or heads_for(encoder_width)
        if encoder_width % heads:
            raise ValueError(f"encoder width {encoder_width} is not divisible by {heads} heads; set heads")
        self.point = nn.Linear(encoder_width, encoder_width, bias=False)
        self.point_norm = nn.LayerNorm(encoder_width, eps=1e-6)
        self.keys = Details(config.levels, encoder_width)
        self.values = Details(config.levels, encoder_width)
        self.attention = Attention(encoder_width, heads)
        self.fc1 = nn.Linear(encoder_width, language_width)
        self.fc2 = nn.Linear(language_width, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        side = self.config.scale
        if len(levels) < self.config.levels:
            raise ValueError(f"{len(levels)} levels came, TokenPacker reads {self.config.levels}; give the tower more")
        maps = [padded(level, side, side) for level in levels[-self.config.levels :]]
        n, h, w, _ = maps[-1].shape
        regions = rearrange(torch.cat(maps, dim=-1), "n (y a) (x b) LW -> (n y x) (a b) LW", a=side, b=side)
        # Bilinear points of a whole scale lie within their region: it is averaged, or its middle is taken.
        deepest = rearrange(maps[-1], "n h w W -> n W h w").float()
        points = F.interpolate(deepest, size=(h // side, w // side), mode="bilinear", align_corners=False)
        points = rearrange(points.to(regions.dtype), "n W y x -> (n y x) 1 W")
        drawn = self.attention(self.point_norm(self.point(points)), self.keys(regions), self.values(regions))
        return self.fc2(F.gelu(self.fc1(rearrange(drawn, "(n t) 1 W -> n t W", n=n))))
