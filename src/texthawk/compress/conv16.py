"""Convolutional 16x: two convolutions of stride 2 leave one visual token of sixteen patches.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   C channels   D language width
                y, x rows and columns of tokens
"""

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn

from texthawk.compress.per_view import PerViewConfig, windows
from texthawk.compress.views import PerViewConnector


@dataclass(frozen=True)
class Conv16Config(PerViewConfig):
    """DeepSeek-OCR's convolutional compressor ("Contexts Optical Compression", arXiv 2510.18234, section 3.2.1): 3x3
    convolutions of stride 2 without bias or activation, then a linear layer; 16x.

    channels: after the first and the second convolution. None takes half the encoder's width and then all of it, which
        for a ViT-L of 1024 are the paper's 512 and 1024.

    Deviates in where it stands. DeepEncoder compresses between SAM's window attention and CLIP's global attention, so
    that CLIP sees a sixteenth of the patches and mixes them afterwards; here the compressor stands between the tower
    and the language model, and the tower pays for every patch. Read this entry as the compressor's, not DeepEncoder's.
    A token draws on 7x7 patches at most. Borders are filled with zeros, as in the original, at any size of view.
    """

    channels: tuple[int, int] | None = None

    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        return windows(h, w, 4, 4)

    def widths(self, encoder_width: int) -> tuple[int, int]:
        """Channels after each of both convolutions."""
        return self.channels or (max(1, encoder_width // 2), encoder_width)

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        half_rows, half_columns = windows(h, w, 2, 2)
        rows, columns = self.token_grid(h, w)
        first, second = self.widths(encoder_width)
        halved = half_rows * half_columns * 9 * encoder_width * first
        return 2 * (halved + rows * columns * (9 * first * second + second * language_width))

    def build(self, *, encoder_width: int, language_width: int) -> "Conv16":
        return Conv16(self, encoder_width, language_width)


class Conv16(PerViewConnector):
    """Both convolutions and the projection."""

    def __init__(self, config: Conv16Config, encoder_width: int, language_width: int) -> None:
        super().__init__()
        first, second = config.widths(encoder_width)
        self.halve = nn.Conv2d(encoder_width, first, 3, stride=2, padding=1, bias=False)
        self.halve_again = nn.Conv2d(first, second, 3, stride=2, padding=1, bias=False)
        self.project = nn.Linear(second, language_width)

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        reduced = self.halve_again(self.halve(rearrange(levels[-1], "n h w W -> n W h w")))
        return self.project(rearrange(reduced, "n C y x -> n (y x) C"))
