"""A phrase is found among the words that were read, misread letters and all, and nothing else is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from texthawk.decode.phrases import LONGEST, _Distances, exact_runs, runs_of
from texthawk.types import Box, Line, Page, Word


def line(top: float, *texts: str) -> Line:
    words = tuple(Word(text, Box(50.0 * k, top, 50.0 * k + 40, top + 10), 0.9) for k, text in enumerate(texts))
    return Line(" ".join(texts), Box(0, top, 50.0 * len(texts), top + 10), words)


def page(*lines: Line) -> Page:
    return Page(1, 300, 100, "", lines)


PAGE = page(line(0, "The", "total", "due:", "12"), line(20, "The", "sum"), line(40, "TOTAL", "due"))


def boxes(phrase: str, where: Page = PAGE) -> list[tuple[Box, ...]]:
    return [run.boxes for run in runs_of(phrase, where)]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("total due", [(Box(50, 0, 140, 10),), (Box(0, 40, 90, 50),)]),
        ("totaldue", [(Box(50, 0, 140, 10),), (Box(0, 40, 90, 50),)]),
        ("Due: 12 the", [(Box(100, 0, 190, 10), Box(0, 20, 40, 30))]),
        ("12", [(Box(150, 0, 190, 10),)]),
        ("tot", []),
        ("13", []),
        ("…", []),
    ],
)
def test_a_phrase_is_found_whatever_its_case_its_spaces_and_the_signs_around_it(phrase, expected):
    assert boxes(phrase) == expected


def test_misread_letters_and_words_that_ran_together_are_forgiven_and_the_nearest_comes_first():
    misread = page(line(0, "harbour", "Museun"), line(20, "Harbour", "Museum"), line(40, "HarbourMuseum"))
    found = runs_of("Harbour Museum", misread)
    assert [(run.text, run.edits) for run in found] == [
        ("Harbour Museum", 0),
        ("HarbourMuseum", 0),
        ("harbour Museun", 1),
    ]


def test_a_short_phrase_and_a_number_must_be_there_to_the_letter():
    assert runs_of("sun", page(line(0, "son", "sum", "run"))) == []
    assert runs_of("1200.00", page(line(0, "200.00", "1200.50", "12000.00"))) == []
    assert runs_of("1200.00", page(line(0, "1200.00"))) != []
    assert [run.edits for run in runs_of("2300000017984", page(line(0, "2300000017934", "9900000017934")))] == [1]


def test_of_equally_near_places_the_one_with_its_case_and_signs_and_on_one_line_comes_first():
    where = page(line(0, "author", "names,"), line(20, "(b)."), line(40, "Author", "names."))
    assert [run.text for run in runs_of("Author names.", where)] == ["Author names.", "author names,"]
    broken = page(
        line(0, "of", "thc", "sea"), line(20, "shore"), line(40, "thc", "sea", "shorn"), line(60, "the", "sea")
    )
    assert [(run.edits, len(run.boxes)) for run in runs_of("the sea shore", broken)] == [(2, 1), (1, 2)]


def test_what_is_far_off_counts_only_where_nothing_is_nearer_and_only_once():
    far = page(line(0, "Gcneral", "Mceting"), line(20, "Gcneral", "Mcetjnq"))
    (found,) = runs_of("General Meeting", far)
    assert found.edits == 2
    (found,) = runs_of("General Meeting", page(line(20, "Gcnerl", "Mcetjnq"), line(40, "Gcnerl", "Mcetjnq")))
    assert found.edits == 5 and found.boxes[0].top == 20


def test_a_word_that_a_line_break_parted_is_found_with_a_box_on_each_line():
    parted = page(line(0, "an", "exam-"), line(20, "ple", "of"))
    assert boxes("example", parted) == [(Box(50, 0, 90, 10), Box(0, 20, 40, 30))]


def test_signs_of_a_script_without_spaces_are_found_inside_of_a_line():
    chinese = page(Line("合同编号：A12号", None, (Word("合同编号：A12号", Box(0, 0, 90, 10), 1.0),)))
    (found,) = runs_of("编号", chinese)
    assert found.text == "编号" and found.boxes == (Box(20, 0, 40, 10),)
    (found,) = runs_of("合同編号", page(line(0, "合同编号"))) or [None]
    assert found is None, "another character is another word in so short a phrase"
    assert runs_of("A12", chinese)[0].boxes[0].left == pytest.approx(50, abs=11)


def test_words_without_a_place_are_no_place():
    assert runs_of("total", page(Line("total", None, (Word("total", None, 0.5),)))) == [] == runs_of("total", page())


@pytest.mark.parametrize("phrase", ["", "  ", "x" * (LONGEST + 1), "a\udcff"])
def test_a_phrase_that_is_none_is_refused(phrase):
    with pytest.raises(ValueError, match="phrase"):
        runs_of(phrase, PAGE)


@settings(max_examples=200, deadline=None)
@given(st.text("abc", min_size=1, max_size=90), st.lists(st.text("abcd", max_size=9), max_size=9))
def test_distances_are_those_of_the_table_and_the_bound_holds(pattern, parts):
    column, text, bounds = _Distances(pattern), "", []
    for part in parts:
        text += part
        distance = Levenshtein.distance(pattern, text)
        assert column.after(part) == distance
        bounds.append(column.least_to_come)
        assert all(bound <= distance for bound in bounds[:-1])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abcdef", min_size=1, max_size=6), min_size=1, max_size=12), st.data())
def test_every_run_of_words_finds_itself_and_no_two_places_share_a_word(words, data):
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first + 1, len(words)))
    where = page(*[line(20 * k, word) for k, word in enumerate(words)])
    found = runs_of(" ".join(words[first:last]), where)
    assert found[0].edits == 0
    taken = [box for run in found for box in run.boxes]
    assert len(taken) == len(set(taken))


_TEXTS = st.lists(st.text("ab-总", min_size=1, max_size=3), min_size=1, max_size=4)


@given(st.lists(_TEXTS, max_size=3), st.lists(st.text("ab-总", min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_stands_there_to_the_letter_is_found_as_among_what_is_near(texts, phrase):
    where = page(*(line(20.0 * k, *words) for k, words in enumerate(texts)))
    found = exact_runs(" ".join(phrase), where)
    near = [run for run in runs_of(" ".join(phrase), where) if not run.edits]
    assert bool(found) == bool(near) and all(run.edits == 0 for run in found)
    assert len(found) >= len(near)  # of places that overlap those are taken which leave room for the most
    assert len({box for run in found for box in run.boxes}) == sum(len(run.boxes) for run in found)


def test_a_long_text_is_found_to_the_letter_on_a_long_page_in_no_time():
    lines = [line(20.0 * k, *(f"w{k * 10 + n}" for n in range(10))) for k in range(500)]
    (run,) = exact_runs(" ".join(f"w{n}" for n in range(1000, 1080)), page(*lines))
    assert len(run.boxes) == 8 and run.boxes[0].top == 2000
    assert exact_runs("w10 w12", page(*lines)) == []
