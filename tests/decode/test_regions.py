"""Where the text of a page stands, and in which order it is read."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.decode.windows import windows_of
from texthawk.image.rows import RowSetting, set_rows
from texthawk.types import Box

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


def test_the_edge_of_a_sheet_in_a_scan_neither_stretches_nor_joins_lines() -> None:
    image, draw = page()
    paragraph(draw, 60, 200, lines=6)
    clean = [line.box for region in find_regions(image) for line in region.lines]
    for top in range(195, 360, 34):  # what the scanner saw of it: strokes with gaps between them
        draw.line((22, top, 22, top + 30), fill="black")
        draw.line((960, top + 5, 961, top + 24), fill="black")
    assert [line.box for region in find_regions(image) for line in region.lines] == clean


def test_a_thin_letter_beside_others_or_a_lone_figure_is_still_text() -> None:
    image, draw = page()
    paragraph(draw, 100, 200, lines=4)
    left, top, right, _ = draw.textbbox((100, 340), "page", font=FONT)
    draw.text((100, 340), "page", font=FONT, fill="black")
    draw.line((right + 4, top, right + 4, top + 15), fill="black")
    draw.text((600, 340), "1", font=FONT, fill="black")
    last = find_regions(image)[-1].lines[-1]
    assert last.box.left == pytest.approx(left, abs=2) and last.box.right > 600


def test_a_ring_drawn_around_a_number_does_not_join_it_to_the_next_line() -> None:
    image, draw = page()
    paragraph(draw, 100, 200, lines=3)
    draw.text((300, 400), "1749.50", font=FONT, fill="black")
    draw.text((300, 432), "2000.00", font=FONT, fill="black")
    draw.ellipse((280, 382, 400, 432), outline="black", width=2)
    lines = [line.box for region in find_regions(image) for line in region.lines]
    assert len(lines) == 5 and all(box.height < 22 for box in lines)


def test_a_row_of_dashes_is_no_line_of_text() -> None:
    image, draw = page()
    paragraph(draw, 100, 200, lines=3)
    for left in range(100, 500, 12):
        top = 286 + (left - 100) // 33  # a rule that was printed askew
        draw.rectangle((left, top, left + 8, top + 2), fill="black")
    paragraph(draw, 100, 310, lines=3)
    assert sum(len(region.lines) for region in find_regions(image)) == 6


def test_a_dashed_rule_between_asterisks_is_no_line_of_text_and_a_page_number_between_dashes_is() -> None:
    image, draw = page()
    paragraph(draw, 100, 200, lines=3)
    for left, top in [(left, 413) for left in range(120, 500, 13)] + [(285, 512), (330, 512)]:
        draw.rectangle((left, top, left + 8, top + 1), fill="black")
    draw.text((105, 400), "*", font=FONT, fill="black")
    draw.text((510, 400), "*", font=FONT, fill="black")
    draw.text((300, 500), "12", font=FONT, fill="black")
    lines = [line.box for region in find_regions(image) for line in region.lines]
    assert len(lines) == 4 and lines[-1].top > 490


def test_a_worn_rule_below_a_line_is_not_of_it_and_an_underscore_is() -> None:
    image, draw = page()
    paragraph(draw, 300, 100, lines=3)
    for y, text in ((200, "file_name"), (240, "_start, _end_")):
        draw.text((300, y), text, font=FONT, fill="black")
    clean = [line for region in find_regions(image) for line in region.lines]
    around = draw.textbbox((300, 240), "_start, _end_", font=FONT)
    assert (clean[4].box.left, clean[4].box.right) == pytest.approx((around[0], around[2]), abs=2)
    assert all(right - left < 8 for left, right in clean[3].gaps)
    for left in range(392, 560, 20):
        draw.rectangle((left, 218, left + 13, 219), fill="black")
    worn = [line for region in find_regions(image) for line in region.lines]
    assert [line.box for line in worn] == [line.box for line in clean]
    assert [line.gaps for line in worn] == [line.gaps for line in clean]


def test_small_bullets_some_way_before_their_lines_are_of_them() -> None:
    image, draw = page()
    paragraph(draw, 140, 200, lines=8)
    for row in range(8):
        draw.ellipse((112, 212 + 26 * row, 116, 216 + 26 * row), fill="black")
    lines = [line for region in find_regions(image) for line in region.lines]
    assert len(lines) == 8
    assert all(line.box.left == pytest.approx(112, abs=1) for line in lines)


def test_rules_between_cells_are_not_set_on_rows_and_letters_are() -> None:
    image, draw = page()
    paragraph(draw, 100, 200, lines=4, words=3)
    regions = find_regions(image)
    clean = np.asarray(windows_of(image, regions, RowSetting())[0].image)
    for row in range(4):
        draw.text((330, 200 + 26 * row), "Illinois", font=FONT, fill="black")
    regions = find_regions(image)
    both = np.asarray(windows_of(image, regions, RowSetting())[0].image)
    draw.line((300, 150, 303, 350), fill="black", width=2)
    ruled = windows_of(image, regions, RowSetting())[0].image
    assert (clean < 128).sum() < (both < 128).sum()
    assert np.array_equal(np.asarray(ruled) < 128, both < 128)


def test_a_page_that_is_one_letter_high_keeps_the_strokes_of_its_letters() -> None:
    image = Image.new("RGB", (60, 20), "white")
    ImageDraw.Draw(image).line((30, 0, 30, 20), fill="black", width=2)
    canvas, _ = set_rows(image, [(Box(0, 0, 60, 20), 1.0)], RowSetting())
    assert (np.asarray(canvas) < 128).any()


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
