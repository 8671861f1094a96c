"""Pixel shuffle: a square of patches is folded into the width of one visual token, then projected.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width
                y, x rows and columns of tokens   a, b place within the square
"""

from dataclasses import dataclass
from typing import Literal

from einops import rearrange
from torch import Tensor, nn

from texthawk.compress.per_view import PerViewConfig, windows
from texthawk.compress.views import PerViewConnector, padded


@dataclass(frozen=True)
class PixelShuffleConfig(PerViewConfig):
    """InternVL 1.5's connector ("How Far Are We to GPT-4V?", arXiv 2404.16821, section 3.1) and Idefics3's ("Building
    and better understanding vision-language models", arXiv 2408.12637); 4x at scale 2.

    scale: side of the square that becomes one token; 2 in InternVL and Idefics3, up to 4 in SmolVLM (16x).
    projection: "mlp" is InternVL's LayerNorm and two-layer MLP, "linear" Idefics3's single matrix without bias.

    Against the 2x2 merge: the same patches meet, but the norm comes after they are joined and the hidden layer is as
    wide as the language model. InternVL cuts tiles of 448 px (256 tokens), Idefics3 of 364 px (169).
    """

    scale: int = 2
    projection: Literal["mlp", "linear"] = "mlp"

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return windows(h, w, self.scale, self.scale)

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        rows, columns = self.token_grid(h, w)
        hidden = language_width if self.projection == "mlp" else 0
        return 2 * rows * columns * language_width * (self.scale**2 * encoder_width + hidden)

    def build(self, *, encoder_width: int, language_width: int) -> "PixelShuffle":
        return PixelShuffle(self, encoder_width, language_width)


class PixelShuffle(PerViewConnector):
    """Squares of scale x scale patches folded row by row, then the projection."""

    def __init__(self, config: PixelShuffleConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.scale = config.scale
        folded = config.scale**2 * encoder_width
        self.project: nn.Module = (
            nn.Linear(folded, language_width, bias=False)
            if config.projection == "linear"
            else nn.Sequential(
                nn.LayerNorm(folded),
                nn.Linear(folded, language_width),
                nn.GELU(),
                nn.Linear(language_width, language_width),
            )
        )

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        side = self.scale
        patches = padded(levels[-1], side, side)
        return self.project(rearrange(patches, "n (y a) (x b) W -> n (y x) (a b W)", a=side, b=side))
