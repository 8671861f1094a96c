"""Facts that stand as labels above their values are read label and value, and tables row by row."""

from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions

FACTS = [("Place", "Brookton"), ("Doors", "13:03:52"), ("Date", "2016-11-28"), ("Row", "24"), ("Seat", "53B")]
LEFTS = (60, 300, 560)


def read(image: Image.Image) -> list[tuple[float, float]]:
    """Left and top of each line, in the order they are read."""
    return [(line.box.left, line.box.top) for region in find_regions(image) for line in region.lines]


def facts(label: int, value: int, below: int, pitch: int) -> tuple[Image.Image, list[tuple[int, int]]]:
    """A page of facts in type of these sizes, values so far below their labels, and the places in the order of FACTS."""
    image = Image.new("RGB", (800, 420), "white")
    draw, places = ImageDraw.Draw(image), []
    for k, (name, text) in enumerate(FACTS):
        left, top = LEFTS[k % 3], 80 + pitch * (k // 3)
        for words, down, size in ((name, 0, label), (text, below, value)):
            font = ImageFont.load_default(size=size)
            draw.text((left, top + down), words, font=font, fill="black", anchor="ls")
            places.append((left, round(top + down + font.getbbox(words, anchor="ls")[1])))
    return image, places


def assert_order(image: Image.Image, places: list[tuple[int, int]]) -> None:
    found = read(image)
    assert len(found) == len(places)
    for (left, top), (x, y) in zip(found, places, strict=True):
        assert abs(left - x) <= 5, (found, places)
        assert abs(top - y) <= 5, (found, places)


def test_a_value_is_read_after_its_label_where_other_labels_are_farther_away() -> None:
    assert_order(*facts(20, 20, below=32, pitch=110))


def test_a_value_is_read_after_its_label_where_labels_are_small() -> None:
    assert_order(*facts(18, 26, below=46, pitch=92))


def test_rows_as_far_apart_and_of_one_type_are_a_table_and_read_as_rows() -> None:
    image, _ = facts(20, 20, below=40, pitch=80)
    tops = [top for _, top in read(image)]
    assert len(tops) == 4
    assert tops == sorted(tops)


def test_a_head_of_a_table_and_its_only_row_are_read_as_rows() -> None:
    image = Image.new("RGB", (800, 300), "white")
    draw = ImageDraw.Draw(image)
    for k, (name, text) in enumerate(FACTS[:3]):
        draw.text((LEFTS[k], 100), name, font=ImageFont.load_default(size=18), fill="black")
        draw.text((LEFTS[k], 130), text, font=ImageFont.load_default(size=24), fill="black")
    assert len(read(image)) == 2
