"""Lines of bent paper are set level on their rows, and level lines stay as they are."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.lean import lean_of
from texthawk.decode.regions import find_regions
from texthawk.decode.windows import windows_of
from texthawk.image.rows import RowSetting

FONT = ImageFont.load_default(size=22)
TEXT = "any request for production of a full invoice"


def bent(lean: float) -> Image.Image:
    """Lines the lower of which fall to the right, as on paper that curls."""
    image = Image.new("RGB", (700, 1040), "white")
    for number in range(12):
        strip = Image.new("RGB", (700, 110), "white")
        ImageDraw.Draw(strip).text((60, 30), TEXT, font=FONT, fill="black")
        fall = lean * number / 11
        strip = strip.transform(
            strip.size, Image.Transform.AFFINE, (1, 0, 0, -fall, 1, 0), Image.Resampling.BICUBIC, fillcolor="white"
        )
        image.paste(strip.crop((0, 20, 700, 100)), (0, 40 + 82 * number))
    return image


def rows_with_ink(canvas: Image.Image, row: int) -> int:
    grey = np.asarray(canvas.convert("L"))[28 * row : 28 * row + 28]
    return int((grey < 128).any(axis=1).sum())


def test_lines_that_lean_are_told_from_level_ones() -> None:
    leans = [line.lean for region in find_regions(bent(0.05)) for line in region.lines]
    assert leans[0] == 0 and leans[-1] == pytest.approx(0.05, abs=0.006)
    assert {line.lean for region in find_regions(bent(0.0)) for line in region.lines} == {0.0}


def test_a_line_that_leans_is_set_as_large_as_a_level_one_and_level() -> None:
    level, leaning = (windows_of(bent(lean), find_regions(bent(lean)), RowSetting()) for lean in (0.0, 0.06))
    assert [len(window.pieces) for window in leaning] == [len(window.pieces) for window in level]
    for window, other in zip(leaning, level, strict=True):
        for row, (piece, straight) in enumerate(zip(window.pieces, other.pieces, strict=True)):
            assert piece.scale == pytest.approx(straight.scale, rel=0.1)
            assert rows_with_ink(window.image, row) <= rows_with_ink(other.image, row) + 3


def test_parts_of_a_line_that_leans_have_boxes_around_their_own_ink() -> None:
    image = bent(0.08)
    ink = np.asarray(image.convert("L")) < 128
    last = find_regions(image)[-1].lines[-1]
    middle = (last.box.left + last.box.right) / 2
    for left, right in ((last.box.left, middle), (middle, last.box.right)):
        box = last.between(left, right)
        rows = np.flatnonzero(ink[int(last.box.top) : int(last.box.bottom) + 1, int(left) : int(right)].any(axis=1))
        assert box.height < 0.9 * last.box.height
        assert box.top - 1 <= last.box.top + rows[0] and last.box.top + rows[-1] <= box.bottom + 1


def test_letters_with_tails_and_capitals_do_not_make_a_level_line_lean() -> None:
    dice = np.random.default_rng(0)
    for _ in range(50):
        left = np.arange(30) * 14.0
        top, bottom = 20 - 5.0 * dice.integers(0, 2, 30), 34 + 5.0 * (dice.random(30) < 0.25)
        assert lean_of(np.stack([left, top, left + 11, bottom], axis=1)) == 0
