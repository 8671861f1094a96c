"""What every connector gets: the feature levels of a batch's views, grouped by size, and the pages' layouts.

A view is one picture that went through the tower: a tile, a slice, a thumbnail or a whole page.

Shape letters:  N views of a batch   n views of one size   h, w patches of a view   W encoder width   D language width
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from texthawk.types import TileLayout


@dataclass(frozen=True)
class ViewGroup:
    """All views of one size: `levels` [(n, h, w, W)] from shallow to deep, the tower's `pixels` (n, 3, H, W).

    index: (n,) their places among all views of the batch, page after page.
    """

    index: Tensor
    levels: list[Tensor]
    pixels: Tensor


def group_sizes(layouts: Sequence[TileLayout]) -> dict[tuple[int, int], list[int]]:
    """Which views (counted over all pages, in order) have which size (height, width) in pixels."""
    groups: dict[tuple[int, int], list[int]] = {}
    for number, size in enumerate(size for layout in layouts for size in layout.views):
        groups.setdefault(size, []).append(number)
    return groups


class PerViewConnector(nn.Module):
    """A connector that compresses each view by itself and gives a page's tokens view after view.

    Subclasses say what becomes of the views of one size; views never see each other.
    """

    def compress(self, levels: list[Tensor], pixels: Tensor) -> Tensor:
        """[(n, h, w, W)] and (n, 3, H, W) -> (n, tokens, D)."""
        raise NotImplementedError

    def forward(self, groups: list[ViewGroup], layouts: list[TileLayout]) -> list[Tensor]:
        """The tokens (tokens, D) of each page, its views in the order they were sent."""
        views: dict[int, Tensor] = {}
        for group in groups:
            tokens = self.compress(group.levels, group.pixels)
            views.update(zip(group.index.tolist(), tokens, strict=True))
        if len(views) != sum(layout.tiles for layout in layouts):
            raise ValueError(
                f"{len(views)} views came for layouts that hold {sum(layout.tiles for layout in layouts)}; "
                "send every page's views"
            )
        ends = [0]
        for layout in layouts:
            ends.append(ends[-1] + layout.tiles)
        return [torch.cat([views[k] for k in range(start, end)]) for start, end in pairwise(ends)]


def padded(maps_nhwW: Tensor, rows: int, columns: int) -> Tensor:
    """Maps whose sides are multiples of `rows` and `columns`: the last row and column are repeated as far as needed."""
    _, h, w, _ = maps_nhwW.shape
    down, right = -h % rows, -w % columns
    if down:
        maps_nhwW = torch.cat([maps_nhwW, maps_nhwW[:, -1:].expand(-1, down, -1, -1)], dim=1)
    if right:
        maps_nhwW = torch.cat([maps_nhwW, maps_nhwW[:, :, -1:].expand(-1, -1, right, -1)], dim=2)
    return maps_nhwW
