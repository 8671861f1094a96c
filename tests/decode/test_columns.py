"""Pages of several kinds are read in the order a person reads them."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.columns import reading_order
from texthawk.decode.regions import find_regions
from texthawk.types import Box

FONT = ImageFont.load_default(size=20)
WORDS = "the quick brown fox jumps over a lazy dog while seven wizards box".split()


def page(width: int = 1000, height: int = 1000) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), "white")
    return image, ImageDraw.Draw(image)


def say(row: int, words: int) -> str:
    return " ".join(WORDS[(3 * row + k) % len(WORDS)] for k in range(words))


def write(draw: ImageDraw.ImageDraw, left: int, top: int, lines: int, words: int = 5, pitch: int = 26) -> list[Box]:
    boxes = []
    for row in range(lines):
        place = (left, top + pitch * row)
        draw.text(place, say(row, words), font=FONT, fill="black")
        boxes.append(Box(*draw.textbbox(place, say(row, words), font=FONT)))
    return boxes


def lines(image: Image.Image) -> list[Box]:
    return [line.box for region in find_regions(image) for line in region.lines]


def assert_read(image: Image.Image, expected: list[Box]) -> None:
    """Every expected line is found with its box, in this order, and nothing else is."""
    found = lines(image)
    assert len(found) == len(expected)
    for box, place in zip(found, expected, strict=True):
        assert np.abs(np.array(box) - np.array(place)).max() <= 4, (box, place)


def test_a_box_beside_text_is_read_after_the_text_beside_it_and_before_what_goes_below_both() -> None:
    image, draw = page()
    beside = write(draw, 60, 100, lines=14)
    facts = []
    for row in range(9):
        top = 113 + 37 * row
        draw.text((560, top), ("Reign", "Born", "House")[row % 3], font=FONT, fill="black")
        draw.text((700, top), "1 October 959", font=FONT, fill="black")
        facts.append(
            Box(
                560,
                draw.textbbox((560, top), "R", font=FONT)[1],
                draw.textbbox((700, top), "1 October 959", font=FONT)[2],
                0,
            )
        )
    below = write(draw, 60, 100 + 26 * 14, lines=3, words=14)
    found = lines(image)
    assert len(found) == 14 + 9 + 3
    assert [box.top for box in found[:14]] == sorted(box.top for box in found[:14])
    assert max(box.right for box in found[:14]) < 560
    for box, fact in zip(found[14:23], facts, strict=True):
        assert np.abs(np.array(box[:3]) - np.array(fact[:3])).max() <= 4  # label and value are one line
    assert found[-1].top > beside[-1].bottom and abs(found[-1].right - below[-1].right) <= 4


def test_a_long_table_is_read_row_by_row() -> None:
    image, draw = page()
    for row in range(20):
        for left, text in (
            (60, f"{4000 + 7 * row}-17"),
            (240, say(row, 2)),
            (600, f"{row}.50"),
            (800, f"{3 * row}.00"),
        ):
            draw.text((left, 80 + 34 * row), text, font=FONT, fill="black")
    found = lines(image)
    assert len(found) == 20
    assert all(box.left < 66 and box.right > 830 for box in found)


def test_columns_with_lines_on_common_rows_are_read_one_after_the_other() -> None:
    image, draw = page()
    expected = write(draw, 60, 100, lines=20) + write(draw, 560, 100, lines=20)
    assert_read(image, expected)


def test_a_header_and_a_footer_belong_to_no_column() -> None:
    image, draw = page(height=1200)
    draw.text((60, 20), "A journal", font=FONT, fill="black")
    draw.text((850, 20), "page 12", font=FONT, fill="black")
    columns = write(draw, 60, 160, lines=30) + write(draw, 560, 173, lines=30)
    draw.text((60, 1120), "2009", font=FONT, fill="black")
    draw.text((850, 1120), "a name", font=FONT, fill="black")
    found = lines(image)
    assert len(found) == 62
    assert found[0].left < 66 and found[0].right > 900 and found[-1].left < 66 and found[-1].right > 900
    assert [box.left > 500 for box in found[1:-1]] == [False] * 30 + [True] * 30
    assert len(columns) == 60


def test_a_photograph_beside_text_has_no_lines_and_does_not_join_them() -> None:
    image, draw = page()
    expected = write(draw, 420, 100, lines=12)
    y, x = np.mgrid[:300, :300]
    noise = np.random.default_rng(5).normal(0, 12, (300, 300))
    grey = (90 + 50 * np.sin(x / 17) + 40 * np.cos(y / 11) + noise).clip(0, 170).astype(np.uint8)
    image.paste(Image.fromarray(grey).convert("RGB"), (60, 100))
    assert_read(image, expected)


def test_a_photograph_does_not_swallow_a_dark_page_of_text() -> None:
    image = Image.new("RGB", (900, 500), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 150, 900, 500), fill="#303050")
    for row in range(8):
        draw.text((60, 180 + 34 * row), say(row, 8), font=FONT, fill="#f0f0e0")
    grey = np.asarray(image, dtype=float) + np.random.default_rng(1).normal(0, 5, (500, 900, 1))
    assert len(lines(Image.fromarray(grey.clip(0, 255).astype(np.uint8)))) == 8


def test_text_set_on_its_side_is_left_out() -> None:
    image, draw = page()
    expected = write(draw, 120, 100, lines=20, words=8)
    side = Image.new("RGB", (420, 34), "white")
    ImageDraw.Draw(side).text((2, 2), "arXiv:2203.00274v2 [cs.CL] 3 May 2022", font=FONT, fill="#808080")
    image.paste(side.rotate(90, expand=True), (40, 130))
    assert_read(image, expected)


def test_every_segment_is_read_once_wherever_it_stands() -> None:
    random = np.random.default_rng(11)
    for count in (1, 2, 17, 120):
        corner = random.integers(0, 900, (count, 2)).astype(float)
        boxes = np.concatenate([corner, corner + random.integers(4, 200, (count, 2))], axis=1)
        read = [k for rows in reading_order(boxes, 15.0) for row in rows for k in row]
        assert sorted(read) == list(range(count))


def test_noise_costs_seconds_at_most_and_does_no_harm() -> None:
    random = np.random.default_rng(2)
    for share, side in ((0.05, 1), (0.15, 8)):
        grains = np.kron(random.random((600 // side, 600 // side)) < share, np.ones((side, side), dtype=bool))
        image = Image.fromarray(np.where(grains, 0, 255).astype(np.uint8)).convert("RGB")
        for box in lines(image):
            assert 0 <= box.left < box.right <= 600 and 0 <= box.top < box.bottom <= 600


def test_justified_columns_whose_words_stand_far_apart_are_no_table() -> None:
    image, draw = page(760, 760)
    for left in (60, 400):
        for row in range(18):
            words = say(row + left, 9).split()
            while sum(draw.textlength(word, font=FONT) for word in words) > (250, 210, 230)[row % 3]:
                words.pop()
            room = 300 - sum(draw.textlength(word, font=FONT) for word in words)
            x = float(left)
            for word in words:
                draw.text((round(x), 150 + 30 * row), word, font=FONT, fill="black")
                x += draw.textlength(word, font=FONT) + room / (len(words) - 1)
    found = lines(image)
    assert len(found) == 36
    assert all(box.right <= 365 for box in found[:18])
    assert all(box.left >= 395 for box in found[18:])


def test_dashes_before_the_lines_of_a_list_are_part_of_them() -> None:
    image, draw = page(700, 500)
    for row in range(5):
        draw.text((60, 80 + 60 * row), "-", font=FONT, fill="black")
        draw.text((100, 80 + 60 * row), say(row, 4), font=FONT, fill="black")
    assert [round(box.left) in range(58, 66) for box in lines(image)] == [True] * 5


def test_small_labels_beside_a_list_are_read_after_it_though_some_stand_level_with_its_lines() -> None:
    image, draw = page(1000, 700)
    large, small = ImageFont.load_default(size=32), ImageFont.load_default(size=18)
    for row in range(8):
        draw.text((60, 80 + 64 * row), say(row, 3), font=large, fill="black")
    for row in range(14):
        draw.text((620, 84 + 37 * row), say(row, 1 + row % 4), font=small, fill="black")
    found = lines(image)
    assert len(found) == 22
    assert all(box.right < 620 for box in found[:8])
    assert all(box.left > 600 for box in found[8:])
