"""Pages to tiles, as transformers expects it of an image processor: PIL, numpy and torch, no torchvision."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import BaseImageProcessor, BatchFeature

from texthawk.image.rgb import orientation_of, to_rgb, upright
from texthawk.image.tiles import TilingConfig, cut_views, normalised
from texthawk.image.tilings import Tiling, layout_to_row, tiling_from_json, tiling_to_json
from texthawk.types import TileLayout
from texthawk.vision.views import to_patches


class TextHawkImageProcessor(BaseImageProcessor):
    """Cuts each image into views as its tiling says.

    Gives `pixel_values` and `image_grids`. Shape-adaptive tiles (TextHawk section 3.1): (T, 3, tile, tile), the tiles of
    all images one after another, thumbnail first, and (images, 3) rows, columns and whether there is a thumbnail.
    Other tilings, whose views differ in size: the patches of all views, row by row, (N, 3, patch, patch), and
    (images, 7), the same three numbers with (height, width) of a cut and of the whole in pixels.
    """

    model_input_names = ["pixel_values", "image_grids"]

    def __init__(
        self,
        tiling: Tiling | dict[str, Any] | None = None,
        image_mean: list[float] | None = None,
        image_std: list[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        tiling = tiling or TilingConfig()
        self.tiling = dict(tiling) if isinstance(tiling, dict) else tiling_to_json(tiling)
        self.image_mean = image_mean or [0.5, 0.5, 0.5]
        self.image_std = image_std or [0.5, 0.5, 0.5]

    @property
    def tiling_settings(self) -> set[str]:
        """Names of the tiling's settings, each of which can be given for a call."""
        return set(tiling_to_json(tiling_from_json(self.tiling))) - {"type"}

    def tiling_for(self, **overrides: Any) -> Tiling:
        """The tiling with the settings among `overrides` that it knows."""
        known = {key: value for key, value in overrides.items() if key in self.tiling_settings}
        return tiling_from_json({**self.tiling, **known})

    def layout(self, height: int, width: int, **overrides: Any) -> TileLayout:
        """The layout of an image of this size; `max_tiles` and the other tiling settings can be given per call."""
        return self.tiling_for(**overrides).layout(height, width)

    def preprocess(self, images: Any, return_tensors: str | None = None, **kwargs: Any) -> BatchFeature:
        """One image or a (nested) list of them: PIL images, turned as their EXIF says, or (H, W, 3) uint8 arrays."""
        tiling = self.tiling_for(**kwargs)
        pixels: list[torch.Tensor] = []
        rows: list[list[int]] = []
        for image in flatten_images(images):
            page = _as_rgb(image)
            layout = tiling.layout(page.height, page.width)
            height, width = tiling.first_size(page.height, page.width)
            if page.size != (width, height):
                page = page.resize((width, height), Image.Resampling.BICUBIC)
            views = [normalised(view, self.image_mean, self.image_std) for view in cut_views(page, layout)]
            patch = tiling.patch
            pixels += [view[None] if patch is None else to_patches(view, patch) for view in views]
            rows.append(layout_to_row(layout))
        return BatchFeature(
            {"pixel_values": torch.cat(pixels), "image_grids": torch.tensor(rows)}, tensor_type=return_tensors
        )

    def __call__(self, images: Any, **kwargs: Any) -> BatchFeature:
        return self.preprocess(images, **kwargs)


def flatten_images(images: Any) -> list[Any]:
    """A single image, a list, or a list of lists as one flat list."""
    if isinstance(images, (list, tuple)):
        return [image for entry in images for image in flatten_images(entry)]
    return [images]


def _as_rgb(image: Any) -> Image.Image:
    if isinstance(image, Image.Image):
        image.load()  # a TIFF turns itself upright while it loads
        return upright(to_rgb(image), orientation_of(image))
    if isinstance(image, (np.ndarray, torch.Tensor)):
        array = np.asarray(image)
        if array.ndim == 3 and array.shape[0] == 3 and array.shape[2] != 3:
            array = array.transpose(1, 2, 0)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise ValueError(f"an image array of shape {array.shape} and type {array.dtype}; give (H, W, 3) uint8")
        return Image.fromarray(array)
    raise ValueError(f"an image of type {type(image).__name__}; give a PIL image or an (H, W, 3) uint8 array")
