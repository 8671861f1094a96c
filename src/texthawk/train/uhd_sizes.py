"""Sizes that LLaVA-UHD gives pictures while it trains, before they are sliced (its code, both versions)."""

from dataclasses import dataclass

import numpy as np

from texthawk.data.example import Example
from texthawk.image.grid import area_of_slices, long_side_to
from texthawk.image.tilings import UhdTilingConfig

SLICES = 6


@dataclass(frozen=True)
class UhdSizes:
    """long_side: pictures of sets of these names are brought to a longer side of so many pixels. resliced: how often any
    other picture that would not give six slices is brought to the area of six. tiling: with as many slices as a page may have.
    """

    resliced: float
    long_side: tuple[tuple[str, int], ...]
    tiling: UhdTilingConfig

    def __call__(self, example: Example, size: tuple[int, int], dice: np.random.Generator) -> tuple[int, int]:
        """The (height, width) that a picture of this size is taken for."""
        height, width = size
        for name, side in self.long_side:
            if name.casefold() in example.source.casefold():
                return long_side_to(width, height, side, enlarge_only=False)[::-1]
        layout = self.tiling.layout(height, width)
        if layout.rows * layout.columns == SLICES or dice.random() >= self.resliced:
            return size
        return area_of_slices(width, height, slices=SLICES, scale=self.tiling.scale)[::-1]
