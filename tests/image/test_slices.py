"""LLaVA-UHD's slices: the authors' own decisions and pixels, and what must hold for any page."""

import hashlib

import numpy as np
import PIL
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from tests.golden import vectors
from texthawk.image.grid import area_of_slices, long_side_to, multiple_of, uhd_slices
from texthawk.image.tiles import cut_views
from texthawk.image.tilings import UhdTilingConfig

sides = st.integers(1, 8_000)


@pytest.mark.parametrize("most", [6, 7, 9])
def test_every_decision_is_the_authors(most):
    for row in vectors.rows("slicing")["slicing"]:
        made, expected = uhd_slices(*row["size"], max_slices=most), row[f"max{most}"]
        grid = expected["grid_cols_rows"] and tuple(expected["grid_cols_rows"])
        assert (made.overview, made.grid) == (tuple(expected["overview"]), grid), row["size"]
        assert made.slice == (tuple(expected["slice"]) if grid else None), row["size"]
        layout = UhdTilingConfig(max_slices=most, max_aspect=1e9).layout(*row["size"][::-1])
        views = [expected["slice_patches_hw"]] * (layout.tiles - 1) if grid else []
        views.append(expected["overview_patches_hw"])
        assert [[height // 14, width // 14] for height, width in layout.views] == views, row["size"]


def test_every_resize_before_slicing_is_the_authors():
    for row in vectors.rows("slicing_extras")["resize_rules"]:
        width, height = row["size"]
        for side in (1024, 1536):
            always = long_side_to(width, height, side, enlarge_only=False)
            enlarged = long_side_to(width, height, side, enlarge_only=True)
            assert list(always) == row[f"apr25_keep_ratio_{side}"], row["size"]
            assert list(enlarged) == row[f"dec24_keep_ratio_{side}"], row["size"]
        assert list(area_of_slices(width, height)) == row["train_resize_as_grid_6"], row["size"]


def test_slices_and_overview_have_the_authors_pixels():
    expected = vectors.rows("slicing_pixels")
    base = np.random.RandomState(7).randint(0, 256, (23, 37, 3), np.uint8)
    image = Image.fromarray(base).resize((731, 454), Image.Resampling.BILINEAR)
    views = cut_views(image, UhdTilingConfig().layout(454, 731))
    slices = [(entry["size"], entry["mean"], entry["sha256"]) for entry in expected["slices"]]
    overview = (expected["overview_size"], expected["overview_mean"], expected["overview_sha256"])
    for view, (size, mean, digest) in zip(views, [*slices, overview], strict=True):
        pixels = view.permute(1, 2, 0).numpy()
        assert pixels.shape == (size[1], size[0], 3)
        assert pixels.mean() == pytest.approx(mean, abs=0.05)
        if PIL.__version__ == expected["pillow"]:
            assert hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest() == digest


@given(width=sides, height=sides, most=st.integers(1, 12), scale=st.sampled_from([28, 336]))
def test_no_page_gets_more_slices_or_pixels_than_allowed(width, height, most, scale):
    made = uhd_slices(width, height, scale=scale, max_slices=most)
    columns, rows = made.grid or (0, 0)
    assert columns * rows <= most and columns * rows != 1
    for size in (made.overview, made.slice or made.overview):
        assert size[0] % 14 == size[1] % 14 == 0 and min(size) >= 14
        assert size[0] * size[1] <= scale * scale or min(size) == 14


def test_a_square_just_too_large_stands_as_two_slices_above_each_other():
    assert uhd_slices(336, 336).grid is None
    assert uhd_slices(337, 337).grid == (1, 2)


@pytest.mark.parametrize("wrong", ["width", "height", "scale", "patch", "max_slices"])
def test_a_value_below_one_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=f"^{wrong} is 0"):
        uhd_slices(**{"width": 100, "height": 100, wrong: 0})


@given(height=st.integers(1, 5000), width=st.integers(1, 5000), most=st.sampled_from([784, 1_003_520, 12_845_056]))
def test_native_resolution_is_transformers_own(height, width, most):
    least = min(3136, most)
    if max(height, width) / min(height, width) <= 200:
        expected = smart_resize(height, width, 28, least, most)
        assert multiple_of(height, width, min_pixels=least, max_pixels=most) == expected
