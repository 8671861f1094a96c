"""Where a line that is too long for a row is cut."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.decode.windows import windows_of
from texthawk.image.rows import RowSetting


@pytest.mark.parametrize("label", ["Tax", "Total due", "Invoice number", "Name of the buyer and address"])
def test_a_line_of_label_and_value_far_apart_is_cut_where_the_gap_is(label: str) -> None:
    image = Image.new("RGB", (1100, 700), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=34)
    for row in range(8):
        draw.text((80, 80 + 70 * row), label, font=font, fill="black")
        draw.text((800, 80 + 70 * row), "142.80", font=font, fill="black")
    end = draw.textbbox((80, 80), label, font=font)[2]
    pieces = [piece for window in windows_of(image, find_regions(image), RowSetting()) for piece in window.pieces]
    assert len(pieces) == 16
    for first, second in zip(pieces[::2], pieces[1::2], strict=True):
        assert first.box.right == pytest.approx(end, abs=4) and second.box.left == pytest.approx(800, abs=4)
        assert second.spaced and (second.line != first.line or second.continued)


def test_lines_of_a_page_stand_on_one_canvas_as_tall_as_they_need_where_it_may_be_tall() -> None:
    image = Image.new("RGB", (600, 1200), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=30)
    for row in range(20):
        draw.text((60, 60 + 54 * row), f"line number {row}", font=font, fill="black")
    regions = find_regions(image)
    by_eight = windows_of(image, regions, RowSetting())
    (whole,) = windows_of(image, regions, RowSetting(down=8))
    assert [len(window.pieces) for window in by_eight] == [8, 8, 4]
    assert all(window.image.size == (448, 224) for window in by_eight) and whole.image.size == (448, 3 * 224)
    assert [piece.box for piece in whole.pieces] == [piece.box for window in by_eight for piece in window.pieces]
    for number, window in enumerate(by_eight):
        rows = whole.image.crop((0, 224 * number, 448, 224 * number + 28 * len(window.pieces)))
        assert rows.tobytes() == window.image.crop((0, 0, 448, 28 * len(window.pieces))).tobytes()


def test_a_line_without_words_is_cut_between_its_letters() -> None:
    image = Image.new("RGB", (1500, 300), "white")
    draw = ImageDraw.Draw(image)
    for row in range(4):
        for k in range(44):  # as Chinese is set
            draw.rectangle((60 + 31 * k, 40 + 60 * row, 60 + 31 * k + 27, 68 + 60 * row), outline="black", width=3)
    pieces = [piece for window in windows_of(image, find_regions(image), RowSetting()) for piece in window.pieces]
    cut = [piece for piece in pieces if piece.continued]
    assert len(cut) >= 4 and not any(piece.spaced for piece in cut)
    for piece in cut:
        assert (piece.box.left - 60) % 31 < 1.5 or (piece.box.left - 60) % 31 > 29.5
