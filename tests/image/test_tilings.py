"""Every way to cut a page: layouts, their pixels, their JSON, their rows of numbers and their budgets."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from texthawk.image.budget import layout_within, plan
from texthawk.image.tiles import TilingConfig, cut_views
from texthawk.image.tilings import (
    TILINGS,
    NativeTilingConfig,
    UhdTilingConfig,
    layout_from_row,
    layout_to_row,
    tiling_from_json,
    tiling_to_json,
)

sides = st.integers(1, 20_000)
every_tiling = pytest.mark.parametrize("name", TILINGS)


def patches(layout):
    return sum(height * width for height, width in layout.views) // 14**2


@every_tiling
@given(height=sides, width=sides)
def test_a_page_of_any_size_has_views_of_whole_patches(name, height, width):
    tiling = TILINGS[name]()
    layout = tiling.layout(height, width)
    assert (layout.height, layout.width) == (height, width)
    assert len(layout.views) == layout.tiles == layout.rows * layout.columns + layout.thumbnail >= 1
    assert all(high % 14 == wide % 14 == 0 and min(high, wide) >= 14 for high, wide in layout.views)


@every_tiling
@given(height=sides, width=sides)
def test_a_layout_survives_the_way_through_its_row_of_numbers(name, height, width):
    tiling = TILINGS[name]()
    layout = tiling.layout(height, width)
    again = layout_from_row(layout_to_row(layout), tiling)
    for field in ("rows", "columns", "thumbnail", "tile", "cut", "whole", "thumbnail_last", "views"):
        assert getattr(again, field) == getattr(layout, field), field


@every_tiling
@given(height=st.integers(1, 3000), width=st.integers(1, 3000), budget=st.integers(200, 3000))
def test_the_largest_layout_within_a_budget_is_taken(name, height, width, budget):
    tiling = TILINGS[name](max_aspect=10.0) if name != "adaptive" else TilingConfig()
    try:
        layout = layout_within(height, width, tiling, patches, budget)
    except ValueError as refused:
        assert f"max_visual_tokens is {budget}, but the smallest page costs" in str(refused)
        assert all(patches(each.layout(height, width)) > budget for each in tiling.smaller(height, width))
    else:
        tried = [each.layout(height, width) for each in tiling.smaller(height, width)]
        assert patches(layout) <= budget
        assert all(patches(larger) > budget for larger in tried[: tried.index(layout)])


@every_tiling
def test_a_view_shows_its_own_part_of_the_page_and_the_overview_all_of_it(name):
    tiling = TILINGS[name](thumbnail="always") if name == "adaptive" else TILINGS[name]()
    page = np.zeros((700, 900, 3), np.uint8)
    page[:, :, 0] = np.linspace(0, 255, 900, dtype=np.uint8)
    page[:, :, 1] = np.linspace(0, 255, 700, dtype=np.uint8)[:, None]
    layout = tiling.layout(700, 900)
    views = cut_views(Image.fromarray(page), layout)
    assert [tuple(view.shape[1:]) for view in views] == list(layout.views)
    middles = [tuple(view.float().mean((1, 2))[:2] / 255) for view in views]
    if layout.thumbnail:
        whole = middles.pop(-1 if layout.thumbnail_last else 0)
        assert whole == pytest.approx((0.5, 0.5), abs=0.01)
    expected = [
        ((column + 0.5) / layout.columns, (row + 0.5) / layout.rows)
        for row in range(layout.rows)
        for column in range(layout.columns)
    ]
    assert torch.tensor(middles).flatten().tolist() == pytest.approx(
        [value for place in expected for value in place], abs=0.01
    )


def test_the_thumbnail_of_tiles_comes_first_and_the_overview_of_slices_last():
    assert TilingConfig().layout(672, 1008).views == ((224, 224),) * (1 + 3 * 5)
    assert UhdTilingConfig().layout(672, 1008).views == ((336, 336),) * 6 + ((266, 406),)
    assert UhdTilingConfig().layout(200, 300).views == ((266, 406),)
    assert UhdTilingConfig(max_slices=1).layout(672, 1008).views == ((266, 406),)
    assert NativeTilingConfig().layout(1344, 1344).views == ((1344, 1344),)


def test_a_page_may_be_brought_to_a_size_before_it_is_sliced():
    april = UhdTilingConfig(max_slices=9, long_side=1024)
    december = UhdTilingConfig(max_slices=9, long_side=1024, enlarge_only=True)
    assert april.first_size(2200, 1700) == (1024, 791) and december.first_size(2200, 1700) == (2200, 1700)
    assert april.first_size(150, 300) == december.first_size(150, 300) == (512, 1024)
    assert april.layout(150, 300).views == UhdTilingConfig(max_slices=9).layout(512, 1024).views
    assert (april.layout(150, 300).height, april.layout(150, 300).width) == (150, 300)


@pytest.mark.parametrize("tiling", [UhdTilingConfig(), NativeTilingConfig()])
def test_a_page_longer_than_the_limit_is_cut_as_if_it_were_that_long(tiling):
    most = int(tiling.max_aspect)
    assert tiling.layout(10 * most, 10).views == tiling.layout(30 * most, 10).views
    assert tiling.layout(10, 10 * most).views == tiling.layout(10, 30 * most).views
    assert min(min(view) for view in tiling.layout(3, 20_000).views) >= 28  # two patches, or a pyramid has no map


@every_tiling
def test_a_tiling_survives_json(name):
    tiling = TILINGS[name](tile=112) if name != "uhd" else UhdTilingConfig(max_slices=9, long_side=1024)
    data = json.loads(json.dumps(tiling_to_json(tiling)))
    assert data["type"] == name and tiling_from_json(data) == tiling


def test_a_tiling_without_a_type_is_adaptive_and_an_unknown_one_is_told_the_nearest():
    assert tiling_from_json({"tile": 64, "max_tiles": 6}) == TilingConfig(tile=64, max_tiles=6)
    with pytest.raises(ValueError, match="tiling 'uhd2' is unknown; nearest: uhd"):
        tiling_from_json({"type": "uhd2"})


def test_the_bytes_of_a_plan_are_those_of_its_views():
    made = plan(672, 1008, tiling=UhdTilingConfig(), visual_tokens=patches)
    assert made.pixel_bytes == (6 * 336 * 336 + 266 * 406) * 3 * 4
    assert plan(448, 448, tiling=TilingConfig()).pixel_bytes == 5 * 224 * 224 * 3 * 4


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (UhdTilingConfig, {"max_slices": 0}, "UhdTilingConfig.max_slices is 0; it must be at least 1"),
        (UhdTilingConfig, {"scale": 10}, "scale 10 is less than a patch of 14 px"),
        (UhdTilingConfig, {"long_side": 0}, "long_side is 0; it must be at least 1"),
        (UhdTilingConfig, {"max_aspect": 0.5}, "max_aspect is 0.5; it must be at least 1"),
        (NativeTilingConfig, {"max_pixels": 500}, "max_pixels 500 is less than min_pixels 3136"),
        (NativeTilingConfig, {"merge": 0}, "merge is 0"),
    ],
)
def test_a_tiling_that_cannot_work_is_refused_with_the_rule(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)
