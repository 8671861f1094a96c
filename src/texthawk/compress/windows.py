"""Hierarchical windows: one grid of windows over maps of any shape, each window sampled by the same few bins.

LLaVA-UHD v2 section 3.3 takes RoI-align for this (as torchvision computes it). Its windows form a product grid, so a
map is pooled by two small matrices, one along its rows and one along its columns: rows @ map @ columns^T. What is
linear in the map, such as a resized table of positions, is pooled through the same matrices and never laid out.

Shape letters:  n views   H, W cells of a map   D channels   G windows along a side (12)   p, q bins of a window along
                its height and width   y, x sampled rows and columns (G*p, G*q)
"""

import math
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

WindowDtype = Literal["float32", "bfloat16"]
Floats = npt.NDArray[np.float32]

_BINS = ((4, 2), (3, 2), (4, 3), (3, 3), (2, 4), (2, 3), (3, 4))  # (width, height); of equally good ones the first


def window_bins(height: int, width: int) -> tuple[int, int]:
    """(rows, columns) of bins in each window: the shape nearest to the map's, on a logarithmic scale."""
    shape = math.log(width / height)
    across, down = min(_BINS, key=lambda bins: abs(shape - math.log(bins[0] / bins[1])))
    return down, across


def window_edges(height: int, width: int, grid: int, dtype: WindowDtype = "float32") -> tuple[Floats, Floats]:
    """Where windows begin and end along the height (G, 2) and the width (G, 2), in cells of the map.

    The steps are those of the authors, in double precision, then rounded to `dtype`, so that boxes are equal to the
    last bit: the released weights learned with bfloat16, which moves windows of large maps by up to half a cell.
    """
    shape = width / height
    down = math.sqrt(height * width / grid**2 / shape)
    across = down * shape
    starts = np.arange(grid, dtype=np.float64)
    axes = [np.stack([starts * step, starts * step + step], axis=1).astype(np.float32) for step in (down, across)]
    if dtype == "bfloat16":
        axes = [_to_bfloat16(axis) for axis in axes]
    return axes[0], axes[1]


def window_boxes(height: int, width: int, grid: int, dtype: WindowDtype = "float32") -> Tensor:
    """All windows, row by row, as (left, top, right, bottom) in cells of the map: (G*G, 4)."""
    rows, columns = (torch.tensor(axis) for axis in window_edges(height, width, grid, dtype))
    tops, lefts = rows[:, None].expand(-1, grid, -1), columns[None].expand(grid, -1, -1)
    return torch.stack([lefts[..., 0], tops[..., 0], lefts[..., 1], tops[..., 1]], dim=-1).reshape(-1, 4)


def sampling_matrix(edges_G2: Floats, bins: int, size: int, *, aligned: bool) -> Floats:
    """How RoI-align reads one axis: (G*bins, size), each row the mean of a bin's bilinear samples.

    edges_G2: begin and end of the windows along this axis, of `size` cells. aligned: False puts cell centres at
    integers, half a cell off, and widens windows to a cell, as the released weights learned it; True is exact.
    Samples more than a cell outside of the map count as zero, so a row may sum to less than one.
    """
    offset = np.float32(0.5 if aligned else 0.0)
    starts_G = edges_G2[:, 0] - offset
    sides_G = (edges_G2[:, 1] - offset) - starts_G
    if not aligned:
        sides_G = np.maximum(sides_G, np.float32(1.0))
    steps_G = sides_G / np.float32(bins)
    samples_G = np.maximum(np.ceil(steps_G).astype(int), 1)
    matrix = np.zeros((len(edges_G2), bins, size), dtype=np.float32)
    for window, (start, step, samples) in enumerate(zip(starts_G, steps_G, samples_G, strict=True)):
        at = np.arange(bins, dtype=np.float32)[:, None] * step
        within = (np.arange(samples, dtype=np.float32) + np.float32(0.5)) * step / np.float32(samples)
        places = start + at + within
        inside = (places >= -1) & (places <= size)
        places = places.clip(0, size - 1)
        low = np.floor(places).astype(int)
        high = np.minimum(low + 1, size - 1)
        share = places - low
        rows = np.broadcast_to(np.arange(bins)[:, None], places.shape)
        np.add.at(matrix[window], (rows, low), inside * (1 - share) / samples)
        np.add.at(matrix[window], (rows, high), inside * share / samples)
    return matrix.reshape(-1, size)


@lru_cache(maxsize=256)
def sampling_matrices(
    height: int, width: int, grid: int, bins: tuple[int, int], dtype: WindowDtype, aligned: bool
) -> tuple[Floats, Floats]:
    """The two matrices (y, H) and (x, W) that pool a map of this size; callers must not write to them."""
    rows, columns = window_edges(height, width, grid, dtype)
    return (
        sampling_matrix(rows, bins[0], height, aligned=aligned),
        sampling_matrix(columns, bins[1], width, aligned=aligned),
    )


class Windows:
    """The windows of maps of one size, ready to pool: matrices on a device, bins of the map that all levels share."""

    def __init__(
        self,
        size: tuple[int, int],
        grid: int,
        bins: tuple[int, int],
        *,
        dtype: WindowDtype = "float32",
        aligned: bool = False,
        device: torch.device | None = None,
    ) -> None:
        rows, columns = sampling_matrices(*size, grid, bins, dtype, aligned)
        self.size, self.grid, self.bins = size, grid, bins
        self.rows_yH = torch.tensor(rows, device=device)
        self.columns_xW = torch.tensor(columns, device=device)

    def pool(self, map_nHWD: Tensor) -> Tensor:
        """A map (n, H, W, D) -> its samples by window and bin (n, G*G, p*q, D)."""
        width = map_nHWD.shape[2]
        along_rows = self.rows_yH.to(map_nHWD.dtype) @ map_nHWD.flatten(2)
        return self._by_window(self.columns_xW.to(map_nHWD.dtype) @ along_rows.unflatten(2, (width, -1)))

    def pool_table(self, table_GGD: Tensor) -> Tensor:
        """What pooling would give of a table (G, G, D) resized bicubically to the map: (G*G, p*q, D)."""
        rows_yG = self.rows_yH @ _bicubic(self.grid, self.size[0], self.rows_yH.device)
        columns_xG = self.columns_xW @ _bicubic(self.grid, self.size[1], self.rows_yH.device)
        along_rows = rows_yG.to(table_GGD.dtype) @ table_GGD.flatten(1)
        pooled = columns_xG.to(table_GGD.dtype) @ along_rows.unflatten(1, (self.grid, -1))
        return self._by_window(pooled[None])[0]

    def pool_ones(self) -> Tensor:
        """What pooling would give of a map of ones, less than one where samples lie outside: (G*G, p*q, 1)."""
        shares_yx = self.rows_yH.sum(1)[:, None] * self.columns_xW.sum(1)
        return self._by_window(shares_yx[None, :, :, None])[0]

    def spread(self, weights_nKP: Tensor) -> Tensor:
        """Weights of windows' samples (n, G*G, p*q) laid back on the cells they came from: (n, G*G, H, W)."""
        by_bin = weights_nKP.unflatten(2, self.bins).unflatten(1, (self.grid, self.grid))
        rows_GpH = self.rows_yH.unflatten(0, (self.grid, -1)).to(weights_nKP.dtype)
        columns_GqW = self.columns_xW.unflatten(0, (self.grid, -1)).to(weights_nKP.dtype)
        return torch.einsum("ngkpq,gph,kqw->ngkhw", by_bin, rows_GpH, columns_GqW).flatten(1, 2)

    def _by_window(self, samples_nyxD: Tensor) -> Tensor:
        return rearrange(
            samples_nyxD, "n (g p) (k q) D -> n (g k) (p q) D", g=self.grid, k=self.grid, p=self.bins[0], q=self.bins[1]
        )


def _bicubic(before: int, after: int, device: torch.device) -> Tensor:
    """The matrix (after, before) of torch's bicubic resize along one axis."""
    unit = torch.eye(before, device=device)[None, :, :, None]
    return F.interpolate(unit, size=(after, 1), mode="bicubic", align_corners=False)[0, :, :, 0].mT


def _to_bfloat16(values: Floats) -> Floats:
    """Finite values rounded to the nearest bfloat16, ties to even."""
    bits = values.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32)
