"""LLaVA-UHD's first resampler: 144 tokens for any view, one query a window of one level (arXiv 2403.11703)."""

from dataclasses import dataclass, fields
from typing import ClassVar

from texthawk.compress.hiwin import Hiwin, HiwinConfig, WindowedConfig
from texthawk.compress.order import TokenLayout
from texthawk.types import TileLayout


@dataclass(frozen=True, kw_only=True)
class Uhd1Config(WindowedConfig):
    """Settings of the spatially constrained resampler: 144 tokens a view, 4x fewer than a 24x24 view's patches.

    This is the authors' code (branch of LLaVA-UHD v1), where a window's query sees the 6 to 12 samples of its window;
    it is also the first row of v2's ablation. It is Hiwin attention on one level, with one set of queries, and without
    the marks that tell levels apart.

    scale: of the pyramid's level that is read; 1 is the tower's own map, 4 is v2's ablation "+VDIM".
    token_layout: "1d" sends slice after slice, as v1 does; "2d" is v2's ablation "+token organisation".
    The other settings are WindowedConfig's.
    """

    scale: int = 1
    token_layout: TokenLayout = "1d"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hiwin()

    def hiwin(self) -> HiwinConfig:
        """The same as a choice of Hiwin's settings; ValueError where one of them is out of range."""
        shared = {entry.name: getattr(self, entry.name) for entry in fields(WindowedConfig)}
        return HiwinConfig(levels=(self.scale,), query_sets=1, **shared)

    def flops(self, layout: TileLayout, *, encoder_width: int, language_width: int) -> int:
        """Operations of matrix products, convolutions and attention for a page; a multiply and an add are two."""
        return self.hiwin().flops(layout, encoder_width=encoder_width, language_width=language_width)

    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        """Operations for one view of h x w patches, see `flops`."""
        return self.hiwin().view_flops(h, w, encoder_width, language_width)

    def build(self, *, encoder_width: int, language_width: int) -> "Uhd1":
        return Uhd1(self.hiwin(), encoder_width, language_width)


class Uhd1(Hiwin):
    """One level, one projection without a bias, one query a window."""

    level_marks: ClassVar[bool] = False
