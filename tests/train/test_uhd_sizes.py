"""Some pictures are brought to six slices while LLaVA-UHD trains, and those of some sets to one side."""

from dataclasses import replace

import numpy as np
import pytest

from tests.data.training import example
from texthawk.image.tilings import UhdTilingConfig
from texthawk.train.uhd_sizes import UhdSizes

SIZES = UhdSizes(0.1, (("TextVQA", 1024),), UhdTilingConfig())


def slices(size):
    layout = SIZES.tiling.layout(*size)
    return layout.rows * layout.columns


def drawn(size, source="made", count=2000):
    one = replace(example(1), source=source)
    return [SIZES(one, size, np.random.default_rng(number)) for number in range(count)]


def test_one_picture_in_ten_that_would_not_give_six_slices_has_their_area():
    for size in ((300, 300), (480, 640), (900, 450)):
        assert slices(size) != 6
        found = drawn(size)
        others = [one for one in found if one != size]
        assert len(others) / len(found) == pytest.approx(0.1, abs=0.02)
        for height, width in others:
            assert height * width == pytest.approx(6 * 336**2, rel=0.02)
            assert height / width == pytest.approx(size[0] / size[1], rel=0.02)


def test_a_picture_of_six_slices_stays():
    size = (1008, 672)
    assert slices(size) == 6 and set(drawn(size, count=100)) == {size}


def test_pictures_of_a_named_set_are_brought_to_its_longer_side_and_never_to_six_slices():
    assert set(drawn((480, 640), "textvqa train", 100)) == {(768, 1024)}
    assert set(drawn((2048, 1000), "TextVQA", 100)) == {(1024, 500)}
