"""Rows of print as a model is shown them."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texthawk.model.transcript import GAP, cited, mark, marked, printed_rows, rows_about, shown_rows
from texthawk.types import Box


def _word(text: str, left: float, top: float, height: float = 10) -> tuple[str, Box]:
    return text, Box(left, top, left + 6 * len(text), top + height)


def test_a_label_and_its_value_far_apart_are_one_row_with_a_gap() -> None:
    lines = [[_word("Total", 0, 0)], [_word("Cash", 0, 20)], [_word("9.50", 200, 1)], [_word("10.00", 200, 21)]]
    assert printed_rows(lines) == [f"Total{GAP}9.50", f"Cash{GAP}10.00"]


def test_words_of_one_line_keep_their_spaces_and_a_wide_gap_parts_them() -> None:
    line = [_word("Sub", 0, 0), _word("total", 22, 0), _word("9.50", 120, 0)]
    assert printed_rows([line]) == [f"Sub total{GAP}9.50"]


def test_small_marks_beside_tall_print_stand_on_its_row() -> None:
    dash = ("-", Box(100, 9, 106, 11))
    assert printed_rows([[_word("Discount", 0, 0, 20)], [dash], [_word("next", 0, 30, 20)]]) == [
        f"Discount{GAP}-",
        "next",
    ]


def test_a_page_without_words_has_no_rows() -> None:
    assert printed_rows([]) == [] and printed_rows([[]]) == [] and shown_rows([], "What?") == []


def test_a_long_page_is_cut_to_its_head_and_what_the_question_speaks_of() -> None:
    rows = ["Name of the firm", *[f"plain row number {k}" for k in range(200)], "Invoice total: 77", "tail"]
    shown = shown_rows(rows, "What is the invoice total?", 200)
    assert shown[0] == "Name of the firm" and "Invoice total: 77" in shown


def test_rows_that_are_as_near_as_one_another_are_shown_from_the_top_whatever_order_their_words_have() -> None:
    words = "seven boats came in at dusk two of them red and none would say where they had been since monday".split()
    for seed in range(6):
        dice = random.Random(seed)
        alike = [" ".join(dice.sample(words, len(words))) for _ in range(40)]
        others = [" ".join(dice.sample(words, 6)) for _ in range(7)]
        assert rows_about([*alike, *others], " ".join(words), 700)[:7] == list(range(7))


@given(st.lists(st.text(max_size=60), max_size=30), st.text(max_size=30), st.integers(1, 300))
def test_an_excerpt_is_never_longer_than_it_may_be_and_keeps_the_order(
    texts: list[str], question: str, longest: int
) -> None:
    rows = [text.replace("\n", " ") for text in texts]
    shown = "\n".join(shown_rows(rows, question, longest))
    assert len(shown.encode()) <= longest
    places = iter(rows)
    kept = shown.split("\n") if shown else []
    assert len(kept) <= 1 or all(any(row == other for other in places) for row in kept)


def test_what_has_no_place_stands_behind_the_line_before_it_on_a_row_of_its_own() -> None:
    lost = [("lost", None), ("words", None)]
    left, right = [_word("Name", 0, 0)], [_word("Total", 0, 40)]
    values = [[_word("Ada", 200, 0)], [_word("9.50", 200, 40)]]
    assert printed_rows([left, lost, right, *values]) == [f"Name{GAP}Ada", "lost words", f"Total{GAP}9.50"]
    assert printed_rows([lost, left, lost, lost]) == ["lost words", "Name", "lost words", "lost words"]
    assert printed_rows([lost, []]) == ["lost words"]


def test_a_word_without_a_place_stands_beside_its_neighbour_and_parts_nothing() -> None:
    line = [("the", None), _word("Sub", 0, 0), ("total", None), _word("9.50", 120, 0), ("net", None)]
    assert printed_rows([line]) == [f"the Sub total{GAP}9.50 net"]


ROWS = [f"Pears{GAP}12.50", f"Figs; dried{GAP}3.20", "Thank you"]


def test_every_row_stands_between_two_marks_of_its_number() -> None:
    assert marked(ROWS) == f"<0>Pears{GAP}12.50<0>\n<1>Figs; dried{GAP}3.20<1>\n<2>Thank you<2>"
    assert marked(ROWS[2:], 7) == "<7>Thank you<7>" and marked([]) == "" and mark(12) == "<12>"


def test_an_answer_says_what_it_copies_and_from_which_rows() -> None:
    assert cited("<0>12.50", ROWS) == ("12.50", [0])
    assert cited("=<1>3.20 + <0>12.50", ROWS) == ("=3.20 + 12.50", [1, 0])
    assert cited("Not on this page", ROWS) == ("Not on this page", [])


def test_a_mark_alone_stands_for_the_first_piece_of_its_row_which_never_parts_a_list() -> None:
    assert cited("=count(<0>; <1>)", ROWS) == ("=count(Pears; Figs  dried)", [0, 1])
    assert cited("<2>", ROWS) == ("Thank you", [2])
    assert cited("=count(<0>; <1>; <0>; <1>)", ROWS).text == "=count(Pears; Figs  dried)"
    assert cited("=count(<0>; <0>; <2>)", ROWS).text == "=count(Pears; Thank you)"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("<999>12.50", "12.50"),
        ("=count(<0>; <9>)", "=count(Pears)"),
        ("=count(<9>; <0>)", "=count(Pears)"),
        ("=count(<9>; <9>)", "=count()"),
        ("=count(<0>; <9>; <2>)", "=count(Pears; Thank you)"),
        ("=count(<3>; <0>)", "=count(Pears)"),
        ("=count(<0>; <3>)", "=count(Pears)"),
        ("<9>", ""),
        ("<1234>", "<1234>"),
    ],
)
def test_a_row_that_was_not_shown_or_is_empty_is_left_out_of_a_list(answer: str, text: str) -> None:
    told = cited(answer, [*ROWS, f"{GAP}9.00"])
    assert told.text == text and 9 not in told.rows and 999 not in told.rows


SAID = st.lists(st.sampled_from(["<0>", "<1>", "<9>", "; ", ";", "=count(", ")", "x", " + "]), max_size=8).map("".join)


@given(SAID, st.lists(st.text("ab;<>\t ", max_size=10), max_size=4))
def test_whatever_a_model_says_is_told(answer: str, rows: list[str]) -> None:
    told = cited(answer, rows)
    assert len(told.text) <= len(answer) + sum(map(len, rows)) * len(told.rows)
    assert all(row < len(rows) for row in told.rows)
    assert not re.search(r"<\d+>", told.text)
