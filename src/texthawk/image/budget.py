"""What a page will cost, before anything runs: tiles, visual tokens, bytes and operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from texthawk.image.tilings import Tiling
from texthawk.types import TileLayout

FLOAT32_BYTES = 4
CHANNELS = 3
TokenCount = Callable[[TileLayout], int]
"""Visual tokens of a page, the frame not counted: the `visual_tokens` of a model's config or of a compressor's."""


def sixteen_a_tile(layout: TileLayout) -> int:
    """TextHawk's own count (section 3.2): 256 patches of a tile become 16 visual tokens."""
    return 16 * layout.tiles


@dataclass(frozen=True)
class CacheShape:
    """What the language model keeps of a token: a key and a value of each of its layers and heads."""

    layers: int
    kv_heads: int
    head_width: int
    bytes_per_value: int = 2

    @property
    def bytes_per_token(self) -> int:
        return 2 * self.layers * self.kv_heads * self.head_width * self.bytes_per_value


@dataclass(frozen=True)
class Plan:
    """The cost of a page. `cache_bytes` and `flops` are None where the plan was made without a model.

    `visual_tokens` are those the page itself becomes; `tokens` are what it takes of the context, its frame included.
    """

    layout: TileLayout
    visual_tokens: int
    frame_tokens: int
    pixel_bytes: int
    cache_bytes: int | None = None
    flops: int | None = None

    @property
    def rows(self) -> int:
        return self.layout.rows

    @property
    def columns(self) -> int:
        return self.layout.columns

    @property
    def thumbnail(self) -> bool:
        return self.layout.thumbnail

    @property
    def tiles(self) -> int:
        return self.layout.tiles

    @property
    def tokens(self) -> int:
        return self.visual_tokens + self.frame_tokens


def plan(
    height: int,
    width: int,
    *,
    tiling: Tiling,
    visual_tokens: TokenCount = sixteen_a_tile,
    max_visual_tokens: int | None = None,
    frame_tokens: int = 2,
    cache: CacheShape | None = None,
    flops: Callable[[TileLayout, int], int] | None = None,
) -> Plan:
    """The cost of a page of this size in pixels; `flops` is asked with the layout and the page's tokens."""
    layout = layout_within(height, width, tiling, visual_tokens, max_visual_tokens)
    visual = visual_tokens(layout)
    tokens = visual + frame_tokens
    return Plan(
        layout,
        visual_tokens=visual,
        frame_tokens=frame_tokens,
        pixel_bytes=sum(high * wide for high, wide in layout.views) * CHANNELS * FLOAT32_BYTES,
        cache_bytes=None if cache is None else tokens * cache.bytes_per_token,
        flops=None if flops is None else flops(layout, tokens),
    )


def layout_within(
    height: int, width: int, tiling: Tiling, visual_tokens: TokenCount, max_visual_tokens: int | None
) -> TileLayout:
    """The layout of a page with as many tiles, slices or pixels as the tiling and a budget of visual tokens allow.

    Raises ValueError when even the least that the tiling makes of the page does not keep the budget.
    """
    if max_visual_tokens is None:
        return tiling.layout(height, width)
    for smaller in tiling.smaller(height, width):
        layout = _layout(height, width, smaller)
        if visual_tokens(layout) <= max_visual_tokens:
            return layout
    least = visual_tokens(layout)
    way_out = f"allow at least {least}"
    if layout.thumbnail and layout.rows:
        way_out += ", or send no thumbnail"
    raise ValueError(f"max_visual_tokens is {max_visual_tokens}, but the smallest page costs {least}; {way_out}")


def tiling_within(
    sizes: Sequence[tuple[int, int]], tiling: Tiling, visual_tokens: TokenCount, max_visual_tokens: int
) -> Tiling:
    """The finest tiling under which several pictures, as (height, width), together keep a budget of visual tokens.

    Raises ValueError when even the least that the tiling makes of them does not keep it.
    """

    def cost(made: Tiling) -> int:
        return sum(visual_tokens(_layout(height, width, made)) for height, width in sizes)

    costliest = max(sizes, key=lambda size: visual_tokens(_layout(*size, tiling)))
    for smaller in tiling.smaller(*costliest):
        if cost(smaller) <= max_visual_tokens:
            return smaller
    least = cost(smaller)
    pictures = "1 picture" if len(sizes) == 1 else f"{len(sizes)} pictures"
    raise ValueError(f"max_visual_tokens is {max_visual_tokens}, but {pictures} cost {least} at least; allow that many")


@lru_cache(maxsize=4096)
def _layout(height: int, width: int, tiling: Tiling) -> TileLayout:
    return tiling.layout(height, width)
