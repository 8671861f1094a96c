"""H-Reducer: neighbours along a row of text become one visual token.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width
                y, x rows and columns of tokens   a, b place within the window
"""

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.per_view import PerViewConfig, windows
from texthawk.compress.views import PerViewConnector, padded


@dataclass(frozen=True)
class HReducerConfig(PerViewConfig):
    """mPLUG-DocOwl 1.5's H-Reducer ("Unified Structure Learning for OCR-free Document Understanding", arXiv
    2403.12895, section 3.1): a convolution of 1x4 patches, then a linear layer; 4x.

    window: rows x columns of patches that become one token; (1, 4) is the method, (2, 2) the paper's ablation.
    mixing: a second such convolution before the first, as wide as the whole window and followed by GELU. The paper's
        text does not have it, the released code does; with a ViT-L and a width of 4096 it triples the operations.

    Left out is the learned token with which the released code ends each view. DocOwl cuts views of 448 px: 256 tokens.
    """

    window: tuple[int, int] = (1, 4)
    mixing: bool = False

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return windows(h, w, *self.window)

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        rows, columns = self.token_grid(h, w)
        joined = self.window[0] * self.window[1] * encoder_width
        mixed = joined * joined if self.mixing else 0
        return 2 * rows * columns * (mixed + joined * encoder_width + encoder_width * language_width)

    def build(self, *, encoder_width: int, language_width: int) -> "HReducer":
        return HReducer(self, encoder_width, language_width)


class HReducer(PerViewConnector):
    """The convolution and the projection.

    A convolution whose stride is its own size is a linear layer over the joined window, and is written as that.
    """

    def __init__(self, config: HReducerConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.window = config.window
        joined = config.window[0] * config.window[1] * encoder_width
        self.mix = nn.Linear(joined, joined) if config.mixing else None
        self.reduce = nn.Linear(joined, encoder_width)
        self.project = nn.Linear(encoder_width, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        a, b = self.window
        joined = rearrange(padded(levels[-1], a, b), "n (y a) (x b) W -> n (y x) (a b W)", a=a, b=b)
        if self.mix is not None:
            joined = F.gelu(self.mix(joined))
        return self.project(self.reduce(joined))
