"""A page that was read becomes the rows that a person sees, however it lay when it was read."""

import math
from dataclasses import replace

import pytest

from texthawk.decode.printed import rows_of
from texthawk.decode.rotation import ROTATIONS, box_before, turned_size
from texthawk.model.transcript import GAP
from texthawk.types import Box, Line, Page, Word

ROWS = [("Invoice number", "7731"), ("Date of issue", "3 May"), ("Total due now", "19.80")]
ROW, VALUE = 30, 900  # pixels from row to row, and from the left edge to the values


def _line(text: str, left: float, top: float) -> Line:
    words, across = [], left
    for word in text.split():
        words.append(Word(word, Box(across, top, across + 12 * len(word), top + 20), 0.9))
        across += 12 * len(word) + 10
    return Line(text, Box(left, top, across - 10, top + 20), tuple(words))


def sheet() -> Page:
    """Labels on the left are read first, their values far to the right afterwards."""
    labels = [_line(label, 40, 100 + ROW * k) for k, (label, _) in enumerate(ROWS)]
    values = [_line(value, VALUE, 100 + ROW * k) for k, (_, value) in enumerate(ROWS)]
    return Page(1, 1200, 400, "", (*labels, *values))


def moved(page: Page, place) -> Page:
    def word(one: Word) -> Word:
        return replace(one, box=one.box and place(one.box))

    lines = tuple(replace(line, words=tuple(word(one) for one in line.words)) for line in page.lines)
    return replace(page, lines=lines)


def askew(box: Box, degrees: float) -> Box:
    """The upright frame of a box on a page that was turned by so much."""
    angle = math.radians(degrees)
    corners = [(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]
    xs = [math.cos(angle) * x - math.sin(angle) * y for x, y in corners]
    ys = [math.sin(angle) * x + math.cos(angle) * y for x, y in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))


EXPECTED = [f"{label}{GAP}{value}" for label, value in ROWS]


def test_labels_and_values_that_were_read_apart_stand_on_one_row():
    assert rows_of(sheet()) == EXPECTED


@pytest.mark.parametrize("degrees", [-6, -2, -0.5, 0.5, 3, 6])
def test_a_page_that_lay_askew_has_the_rows_of_the_level_one(degrees):
    tilted = moved(sheet(), lambda box: askew(box, degrees))
    assert rows_of(tilted) == EXPECTED
    if abs(degrees) > 2:
        assert rows_of(replace(tilted, origin="layer")) != EXPECTED, "without being levelled its rows are others"


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("degrees", [0, 2.5])
def test_a_page_that_lay_on_its_side_has_the_rows_of_the_upright_one(rotation, degrees):
    upright = moved(sheet(), lambda box: askew(box, degrees)) if degrees else sheet()
    width, height = turned_size(1200, 400, rotation)
    came = moved(upright, lambda box: box_before(box, rotation, width, height))
    page = replace(came, rotation=rotation, width=int(width), height=int(height))
    assert rows_of(page) == EXPECTED


def test_a_layer_s_words_at_different_heights_do_not_tilt_the_page():
    low = [_line("ace", 40, 100), _line("Tip", VALUE, 104)]
    words = (Word("sun", Box(40, 206, 80, 220), 1.0), Word("Flag", Box(90, 200, 140, 226), 1.0))
    page = Page(1, 1200, 400, "", (*low, Line("sun Flag", Box(40, 200, 140, 226), words)), origin="layer")
    assert rows_of(page) == [f"ace{GAP}Tip", "sun Flag"]


def test_lines_whose_place_is_not_known_and_pages_without_lines():
    lost = Line("half read", None, (Word("half", None, 0.4), Word("read", None, 0.4)))
    page = sheet()
    page = replace(page, lines=(page.lines[0], lost, *page.lines[1:]))
    assert rows_of(page) == [EXPECTED[0], "half read", *EXPECTED[1:]]
    assert rows_of(replace(page, lines=())) == []
    assert rows_of(replace(page, lines=(lost,))) == ["half read"]
