"""Adaptive average pooling: every view, of whatever size, becomes one fixed grid of visual tokens.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width
                y, x rows and columns of tokens
"""

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.per_view import PerViewConfig
from texthawk.compress.views import PerViewConnector


@dataclass(frozen=True)
class AveragePoolConfig(PerViewConfig):
    """DeCo ("Decoupling Token Compression from Semantic Abstraction", arXiv 2405.20985): pooling without weights,
    then LLaVA's two-layer MLP; 4x for a view of 24x24 patches.

    grid: rows and columns of the tokens of each view; the paper pools CLIP's 24x24 patches to 8x8, among others.

    The ratio is that of the view's size to the grid: a whole page sent as one view gets no more tokens than a tile, so
    this belongs with a tiling. Where the grid does not divide the view, neighbouring tokens share patches.
    """

    grid: tuple[int, int] = (12, 12)

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return self.grid

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        return 2 * self.grid[0] * self.grid[1] * (encoder_width + language_width) * language_width

    def build(self, *, encoder_width: int, language_width: int) -> "AveragePool":
        return AveragePool(self, encoder_width, language_width)


class AveragePool(PerViewConnector):
    """Patches averaged first, then linear, GELU, linear."""

    def __init__(self, config: AveragePoolConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.grid = config.grid
        self.fc1 = nn.Linear(encoder_width, language_width)
        self.fc2 = nn.Linear(language_width, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(rearrange(levels[-1], "n h w W -> n W h w"), self.grid)
        return self.fc2(F.gelu(self.fc1(rearrange(pooled, "n W y x -> n (y x) W"))))
