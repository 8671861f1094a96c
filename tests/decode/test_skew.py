"""Pages that lie askew are made level, straight ones are left alone, and boxes return to the page as it came."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.decode.skew import Straight, skew_of, straightened
from texthawk.types import Box

FONT = ImageFont.load_default(size=20)
WORDS = "the quick brown fox jumps over a lazy dog while seven wizards box".split()


def page(
    lines: int = 24, size: tuple[int, int] = (1000, 1000), paper: str = "white", ink: str = "black"
) -> Image.Image:
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    for row in range(lines):
        text = " ".join(WORDS[(row + k) % len(WORDS)] for k in range(14))
        draw.text((120, 150 + 28 * row), text[: 30 + 11 * (row % 4)], font=FONT, fill=ink)
    return image


def askew(image: Image.Image, degrees: float) -> Image.Image:
    """The page with its lines running down to the right by so many degrees."""
    return image.rotate(-degrees, resample=Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0)))


@pytest.mark.parametrize("degrees", [-5.0, -1.3, 0.5, 2.0, 5.0])
def test_the_skew_of_a_page_is_found_to_a_tenth_of_a_degree(degrees: float) -> None:
    assert skew_of(askew(page(), degrees)) == pytest.approx(degrees, abs=0.1)


def test_light_print_on_a_dark_page_has_a_skew_too() -> None:
    assert skew_of(askew(page(paper="#203040", ink="#f0f0f0"), 3.0)) == pytest.approx(3.0, abs=0.1)


def test_straight_pages_stay_as_they_are() -> None:
    noisy = np.asarray(page(), dtype=float) + np.random.default_rng(0).normal(0, 18, (1000, 1000, 3))
    columns = Image.new("RGB", (1400, 1000), "white")
    columns.paste(page(), (-60, 0))
    columns.paste(page().crop((100, 0, 800, 1000)), (700, 11))  # the lines of the second column stand lower
    for straight in (page(), page(lines=3), Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), columns):
        assert straightened(straight).image is straight


def test_pages_that_do_not_tell_stay_as_they_are() -> None:
    random = np.random.default_rng(4)
    grains = np.where(random.random((800, 800)) < 0.03, 0, 255).astype(np.uint8)
    for image in (
        Image.fromarray(grains).convert("RGB"),
        Image.new("RGB", (600, 600), "white"),
        *(Image.new("RGB", size, "white") for size in ((1, 1), (1, 20000), (20000, 1), (3, 3))),
        askew(page(lines=1), 2.0),
        askew(page(), 20.0),
    ):
        assert skew_of(image) == 0.0


def test_a_level_page_has_the_lines_of_the_page_before_it_was_turned() -> None:
    before = [line for region in find_regions(page()) for line in region.lines]
    straight = straightened(askew(page(), 3.0))
    after = [line for region in find_regions(straight.image) for line in region.lines]
    assert len(after) == len(before)
    for line, same in zip(after, before, strict=True):
        assert line.box.width == pytest.approx(same.box.width, abs=8)
        assert line.box.height == pytest.approx(same.box.height, abs=4)


@pytest.mark.parametrize("degrees", [-4.0, 0.7, 5.5])
def test_a_box_of_the_level_page_holds_the_same_ink_on_the_page_as_it_came(degrees: float) -> None:
    image = Image.new("RGB", (900, 700), "white")
    ImageDraw.Draw(image).rectangle((650, 500, 689, 519), fill="black")
    straight = Straight(image, degrees)
    dark = np.argwhere(np.asarray(straight.image.convert("L")) < 128)
    top, left = dark.min(axis=0)
    bottom, right = dark.max(axis=0) + 1
    box = straight.box_before(Box(float(left), float(top), float(right), float(bottom)))
    assert box.left <= 651 and box.top <= 501 and box.right >= 689 and box.bottom >= 519
    spread = 2 * (right - left) * abs(math.sin(math.radians(degrees))) + 3
    assert box.width <= 40 + spread and box.height <= 20 + spread


def test_boxes_end_where_the_page_does_and_nothing_of_the_page_is_cut_off() -> None:
    image = Image.new("RGB", (400, 900), "white")
    straight = Straight(image, 4.0)
    width, height = straight.image.size
    assert width > 400 and height > 900
    whole = straight.box_before(Box(0, 0, width, height))
    assert whole == pytest.approx((0, 0, 400, 900))


def test_a_straight_pages_boxes_are_its_own() -> None:
    box = Box(1, 2, 3, 4)
    assert Straight(Image.new("RGB", (10, 10)), 0.0).box_before(box) is box
