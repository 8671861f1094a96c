"""Slices, overview and separators reach the language model in the authors' order, and are counted as in it."""

import math

import pytest

from tests.golden.vectors import rows
from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.order import separated, tokens_with_separators
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.types import TileLayout

SNAPSHOTS = {"dec24": "2d", "apr25": "1d"}
IDS = {-1: -13, -2: -29892}  # how the vectors write separators


def page(columns: int, rows_of: int, **sizes) -> TileLayout:
    return TileLayout(rows_of, columns, True, 100, 100, thumbnail_last=True, **sizes)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_the_sequence_is_the_authors_for_every_grid(snapshot):
    grids = {name: case for name, case in rows("token_order")[snapshot].items() if name.startswith("grid_")}
    assert len(grids) == 6
    for name, case in grids.items():
        layout = page(*map(int, name.removeprefix("grid_").split("x")))
        for config in (HiwinConfig(token_layout=SNAPSHOTS[snapshot]), Uhd1Config(token_layout=SNAPSHOTS[snapshot])):
            order = config.separators(layout)
            if order is None:
                order = range(config.visual_tokens(layout))
            coded = [1000 * (k // 144) + k % 144 + 1 if k >= 0 else IDS[k] for k in order]
            assert [-1, *coded, -3148, -1001] == case["sequence"], name
            assert config.visual_tokens(layout) == len(coded) == case["labels_ignored"]


def test_counts_are_the_authors_for_every_size_they_list():
    for row in rows("slicing")["slicing"]:
        for most in ("max6", "max7", "max9"):
            decision = row[most]
            columns, down = decision["grid_cols_rows"] or (0, 0)
            layout = page(columns, down)
            assert HiwinConfig().visual_tokens(layout) == decision["visual_tokens_2d_map"]
            assert HiwinConfig(token_layout="1d").visual_tokens(layout) == decision["visual_tokens_1d"]
            assert Uhd1Config().visual_tokens(layout) == decision["visual_tokens_1d"]


@pytest.mark.parametrize("order", ["2d", "1d"])
@pytest.mark.parametrize("thumbnail", [False, True])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("grid", [(0, 0), (1, 1), (1, 3), (2, 1), (3, 4)])
def test_every_token_is_sent_once_for_any_tiling(grid, last, thumbnail, order):
    layout = TileLayout(*grid, thumbnail, 100, 100, thumbnail_last=last)
    sequence = separated(layout, 3, order)
    expected = list(range(9 * layout.tiles))
    if sequence is None:
        assert layout.tiles <= 1 and tokens_with_separators(layout, 3, order) == len(expected)
        return
    assert sorted(k for k in sequence if k >= 0) == expected
    assert tokens_with_separators(layout, 3, order) == len(sequence)
    if thumbnail:
        first = 9 * (layout.tiles - 1) if last else 0
        assert sequence[-9:] == list(range(first, first + 9)), "the overview comes last wherever it was among the views"


def test_a_row_of_the_map_is_a_row_of_the_page():
    sequence = separated(page(3, 2), 2, "2d")
    assert sequence[: 3 * 2 + 1] == [0, 1, 4, 5, 8, 9, -1]
    assert sequence[7:14] == [2, 3, 6, 7, 10, 11, -1]
    assert sequence[-5:] == [-2, 24, 25, 26, 27]
    assert separated(page(1, 2), 2, "2d")[-5] == -1, "one column: a newline where the comma would be"
    assert math.prod((12, 2, 12 * 3 + 1)) + 1 + 144 == HiwinConfig().visual_tokens(page(3, 2)) == 1033
