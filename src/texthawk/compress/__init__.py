"""Feature levels become few visual tokens: one file per method, each with its config and its module.

A connector's config is a frozen dataclass that says how many tokens a page costs and builds the module. The module
takes the feature levels of all views of a batch, grouped by size (`compress/views.py`), with the layout of each page, and
returns one (tokens, language_width) tensor per page.
"""

from dataclasses import asdict
from difflib import get_close_matches
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
    names = {kind: name for name, kind in COMPRESSORS.items()}
    return {"type": names[type(config)], **asdict(config)}


def compressor_from_json(data: dict[str, Any]) -> CompressorConfig:
    """The config that `compressor_to_json` wrote; an unknown "type" is a ValueError naming the nearest."""
    settings = dict(data)
    name = settings.pop("type", "")
    if name not in COMPRESSORS:
        nearest = get_close_matches(str(name), COMPRESSORS, n=1, cutoff=0.0)
        raise ValueError(f"compressor {name!r} is unknown; nearest: {nearest[0]}")
    return COMPRESSORS[name](**{key: _tuples(value) for key, value in settings.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value
