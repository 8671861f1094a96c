"""Tiles: where a pixel of the page ends up, and what the layout promises."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from texthawk.image.tiles import TilingConfig, cut, layout_for, page_to_unit, unit_to_page
from texthawk.types import Box

NO_THUMBNAIL = TilingConfig(thumbnail="never")


def noise(height, width):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_a_page_of_the_grids_size_keeps_every_pixel_and_goes_row_by_row():
    image = noise(448, 672)
    tiles = cut(image, layout_for(448, 672, NO_THUMBNAIL))
    assert tiles.shape == (6, 3, 224, 224)
    page = torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255 * 2 - 1
    for row in range(2):
        for column in range(3):
            part = page[:, row * 224 : (row + 1) * 224, column * 224 : (column + 1) * 224]
            torch.testing.assert_close(tiles[row * 3 + column], part)


def test_moving_one_pixel_of_the_page_moves_one_tile_and_the_thumbnail():
    layout = layout_for(448, 672, TilingConfig())
    image = Image.new("RGB", (672, 448), "white")
    before = cut(image, layout)
    image.putpixel((500, 300), (0, 0, 0))  # row 1, column 2
    changed = (cut(image, layout) != before).flatten(1).any(dim=1)
    assert changed.tolist() == [True, False, False, False, False, False, True]


def test_the_thumbnail_comes_first_and_shows_the_whole_page():
    image = Image.new("RGB", (448, 448), "white")
    image.paste((0, 0, 0), (0, 224, 448, 448))  # lower half black
    tiles = cut(image, layout_for(448, 448, TilingConfig()))
    assert tiles.shape[0] == 5
    assert tiles[0, :, :100].min() > 0.9 and tiles[0, :, -100:].max() < -0.9
    assert tiles[1:3].min() == 1 and tiles[3:5].max() == -1


@pytest.mark.parametrize(("thumbnail", "small", "large"), [("auto", 1, 3), ("always", 2, 3), ("never", 1, 2)])
def test_the_tiling_says_whether_a_thumbnail_is_sent(thumbnail, small, large):
    tiling = TilingConfig(thumbnail=thumbnail)
    assert layout_for(200, 210, tiling).tiles == small
    assert layout_for(224, 448, tiling).tiles == large


def test_a_small_grid_may_do_without_a_thumbnail():
    tiling = TilingConfig(thumbnail_above=6)
    assert not layout_for(448, 672, tiling).thumbnail
    assert layout_for(672, 672, tiling).thumbnail


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 700)])
def test_a_page_of_extreme_shape_can_be_cut(size):
    layout = layout_for(*size, TilingConfig())
    tiles = cut(Image.new("RGB", (size[1], size[0]), "white"), layout)
    assert tiles.shape == (layout.tiles, 3, 224, 224)
    assert tiles.min() == 1


def test_each_channel_has_its_own_mean_and_std():
    tiles = cut(
        Image.new("RGB", (224, 224), (255, 0, 51)),
        layout_for(224, 224, TilingConfig()),
        mean=(0.5, 0.25, 0.1),
        std=(0.5, 0.25, 0.2),
    )
    torch.testing.assert_close(tiles[0, :, 0, 0], torch.tensor([1.0, -1.0, 0.5]))


def test_an_image_that_is_not_rgb_is_refused():
    with pytest.raises(ValueError, match="mode L"):
        cut(Image.new("L", (224, 224)), layout_for(224, 224, TilingConfig()))


@given(
    height=st.integers(1, 40_000),
    width=st.integers(1, 40_000),
    box=st.tuples(*[st.floats(0, 40_000) for _ in range(4)]),
)
def test_a_box_survives_the_way_to_the_unit_square_and_back(height, width, box):
    layout = layout_for(height, width, TilingConfig())
    assert unit_to_page(page_to_unit(Box(*box), layout), layout) == pytest.approx(box, abs=1e-6)
    assert page_to_unit(Box(0, 0, width, height), layout) == (0, 0, 1, 1)


def test_a_tiling_survives_json():
    tiling = TilingConfig(tile=112, max_tiles=12, thumbnail="never")
    assert TilingConfig(**json.loads(json.dumps(asdict(tiling)))) == tiling


def test_a_tiling_that_cannot_work_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="choose one of auto, always, never"):
        TilingConfig(thumbnail="sometimes")
    with pytest.raises(ValueError, match="max_tiles is 0"):
        TilingConfig(max_tiles=0)
