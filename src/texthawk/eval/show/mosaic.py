"""What was found view by view, laid back on the picture that the views were cut from.

Shape letters:  h, w patches of a view   R, C rows and columns of cut views   H, W pixels of the picture   ... channels
"""

from collections.abc import Sequence

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from texthawk.types import Box, TileLayout


def whole_number(layout: TileLayout) -> int | None:
    """Which of a page's views is the thumbnail."""
    if not layout.thumbnail:
        return None
    return layout.tiles - 1 if layout.thumbnail_last else 0


def laid_out(views: Sequence[Tensor], layout: TileLayout) -> tuple[Tensor | None, Tensor | None]:
    """The cut views (h, w, ...) as one map (R*h, C*w, ...), and the thumbnail; None for what the page does not have."""
    number = whole_number(layout)
    cuts = [view for k, view in enumerate(views) if k != number]
    mosaic = None
    if cuts:
        mosaic = rearrange(torch.stack(cuts), "(R C) h w ... -> (R h) (C w) ...", R=layout.rows, C=layout.columns)
    return mosaic, None if number is None else views[number]


def view_boxes(layout: TileLayout, size: tuple[int, int]) -> list[Box]:
    """Where each view lies on a picture of this (width, height)."""
    width, height = size
    boxes = [
        Box(
            c * width / layout.columns,
            r * height / layout.rows,
            (c + 1) * width / layout.columns,
            (r + 1) * height / layout.rows,
        )
        for r in range(layout.rows)
        for c in range(layout.columns)
    ]
    number = whole_number(layout)
    if number is not None:
        boxes.insert(number, Box(0, 0, width, height))
    return boxes


def heat_of(views: Sequence[Tensor], layout: TileLayout, size: tuple[int, int]) -> np.ndarray:
    """Weights of patches (h, w) per view as weight per pixel (H, W) of a picture of this (width, height).

    A patch of the thumbnail covers more of the picture than one of a cut view and is spread accordingly.
    """
    heat = np.zeros(size[::-1], dtype=np.float32)
    for part in laid_out(views, layout):
        if part is not None:
            weights = part.detach().float().cpu().numpy()
            heat += enlarged(weights, size) * (weights.size / heat.size)
    return heat


def enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (h, w) or a picture (h, w, 3) in bytes at this (width, height), its cells as squares."""
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.NEAREST))
