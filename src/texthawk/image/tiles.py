"""A page becomes tiles: geometry first, pixels second.

Shape letters:  R, C rows and columns of tiles   S the side of a tile   n tiles sent, the thumbnail included
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from texthawk.image.grid import shape_adaptive
from texthawk.image.settings import check_settings
from texthawk.types import Box, TileLayout

UnitBox = tuple[float, float, float, float]
"""Left, top, right, bottom as parts of the page's width and height, in [0, 1] for a box on the page."""


@dataclass(frozen=True)
class TilingConfig:
    """Shape-adaptive tiles (TextHawk section 3.1): the choice of grids and of the thumbnail.

    `max_tiles` counts the grid alone: the thumbnail comes on top. `thumbnail` "auto" sends the whole page as one more
    tile when its grid has more than `thumbnail_above` tiles; in a 1x1 grid it would be the same tile twice.
    """

    tile: int = 224
    max_tiles: int = 36
    max_side: int = 12
    candidates: int = 9
    thumbnail: Literal["auto", "always", "never"] = "auto"
    thumbnail_above: int = 1
    patch: ClassVar[int | None] = None

    def __post_init__(self) -> None:
        check_settings(self)

    def layout(self, height: int, width: int) -> TileLayout:
        """How a page of this size in pixels is cut."""
        rows, columns = shape_adaptive(
            height,
            width,
            tile=self.tile,
            max_tiles=self.max_tiles,
            max_side=self.max_side,
            candidates=self.candidates,
        )
        thumbnail = self.thumbnail == "always" or (self.thumbnail == "auto" and rows * columns > self.thumbnail_above)
        return TileLayout(rows, columns, thumbnail, height, width, self.tile)

    def first_size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) a page is brought to before it is cut: its own."""
        return height, width

    def smaller(self, height: int, width: int) -> Iterator["TilingConfig"]:
        """Tilings that cut a page into fewer and fewer tiles, down to one; the first is this one."""
        return (replace(self, max_tiles=count) for count in range(self.max_tiles, 0, -1))


def layout_for(height: int, width: int, tiling: TilingConfig) -> TileLayout:
    """How a page of this size in pixels is cut."""
    return tiling.layout(height, width)


def cut_pixels(image: Image.Image, layout: TileLayout) -> Tensor:
    """The square tiles of a page as one tensor (n, 3, S, S) uint8: `cut_views` where all views have one size."""
    return torch.stack(cut_views(image, layout))


def cut_views(image: Image.Image, layout: TileLayout) -> list[Tensor]:
    """Resize a page to its grid and cut it: its views (3, H, W) uint8 in the order of the layout, cuts row by row.

    Both resizes are bicubic and start from the page itself; a page that already has the size keeps its pixels. The
    image may be smaller or larger than the layout's page (a page decoded at a reduced scale): only the layout says
    where things are.
    """
    if image.mode != "RGB":
        raise ValueError(f"an image in mode {image.mode} was to be cut; pages come in RGB (see texthawk.image.pages)")
    cuts: list[Tensor] = []
    whole: list[Tensor] = []
    if layout.rows * layout.columns:
        height, width = layout.cut or (layout.tile, layout.tile)
        page = _pixels(image, width=layout.columns * width, height=layout.rows * height)
        cuts = list(rearrange(page, "(R S) (C T) c -> (R C) c S T", R=layout.rows, C=layout.columns))
    if layout.thumbnail:
        height, width = layout.whole or (layout.tile, layout.tile)
        whole = [rearrange(_pixels(image, width=width, height=height), "S T c -> c S T")]
    return cuts + whole if layout.thumbnail_last else whole + cuts


def normalised(pixels: Tensor, mean: float | Sequence[float] = 0.5, std: float | Sequence[float] = 0.5) -> Tensor:
    """Pixels (..., 3, S, S) uint8 as (v / 255 - mean) / std in float32."""
    mean_c = torch.as_tensor(mean, dtype=torch.float32, device=pixels.device).reshape(-1, 1, 1)
    std_c = torch.as_tensor(std, dtype=torch.float32, device=pixels.device).reshape(-1, 1, 1)
    return (pixels.to(torch.float32) / 255 - mean_c) / std_c


def cut(
    image: Image.Image, layout: TileLayout, mean: float | Sequence[float] = 0.5, std: float | Sequence[float] = 0.5
) -> Tensor:
    """The tiles of a page as an encoder takes them: `cut_pixels`, `normalised`."""
    return normalised(cut_pixels(image, layout), mean, std)


def _pixels(image: Image.Image, *, width: int, height: int) -> Tensor:
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image))


def page_to_unit(box: Box, layout: TileLayout) -> UnitBox:
    """A box in page pixels as parts of the page; linear, so what lies outside the page stays outside [0, 1]."""
    return box[0] / layout.width, box[1] / layout.height, box[2] / layout.width, box[3] / layout.height


def unit_to_page(box: Sequence[float], layout: TileLayout) -> Box:
    """The inverse of `page_to_unit`."""
    left, top, right, bottom = box
    return Box(left * layout.width, top * layout.height, right * layout.width, bottom * layout.height)
