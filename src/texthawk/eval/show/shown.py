"""What a model is given of a page: the page itself, or canvases with the lines of its text set on rows.

Heat is an array (height, width) over the pixels of a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from texthawk.decode.regions import Region
from texthawk.decode.windows import Window, windows_of
from texthawk.image.rows import RowSetting
from texthawk.types import Box


@dataclass(frozen=True)
class Shown:
    """A picture that goes to the model; `window` says where its rows lie on the page, None that it is the page."""

    image: Image.Image
    window: Window | None = None

    @property
    def boxes(self) -> list[Box]:
        """The places on the page that this picture shows, in pixels of the page."""
        if self.window is None:
            return [Box(0, 0, *self.image.size)]
        return [piece.box for piece in self.window.pieces]

    def on_page(self, heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Heat on this picture as heat on the page of this (width, height); zero where the page is not shown."""
        if self.window is None:
            return heat
        laid = np.zeros(size[::-1], dtype=np.float32)
        picture = Image.fromarray(heat.astype(np.float32))
        for piece, place in zip(self.window.pieces, self.window.places, strict=True):
            left, top, right, bottom = (round(side) for side in piece.box)
            right, bottom = min(size[0], max(right, left + 1)), min(size[1], max(bottom, top + 1))
            inside = np.clip(place.to_canvas(np.array([piece.box]))[0], 0, [*heat.shape[::-1], *heat.shape[::-1]])
            size_read = (bottom - top, right - left) if piece.upward else (right - left, bottom - top)
            part = picture.resize(size_read, Image.Resampling.BOX, box=tuple(inside.tolist()))
            if piece.upward:
                part = part.transpose(Image.Transpose.ROTATE_90)
            laid[top:bottom, left:right] = np.asarray(part)
        return laid


def whole(page: Image.Image) -> list[Shown]:
    """The page as one picture, which the model's tiling cuts."""
    return [Shown(page)]


def in_rows(page: Image.Image, regions: Sequence[Region], setting: RowSetting) -> list[Shown]:
    """The page as `texthawk read` gives it to a small model; ValueError for a page without lines of text."""
    windows = windows_of(page, regions, setting)
    if not windows:
        raise ValueError(
            "no line of text was found on the page, so there are no rows to show; send the page as a whole"
        )
    return [Shown(window.image, window) for window in windows]
