"""In which order slices' tokens and separators reach the language model (LLaVA-UHD v2 section 3.4, and its code).

Separators are embeddings of the language model itself: a newline and a comma. A layout's slices come row by row; its
overview, wherever it stood among the views, comes last.
"""

from typing import Literal

import numpy as np

from texthawk.types import TileLayout

TokenLayout = Literal["2d", "1d"]

NEWLINE, COMMA = -1, -2
"""Places of separators in a sequence; k >= 0 is the connector's k-th token."""


def separated(layout: TileLayout, side: int, order: TokenLayout) -> list[int] | None:
    """The sequence of a page whose views have side x side tokens each, or None for one view alone: it needs none.

    "2d": all slices are laid out as one map, a line of the map after the other, a newline after each; then a comma and
    the overview. Where slices stand in one column, that comma is a newline, as in the authors' code.
    "1d": slice after slice, each with a comma behind it, or a newline at the end of a row; then the overview.
    """
    if layout.tiles <= 1:
        return None
    views = np.arange(layout.tiles * side * side).reshape(layout.tiles, side * side)
    overview = views[:0]
    if layout.thumbnail:
        place = layout.tiles - 1 if layout.thumbnail_last else 0
        overview, views = views[place], np.delete(views, place, axis=0)
    if order == "1d":
        ends = np.full((layout.rows, layout.columns), COMMA)
        ends[:, -1] = NEWLINE
        return [*np.column_stack([views, ends.ravel()]).ravel().tolist(), *overview.ravel().tolist()]
    grid = views.reshape(layout.rows, layout.columns, side, side)
    lines = grid.transpose(0, 2, 1, 3).reshape(layout.rows * side, layout.columns * side)
    sequence = np.column_stack([lines, np.full(len(lines), NEWLINE)]).ravel().tolist()
    if layout.thumbnail:
        sequence.append(COMMA if layout.columns > 1 else NEWLINE)
    return [*sequence, *overview.ravel().tolist()]


def tokens_with_separators(layout: TileLayout, side: int, order: TokenLayout) -> int:
    """How long that sequence is."""
    tokens = layout.tiles * side * side
    if layout.tiles <= 1:
        return tokens
    if order == "1d":
        return tokens + layout.rows * layout.columns
    return tokens + layout.rows * side + int(layout.thumbnail)
