"""What is to be torn off a page is read after the rest of it."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions

FONT = ImageFont.load_default(size=20)


def ticket(lean: float = 0.0, colour: str = "black", dashes: bool = True) -> Image.Image:
    """Eight lines, and beside each of them one more, beyond dashes at 500 px that lean so many pixels a pixel."""
    image = Image.new("RGB", (800, 420), "white")
    draw = ImageDraw.Draw(image)
    for row in range(8):
        draw.text((60, 40 + 44 * row), f"Words {row} of the ticket", font=FONT, fill="black")
        draw.text((560, 40 + 44 * row), f"Part {row}", font=FONT, fill="black")
    for y in range(0, 420, 12) if dashes else ():
        x = 500 + lean * y
        draw.rectangle((x, y, x + 1, y + 5), fill=colour)
    return image


def sides(image: Image.Image) -> list[str]:
    """On which side of the page each line begins and ends, in the order they are read."""
    lines = [line for region in find_regions(image) for line in region.lines]
    return [
        "both" if line.box.left < 500 < line.box.right else "right" if line.box.left > 500 else "left" for line in lines
    ]


@pytest.mark.parametrize("lean", [0.0, 0.03, -0.03])
@pytest.mark.parametrize("colour", ["black", "#cccccc"])
def test_what_stands_beyond_a_line_of_dashes_is_read_last(lean: float, colour: str) -> None:
    assert sides(ticket(lean, colour)) == ["left"] * 8 + ["right"] * 8


def test_without_dashes_the_rows_go_on() -> None:
    assert sides(ticket(dashes=False)) == ["both"] * 8


def test_ones_below_each_other_are_no_line_of_dashes() -> None:
    image = ticket(dashes=False)
    for row in range(8):
        ImageDraw.Draw(image).text((480, 40 + 44 * row), "1", font=FONT, fill="black")
    assert sides(image) == ["both"] * 8


def test_dashes_that_text_crosses_part_nothing() -> None:
    image = ticket()
    ImageDraw.Draw(image).text((250, 392), "words that go on and on across the dashes", font=FONT, fill="black")
    assert "both" in sides(image)


def test_a_page_of_nothing_but_strokes_is_no_error() -> None:
    image = Image.new("RGB", (600, 800), "white")
    for row in range(20):
        ImageDraw.Draw(image).rectangle((40, 40 + 35 * row, 42, 62 + 35 * row), fill="black")
    assert all(line.box.width < 10 for region in find_regions(image) for line in region.lines)
