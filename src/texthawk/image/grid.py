"""Which grid of tiles suits a page: integers in, integers out, one function per rule.

Shape letters:  h, w the page in pixels   r, c rows and columns of tiles   S the side of a tile
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache


@lru_cache(maxsize=4096)
def shape_adaptive(
    height: int, width: int, *, tile: int = 224, max_tiles: int = 36, max_side: int = 12, candidates: int = 9
) -> tuple[int, int]:
    """Rows and columns of the grid that keeps both the size and the shape of a page (TextHawk section 3.1).

    Of all grids with at most `max_side` tiles a side and `max_tiles` in all, the `candidates` whose size is nearest
    to the page's are kept, and of these the one with the best sum of size and shape wins. Equal scores go to fewer
    tiles, then to more rows; they are compared as fractions, so no rounding can flip a choice between machines.

    The shape score scales the page to the grid's *width* and asks how much of the grid it then covers. TextHawk's
    equation 1 prints another height, which would favour square pages; this is UReader's reading, which it follows.
    """
    values = {"height": height, "width": width, "tile": tile}
    values |= {"max_tiles": max_tiles, "max_side": max_side, "candidates": candidates}
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; a grid of tiles needs at least 1")

    def size_score(rows: int, columns: int) -> Fraction:
        shared = min(height, rows * tile) * min(width, columns * tile)
        return Fraction(shared, height * width + rows * columns * tile * tile - shared)

    def shape_score(rows: int, columns: int) -> Fraction:
        page, grid = height * columns, rows * width  # heights at the grid's width, both times w / S
        return Fraction(min(page, grid), max(page, grid))

    scored = [
        (size_score(rows, columns), rows, columns)
        for rows in range(1, max_side + 1)
        for columns in range(1, min(max_side, max_tiles // rows) + 1)
    ]
    scored.sort(key=lambda entry: (-entry[0], entry[1] * entry[2], -entry[1]))
    kept = scored[:candidates]
    _, rows, columns = min(kept, key=lambda e: (-(e[0] + shape_score(e[1], e[2])), e[1] * e[2], -e[1]))
    return rows, columns


@dataclass(frozen=True)
class Slices:
    """LLaVA-UHD's choice for a page: sizes are (width, height) in pixels, the grid is (columns, rows).

    `grid` and `slice` are None where the overview alone is sent.
    """

    overview: tuple[int, int]
    grid: tuple[int, int] | None = None
    slice: tuple[int, int] | None = None


@lru_cache(maxsize=4096)
def uhd_slices(width: int, height: int, *, scale: int = 336, patch: int = 14, max_slices: int = 7) -> Slices:
    """Slices and overview of a page, each of about `scale` x `scale` pixels and of its own shape (LLaVA-UHD, v1 and v2).

    Grids of one slice less, as many, or one more than the page's area asks for are tried, and the one whose shape is
    nearest to the page's wins, the first in order among equals. A grid of one slice is never tried: a page just larger
    than `scale` x `scale` is cut in two.
    """
    values = {"width": width, "height": height, "scale": scale, "patch": patch, "max_slices": max_slices}
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; slices need at least 1")
    wanted = min(-(-width * height // scale**2), max_slices)
    if wanted <= 1:
        return Slices(_near_square(width, height, scale, patch, enlarge=True))
    shape = math.log(width / height)
    grids = [
        (columns, count // columns)
        for count in (wanted - 1, wanted, wanted + 1)
        if 1 < count <= max_slices
        for columns in range(1, count + 1)
        if count % columns == 0
    ]
    columns, rows = min(grids, key=lambda grid: abs(shape - math.log(grid[0] / grid[1])))
    own = (_down_to(width, columns) // columns, _down_to(height, rows) // rows)
    return Slices(
        _near_square(width, height, scale, patch, enlarge=False),
        (columns, rows),
        _near_square(*own, scale, patch, enlarge=True),
    )


def _near_square(width: int, height: int, scale: int, patch: int, *, enlarge: bool) -> tuple[int, int]:
    """A size of about scale x scale pixels in the shape of this one, rounded down to whole patches."""
    if enlarge or width * height > scale**2:
        shape = width / height
        height = int(scale / math.sqrt(shape))
        width = int(height * shape)
    return _down_to(width, patch), _down_to(height, patch)


def _down_to(value: int, step: int) -> int:
    return max(value // step * step, step)


def long_side_to(width: int, height: int, side: int, *, enlarge_only: bool) -> tuple[int, int]:
    """The (width, height) that LLaVA-UHD's evaluation brings a page to before it is sliced: the longer side is `side`.

    enlarge_only: a page whose longer side is longer already keeps its size (the snapshot of December 2024); False
    reduces it too (April 2025).
    """
    if enlarge_only and max(width, height) >= side:
        return width, height
    if width > height:
        return side, max(1, int(height * (side / width)))
    return max(1, int(width * (side / height))), side


def area_of_slices(width: int, height: int, *, slices: int = 6, scale: int = 336) -> tuple[int, int]:
    """The (width, height) of a page brought to the area of so many slices; LLaVA-UHD trains on one page in ten so."""
    stretch = math.sqrt(slices * scale**2 / (width * height))
    return max(1, int(width * stretch)), max(1, int(height * stretch))


def multiple_of(
    height: int, width: int, *, factor: int = 28, min_pixels: int = 56 * 56, max_pixels: int = 16384 * 28 * 28
) -> tuple[int, int]:
    """Qwen2-VL's native resolution: the nearest (height, width) in multiples of `factor` within the bounds of area."""
    rows, columns = round(height / factor), round(width / factor)
    if rows * columns * factor**2 > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        rows = max(1, math.floor(height / shrink / factor))
        columns = max(1, math.floor(width / shrink / factor))
    elif rows * columns * factor**2 < min_pixels:
        stretch = math.sqrt(min_pixels / (height * width))
        rows, columns = math.ceil(height * stretch / factor), math.ceil(width * stretch / factor)
    return rows * factor, columns * factor
