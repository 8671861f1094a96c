"""Views of a batch, grouped by size: what a tower gives and what every connector gets.

A view is one picture that goes through the tower: a tile, a slice, a thumbnail or a whole page.

Shape letters:  N views of a batch   n views of one size   H, W pixels and h, w patches of a view   E encoder width
                p the side of a patch
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from einops import rearrange
from torch import Tensor

from texthawk.types import TileLayout


@dataclass(frozen=True)
class ViewGroup:
    """All views of one size: `levels` [(n, h, w, E)] from shallow to deep, the tower's `pixels` (n, 3, H, W).

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


def pixel_rows(layout: TileLayout, patch: int | None) -> int:
    """Entries of a page in the tensor of pixels: its views, or the patches of all its views."""
    if patch is None:
        return layout.tiles
    return sum((height // patch) * (width // patch) for height, width in layout.views)


def to_patches(view_3HW: Tensor, patch: int) -> Tensor:
    """A view's pixels as (h*w, 3, p, p), row by row: views of any size lie in one tensor this way."""
    return rearrange(view_3HW, "c (h p) (w q) -> (h w) c p q", p=patch, q=patch)


def view_pixels(pixels: Tensor, layouts: Sequence[TileLayout], patch: int) -> list[tuple[Tensor, Tensor]]:
    """The views of each size: their places (n,) in the batch and their pixels (n, 3, H, W).

    pixels: (N, 3, H, W) where all views have one size, or the patches (all, 3, p, p) of all views in order. Views that
    already lie in one tensor are given as they are, without a copy.
    """
    sizes = [size for layout in layouts for size in layout.views]
    groups = group_sizes(layouts)
    side = tuple(pixels.shape[-2:])
    if len(groups) == 1 and side in groups:
        if len(pixels) != len(sizes):
            raise ValueError(f"{len(pixels)} views came for layouts that hold {len(sizes)}; send every page's views")
        return [(torch.arange(len(sizes), device="cpu"), pixels)]
    counts = [(height // patch) * (width // patch) for height, width in sizes]
    if side != (patch, patch) or len(pixels) != sum(counts):
        raise ValueError(
            f"pixels of shape {tuple(pixels.shape)} came for views of {sorted(groups)} px (height, width); send their "
            f"{sum(counts)} patches of {patch} px, as the image processor gives them"
        )
    starts = [0, *accumulate(counts)]
    found = []
    for (height, width), index in groups.items():
        patches = torch.stack([pixels[starts[k] : starts[k + 1]] for k in index])
        whole = rearrange(patches, "n (h w) c p q -> n c (h p) (w q)", h=height // patch, w=width // patch)
        found.append((torch.tensor(index, device="cpu"), whole))
    return found
