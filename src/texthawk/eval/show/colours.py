"""Features as colours: their first three principal components are red, green and blue.

Shape letters:  n views of one size   h, w cells of a map   E encoder width   M cells of all maps
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from texthawk.compress.hiwin import SCALES, Hiwin
from texthawk.vision.views import ViewGroup


@dataclass(frozen=True)
class Palette:
    """Features to colours: `axes` (E, 3) around `centre` (E), the range `low` to `high` (3) of each as bytes."""

    centre: Tensor
    axes: Tensor
    low: Tensor
    high: Tensor

    def __call__(self, map_E: Tensor) -> Tensor:
        """Features (..., E) -> colours (..., 3), uint8 on the CPU."""
        places = (map_E.detach().float() - self.centre) @ self.axes
        shares = (places - self.low) / (self.high - self.low).clamp_min(1e-12)
        return (255 * shares.clamp(0, 1)).round().to(torch.uint8).cpu()


def palette(maps: Sequence[Tensor]) -> Palette:
    """The three directions in which the cells of these maps (..., E) differ most; the outer hundredths are cut off.

    A direction's sign is free; the one is taken whose largest entry is positive.
    """
    cells_ME = torch.cat([each.detach().float().flatten(0, -2) for each in maps])
    centre = cells_ME.mean(0)
    around = cells_ME - centre
    _, directions = torch.linalg.eigh(around.T @ around)
    axes = F.pad(directions.flip(1)[:, :3], (0, max(0, 3 - len(directions))))
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))
    axes = axes * torch.where(largest < 0, -1.0, 1.0)
    places = np.percentile((around @ axes).cpu().numpy(), [1, 99], axis=0)
    low, high = torch.as_tensor(places, dtype=torch.float32, device=centre.device)
    return Palette(centre, axes, low, high)


@dataclass(frozen=True)
class PyramidColours:
    """A scale of the inverse semantic pyramid in colours, uint8 (s*h, s*w, 3) of each view.

    bilinear: the tower's map enlarged. before: the level below enlarged bicubically, which the details are put into.
    after: the level itself.
    """

    scale: int
    bilinear: list[Tensor]
    before: list[Tensor]
    after: list[Tensor]


def pyramid_colours(connector: Hiwin, groups: Sequence[ViewGroup], order: Sequence[int]) -> list[PyramidColours]:
    """Every scale above the tower's own, all in the palette of the tower's map; `order` says which view comes where.

    order: for each view of the page, in order, its place among the views of all groups. Empty without a pyramid.
    """
    if not connector.config.pyramid_stages:
        return []
    paint = palette([group.levels[-1] for group in groups])
    scales = SCALES[1 : connector.config.pyramid_stages + 1]
    found: list[PyramidColours] = [PyramidColours(scale, [], [], []) for scale in scales]
    with torch.no_grad():
        for group in groups:
            for features_hwE, picture in zip(group.levels[-1], group.pixels, strict=True):
                source = features_hwE.detach().permute(2, 0, 1)[None]
                below = source
                for colours, level in zip(
                    found, connector.pyramid(source, picture[None].to(source.dtype)), strict=True
                ):
                    size = (level.shape[-2], level.shape[-1])
                    colours.bilinear.append(_painted(paint, F.interpolate(source, size=size, mode="bilinear")))
                    colours.before.append(_painted(paint, F.interpolate(below, size=size, mode="bicubic")))
                    colours.after.append(_painted(paint, level))
                    below = level
    return [
        PyramidColours(each.scale, *([part[k] for k in order] for part in (each.bilinear, each.before, each.after)))
        for each in found
    ]


def _painted(paint: Palette, map_1Ehw: Tensor) -> Tensor:
    return paint(map_1Ehw[0].permute(1, 2, 0))
