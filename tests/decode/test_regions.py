"""Where the text of a page stands, and in which order it is read."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.decode.windows import windows_of
from texthawk.image.rows import RowSetting

FONT = ImageFont.load_default(size=20)
WORDS = "the quick brown fox jumps over a lazy dog while seven wizards box".split()


def paragraph(draw: ImageDraw.ImageDraw, left: int, top: int, lines: int, words: int = 5, fill: str = "black") -> None:
    for row in range(lines):
        text = " ".join(WORDS[(row + k) % len(WORDS)] for k in range(words))
        draw.text((left, top + 26 * row), text, font=FONT, fill=fill)


def page(width: int = 1000, height: int = 1000, paper: str = "white") -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), paper)
    return image, ImageDraw.Draw(image)


def test_a_blank_page_has_no_regions() -> None:
    for paper in ("white", "black", "#808080"):
        assert find_regions(page(paper=paper)[0]) == []


def test_tiny_and_thin_images_have_no_regions_and_do_no_harm() -> None:
    for size in ((1, 1), (1, 20000), (20000, 1), (3, 3)):
        assert find_regions(Image.new("RGB", size, "white")) == []


def test_every_line_of_a_paragraph_is_found_with_its_box() -> None:
    image, draw = page()
    paragraph(draw, 100, 200, lines=6)
    (region,) = find_regions(image)
    assert len(region.lines) == 6
    for number, line in enumerate(entry.box for entry in region.lines):
        assert abs(line.left - 100) < 6
        assert 200 + 26 * number <= line.top < line.bottom <= 200 + 26 * number + 30


def test_two_columns_are_read_one_after_the_other() -> None:
    image, draw = page()
    paragraph(draw, 60, 100, lines=12)
    paragraph(draw, 560, 100, lines=12)
    first, second = find_regions(image)
    assert first.box.right < 500 < second.box.left
    assert len(first.lines) == len(second.lines) == 12


def test_a_title_over_two_columns_comes_first() -> None:
    image, draw = page()
    draw.text(
        (150, 20), "A title that spans both of the columns below it", font=ImageFont.load_default(size=30), fill="black"
    )
    paragraph(draw, 60, 120, lines=12)
    paragraph(draw, 560, 120, lines=12)
    regions = find_regions(image)
    assert [round(region.box.top, -2) for region in regions] == [0.0, 100.0, 100.0]


def test_cells_of_a_table_row_stay_on_their_row() -> None:
    image, draw = page()
    for row, entry in enumerate(("Apples", "Pears", "Quinces")):
        draw.text((100, 100 + 30 * row), entry, font=FONT, fill="black")
        draw.text((180, 100 + 30 * row), f"{row + 3}.50", font=FONT, fill="black")
    (region,) = find_regions(image)
    assert len(region.lines) == 3


def test_light_text_on_dark_paper_is_found_too() -> None:
    image, draw = page(paper="#202020")
    paragraph(draw, 100, 200, lines=3, fill="#f0f0f0")
    (region,) = find_regions(image)
    assert len(region.lines) == 3


def test_rules_and_frames_are_not_text() -> None:
    image, draw = page()
    draw.rectangle((50, 50, 950, 950), outline="black", width=2)
    draw.line((50, 500, 950, 500), fill="black", width=3)
    assert find_regions(image) == []


@pytest.mark.parametrize("stretch", [0.5, 1.0, 2.5])
def test_each_line_is_set_on_a_row_of_its_own_at_one_height(stretch: float) -> None:
    image, draw = page()
    paragraph(draw, 100, 100, lines=25, words=3)
    image = image.resize((round(1000 * stretch), round(1000 * stretch)))
    setting = RowSetting()
    regions = find_regions(image)
    windows = windows_of(image, regions, setting)
    assert sum(len(window.pieces) for window in windows) == 25
    assert not any(piece.continued for window in windows for piece in window.pieces)
    for window in windows:
        assert window.image.size == (448, 224)
        ink = np.asarray(window.image.convert("L")) < 128
        for row in range(setting.rows):
            strip = np.flatnonzero(ink[28 * row : 28 * row + 28].any(axis=1))
            assert bool(len(strip)) == (row < len(window.pieces))
            if len(strip):
                assert strip[-1] - strip[0] + 1 == pytest.approx(setting.ink, rel=0.34)


def test_a_place_on_a_window_maps_back_to_the_page() -> None:
    image, draw = page()
    paragraph(draw, 300, 400, lines=3, words=3)
    (region,) = find_regions(image)
    setting = RowSetting()
    (window,) = windows_of(image, [region], setting)
    ink = np.asarray(window.image.convert("L")) < 128
    for row, line in enumerate(region.lines):
        strip = ink[28 * row : 28 * row + 28]
        rows, columns = np.flatnonzero(strip.any(1)) + 28 * row, np.flatnonzero(strip.any(0))
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        assert window.places[row].to_page(box) == pytest.approx(line.box, abs=3)


def test_a_long_line_is_cut_between_words_and_goes_on_in_the_next_row() -> None:
    image, draw = page(width=4000, height=200)
    paragraph(draw, 20, 80, lines=1, words=45)
    (region,) = find_regions(image)
    windows = windows_of(image, [region], RowSetting())
    pieces = [piece for window in windows for piece in window.pieces]
    assert len(pieces) > 4 and [piece.continued for piece in pieces] == [False] + [True] * (len(pieces) - 1)
    ink = np.asarray(image.convert("L")) < 128
    for before, after in pairwise(pieces):
        gap = ink[:, round(before.box.right) + 1 : round(after.box.left) - 1]
        assert gap.shape[1] >= 2 and not gap.any()
    room = RowSetting().width
    assert all(piece.box.width * piece.scale <= room for piece in pieces)


def test_lines_of_another_type_have_a_scale_of_their_own() -> None:
    setting = RowSetting()
    assert setting.scale(10, typical=20) == pytest.approx(setting.ink / 10)  # a footnote
    assert setting.scale(14, typical=20) == setting.scale(20, typical=20)  # a line without long letters
    assert setting.scale(60, typical=20) * 60 <= setting.row_height


def test_a_word_too_long_for_a_row_is_cut_without_a_gap_and_says_so() -> None:
    image = Image.new("RGB", (3000, 120), "white")
    ImageDraw.Draw(image).text((20, 40), "WM" * 60 + " and more words", font=FONT, fill="black")
    pieces = [piece for window in windows_of(image, find_regions(image), RowSetting()) for piece in window.pieces]
    assert pieces[0].spaced and not pieces[0].continued
    cut = [piece for piece in pieces[1:] if not piece.spaced]
    assert cut and all(piece.continued for piece in cut)
    for before, after in pairwise(pieces):
        assert after.spaced == (after.box.left - before.box.right > 2)


def test_pieces_know_the_line_that_they_are_of() -> None:
    image, draw = page(width=2500, height=300)
    paragraph(draw, 20, 80, lines=3, words=30)
    pieces = [piece for window in windows_of(image, find_regions(image), RowSetting()) for piece in window.pieces]
    assert [piece.line for piece in pieces if not piece.continued] == [0, 1, 2]
    for before, after in pairwise(pieces):
        assert after.line == before.line + (not after.continued)
