"""Which way up a page lies, told from its ink and, where that leaves a doubt, by what reads better."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.orientation import letters_up, on_its_side, rotation_of
from texthawk.decode.regions import find_regions
from texthawk.decode.rotation import ROTATIONS, turned

WORDS = "the quick brown fox jumps over a lazy dog while Seven wizards hold their old black Books".split()


def page(lines: int = 18, size: tuple[int, int] = (700, 640)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=20)
    for row in range(lines):
        text = " ".join(WORDS[(3 * row + k) % len(WORDS)] for k in range(10))
        draw.text((40, 40 + 30 * row), text, font=font, fill="black")
    return image


def never(image, regions):
    raise AssertionError("ink alone is clear enough")


@pytest.mark.parametrize("skew", [0, -2, 2])
def test_a_page_on_its_side_is_told_from_an_upright_one(skew):
    image = page().rotate(skew, fillcolor="white", expand=True)
    assert [on_its_side(turned(image, rotation)) for rotation in ROTATIONS] == [False, True, False, True]


def test_a_single_line_and_an_empty_page_are_not_on_their_side():
    assert (
        not on_its_side(page(lines=1)) and not on_its_side(page(lines=0)) and not on_its_side(Image.new("RGB", (1, 1)))
    )


def test_a_page_that_has_no_lines_once_it_is_turned_stays_as_it_came():
    image = Image.new("RGB", (190, 130), "white")
    for row, text in enumerate(("fox dog", "quick fox")):
        ImageDraw.Draw(image).text((12, 20 + 50 * row), text, font=ImageFont.load_default(size=16), fill="black")
    rotation, regions = rotation_of(image, lambda image, regions: 0.0)
    assert rotation == 0 and regions == find_regions(image) != []


def test_upright_print_needs_no_model():
    assert rotation_of(page(), never)[0] == 0


def test_more_ink_above_small_letters_than_below_them_is_upright():
    image = page()
    middle, certainty = letters_up(image, find_regions(image))
    assert middle > 0.3 and certainty > 4
    over = turned(image, 180)
    middle, certainty = letters_up(over, find_regions(over))
    assert middle < -0.3 and certainty < -4


@pytest.mark.parametrize("lying", ROTATIONS)
def test_a_page_is_turned_until_it_stands_upright(lying):
    upright = np.asarray(page())

    def reading(image, regions):
        return -0.5 if np.array_equal(np.asarray(image), upright) else -1.5

    rotation, regions = rotation_of(turned(page(), lying), reading)
    assert (lying + rotation) % 360 == 0
    assert len([line for region in regions for line in region.lines]) == 18


def test_a_doubt_leaves_a_page_as_it_came():
    capitals = Image.new("RGB", (600, 400), "white")
    for row in range(6):
        text = "HIXON OHIO XHOSA NIHON"
        ImageDraw.Draw(capitals).text((40, 40 + 40 * row), text, font=ImageFont.load_default(size=22), fill="black")
    assert rotation_of(capitals, lambda image, regions: -1.0)[0] == 0


def test_in_doubt_the_model_is_shown_lines_of_the_usual_height_and_no_pictures():
    image = Image.new("RGB", (700, 700), "white")
    draw = ImageDraw.Draw(image)
    for row in range(12):
        draw.text(
            (40, 200 + 30 * row), "ONLY CAPITALS AND 1234567890 HERE", font=ImageFont.load_default(20), fill="black"
        )
    for k in range(6):  # as wide as any line, and three times as high
        draw.ellipse((40 + 100 * k, 80, 110 + 100 * k, 140), outline="black", width=6)
    shown = []

    def reading(image, regions):
        shown.extend(line.box.height for region in regions for line in region.lines)
        return 0.0

    rotation, regions = rotation_of(image, reading)
    assert rotation == 0 and max(line.box.height for region in regions for line in region.lines) > 40
    assert len(shown) >= 24 and max(shown) < 25


def test_a_chart_with_few_words_is_not_on_its_side():
    image = Image.new("RGB", (780, 700), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=18)
    draw.text((220, 20), "Electricity consumption per city", font=font, fill="black")
    for start, colour in zip(range(0, 360, 90), ("#a06090", "#902030", "#c8a038", "#5a8f4a"), strict=True):
        draw.pieslice((180, 120, 580, 520), start, start + 90, fill=colour, outline="white", width=2)
    for row, name in enumerate(("Vienna 19%", "Boston 23%", "London 18%", "Rome 20%")):
        draw.text((600, 150 + 90 * row), name, font=font, fill="black")
        draw.text((60, 190 + 90 * row), name, font=font, fill="black")
    assert not on_its_side(image)
