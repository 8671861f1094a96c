"""ReSA: resampling and rearrangement, 16 visual tokens for a tile of 256 patches (TextHawk 3.2, TextHawk2 3.3).

QPN proposes queries from the tile itself, MLCA layers let them look at several encoder levels, SPE tells both sides
where on the page they are; then neighbours along a row are joined and projected to the language model's width.

Shape letters:  T views of one size, of all pages   P patches of a view (16*16 of a tile)   Q queries of a view (8*8)
                y, x its rows and columns of queries   W encoder width   D language width   R, C grid of views of a page
                a, b rearrangement window (1, 4)
"""

from dataclasses import dataclass
from typing import Literal

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.compress.views import ViewGroup, padded, views_of_pages
from texthawk.image.settings import check_settings
from texthawk.types import TileLayout
from texthawk.vision.positions import AbsolutePositions, ScalablePositions, sinusoidal


@dataclass(frozen=True)
class ReSAConfig:
    """Settings of ReSA; the defaults are TextHawk2's. Every ablation of TextHawk's section 4.4 is one of them.

    levels: which encoder level each MLCA layer attends to, deep to shallow (TextHawk's R5 is (3,3,3,2,2,2,1,0)).
    resample: stride of QPN's max pooling; 2 gives 64 queries per tile, 4 (with window (1, 1)) is "resample only".
    window: rows x columns of queries that become one visual token; (1, 1) is "no rearrangement".
    queries: "proposed" by QPN from the tile or "learned" and the same for every tile.
    positions: "scalable" (SPE), "absolute" (APE) or "none" within the page, per `granularity` "patch" or tile "cell".
    scan: "page" reads the page line by line across tiles (TextHawk2), "tile" goes tile by tile (TextHawk).
    row_separators: one extra learned token after each line of tiles, in page scan.
    output_positions: adds the page position to the tokens themselves, not only to the attention that makes them.
    heads, intermediate: of the MLCA layers; None takes 64-wide heads and four times the width.
    patches: along the side of the layouts' square tile; max_side: tiles along a page's side, for absolute positions.

    Views of other sizes than the tile (LLaVA-UHD's slices, a whole page) keep the sizes of patch, query and window: the
    last rows and columns are repeated up to a whole number of windows, and the tables of places are resized.
    """

    levels: tuple[int, ...] = (3, 2, 1, 0)
    resample: int = 2
    window: tuple[int, int] = (1, 4)
    queries: Literal["proposed", "learned"] = "proposed"
    positions: Literal["scalable", "absolute", "none"] = "scalable"
    granularity: Literal["patch", "cell"] = "patch"
    scan: Literal["page", "tile"] = "page"
    row_separators: bool = False
    output_positions: bool = False
    heads: int | None = None
    intermediate: int | None = None
    expansion: int = 4
    patches: int = 16
    max_side: int = 12

    def __post_init__(self) -> None:
        check_settings(self, besides=("levels",))
        if not self.levels or min(self.levels) < 0:
            raise ValueError(f"levels are {self.levels}; list a level for each layer, counted from 0, the shallowest")
        if self.patches % self.resample:
            raise ValueError(f"resample {self.resample} does not divide the {self.patches} patches of a tile's side")
        for extent, name in zip(self.window, ("rows", "columns"), strict=True):
            if self.side % extent:
                raise ValueError(f"window {self.window} does not divide the {self.side}x{self.side} queries by {name}")
        if self.row_separators and self.scan != "page":
            raise ValueError("row_separators need scan='page': a tile-by-tile order has no lines of tiles")

    @property
    def side(self) -> int:
        """Queries along a tile's side."""
        return self.patches // self.resample

    @property
    def tokens_per_tile(self) -> int:
        return self.side * self.side // (self.window[0] * self.window[1])

    @property
    def levels_needed(self) -> int:
        return max(self.levels) + 1

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page: 16 per tile by default, its thumbnail and row separators included."""
        return sum(self._view_tokens(layout, size) for size in layout.views) + layout.rows * self.row_separators

    def _view_tokens(self, layout: TileLayout, size: tuple[int, int]) -> int:
        rows, columns = (self.resample * extent * layout.tile // self.patches for extent in self.window)
        return -(-size[0] // rows) * -(-size[1] // columns)

    def separators(self, layout: TileLayout) -> None:
        """None: row separators are learned here, in the language model's width."""

    def flops(self, layout: TileLayout, *, encoder_width: int, language_width: int) -> int:
        """Operations of matrix products and attention for a page; a multiply and an add are two."""
        width, joined = encoder_width, self.window[0] * self.window[1]
        mlp, expanded = self.intermediate or 4 * width, self.expansion * width
        products = 0
        for size in layout.views:
            tokens = self._view_tokens(layout, size)
            queries = tokens * joined
            patches = queries * self.resample**2
            if self.queries == "proposed":
                products += patches * (width + expanded) * expanded + queries * expanded * width
            across = 2 * (queries + patches) * width**2 + 2 * queries * patches * width
            among = 4 * queries * width**2 + 2 * queries**2 * width
            products += len(self.levels) * (across + 2 * queries * width * mlp) + (len(self.levels) - 1) * among
            products += tokens * joined * width * language_width
        return 2 * products

    def build(self, *, encoder_width: int, language_width: int) -> "ReSA":
        return ReSA(self, encoder_width, language_width)


@dataclass(frozen=True)
class QueryGrid:
    """Rows and columns of a view's queries, and how many of them show the view; the rest is padding."""

    rows: int
    columns: int
    shown_rows: float
    shown_columns: float

    @classmethod
    def square(cls, side: int) -> "QueryGrid":
        return cls(side, side, side, side)

    def finer(self, by: int) -> "QueryGrid":
        """The grid of the patches under the queries."""
        return QueryGrid(self.rows * by, self.columns * by, self.shown_rows * by, self.shown_columns * by)


class QueryProposal(nn.Module):
    """QPN: queries of a tile from its own deepest features (TextHawk section 3.2): MLP, max pooling, linear."""

    def __init__(self, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.expand = nn.Linear(width, expansion * width)
        self.mix = nn.Linear(expansion * width, expansion * width)
        self.reduce = nn.Linear(expansion * width, width)

    def forward(self, features_TPW: Tensor, rows: int) -> Tensor:
        """(T, P, W) -> (T, Q, W), each query from its own stride x stride patches; `rows` of queries."""
        hidden = self.mix(F.gelu(self.expand(features_TPW)))
        blocks = rearrange(
            hidden,
            "T (y s x z) W -> T (y x) (s z) W",
            y=rows,
            s=self.stride,
            z=self.stride,
            x=features_TPW.shape[1] // (rows * self.stride**2),
        )
        return self.reduce(blocks.amax(dim=2))


class Attention(nn.Module):
    """Multi-head attention without a mask; keys and queries carry positions, values do not."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """(T, Q, W), (T, P, W), (T, P, W) -> (T, Q, W)."""
        q, k, v = (
            rearrange(projected, "T n (A d) -> T A n d", d=self.head_width)  # one device may have some heads only
            for projected in (self.q(queries), self.k(keys), self.v(values))
        )
        return self.out(rearrange(F.scaled_dot_product_attention(q, k, v), "T A n d -> T n (A d)"))


class MLCALayer(nn.Module):
    """[self-attention] -> cross-attention to one encoder level -> MLP, pre-LayerNorm (TextHawk section 3.2)."""

    def __init__(self, width: int, heads: int, intermediate: int, *, self_attention: bool) -> None:
        super().__init__()
        if self_attention:
            self.self_norm = nn.LayerNorm(width)
            self.self_attention = Attention(width, heads)
        self.has_self_attention = self_attention
        self.query_norm = nn.LayerNorm(width)
        self.feature_norm = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads)
        self.mlp_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, intermediate)
        self.fc2 = nn.Linear(intermediate, width)

    def forward(self, x_TQW: Tensor, features_TPW: Tensor, query_places: Tensor, feature_places: Tensor) -> Tensor:
        if self.has_self_attention:
            normed = self.self_norm(x_TQW)
            x_TQW = x_TQW + self.self_attention(normed, normed, normed)
        features = self.feature_norm(features_TPW)
        x_TQW = x_TQW + self.cross_attention(self.query_norm(x_TQW) + query_places, features + feature_places, features)
        return x_TQW + self.fc2(F.gelu(self.fc1(self.mlp_norm(x_TQW))))


class ReSA(nn.Module):
    """Levels of all tiles in, visual tokens of each page out."""

    def __init__(self, config: ReSAConfig, encoder_width: int, language_width: int) -> None:
        super().__init__()
        self.config = config
        width, side = encoder_width, config.side
        heads = config.heads or max(1, width // 64)
        if width % heads:
            raise ValueError(f"encoder width {width} is not divisible by the resampler's {heads} heads; set heads")
        if width % 4:
            raise ValueError(
                f"encoder width {width} is not divisible by 4, as sines of places need it; take another tower"
            )
        if config.queries == "proposed":
            self.proposal = QueryProposal(width, config.expansion, config.resample)
        else:
            self.learned_QW = nn.Parameter(torch.randn(side * side, width))
        self.query_places_QW = nn.Parameter(0.02 * torch.randn(side * side, width))
        self.page_places: ScalablePositions | AbsolutePositions
        if config.positions == "scalable":
            self.page_places = ScalablePositions(width, heads)
        elif config.positions == "absolute":
            cells = config.max_side * (config.patches if config.granularity == "patch" else 1)
            self.page_places = AbsolutePositions(width, cells)
        self.layers = nn.ModuleList(
            MLCALayer(width, heads, config.intermediate or 4 * width, self_attention=depth > 0)
            for depth in range(len(config.levels))
        )
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(config.window[0] * config.window[1] * width, language_width)
        if config.row_separators:
            self.row_separator_D = nn.Parameter(0.02 * torch.randn(language_width))

    def forward(self, groups: list[ViewGroup], layouts: list[TileLayout]) -> list[Tensor]:
        """The visual tokens (tokens, D) of each page.

        Views never look at each other here; only their places on the page and the order of the result join them.
        """
        config, places_T4 = self.config, tile_places(layouts)
        queries = []
        for group in groups:
            _, h, w, _ = group.levels[0].shape
            a, b = (extent * config.resample for extent in config.window)
            maps = [padded(level, a, b) for level in group.levels]
            rows, columns = maps[0].shape[1] // config.resample, maps[0].shape[2] // config.resample
            shape = QueryGrid(rows, columns, h / config.resample, w / config.resample)
            places = places_T4[group.index].to(maps[0].device)
            queries_TQW = self.resample([level.flatten(1, 2) for level in maps], places, shape)
            queries.append(queries_TQW.unflatten(1, (rows, columns)))
        pages = views_of_pages(groups, queries, layouts)
        return [self._page(views, layout) for views, layout in zip(pages, layouts, strict=True)]

    def rearrange(self, queries_TQW: Tensor, layouts: list[TileLayout]) -> list[Tensor]:
        """Resampled queries of all pages' tiles, all of them squares -> visual tokens of each page."""
        pages = queries_TQW.split([layout.tiles for layout in layouts])
        return [self.rearrange_page(page, layout) for page, layout in zip(pages, layouts, strict=True)]

    def resample(self, levels: list[Tensor], places_T4: Tensor, shape: QueryGrid | None = None) -> Tensor:
        """(T, P, W) per level and the views' (row, column, rows, columns) -> (T, Q, W); without a shape, of tiles."""
        views, stride = levels[0].shape[0], self.config.resample
        shape = shape or QueryGrid.square(self.config.side)
        if self.config.queries == "proposed":
            x = self.proposal(levels[-1], shape.rows)
        else:
            x = self._resized(self.learned_QW, shape).expand(views, -1, -1)
        query_page = self.places(places_T4, shape).to(x.dtype)
        feature_page = self.places(places_T4, shape.finer(stride)).to(x.dtype)
        in_view = sinusoidal(shape.rows * stride, x.shape[-1], x.device, columns=shape.columns * stride).to(x.dtype)
        in_table = self._resized(self.query_places_QW, shape)
        for layer, level in zip(self.layers, self.config.levels, strict=True):
            x = layer(x, levels[level], in_table + query_page, in_view + feature_page)
        if self.config.output_positions:
            x = x + query_page
        return self.norm(x)

    def _resized(self, table_QW: Tensor, shape: QueryGrid) -> Tensor:
        """A table of a tile's queries for the queries of any view."""
        side = self.config.side
        if (shape.rows, shape.columns) == (side, side):
            return table_QW
        table = rearrange(table_QW, "(y x) W -> 1 W y x", y=side)
        table = F.interpolate(table, size=(shape.rows, shape.columns), mode="bicubic", align_corners=False)
        return rearrange(table, "1 W y x -> (y x) W")

    def places(self, places_T4: Tensor, shape: QueryGrid) -> Tensor:
        """Page positions of the cells of each view: (T, rows*columns, W), or a zero that broadcasts."""
        device = places_T4.device
        if self.config.positions == "none":
            return torch.zeros(1, 1, 1, device=device)
        row, column, rows, columns = (value[:, None] for value in places_T4.unbind(1))
        down, across = (torch.arange(count, device=device) for count in (shape.rows, shape.columns))
        if self.config.positions == "absolute":
            stretch = self.config.patches // shape.rows
            if self.config.granularity == "cell":
                down, across, stretch = torch.zeros_like(down), torch.zeros_like(across), 1
                shape = QueryGrid.square(1)
            row_k = (row * shape.rows + down) * stretch
            column_k = (column * shape.columns + across) * stretch
        else:
            if self.config.granularity == "cell":
                down, across, shape = torch.zeros_like(down), torch.zeros_like(across), QueryGrid.square(1)
            inside_down = (down + 0.5).clamp(max=shape.shown_rows)
            inside_across = (across + 0.5).clamp(max=shape.shown_columns)
            row_k = (row * shape.shown_rows + inside_down) / (rows * shape.shown_rows)
            column_k = (column * shape.shown_columns + inside_across) / (columns * shape.shown_columns)
        counts = (row_k.shape[1], column_k.shape[1])
        row_k = row_k[:, :, None].expand(-1, *counts).flatten(1)
        column_k = column_k[:, None, :].expand(-1, *counts).flatten(1)
        return self.page_places(row_k, column_k)

    def rearrange_page(self, queries_tQW: Tensor, layout: TileLayout) -> Tensor:
        """One page's queries, all of square tiles, in the order of its views -> its visual tokens (tokens, D)."""
        return self._page(list(queries_tQW.unflatten(1, (self.config.side, -1))), layout)

    def _page(self, views: list[Tensor], layout: TileLayout) -> Tensor:
        """One page's queries, (y, x, W) per view -> its visual tokens in order (tokens, D)."""
        a, b = self.config.window
        cuts, whole = views, views[:0]
        if layout.thumbnail:
            cuts, whole = (views[:-1], views[-1:]) if layout.thumbnail_last else (views[1:], views[:1])
        parts = [self.project(rearrange(view, "(y a) (x b) W -> (y x) (a b W)", a=a, b=b)) for view in whole]
        if cuts:
            pattern = {
                "page": "(R C) (y a) (x b) W -> (R y C x) (a b W)",
                "tile": "(R C) (y a) (x b) W -> (R C y x) (a b W)",
            }[self.config.scan]
            tokens = self.project(rearrange(torch.stack(cuts), pattern, R=layout.rows, C=layout.columns, a=a, b=b))
            if self.config.row_separators:
                lines = tokens.unflatten(0, (layout.rows, -1))
                separators = self.row_separator_D.to(tokens.dtype).expand(layout.rows, 1, -1)
                tokens = torch.cat([lines, separators], dim=1).flatten(0, 1)
            parts.append(tokens)
        return torch.cat(parts[::-1] if layout.thumbnail_last else parts)


def tile_places(layouts: list[TileLayout]) -> Tensor:
    """(row, column, rows, columns) of every view of every page, thumbnails as a 1x1 grid of their own: (T, 4)."""
    places = []
    for layout in layouts:
        whole = [(0, 0, 1, 1)] * int(layout.thumbnail)
        cuts = [(r, c, layout.rows, layout.columns) for r in range(layout.rows) for c in range(layout.columns)]
        places += cuts + whole if layout.thumbnail_last else whole + cuts
    return torch.tensor(places, device="cpu")
