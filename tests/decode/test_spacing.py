"""Words stand where the ink of their line has gaps, also where a line holds the cells of a table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.regions import find_regions
from texthawk.decode.spacing import places_of, width_of
from texthawk.types import Box

LINE = Box(100, 20, 500, 40)


def ends(words, gaps=(), box=LINE):
    return [(round(place.left), round(place.right)) for place in places_of(words, box, gaps)]


def test_words_stand_between_the_widest_gaps():
    assert ends(["one", "two"], [(160, 164), (250, 280), (400, 405)]) == [(100, 250), (280, 500)]


def test_without_gaps_words_share_the_line_by_their_letters():
    first, second = ends(["aa", "aaaa"])
    assert (
        first[0] == 100
        and second[1] == 500
        and second[1] - second[0] == pytest.approx(2 * (first[1] - first[0]), abs=2)
    )
    assert ends([]) == [] and ends(["word"], [(200, 300)]) == [(100, 500)]


def test_gaps_that_fit_no_word_are_no_places_of_words():
    assert ends(["a", "accommodations"], [(470, 476)]) == ends(["a", "accommodations"])


def test_cells_keep_their_words_where_words_ran_together():
    cells = [(200, 300), (360, 440)]
    assert ends(["AnnaBergs", "North", "Total"], cells)[1:] == [(300, 360), (440, 500)]
    assert ends(["aaaa", "aaaa", "aaaaa", "aaaaa"], cells)[2:] == [(300, 360), (440, 500)]


def test_a_cell_that_was_not_read_stays_empty():
    found = ends(["Clara", "Dahl", "99"], [(147, 154), (210, 421), (506, 701)], Box(81, 20, 729, 42))
    assert found == [(81, 147), (154, 210), (701, 729)], "the middle one says Market, which is not among the words"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text("ailmW.x", min_size=1, max_size=9), max_size=9),
    st.lists(st.tuples(st.floats(90, 510), st.floats(0.1, 60)), max_size=9),
)
def test_every_word_has_a_place_and_they_follow_each_other_within_the_line(words, given_gaps):
    gaps, reach = [], 0.0
    for left, width in sorted(given_gaps):
        if left > reach:
            gaps.append((left, left + width))
            reach = left + width
    places = places_of(words, LINE, gaps)
    assert len(places) == len(words)
    for place in places:
        assert (place.top, place.bottom) == (
            20,
            40,
        ) and LINE.left - 1e-6 <= place.left <= place.right <= LINE.right + 1e-6
    assert all(before.right <= after.left + 1e-6 for before, after in zip(places, places[1:], strict=False))


def test_printed_words_are_found_to_a_few_pixels():
    font, words = ImageFont.load_default(28), ["The", "committee", "met", "on", "Tuesday", "in", "Willingham"]
    page, left, expected = Image.new("RGB", (900, 120), "white"), 40.0, []
    draw = ImageDraw.Draw(page)
    for word in words:
        draw.text((left, 40), word, "black", font)
        box = draw.textbbox((left, 40), word, font)
        expected.append((box[0], box[2]))
        left += draw.textlength(word + " ", font)
    ((line,),) = (region.lines for region in find_regions(page))
    found = places_of(words, line.box, line.gaps)
    assert [(place.left, place.right) for place in found] == [pytest.approx(ends_, abs=3) for ends_ in expected]
    shared = places_of(words, line.box)
    assert max(abs(a.left - b[0]) for a, b in zip(shared, expected, strict=True)) > 3, "the gaps tell more than letters"


def test_letters_have_their_usual_widths():
    assert width_of("mm") > width_of("aa") > width_of("ii")
