"""What every connector gets: the feature levels of a batch's views, grouped by size, and the pages' layouts.

A view is one picture that went through the tower: a tile, a slice, a thumbnail or a whole page.

Shape letters:  n views of one size   h, w patches of a view   W encoder width   D language width
"""

from abc import ABC, abstractmethod
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from texthawk.types import TileLayout
from texthawk.vision.views import ViewGroup, group_sizes

__all__ = ["PerViewConnector", "ViewGroup", "group_sizes", "padded", "views_of_pages"]


class PerViewConnector(nn.Module, ABC):
    """A connector that compresses each view by itself and gives a page's tokens view after view.

    Subclasses say what becomes of the views of one size; views never see each other.
    """

    def reset_parameters(self) -> None:
        """Give the parameters the start that the method asks for; here none, and they start as the model's others."""

    @abstractmethod
    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        """[(n, h, w, W)] and (n, 3, H, W) -> (n, tokens, D)."""

    def forward(self, groups: list[ViewGroup], layouts: list[TileLayout]) -> list[Tensor]:
        """The tokens (tokens, D) of each page, its views in the order they were sent."""
        compressed = [self.compress(group.levels, group.pixels) for group in groups]
        return [torch.cat(views) for views in views_of_pages(groups, compressed, layouts)]


def views_of_pages(groups: list[ViewGroup], results: list[Tensor], layouts: list[TileLayout]) -> list[list[Tensor]]:
    """What was made of each view, page by page in the order of the views; `results` [(n, ...)] goes with `groups`."""
    views: dict[int, Tensor] = {}
    for group, result in zip(groups, results, strict=True):
        views.update(zip(group.index.tolist(), result, strict=True))
    ends = [0, *accumulate(layout.tiles for layout in layouts)]
    if sorted(views) != list(range(ends[-1])):
        raise ValueError(f"{len(views)} views came for layouts that hold {ends[-1]}; send every page's views")
    return [[views[k] for k in range(start, end)] for start, end in pairwise(ends)]


def padded(maps_nhwW: Tensor, rows: int, columns: int) -> Tensor:
    """Maps whose sides are multiples of `rows` and `columns`: the last row and column are repeated as far as needed."""
    _, h, w, _ = maps_nhwW.shape
    down, right = -h % rows, -w % columns
    if down:
        maps_nhwW = torch.cat([maps_nhwW, maps_nhwW[:, -1:].expand(-1, down, -1, -1)], dim=1)
    if right:
        maps_nhwW = torch.cat([maps_nhwW, maps_nhwW[:, :, -1:].expand(-1, -1, right, -1)], dim=2)
    return maps_nhwW
