"""C-Abstractor: convolutions around an adaptive average pooling keep neighbours together.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   C width of the blocks
                D language width   y, x rows and columns of tokens   s side of the table of positions
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.per_view import PerViewConfig
from texthawk.compress.views import PerViewConnector


@dataclass(frozen=True)
class CAbstractorConfig(PerViewConfig):
    """Honeybee's C-Abstractor ("Locality-enhanced Projector for Multimodal LLM", arXiv 2312.06742, section 3.2): learned
    positions, ResNet blocks with squeeze-and-excitation, pooling, as many blocks again, two-layer MLP; 4x for 24x24 patches.

    grid: rows and columns of the tokens of each view; 12x12 and 16x16 in the paper.
    depth: ResNet blocks before the pooling and after it; 3 in the paper.
    width: of the blocks; None takes the encoder's.
    places: side of the square table of learned positions, the tower's patches along a side in training; views of
        another size or shape get it resized bicubically, which Honeybee, with views of one size, never had to do.

    The blocks are RegNet's: 1x1, 3x3 for each channel by itself, 1x1, with LayerNorm over channels and SiLU. Their
    excitation looks at the whole view, so every patch touches every token a little. As with any fixed grid, a whole
    page sent as one view gets no more tokens than a tile.
    """

    grid: tuple[int, int] = (12, 12)
    depth: int = 3
    width: int | None = None
    places: int = 24

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return self.grid

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        tokens, width = self.grid[0] * self.grid[1], self.width or encoder_width
        before = _block_products(encoder_width, width, h * w) + (self.depth - 1) * _block_products(width, width, h * w)
        after = self.depth * _block_products(width, width, tokens)
        return 2 * (before + after + tokens * (width + language_width) * language_width)

    def build(self, *, encoder_width: int, language_width: int) -> "CAbstractor":
        return CAbstractor(self, encoder_width, language_width)


def _block_products(width_in: int, width: int, places: int) -> int:
    """Multiplications of one block over so many places of a map, those of its excitation once."""
    shortcut = 0 if width_in == width else width_in * width
    return places * (width_in * width + 9 * width + width * width + shortcut) + 2 * width * _squeezed(width_in)


def _squeezed(width: int) -> int:
    """Width between squeeze and excitation: a quarter."""
    return max(1, round(width / 4))


class ResNetBlock(nn.Module):
    """RegNet's bottleneck with squeeze-and-excitation: (n, h, w, W) -> (n, h, w, C)."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width_in, width, bias=False)
        self.enter_norm = nn.LayerNorm(width, eps=1e-6)
        self.neighbours = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.neighbours_norm = nn.LayerNorm(width, eps=1e-6)
        self.squeeze = nn.Linear(width, _squeezed(width_in))
        self.excite = nn.Linear(_squeezed(width_in), width)
        self.leave = nn.Linear(width, width, bias=False)
        self.leave_norm = nn.LayerNorm(width, eps=1e-6)
        self.shortcut: nn.Module = nn.Identity()
        if width_in != width:
            self.shortcut = nn.Sequential(
                nn.Linear(width_in, width, bias=False),
                nn.LayerNorm(width, eps=1e-6),
            )

    def forward(self, x_nhwW: Tensor) -> Tensor:
        inner = F.silu(self.enter_norm(self.enter(x_nhwW)))
        around = self.neighbours(rearrange(inner, "n h w C -> n C h w"))
        inner = F.silu(self.neighbours_norm(rearrange(around, "n C h w -> n h w C")))
        gate = torch.sigmoid(self.excite(F.silu(self.squeeze(inner.mean(dim=(1, 2), keepdim=True)))))
        return F.silu(self.leave_norm(self.leave(inner * gate)) + self.shortcut(x_nhwW))


class CAbstractor(PerViewConnector):
    """Positions, blocks, pooling, blocks, then linear, SiLU, linear."""

    def __init__(self, config: CAbstractorConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.grid = config.grid
        width = config.width or encoder_width
        self.places_ssW = nn.Parameter(torch.empty(config.places, config.places, encoder_width))
        nn.init.trunc_normal_(self.places_ssW, std=0.02)
        self.before = nn.Sequential(
            ResNetBlock(encoder_width, width), *(ResNetBlock(width, width) for _ in range(config.depth - 1))
        )
        self.after = nn.Sequential(*(ResNetBlock(width, width) for _ in range(config.depth)))
        self.fc1 = nn.Linear(width, language_width)
        self.fc2 = nn.Linear(language_width, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        _, h, w, _ = levels[-1].shape
        mixed = self.before(levels[-1] + self.places(h, w).to(levels[-1].dtype))
        pooled = F.adaptive_avg_pool2d(rearrange(mixed, "n h w C -> n C h w"), self.grid)
        tokens = self.after(rearrange(pooled, "n C y x -> n y x C")).flatten(1, 2)
        return self.fc2(F.silu(self.fc1(tokens)))

    def places(self, h: int, w: int) -> Tensor:
        """The table of positions for a view of h x w patches: (h, w, W)."""
        if self.places_ssW.shape[:2] == (h, w):
            return self.places_ssW
        table = rearrange(self.places_ssW, "h w W -> 1 W h w").float()
        return rearrange(F.interpolate(table, size=(h, w), mode="bicubic", align_corners=False), "1 W h w -> h w W")
