"""Feature levels become few visual tokens: one file per method, each with its config and its module.

A connector's config is a frozen dataclass that says how many tokens a page costs and builds the module. The module
takes the feature levels of all views of a batch, grouped by size (`compress/views.py`), with the layout of each page, and
returns one (tokens, language_width) tensor per page.
"""

from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

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
from texthawk.compress.views import ViewGroup
from texthawk.image.settings import settings_from_json, settings_to_json
from texthawk.types import TileLayout


class Compressor(Protocol):
    """What every connector's module does: groups of views and the pages' layouts in, tokens per page out."""

    def __call__(self, groups: list[ViewGroup], layouts: list[TileLayout]) -> list[Tensor]: ...


class CompressorConfig(Protocol):
    """What every connector's config knows; a frozen dataclass whose fields are plain data.

    levels_needed: how many feature levels the module reads at least; it may find more in a ViewGroup.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def levels_needed(self) -> int: ...

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page, separators included."""
        ...

    def separators(self, layout: TileLayout) -> list[int] | None:
        """The page's sequence: k >= 0 for the module's k-th token, -1 for a newline and -2 for a comma.

        None: the module's tokens as they are. The model puts the language model's own embeddings of newline and comma.
        """
        ...

    def flops(self, layout: TileLayout, *, encoder_width: int, language_width: int) -> int:
        """Operations of the module for a page: matrix products, convolutions, attention; a multiply and an add are two."""
        ...

    def build(self, *, encoder_width: int, language_width: int) -> nn.Module: ...


COMPRESSORS: dict[str, type[CompressorConfig]] = {
    "resa": ReSAConfig,
    "hiwin": HiwinConfig,
    "uhd1": Uhd1Config,
    "mlp": MLPConfig,
    "merge2x2": Merge2x2Config,
    "pixel_shuffle": PixelShuffleConfig,
    "h_reducer": HReducerConfig,
    "average_pool": AveragePoolConfig,
    "conv16": Conv16Config,
    "perceiver": PerceiverConfig,
    "c_abstractor": CAbstractorConfig,
    "token_packer": TokenPackerConfig,
}


def compressor_to_json(config: CompressorConfig) -> dict[str, Any]:
    """A connector's config as plain data, its name under "type"."""
    return settings_to_json(COMPRESSORS, config)


def compressor_from_json(data: dict[str, Any]) -> CompressorConfig:
    """The config that `compressor_to_json` wrote; ValueError for what cannot be, with the nearest name that can."""
    return settings_from_json("compressor", COMPRESSORS, data)
