"""Windows are the authors' to the last bit, and two small matrices pool what RoI-align pools."""

import math
import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.compress.roi_align import roi_align
from tests.golden.vectors import rows, tensors
from texthawk.compress.windows import Windows, sampling_matrix, window_bins, window_boxes, window_edges

SIZES = ((24, 24), (4, 20), (5, 7), (1, 3), (15, 37), (3, 1), (13, 96))
DTYPES = {"float32": "boxes", "bfloat16": "boxes_bf16"}


def test_bins_are_the_authors_for_every_shape():
    for height, width, down, across in rows("slicing_extras")["pool_for_h_w"]:
        assert window_bins(height, width) == (down, across), (height, width)


def test_windows_are_the_authors_for_every_size_they_list():
    for size, expected in rows("slicing_extras")["windows"].items():
        height, width = map(int, size.split("x"))
        boxes = window_boxes(height, width, 12)
        named = {"first": boxes[0], "w1": boxes[1], "row1": boxes[12], "last": boxes[-1]}
        for name, box in named.items():
            assert box.tolist() == pytest.approx(expected[name], abs=0), (size, name)
        assert boxes.double().sum().item() == pytest.approx(expected["sum"], rel=1e-6)
        assert list(window_bins(height, width)) == expected["pool_hw"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_boxes_are_exact_and_pooled_maps_are_those_of_roi_align(dtype):
    vectors = tensors("roi_align")
    for name in [name for name in vectors if ".out_" in name]:
        height, width, down, across = map(int, re.findall(r"\d+", name))
        case, maps = f"{height}x{width}", vectors[f"{height}x{width}.input"]
        boxes = window_boxes(height, width, 12, dtype)
        expected = vectors[f"{case}.{DTYPES[dtype]}"].reshape(2, 144, 5)
        assert torch.equal(boxes.expand(2, -1, -1), expected[..., 1:]), case
        assert window_bins(height, width) == (down, across)
        pooled = Windows((height, width), 12, (down, across), dtype=dtype).pool(maps.permute(0, 2, 3, 1))
        got = pooled.unflatten(2, (down, across)).permute(0, 1, 4, 2, 3).flatten(0, 1)
        if dtype == "float32":
            torch.testing.assert_close(got, vectors[name], atol=2e-6, rtol=0)
        else:
            again = roi_align(maps.flatten(0, 1), boxes, (down, across)).unflatten(1, (2, 2))
            torch.testing.assert_close(got, again.transpose(0, 1).flatten(0, 1), atol=2e-6, rtol=0)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_matrices_equal_sampling_one_by_one_for_any_shape(size, aligned):
    torch.manual_seed(0)
    height, width = size
    maps = torch.randn(3, height, width)
    bins = window_bins(height, width)
    grid = 8 if height > width else 12
    expected = roi_align(maps, window_boxes(height, width, grid), bins, aligned=aligned)
    got = Windows(size, grid, bins, aligned=aligned).pool(maps.permute(1, 2, 0)[None])
    got = got[0].unflatten(1, bins).permute(0, 3, 1, 2)
    torch.testing.assert_close(got, expected, atol=5e-6, rtol=0)


def test_samples_outside_of_the_map_count_as_zero():
    edges = np.array([[-3.0, -1.2], [-0.6, 0.2], [3.4, 5.2]], dtype=np.float32)
    matrix = sampling_matrix(edges, 2, 4, aligned=False)
    assert matrix[:2].tolist() == [[0, 0, 0, 0]] * 2  # at -2.55 and -1.65
    assert matrix[2].tolist() == [1, 0, 0, 0]  # at -0.35, read at the edge
    assert matrix[3] == pytest.approx([0.85, 0.15, 0, 0])
    assert matrix[4].tolist() == [0, 0, 0, 1]  # at 3.85
    assert matrix[5].tolist() == [0, 0, 0, 0]  # at 4.75


def test_aligned_windows_read_what_they_cover():
    ramp = torch.arange(24.0).expand(24, 24)[None, :, :, None] + 0.5  # the place of a cell's centre
    pooled = Windows((24, 24), 12, (3, 3), aligned=True).pool(ramp)[0, ..., 0]
    centres = pooled.mean(1).unflatten(0, (12, 12))[0]
    torch.testing.assert_close(centres[1:-1], torch.arange(12.0)[1:-1] * 2 + 1)
    shifted = Windows((24, 24), 12, (3, 3)).pool(ramp)[0, ..., 0].mean(1).unflatten(0, (12, 12))[0]
    torch.testing.assert_close(shifted[1:-1], torch.arange(12.0)[1:-1] * 2 + 1.5)


@pytest.mark.parametrize("size", SIZES)
def test_a_table_is_pooled_as_if_it_were_resized_first(size):
    torch.manual_seed(0)
    table = torch.randn(12, 12, 8)
    windows = Windows(size, 12, window_bins(*size))
    resized = F.interpolate(table.permute(2, 0, 1)[None], size=size, mode="bicubic", align_corners=False)
    torch.testing.assert_close(windows.pool_table(table), windows.pool(resized.permute(0, 2, 3, 1))[0])
    torch.testing.assert_close(windows.pool_ones(), windows.pool(torch.ones(1, *size, 1))[0])


def test_spread_is_the_transpose_of_pool():
    torch.manual_seed(0)
    size, bins = (5, 20), window_bins(5, 20)
    windows = Windows(size, 12, bins)
    maps, weights = torch.randn(2, *size, 1), torch.randn(2, 144, math.prod(bins))
    pooled = windows.pool(maps)[..., 0]
    spread = windows.spread(weights)
    torch.testing.assert_close((pooled * weights).sum(2), (spread * maps[:, None, ..., 0]).sum((2, 3)))


def test_rounding_to_half_precision_is_torchs():
    for size in ((19, 29), (76, 116), (600, 37)):
        exact, rounded = (window_edges(*size, 12, dtype) for dtype in ("float32", "bfloat16"))
        for before, after in zip(exact, rounded, strict=True):
            assert torch.equal(torch.tensor(before).bfloat16().float(), torch.tensor(after))
