"""Labels around a pie are read clockwise; around anything else they are read as they stand."""

import math

import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions

FONT = ImageFont.load_default(size=20)
COLOURS = ("#3366aa", "#cc7733", "#449966", "#aa4455", "#8866bb")
ANGLES = (40, 100, 150, 220, 310)  # degrees clockwise from the top


def chart(shape: str) -> tuple[Image.Image, list[tuple[float, float]]]:
    image = Image.new("RGB", (1000, 800), "white")
    draw = ImageDraw.Draw(image)
    draw.text((400, 30), "Harvest by region", font=FONT, fill="black")
    box = (300, 200, 700, 600)
    if shape == "square":
        draw.rectangle(box, fill=COLOURS[0])
    else:
        for k, colour in enumerate(COLOURS):
            draw.pieslice(box, -90 + 72 * k, -18 + 72 * k, fill=colour, outline="white")
        if shape == "ring":
            draw.ellipse((400, 300, 600, 500), fill="white")
    places = []
    for angle in ANGLES:
        x, y = 500 + 225 * math.sin(math.radians(angle)), 400 - 225 * math.cos(math.radians(angle))
        left = x if x > 500 else x - draw.textlength("Wheat 12%", font=FONT)
        draw.text((left, y - 12), "Wheat 12%", font=FONT, fill="black")
        places.append((left, y))
    return image, places


def lines_of(image: Image.Image) -> list[tuple[float, float]]:
    boxes = [line.box for region in find_regions(image) for line in region.lines]
    return [(box.left, (box.top + box.bottom) / 2) for box in boxes]


@pytest.mark.parametrize("shape", ["disc", "ring"])
def test_labels_around_a_disc_are_read_clockwise_after_the_title(shape: str) -> None:
    image, places = chart(shape)
    title, *labels = lines_of(image)
    assert title[1] < 60
    assert [place == pytest.approx(label, abs=8) for place, label in zip(places, labels, strict=True)] == [True] * 5


def test_labels_around_a_square_are_read_row_by_row() -> None:
    heights = [y for _, y in lines_of(chart("square")[0])]
    assert all(later >= earlier - 10 for earlier, later in zip(heights, heights[1:], strict=False))
