"""Two-layer MLP: every patch becomes a visual token, nothing is compressed.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.per_view import PerViewConfig
from texthawk.compress.views import PerViewConnector


@dataclass(frozen=True)
class MLPConfig(PerViewConfig):
    """LLaVA-1.5's connector ("Improved Baselines with Visual Instruction Tuning", arXiv 2310.03744,
    section 3.3): no compression, 1x.

    LLaVA-1.5 gives it one view of 336 px, 576 tokens, from the last layer but one of CLIP ViT-L/14. It has no setting.
    """

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return h, w

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        return 2 * h * w * (encoder_width + language_width) * language_width

    def build(self, *, encoder_width: int, language_width: int) -> "MLP":
        return MLP(encoder_width, language_width)


class MLP(PerViewConnector):
    """Linear, GELU, linear, for each patch of the deepest level alone."""

    def __init__(self, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(encoder_width, language_width)
        self.fc2 = nn.Linear(language_width, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(levels[-1].flatten(1, 2))))
