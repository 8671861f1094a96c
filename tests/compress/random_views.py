"""Pages of random features for connectors: layouts in patches, levels of every view, groups as a tower gives them."""

import torch

from texthawk.compress.views import ViewGroup, group_sizes
from texthawk.types import TileLayout

PATCH = 14


def page(*, cut, grid=(1, 1), whole=None):
    """A page cut into `grid` views of `cut` patches (h, w), with an overview of `whole` patches before them."""
    pixels = (cut[0] * PATCH, cut[1] * PATCH)
    overview = None if whole is None else (whole[0] * PATCH, whole[1] * PATCH)
    return TileLayout(*grid, whole is not None, grid[0] * pixels[0], grid[1] * pixels[1], cut=pixels, whole=overview)


def random_levels(layouts, width, *, levels=4, seed=1):
    """[(h, w, width)] per level for every view of the pages, in order."""
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(height // PATCH, wide // PATCH, width, generator=generator) for _ in range(levels)]
        for layout in layouts
        for height, wide in layout.views
    ]


def grouped(layouts, views):
    """The groups a tower hands on; pixels have the right shape and no content that matters."""
    return [
        ViewGroup(
            torch.tensor(index),
            [torch.stack(level) for level in zip(*(views[k] for k in index), strict=True)],
            torch.zeros(len(index), 3, height, width),
        )
        for (height, width), index in group_sizes(layouts).items()
    ]


def changed(before, after, least=1e-6):
    """Which tokens moved."""
    return set(((before - after).abs().amax(-1) > least).nonzero().flatten().tolist())
