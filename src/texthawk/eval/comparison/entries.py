"""The entries of the comparison: each connector with its paper's own tower and tiling.

The language model is the same for all, so that connectors are compared and not the sizes of what follows them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from transformers import PretrainedConfig

from texthawk.compress import CompressorConfig
from texthawk.compress.average_pool import AveragePoolConfig
from texthawk.compress.c_abstractor import CAbstractorConfig
from texthawk.compress.conv16 import Conv16Config
from texthawk.compress.h_reducer import HReducerConfig
from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.merge2x2 import Merge2x2Config
from texthawk.compress.mlp import MLPConfig
from texthawk.compress.perceiver import PerceiverConfig
from texthawk.compress.pixel_shuffle import PixelShuffleConfig
from texthawk.compress.resa import ReSAConfig
from texthawk.compress.token_packer import TokenPackerConfig
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.eval.comparison.rows import Setup
from texthawk.eval.comparison.shapes import TowerShape
from texthawk.image.settings import known
from texthawk.image.tiles import TilingConfig
from texthawk.image.tilings import NativeTilingConfig, Tiling, UhdTilingConfig


@dataclass(frozen=True)
class Entry:
    """A connector and where its paper puts it; `about` is what a reader of the table must know.

    connector: the config for a tower, whose heads and MLP TextHawk's resampler copies.
    """

    tower: str
    tiling: Tiling
    connector: Callable[[TowerShape], CompressorConfig]
    about: str


def _resa(levels: tuple[int, ...], scan: Literal["page", "tile"]) -> Callable[[TowerShape], ReSAConfig]:
    def connector(tower: TowerShape) -> ReSAConfig:
        return ReSAConfig(levels=levels, scan=scan, heads=tower.heads, intermediate=tower.intermediate)

    return connector


SIGLIP, CLIP = "siglip-so400m-224/14", "clip-vit-l-336/14"

ONE_VIEW = TilingConfig(tile=336, max_tiles=1, thumbnail="never")

ENTRIES: dict[str, Entry] = {
    "texthawk": Entry(
        SIGLIP,
        TilingConfig(max_tiles=36),
        _resa((3, 3, 3, 2, 2, 2, 1, 0), "tile"),
        "ReSA with eight MLCA layers, at most 36 tiles and a thumbnail",
    ),
    "texthawk2": Entry(
        SIGLIP,
        TilingConfig(max_tiles=72),
        _resa((3, 2, 1, 0), "page"),
        "ReSA with four MLCA layers, at most 72 tiles and a thumbnail",
    ),
    "hiwin": Entry(
        CLIP,
        UhdTilingConfig(max_slices=7),
        lambda tower: HiwinConfig(),
        "LLaVA-UHD v2: pyramid of 1x, 2x, 4x and Hiwin attention, at most 6 slices (7 for strips) and an overview",
    ),
    "uhd1": Entry(
        CLIP,
        UhdTilingConfig(max_slices=7),
        lambda tower: Uhd1Config(),
        "LLaVA-UHD v1: spatially constrained resampler, the slices of LLaVA-UHD v2",
    ),
    "perceiver": Entry(
        "siglip-so400m-448/14",
        UhdTilingConfig(scale=448, max_slices=9),
        lambda tower: PerceiverConfig(),
        "MiniCPM-V 2.6: 64 queries a slice, at most 9 slices of 448 px and an overview",
    ),
    "mlp": Entry(
        CLIP, ONE_VIEW, lambda tower: MLPConfig(), "LLaVA-1.5: no compression, the page as one view of 336 px"
    ),
    "merge2x2": Entry(
        "qwen2-vl", NativeTilingConfig(), lambda tower: Merge2x2Config(), "Qwen2-VL: the page at its own resolution"
    ),
    "pixel_shuffle": Entry(
        "clip-vit-l-448/14",
        TilingConfig(tile=448, max_tiles=12),
        lambda tower: PixelShuffleConfig(),
        "InternVL2: at most 12 tiles of 448 px and a thumbnail; InternViT-300M has the shape of this CLIP",
    ),
    "c_abstractor": Entry(
        CLIP, ONE_VIEW, lambda tower: CAbstractorConfig(), "Honeybee: the page as one view of 336 px"
    ),
    "h_reducer": Entry(
        "clip-vit-l-448/14",
        TilingConfig(tile=448, max_tiles=9),
        lambda tower: HReducerConfig(),
        "mPLUG-DocOwl 1.5: at most 9 crops of 448 px and the whole page",
    ),
    "average_pool": Entry(
        CLIP, ONE_VIEW, lambda tower: AveragePoolConfig(), "DeCo: 12x12 tokens, the page as one view of 336 px"
    ),
    "conv16": Entry(
        "clip-vit-l-448/14",
        NativeTilingConfig(max_pixels=1280 * 1280),
        lambda tower: Conv16Config(),
        "DeepSeek-OCR's compressor behind a plain tower on up to 1280x1280 px; its own DeepEncoder is not modelled",
    ),
    "token_packer": Entry(
        CLIP,
        TilingConfig(tile=336, max_tiles=9),
        lambda tower: TokenPackerConfig(),
        "TokenPacker-HD: at most 9 tiles of 336 px and a thumbnail",
    ),
}


def setup(
    name: str,
    towers: dict[str, Callable[[], TowerShape]],
    language: PretrainedConfig,
    tower: str | None = None,
) -> Setup:
    """An entry ready to be priced, before its own tower or before the one named."""
    entry = ENTRIES[known("connector", name, ENTRIES)]
    shape = towers[known("tower", tower or entry.tower, towers)]()
    return Setup(name, shape, entry.connector(shape), language)
