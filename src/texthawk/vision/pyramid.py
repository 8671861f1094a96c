"""The inverse semantic pyramid: a tower's features at 2x and 4x their resolution, details from the picture itself.

Joint bilateral upsampling with learned kernels (LLaVA-UHD v2 section 3.2, which calls it VDIM, after FeatUp's stack):
each stage doubles the map, and every new cell is a weighted sum of its 7x7 neighbours, weighted alike in all channels
by how much the picture resembles itself there. Where the paper and the authors' code differ, this follows the code.

Shape letters:  B views   C channels   h, w cells of the source   H, W = 2h, 2w   p taps of a kernel (49)
                k channels of the keys (32)
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL_CORRECTION = 0.1
"""How much of the learned correction is added to a kernel, and of the last level's to its features."""

_LOWEST, _HIGHEST = 1e-4, 1e4  # bounds of the temperature
_EMPTY = 1e-7  # a kernel that sums to less is divided by this


class JointBilateralUpsampling(nn.Module):
    """One stage: twice the resolution, guided by a picture. 6,233 parameters, whatever the number of channels.

    dropout: of whole channels inside the two small networks, while the module trains.
    """

    def __init__(self, *, keys: int = 32, radius: int = 3, dropout: float = 0.1) -> None:
        super().__init__()
        self.radius = radius
        self.diameter = 2 * radius + 1
        taps = self.diameter**2
        self.log_temperature = nn.Parameter(torch.tensor(0.0))
        self.sigma = nn.Parameter(torch.tensor(1.0))
        self.key_in = nn.Conv2d(3, keys, 1)
        self.key_out = nn.Conv2d(keys, keys, 1)
        self.kernel_in = nn.Conv2d(taps + 3, taps, 1)
        self.kernel_out = nn.Conv2d(taps, taps, 1)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, source_BChw: Tensor, picture_B3: Tensor) -> Tensor:
        """Features (B, C, h, w) and the picture (B, 3, any height, any width) -> (B, C, 2h, 2w)."""
        size = (2 * source_BChw.shape[-2], 2 * source_BChw.shape[-1])
        guide_B3HW = F.adaptive_avg_pool2d(picture_B3, size).to(source_BChw.dtype)
        kernel_BpHW = self.kernel(guide_B3HW)
        fine_BCHW = F.interpolate(source_BChw, size=size, mode="bicubic", align_corners=False)
        return self.gather(fine_BCHW, kernel_BpHW).to(source_BChw.dtype)

    def kernel(self, guide_B3HW: Tensor) -> Tensor:
        """The weights of every cell's neighbours (B, p, H, W) in float32, from the picture at this resolution."""
        weight_BpHW = self.range_kernel(guide_B3HW) * self.spatial_kernel()[:, None, None]
        weight_BpHW = weight_BpHW / weight_BpHW.sum(1, keepdim=True).clamp_min(_EMPTY)
        hidden = F.gelu(self.kernel_in(torch.cat([weight_BpHW.to(guide_B3HW.dtype), guide_B3HW], dim=1)))
        return weight_BpHW + KERNEL_CORRECTION * self.kernel_out(self.dropout(hidden))  # no longer sums to 1

    def range_kernel(self, guide_B3HW: Tensor) -> Tensor:
        """Likeness of every cell to its neighbours, a softmax over the taps: (B, p, H, W)."""
        keys_BkHW = self.key_out(self.dropout(F.gelu(self.key_in(guide_B3HW)))).float()
        temperature = self.log_temperature.float().exp().clamp(_LOWEST, _HIGHEST)
        neighbours = self.neighbours(keys_BkHW)
        likeness_BpHW = torch.stack([(neighbour * keys_BkHW).sum(1) for neighbour in neighbours], dim=1)
        return (temperature * likeness_BpHW).softmax(dim=1)

    def spatial_kernel(self) -> Tensor:
        """Nearness of the taps (p,), a Gaussian over [-1, 1] x [-1, 1]; not normalised."""
        axis = torch.linspace(-1, 1, self.diameter, device=self.sigma.device)
        squares_p = (axis[:, None] ** 2 + axis[None, :] ** 2).flatten()
        return torch.exp(-squares_p / (2 * self.sigma.float() ** 2))

    def gather(self, fine_BCHW: Tensor, kernel_BpHW: Tensor) -> Tensor:
        """Every cell becomes the weighted sum of its neighbours, summed in float32: (B, C, H, W).

        Tap by tap: all neighbours of a view side by side would be 49 copies of its largest map.
        """
        total = torch.zeros((), device=fine_BCHW.device)
        for neighbour_BCHW, weight_BHW in zip(self.neighbours(fine_BCHW), kernel_BpHW.unbind(1), strict=True):
            total = total + weight_BHW[:, None] * neighbour_BCHW
        return total

    def neighbours(self, map_BCHW: Tensor) -> list[Tensor]:
        """The map as each tap sees it, views of one mirrored copy, taps row by row."""
        height, width = map_BCHW.shape[-2:]
        mirrored = _mirrored(map_BCHW, self.radius)
        return [
            mirrored[:, :, y : y + height, x : x + width] for y in range(self.diameter) for x in range(self.diameter)
        ]


class Pyramid(nn.Module):
    """Levels above the tower's own: one upsampling stage each, the last one with a correction across channels.

    stages: 1 gives the map at 2x alone, 2 gives 2x and 4x. With one stage the correction falls on 2x, so 2x of a stack
    of one and of a stack of two differ. dropout: within the stages; dropout_correction: before the last convolution.
    """

    def __init__(self, width: int, *, stages: int = 2, dropout: float = 0.1, dropout_correction: float = 0.2) -> None:
        super().__init__()
        if stages < 1:
            raise ValueError(f"a pyramid of {stages} stages has no level above the tower's own; take 1 (2x) or 2 (4x)")
        self.stages = nn.ModuleList(JointBilateralUpsampling(dropout=dropout) for _ in range(stages))
        self.correction = nn.Conv2d(width, width, 1)
        self.dropout = nn.Dropout2d(dropout_correction)

    def forward(self, features_BChw: Tensor, picture_B3: Tensor, *, detached: bool = False) -> list[Tensor]:
        """Features (B, C, h, w) and normalised pixels (B, 3, any height, any width) -> [(B, C, 2h, 2w), (B, C, 4h, 4w)].

        detached: no gradient passes from a stage to the one before it, as in pre-training (multi-level reconstruction).
        """
        levels: list[Tensor] = []
        below = features_BChw
        for stage in self.stages:
            below = stage(below, picture_B3)
            levels.append(below)
            if detached:
                below = below.detach()
        levels[-1] = levels[-1] + KERNEL_CORRECTION * self.correction(self.dropout(levels[-1]))
        return levels


def pyramid_flops(h: int, w: int, width: int, stages: int) -> int:
    """Operations of the convolutions for one view of h x w patches; a multiply and an add are two."""
    if not stages:
        return 0
    taps, keys = 49, 32
    cell = 3 * keys + keys * keys + (taps + 3) * taps + taps * taps
    cells = [h * w * 4 ** (stage + 1) for stage in range(stages)]
    return 2 * (cell * sum(cells) + width * width * cells[-1])


def _mirrored(map_BCHW: Tensor, border: int) -> Tensor:
    """A border of reflected cells, the edge itself not repeated; maps smaller than the border reflect again and again."""
    height, width = map_BCHW.shape[-2:]
    if min(height, width) > border:
        return F.pad(map_BCHW, (border,) * 4, mode="reflect")
    for axis, length in ((-2, height), (-1, width)):
        period = max(2 * (length - 1), 1)
        places = torch.arange(-border, length + border, device=map_BCHW.device) % period
        map_BCHW = map_BCHW.index_select(axis, torch.minimum(places, period - places).clamp_max(length - 1))
    return map_BCHW
