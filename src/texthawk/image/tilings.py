"""The ways to cut a page: shape-adaptive tiles, LLaVA-UHD's slices, one view at native resolution.

Sizes of layouts and of this file are (height, width) in pixels, unlike `uhd_slices`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from texthawk.image.grid import long_side_to, multiple_of, uhd_slices
from texthawk.image.settings import check_settings, settings_from_json, settings_to_json
from texthawk.image.tiles import TilingConfig
from texthawk.types import TileLayout


class Tiling(Protocol):
    """What every tiling's config knows; a frozen dataclass whose fields are plain data.

    tile: side of the square that its layouts name as their tile. patch: side of the patches as which the pixels of its
    views travel to the model, or None where they travel as square tiles.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __hash__(self) -> int: ...

    @property
    def tile(self) -> int: ...

    @property
    def patch(self) -> int | None: ...

    def layout(self, height: int, width: int) -> TileLayout:
        """How a page of this size in pixels is cut."""
        ...

    def first_size(self, height: int, width: int) -> tuple[int, int]:
        """The size that a page is brought to before it is cut."""
        ...

    def smaller(self, height: int, width: int) -> Iterator["Tiling"]:
        """This tiling and others that make less and less of a page of this size, down to the least."""
        ...


@dataclass(frozen=True)
class UhdTilingConfig:
    """LLaVA-UHD's slices and overview, the overview last (LLaVA-UHD v1 and v2).

    max_slices: 7 in the authors' training, 9 in their evaluation, 6 in the papers; 1 sends the overview alone, as their
    first stage does.
    long_side: their evaluation first brings the longer side to 1024 (1536 for TextVQA, nothing for MME and AI2D), in
    April 2025's snapshot always, in December 2024's only where that enlarges (`enlarge_only`); training does not.
    max_aspect: a page longer than this is cut as if it were this long. The authors have no such bound, and views one
    patch high crash their up-sampler, which need not happen before 144:1.
    """

    max_slices: int = 7
    scale: int = 336
    patch: int = 14
    long_side: int | None = None
    enlarge_only: bool = False
    max_aspect: float = 144.0

    def __post_init__(self) -> None:
        check_settings(self)
        if self.scale < self.patch:
            raise ValueError(f"tiling scale {self.scale} is less than a patch of {self.patch} px; raise it")

    @property
    def tile(self) -> int:
        return self.scale

    def layout(self, height: int, width: int) -> TileLayout:
        """How a page of this size in pixels is cut; 0 x 0 slices where the overview alone is sent."""
        high, wide = _within_aspect(*self.first_size(height, width), self.max_aspect)
        found = uhd_slices(wide, high, scale=self.scale, patch=self.patch, max_slices=self.max_slices)
        columns, rows = found.grid or (0, 0)
        return TileLayout(
            rows,
            columns,
            True,
            height,
            width,
            self.tile,
            cut=None if found.slice is None else found.slice[::-1],
            whole=found.overview[::-1],
            thumbnail_last=True,
        )

    def first_size(self, height: int, width: int) -> tuple[int, int]:
        """The size that a page is brought to before it is sliced."""
        if self.long_side is None:
            return height, width
        return long_side_to(width, height, self.long_side, enlarge_only=self.enlarge_only)[::-1]

    def smaller(self, height: int, width: int) -> Iterator["UhdTilingConfig"]:
        """Fewer and fewer slices, down to the overview alone."""
        return (replace(self, max_slices=count) for count in range(self.max_slices, 0, -1))


@dataclass(frozen=True)
class NativeTilingConfig:
    """The page as one view, its sides in multiples of `patch` x `merge`: Qwen2-VL's native resolution.

    min_pixels, max_pixels: bounds of the view's area; the defaults are those of Qwen2-VL's published models.
    max_aspect: a page longer than this, which Qwen2-VL refuses, is squeezed to it.
    tile: side of the square for which connectors with a table of places (ReSA) keep it; nothing else looks at it.
    """

    patch: int = 14
    merge: int = 2
    min_pixels: int = 56 * 56
    max_pixels: int = 16384 * 28 * 28
    max_aspect: float = 200.0
    tile: int = 224

    def __post_init__(self) -> None:
        check_settings(self)
        if self.max_pixels < max(self.min_pixels, (self.patch * self.merge) ** 2):
            raise ValueError(
                f"tiling max_pixels {self.max_pixels} is less than min_pixels {self.min_pixels} or than one block of "
                f"{self.patch * self.merge} px; raise it"
            )

    def layout(self, height: int, width: int) -> TileLayout:
        """The one view of a page of this size in pixels."""
        high, wide = _within_aspect(height, width, self.max_aspect)
        factor = self.patch * self.merge
        size = multiple_of(high, wide, factor=factor, min_pixels=self.min_pixels, max_pixels=self.max_pixels)
        return TileLayout(1, 1, False, height, width, self.tile, cut=size)

    def first_size(self, height: int, width: int) -> tuple[int, int]:
        """The size a page is brought to before it becomes a view: its own."""
        return height, width

    def smaller(self, height: int, width: int) -> Iterator["NativeTilingConfig"]:
        """Views with a row or a column of blocks less each time, down to one row or column."""
        yield self
        factor, (high, wide) = self.patch * self.merge, _within_aspect(height, width, self.max_aspect)
        rows, columns = self.layout(height, width).views[0]
        area = rows * columns - 1
        while area >= factor**2:
            smaller = replace(self, max_pixels=area, min_pixels=min(self.min_pixels, area))
            yield smaller
            rows, columns = smaller.layout(height, width).views[0]
            # The greatest areas that leave no room for so many rows, or columns, in the shape of the page.
            losing_a_row = (rows**2 * wide - 1) // high if rows > factor else 0
            losing_a_column = (columns**2 * high - 1) // wide if columns > factor else 0
            area = min(area - 1, max(losing_a_row, losing_a_column))


TILINGS: dict[str, type[Tiling]] = {
    "adaptive": TilingConfig,
    "uhd": UhdTilingConfig,
    "native": NativeTilingConfig,
}


def tiling_to_json(tiling: Tiling) -> dict[str, Any]:
    """A tiling's config as plain data, its name under "type"."""
    return settings_to_json(TILINGS, tiling)


def tiling_from_json(data: dict[str, Any]) -> Tiling:
    """The config that `tiling_to_json` wrote, without a "type" the adaptive one; ValueError for what cannot be."""
    return settings_from_json("tiling", TILINGS, data, usual="adaptive")


def layout_to_row(layout: TileLayout) -> list[int]:
    """A layout as the row of numbers that goes with a page's pixels: the page's own size is left out.

    Rows, columns, thumbnail; then, where views are no squares of a tile, (height, width) of a cut and of the whole.
    """
    row = [layout.rows, layout.columns, int(layout.thumbnail)]
    if layout.cut is None and layout.whole is None:
        return row
    return [*row, *(layout.cut or (0, 0)), *(layout.whole or (0, 0))]


def layout_from_row(row: list[int], tiling: Tiling) -> TileLayout:
    """The layout that `layout_to_row` wrote; the page's size is that of its grid, or of its thumbnail.

    Among views with sizes of their own the thumbnail comes last, among square tiles first.
    """
    rows, columns, thumbnail, *sizes = row
    if not sizes:
        return TileLayout(rows, columns, bool(thumbnail), rows * tiling.tile, columns * tiling.tile, tiling.tile)
    cut, whole = (sizes[0], sizes[1]), (sizes[2], sizes[3])
    height, width = (rows * cut[0], columns * cut[1]) if rows else whole
    return TileLayout(
        rows,
        columns,
        bool(thumbnail),
        height,
        width,
        tiling.tile,
        cut=cut if rows else None,
        whole=whole if thumbnail else None,
        thumbnail_last=bool(thumbnail),
    )


def _within_aspect(height: int, width: int, most: float) -> tuple[int, int]:
    return min(height, max(1, int(width * most))), min(width, max(1, int(height * most)))
