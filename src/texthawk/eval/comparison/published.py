"""Published operation counts, made again by the same counter: LLaVA-1.5, LLaVA-Next, LLaVA-UHD v2.

All are counted as those papers must have counted: visual tokens alone, every token looks at every token, logits of all
tokens; a multiply and an add are two. The figure named `published` is the paper's, never ours.
"""

from dataclasses import dataclass, replace

from texthawk.compress import CompressorConfig
from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.mlp import MLPConfig
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.eval.comparison.as_released import ReleasedHiwinConfig
from texthawk.eval.comparison.counting import Counter
from texthawk.eval.comparison.rows import Row, Setup, price
from texthawk.eval.comparison.shapes import LANGUAGES, TOWERS
from texthawk.image.tilings import UhdTilingConfig
from texthawk.types import TileLayout

ALL_LAYERS = (24,)
"""The released codes run CLIP's last layer too, though they read the one before."""

FILLED = ((336, 336),) * 7
"""What LLaVA-UHD v2's code sends through the tower for 6 slices and an overview: all filled up to the longest."""


@dataclass(frozen=True)
class Case:
    """A model on the page that its paper counts; `published` is the paper's figure, `seen` as in `Setup.formula`."""

    setup: Setup
    layout: TileLayout
    about: str
    published: float | None = None
    seen: tuple[tuple[int, int], ...] | None = None

    def row(self, counter: Counter) -> Row:
        """What it costs."""
        return price(self.setup, (self.layout.height, self.layout.width), self.layout, counter, seen=self.seen)


def cases() -> list[Case]:
    """The published models, each with its own tower, connector, language model and page."""
    clip, vicuna = TOWERS["clip-vit-l-336/14"](), LANGUAGES["vicuna-7b"]()
    all_layers = replace(clip, layers=ALL_LAYERS)
    six = UhdTilingConfig(max_slices=7).layout(672, 1008)
    slices = "1008x672 px, 6 slices and an overview"

    def released(name: str, config: CompressorConfig, published: float | None = None) -> Case:
        setup = Setup(f"{name}, as released", all_layers, config, vicuna)
        return Case(setup, six, slices, published, seen=FILLED)

    def here(name: str, config: CompressorConfig, published: float | None = None) -> Case:
        return Case(Setup(f"{name}, as here", clip, config, vicuna), six, slices, published)

    return [
        Case(
            Setup("LLaVA-1.5", all_layers, MLPConfig(), vicuna),
            TileLayout(1, 1, False, 336, 336, 336),
            "336x336 px, one view",
            8.0e12,
        ),
        Case(
            Setup("LLaVA-Next", all_layers, MLPConfig(), vicuna),
            TileLayout(2, 2, True, 672, 672, 336),
            "672x672 px, 4 tiles and a thumbnail",
            44.4e12,
        ),
        released("LLaVA-UHD v2", ReleasedHiwinConfig(), 17.5e12),
        here("LLaVA-UHD v2", HiwinConfig(), 17.5e12),
        released("LLaVA-UHD v2 with levels 1x and 4x", ReleasedHiwinConfig(levels=(1, 4))),
        here("LLaVA-UHD v2 with levels 1x and 4x", HiwinConfig(levels=(1, 4))),
        Case(
            Setup("LLaVA-UHD v2 with v1's resampler", all_layers, Uhd1Config(token_layout="2d"), vicuna),
            six,
            slices,
            seen=FILLED,
        ),
    ]
