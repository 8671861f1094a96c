"""What is printed on a bar, a sector or a band is found as it is on plain paper, and the fill itself is no text."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.types import Box

FONT = ImageFont.load_default(size=20)
COLOURS = ("#e57050", "#7a5896", "#5a8f4a", "#c8a038")
NAMES = ("Harbour", "Mountain", "Lowlands", "Islands")


def sheet() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (900, 760), "white")
    return image, ImageDraw.Draw(image)


def lines_of(image: Image.Image) -> list[Box]:
    return [line.box for region in find_regions(image) for line in region.lines]


def bars(draw: ImageDraw.ImageDraw, *, filled: bool) -> None:
    for row, name in enumerate(NAMES):
        top = 120 + 70 * row
        draw.text((40, top + 8), name, font=FONT, fill="black")
        for part, colour in enumerate(COLOURS):
            left = 160 + 160 * part
            if filled:
                draw.rectangle((left, top, left + 160, top + 40), fill=colour, outline="black")
            draw.text((left + 60, top + 8), str(210 + 37 * row + part), font=FONT, fill="black")


def test_numbers_on_the_bars_of_a_chart_are_found_as_on_plain_paper() -> None:
    plain, draw = sheet()
    bars(draw, filled=False)
    chart, draw = sheet()
    bars(draw, filled=True)
    expected, found = lines_of(plain), lines_of(chart)
    assert len(found) == len(expected) == len(NAMES)
    assert np.allclose(found, expected, atol=3)


def test_the_sectors_of_a_pie_are_no_text_and_do_not_join_the_words_around_it() -> None:
    plain, draw = sheet()
    places = ((560, 150), (600, 420), (170, 440), (150, 180))
    for name, place in zip(NAMES, places, strict=True):
        draw.text(place, name, font=FONT, fill="black")
    chart = plain.copy()
    draw = ImageDraw.Draw(chart)
    for start, end, colour in zip((-90, 10, 80, 200), (10, 80, 200, 270), COLOURS, strict=True):
        draw.pieslice((270, 130, 550, 410), start, end, fill=colour, outline="white", width=2)
    assert lines_of(chart) == lines_of(plain) and len(lines_of(plain)) == 4


def test_light_words_on_a_band_hardly_higher_than_they_are_found() -> None:
    image, draw = sheet()
    for row in range(6):
        draw.text((60, 200 + 30 * row), " ".join(NAMES), font=FONT, fill="black")
    draw.rectangle((40, 100, 860, 144), fill="#204060")
    draw.text((60, 110), "Quantity and price of each", font=FONT, fill="white")
    first = lines_of(image)[0]
    assert len(lines_of(image)) == 7
    assert 104 < first.top < first.bottom < 140 and first.left < 70 and first.right < 400


def test_a_bold_title_is_whole_on_a_page_with_filled_areas() -> None:
    image, draw = sheet()
    bars(draw, filled=True)
    title = ImageFont.load_default(size=56)
    draw.text((60, 10), "BEST Exchange", font=title, fill="#28a8d0", stroke_width=1)
    expected = draw.textbbox((60, 10), "BEST Exchange", font=title, stroke_width=1)
    assert np.allclose(lines_of(image)[0], expected, atol=8)
