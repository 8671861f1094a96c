"""The name of an upright axis is a line of its own, read upwards before the axis' numbers."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.decode.sideways import with_aside
from texthawk.decode.windows import windows_of
from texthawk.image.rows import RowSetting, set_rows
from texthawk.types import Box

FONT = ImageFont.load_default(size=20)
NAME = "Duration (min)"


def printed(text: str) -> Image.Image:
    left, top, right, bottom = FONT.getbbox(text)
    made = Image.new("RGB", (round(right - left), round(bottom - top)), "white")
    ImageDraw.Draw(made).text((-left, -top), text, font=FONT, fill="black")
    return made


def chart(name: str | None) -> Image.Image:
    image = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(image)
    draw.text((300, 20), "How long each day took them", font=FONT, fill="black")
    for number in range(6):
        text = str(10 * (5 - number))
        draw.text((140 - draw.textlength(text, font=FONT), 100 + 90 * number), text, font=FONT, fill="black")
    for number, day in enumerate(("Monday", "Tuesday", "Friday")):
        draw.text((220 + 180 * number, 150 + 130 * number), day, font=FONT, fill="black")
        draw.text((220 + 180 * number, 620), day[:3], font=FONT, fill="black")
    if name:
        upright = printed(name).transpose(Image.Transpose.ROTATE_90)
        image.paste(upright, (70, 330 - upright.height // 2))
    return image


@pytest.mark.parametrize("name", [NAME, "Age", "Price"])
def test_a_name_on_its_side_is_one_line_between_the_title_and_the_numbers(name: str) -> None:
    regions = find_regions(chart(name))
    assert [region.upward for region in regions].count(True) == 1
    place = next(k for k, region in enumerate(regions) if region.upward)
    assert regions[place - 1].box.top < 60 and regions[place + 1].box.right < 145
    left, top, right, bottom = regions[place].box
    width, height = printed(name).size
    assert abs(left - 70) < 4 and abs(right - 70 - height) < 4
    assert abs(top - 330 + width / 2) < 4 and abs(bottom - 330 - width / 2) < 4


def test_the_other_lines_are_those_of_the_chart_without_the_name() -> None:
    with_name, without = (
        [[(line.box, line.gaps) for line in r.lines] for r in find_regions(chart(name)) if not r.upward]
        for name in (NAME, None)
    )
    assert with_name == without


def test_it_is_set_on_its_row_as_level_print_is() -> None:
    image, setting = chart(NAME), RowSetting()
    window = windows_of(image, find_regions(image), setting)[0]
    (row,) = [k for k, piece in enumerate(window.pieces) if piece.upward]
    strip = window.image.crop((0, 28 * row, 448, 28 * row + 28))
    level = Image.new("RGB", (500, 100), "white")
    level.paste(printed(NAME), (20, 40))
    piece = window.pieces[row]
    first = int(np.flatnonzero((np.asarray(level.convert("L")) < 128).any(axis=0))[0])
    box = Box(first, 40, first + piece.length, 40 + piece.height)
    expected = set_rows(level, [(box, piece.scale)], setting)[0].crop((0, 0, 448, 28))
    grey = [np.asarray(shown.convert("L"), dtype=np.float64).ravel() for shown in (strip, expected)]
    assert np.corrcoef(*grey)[0, 1] > 0.8


def test_places_on_the_canvas_come_back_to_the_page() -> None:
    box = Box(70.0, 200.0, 88.0, 330.0)
    _, (place,) = set_rows(chart(NAME), [(box, 1.2)], RowSetting(), upward=[True])
    (on_canvas,) = place.to_canvas(np.array([box]))
    assert on_canvas[2] - on_canvas[0] > 5 * (on_canvas[3] - on_canvas[1])
    assert place.to_page(on_canvas) == pytest.approx(box)


def test_a_column_of_figures_and_a_list_of_letters_are_no_lines_on_their_side() -> None:
    image = Image.new("RGB", (900, 700), "white")
    draw = ImageDraw.Draw(image)
    for row in range(12):
        draw.text((100, 60 + 26 * row), str(row % 10), font=FONT, fill="black")
        draw.text((300, 60 + 26 * row), "ABCDEFGHIKLM"[row] + "   words of a row", font=FONT, fill="black")
    assert not any(region.upward for region in find_regions(image))


def test_print_on_its_side_beside_what_stands_in_no_column_is_read() -> None:
    boxes = np.array([[100, 100, 300, 120], [600, 100, 800, 120], [498, 400, 502, 412]], dtype=float)
    name = np.array([[470.0, 380, 490, 440]])
    columns = [[np.array([0])], [np.array([1])]]
    told = list(with_aside(columns, boxes, name, 20.0))
    assert [part for part in told if isinstance(part, int)] == [0]
    assert [int(row[0]) for part in told if not isinstance(part, int) for row in part] == [0, 1]
    assert list(with_aside([], boxes[:0], name, 20.0)) == [0]
