"""Positions: scalable (SPE), absolute (APE) and sinusoidal embeddings of places on a page.

Shape letters:  A heads   d width of a head   W = A*d width   ... any shape
"""

import math

import torch
from torch import Tensor, nn

_PARALLEL = 1e-4  # below this sine two end points count as parallel and their plane is completed by a fixed direction


class SphericalAxis(nn.Module):
    """Two learned end points per head, joined by an arc of constant norm (TextHawk section 3.2, SPE)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not divisible by {heads} heads; choose a multiple")
        if width < 2 * heads:
            raise ValueError(
                f"width {width} leaves {heads} heads one number each, which no arc joins; take fewer heads"
            )
        self.heads = heads
        self.ends_2Ad = nn.Parameter(torch.randn(2, heads, width // heads))
        self.scale_A = nn.Parameter(torch.full((heads,), math.sqrt(width // heads)))

    def forward(self, t: Tensor) -> Tensor:
        """Embed places t in [0, 1] of any shape; returns (..., width), each head of norm `scale`.

        Spherical interpolation is written as cos(tθ) u + sin(tθ) v with u the first end and v the direction in the
        plane of both ends that is square to u. Where the ends are (anti)parallel that plane is undefined; a fixed
        direction completes it, so values and gradients stay finite at θ = 0 and θ = π.
        """
        ends = self.ends_2Ad.float()
        ends = ends / ends.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        first, second = ends[0], ends[1]
        cosine = (first * second).sum(-1, keepdim=True)
        across = second - cosine * first
        parallel = across.norm(dim=-1, keepdim=True) < _PARALLEL
        across = torch.where(parallel, _PARALLEL * _square_to(first), across)
        sine = across.norm(dim=-1, keepdim=True)
        theta = torch.atan2(sine, cosine)
        across = across / sine
        # Near (anti)parallel ends the subtraction above leaves little of `across` but rounding; made square once more.
        across = torch.nn.functional.normalize(across - (across * first).sum(-1, keepdim=True) * first, dim=-1)
        angle = t.float()[..., None, None] * theta
        arc = torch.cos(angle) * first + torch.sin(angle) * across
        return (arc * self.scale_A.float()[:, None]).flatten(-2)


def _square_to(unit_Ad: Tensor) -> Tensor:
    """A unit vector square to each given unit vector: the axis it leans on least, made square."""
    axis = torch.nn.functional.one_hot(unit_Ad.detach().abs().argmin(-1), unit_Ad.shape[-1]).to(unit_Ad)
    axis = axis - (axis * unit_Ad).sum(-1, keepdim=True) * unit_Ad
    return axis / axis.norm(dim=-1, keepdim=True)


class ScalablePositions(nn.Module):
    """SPE: row and column arcs, summed, so that a spot on the page is the same from any grid (TextHawk section 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.rows = SphericalAxis(width, heads)
        self.columns = SphericalAxis(width, heads)

    def forward(self, rows_t: Tensor, columns_t: Tensor) -> Tensor:
        """Embed places in [0, 1] of the page's height and width, equal shapes (...); returns (..., width)."""
        return self.rows(rows_t) + self.columns(columns_t)


class AbsolutePositions(nn.Module):
    """APE: a learned table per axis, sliced; the baseline of TextHawk's ablation (section 4.4)."""

    def __init__(self, width: int, places: int) -> None:
        super().__init__()
        self.rows = nn.Embedding(places, width)
        self.columns = nn.Embedding(places, width)

    def forward(self, rows_k: Tensor, columns_k: Tensor) -> Tensor:
        """Embed integer places (the k-th patch or cell of the page), equal shapes (...); returns (..., width).

        Raises ValueError for a page that is larger than the tables.
        """
        places = self.rows.num_embeddings
        for name, k in (("rows", rows_k), ("columns", columns_k)):
            if k.numel() and not k.is_meta and int(k.max()) >= places:
                raise ValueError(
                    f"a page has {int(k.max()) + 1} {name} of places, and the table of absolute positions {places}; cut the "
                    "page into fewer tiles a side, or train with a larger max_side"
                )
        return self.rows(rows_k) + self.columns(columns_k)


def sinusoidal(side: int, width: int, device: torch.device | None = None, *, columns: int | None = None) -> Tensor:
    """Fixed 2D sinusoids for a grid of `side` rows and as many columns, or `columns` of them, row-major.

    Returns (side*columns, width); half the width per axis.
    """
    if width % 4:
        raise ValueError(f"sinusoidal positions need a width divisible by 4, not {width}")
    columns = columns or side
    frequencies = 10000.0 ** -(torch.arange(width // 4, dtype=torch.float32, device=device) / (width // 4))
    angles = torch.arange(max(side, columns), dtype=torch.float32, device=device)[:, None] * frequencies
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)
    down = axis[:side, None, :].expand(side, columns, -1)
    across = axis[None, :columns, :].expand(side, columns, -1)
    return torch.cat([down, across], dim=-1).reshape(side * columns, width)
