"""What is drawn or falls on a page beside its text is told from letters by its strokes, and costs no line its place."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.types import Box

FONT = ImageFont.load_default(size=22)
TEXTS = ("Customer service", "Manager reviews", "Results are fine", "Proceed with care", "Notify the director")


def sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (900, 1000), "white")
    draw = ImageDraw.Draw(image)
    for number, text in enumerate(TEXTS):
        draw.text((300, 100 + 150 * number), text, font=FONT, fill="black")
    return image, draw


def lines_of(image: Image.Image) -> list[Box]:
    return [line.box for region in find_regions(image) for line in region.lines]


def test_what_a_ragged_rule_leaves_beside_it_does_not_stretch_a_line() -> None:
    image, draw = sheet()
    clean = lines_of(image)
    for top in (box.bottom + 3 for box in clean):
        draw.line((200, top, 700, top), fill="black", width=2)
        for left in range(210, 690, 40):
            draw.line((left, top - 1, left + 16, top - 1), fill="black")  # thicker in places
    assert lines_of(image) == clean


def test_a_faint_rule_that_leans_and_is_broken_into_dashes_does_not_stretch_a_line() -> None:
    image, draw = sheet()
    clean = lines_of(image)
    for box in clean:
        for left in range(220, 680, 12):
            top = box.bottom + 1 + (left - 220) // 100
            draw.line((left, top, left + 6 + left % 4, top), fill="black")
        for top in range(round(box.top) - 30, round(box.bottom) + 30, 9):
            draw.line((289, top, 289, top + 4 + top % 3), fill="black")
    assert lines_of(image) == clean


def test_hyphens_of_a_line_stay_part_of_it() -> None:
    image, draw = sheet()
    for x in (60, 105, 150, 195):
        draw.line((x, 40, x + 11, 40), fill="black")
        draw.text((x - 27, 28), "20", font=FONT, fill="black")
    assert lines_of(image)[0].right >= 206


def test_shapes_of_a_chart_around_its_words_are_no_text_where_they_are_worn_either() -> None:
    image, draw = sheet()
    clean = lines_of(image)
    for number in range(len(TEXTS)):
        x, y = 390, 112 + 150 * number
        corners = [(x, y - 60), (x + 180, y), (x, y + 60), (x - 180, y)]
        draw.line([*corners, corners[0]], fill="black", width=2)
    for y in (262, 412):  # the scan lost some of their lines
        draw.rectangle((360, y - 62, 420, y - 38), fill="white")
        draw.rectangle((240, y - 50, 280, y + 50), fill="white")
    assert lines_of(image) == clean


def test_thin_capitals_of_a_title_are_text_among_letters_with_thick_strokes() -> None:
    image = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(image)
    for x, letter in zip(range(100, 500, 40), "LETTERFEEL", strict=True):  # 40 px high, strokes of 4 px
        draw.rectangle((x, 60, x + 3, 99), fill="black")
        for y in {"L": (96,), "T": (60,), "F": (60, 76), "R": (60, 76), "E": (60, 76, 96)}[letter]:
            draw.rectangle((x, y, x + 22, y + 3), fill="black")
    for number, text in enumerate(TEXTS * 2):
        draw.text((100, 200 + 34 * number), text, font=FONT, fill="black", stroke_width=1)
    assert lines_of(image)[0].height == pytest.approx(40, abs=2)


@pytest.mark.parametrize(
    ("high", "widest", "nearest", "seed"), [(44, 6, 4, 0), (75, 8, 3, 1)]
)  # the higher bars are rules, too
def test_a_bar_code_is_no_line_and_the_number_below_it_is_one_of_its_own(
    high: int, widest: int, nearest: int, seed: int
) -> None:
    image, draw = sheet()
    draw.text((300, 850), "6605505001950", font=FONT, fill="black")
    clean = lines_of(image)
    dice, x = np.random.default_rng(seed), 260
    while x < 520:
        wide = int(dice.integers(2, widest))
        draw.rectangle((x, 844 - high, x + wide - 1, 844), fill="black")
        x += wide + int(dice.integers(nearest, 9))
    assert lines_of(image) == clean


def test_shaded_paper_keeps_its_print_whether_a_line_is_long_or_short() -> None:
    image = Image.new("L", (700, 1000), 250)
    draw = ImageDraw.Draw(image)
    for number in range(18):
        draw.text((120, 80 + 48 * number), TEXTS[number % 5] if number % 3 else "SUM", font=FONT, fill=20)
    grey = np.asarray(image, dtype=np.float64)
    shade = np.where(np.arange(700) < 260, 0.62, 1.0)  # a shadow lies on the left
    noise = np.random.default_rng(0).normal(0, 7, grey.shape)
    shaded = Image.fromarray((grey * shade + noise).clip(0, 255).astype(np.uint8)).convert("RGB")
    found = lines_of(shaded)
    for middle in range(94, 94 + 18 * 48, 48):
        assert any(box.left < 130 and box.top < middle < box.bottom for box in found)


def test_points_of_a_chart_are_no_text_and_bullets_are() -> None:
    image, draw = sheet()
    clean = lines_of(image)
    for number in range(8):
        x, y = 120 + 70 * number, 190 + 150 * (number % 5)
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill="#7050b0")
    assert lines_of(image) == clean
    draw.ellipse((270, 106, 284, 120), fill="black")  # beside the first line
    assert lines_of(image)[0].left == pytest.approx(270, abs=2) and len(lines_of(image)) == len(clean)


def test_ticks_beside_the_numbers_of_an_axis_are_not_of_them_and_a_dash_is() -> None:
    image, draw = sheet()
    for number in range(5):
        draw.text((100, 150 + 120 * number), str(500 - 100 * number), font=FONT, fill="black")
    clean = lines_of(image)
    marked = image.copy()
    for number in range(5):
        ImageDraw.Draw(marked).line((144, 162 + 120 * number, 151, 162 + 120 * number), fill="black", width=2)
    assert lines_of(marked) == clean
    draw.line((144, 162, 151, 162), fill="black", width=2)
    assert max(box.right for box in lines_of(image) if box.left < 110) == pytest.approx(152, abs=2)


@pytest.mark.filterwarnings("error")
def test_a_chart_without_a_word_is_looked_at_without_a_warning() -> None:
    image = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(image)
    for number in range(8):
        left, top = 100 + 90 * number, 600 - 60 * number
        draw.rectangle((left, top, left + 60, 600), fill=(40 * number % 255, 90, 200 - 20 * number))
    draw.line((80, 600, 850, 600), fill="black", width=3)
    draw.line((80, 60, 80, 600), fill="black", width=3)
    assert all(box.height < 350 for box in lines_of(image))
