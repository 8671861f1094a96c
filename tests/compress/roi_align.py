"""RoI-align as its definition reads, sample by sample: slow, and independent of the package's matrices."""

import math

import torch
from torch import Tensor


def roi_align(map_DHW: Tensor, boxes_K4: Tensor, bins: tuple[int, int], *, aligned: bool = False) -> Tensor:
    """Mean of bilinear samples in each bin of each box (left, top, right, bottom): (K, D, *bins).

    As many samples along a side of a bin as it is cells long, rounded up.
    """
    return torch.stack([_one(map_DHW, box, bins, aligned) for box in boxes_K4])


def _one(map_DHW: Tensor, box: Tensor, bins: tuple[int, int], aligned: bool) -> Tensor:
    left, top, right, bottom = (box - 0.5 if aligned else box).unbind()
    rows, row_weights = _samples(top, bottom, bins[0], map_DHW.shape[1], aligned)
    columns, column_weights = _samples(left, right, bins[1], map_DHW.shape[2], aligned)
    corners = map_DHW[:, rows.flatten()][:, :, columns.flatten()]
    weighted = corners * row_weights.flatten()[:, None] * column_weights.flatten()
    return weighted.reshape(-1, bins[0], rows[0].numel(), bins[1], columns[0].numel()).sum((2, 4))


def _samples(start: Tensor, end: Tensor, bins: int, size: int, aligned: bool) -> tuple[Tensor, Tensor]:
    """Cells (bins, samples, 2) on both sides of every sample along one axis, and what each counts in its bin's mean."""
    side = end - start
    if not aligned:
        side = side.clamp(min=1)
    step = side / bins
    samples = math.ceil(step.item())
    places = start + torch.arange(bins)[:, None] * step + (torch.arange(samples) + 0.5) * step / samples
    outside = (places < -1) | (places > size)
    places = places.clamp(0, size - 1)
    low = places.floor().long()
    share = places - low
    weights = torch.stack([1 - share, share], dim=-1).masked_fill(outside[..., None], 0) / samples
    return torch.stack([low, (low + 1).clamp(max=size - 1)], dim=-1), weights
