"""2x2 merge: four neighbours in a square become one visual token.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width
                y, x rows and columns of tokens   a, b place within the square
"""

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.per_view import PerViewConfig, windows
from texthawk.compress.views import PerViewConnector, padded


@dataclass(frozen=True)
class Merge2x2Config(PerViewConfig):
    """Qwen2-VL's patch merger ("Qwen2-VL", arXiv 2409.12191, section 2.1): LayerNorm, 2x2 patches joined, two-layer MLP; 4x.

    Qwen2-VL sends the page as one view at its own size, sides in multiples of 28 px, so that nothing is filled up; a
    view of another tiling with an odd number of patches has its last row or column repeated. Patches are normalised
    before they are joined, and the hidden layer is as wide as four of them. Qwen2.5-VL's differs by an RMSNorm.
    """

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return windows(h, w, 2, 2)

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        rows, columns = self.token_grid(h, w)
        return 2 * rows * columns * 4 * encoder_width * (4 * encoder_width + language_width)

    def build(self, *, encoder_width: int, language_width: int) -> "Merge2x2":
        return Merge2x2(encoder_width, language_width)


class Merge2x2(PerViewConnector):
    """Patches normalised one by one, joined in squares (row by row), then linear, GELU, linear."""

    def __init__(self, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(encoder_width, eps=1e-6)
        self.fc1 = nn.Linear(4 * encoder_width, 4 * encoder_width)
        self.fc2 = nn.Linear(4 * encoder_width, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        patches = self.norm(padded(levels[-1], 2, 2))
        squares = rearrange(patches, "n (y a) (x b) W -> n (y x) (a b W)", a=2, b=2)
        return self.fc2(F.gelu(self.fc1(squares)))
