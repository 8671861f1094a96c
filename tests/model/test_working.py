"""Formulas that answers are worked out from."""

import numpy as np
import pytest

from texthawk.data.factory.factory import Factory
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import system_fonts
from texthawk.model.working import copied, count_of, difference_of, extreme_of, is_more, list_of, sum_of, worked_out

WORDS = "the river runs by a stone house where nobody has lived for forty years and the garden is full of pears".split()
PARAGRAPHS = [" ".join(np.random.default_rng(k).choice(WORDS, 60)).capitalize() + "." for k in range(40)]


@pytest.mark.parametrize(
    ("formula", "answer"),
    [
        (sum_of(["$985.00", "$416.45"]), "$1,401.45"),
        (sum_of(["1", "2", "12"]), "15"),
        (sum_of(["3.5%", "4%"]), "7.5%"),
        (sum_of(["-5", "3"]), "-2"),
        (sum_of(["RM 12.50", "1,000.00"]), "RM 1,012.50"),
        (sum_of(["-$5.00", "$3.20"]), "-$1.80"),
        (difference_of("3.20", "12.5"), "9.30"),
        (difference_of("-5", "-3"), "2"),
        (is_more("9", "10"), "no"),
        (is_more("1,000", "999"), "yes"),
        (extreme_of(["Envelopes (10 pcs)", "Milk 1 l"], ["€9.00", "€11.40"], largest=True), "Milk 1 l"),
        (extreme_of(["Pears", "Figs"], ["4", "3"], largest=False), "Figs"),
        (count_of(["4.1", "5", "3"], "4", above=True), "2"),
        (count_of(["4.1", "5", "3"], "4", above=False), "1"),
        (list_of(["load_rows", "count (of) all words"]), "2"),
        (list_of(["The river runs by", "Where"]), "2"),
        (list_of(["河边有一座石头房子", "门"]), "2"),
    ],
)
def test_a_formula_comes_to_its_answer_written_as_its_numbers_are(formula, answer):
    assert worked_out(formula) == answer


@pytest.mark.parametrize(
    "answer",
    ["", "12", "yes", "=", "=x", "=max()", "=max(Pears; Figs 3)", "=count(x > 2)", "=count(a; )", "=count()", "=1 +", "=1 + two",
     "=1.2.3 + 4.5.6.7", "a = 1 + 2", "=5", "=$12.50 + €3.20", "=20% + $5", "=5 + 5%", "=$1.5M + $200K", "=12,5 + 3,2",
     "=INV-12 + 3", "=A-1 > A-2", "=15 Jan - 20 Feb", "=12 - 05", "=(1 + 2)", "=A1 + B2", "=f(x1) + g(y2)",
     "=== 1 + 2 ===", "=1 + 2 // more",
     "=max(A 1; B 2%)"],
)  # fmt: skip
def test_what_is_no_formula_stays_as_it_was_written(answer):
    assert worked_out(answer) == answer


def test_what_a_formula_copies_is_told_with_its_places():
    assert copied("=max(Pears $1.50; Figs 3)") == [(5, "Pears"), (11, "$1.50"), (18, "Figs"), (23, "3")]
    assert copied("=count(1; 20 > 5)") == [(7, "1"), (10, "20")]
    assert copied("=count(Pears; Figs in)") == [(7, "Pears"), (14, "Figs in")]
    assert copied("=1.5 + 2") == [(1, "1.5"), (7, "2")]
    assert copied("no formula") == []


def test_a_name_that_would_part_a_list_leaves_it_unwritten():
    assert list_of([]) == list_of(["a", " "]) == list_of(["a; b", "c"]) == list_of(["a > 3"]) == ""


def test_yes_and_no_are_in_the_language_that_is_asked_in():
    assert worked_out("=3 > 2", "zh") == "是"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_formula_of_the_factory_comes_to_the_answer_that_its_document_gives(lang):
    texts = Texts(
        {
            "en": PARAGRAPHS,
            "zh": ["河边有一座石头房子，很多年没有人住在里面，花园里长满了梨树和野草，门前的小路通向山谷。"] * 20,
        }
    )
    families = dict.fromkeys(
        ("invoice", "receipt", "table", "bar_chart", "stacked_chart", "line_chart", "pie_chart", "article", "letter",
         "slide", "readme", "code", "form"), 1.0
    )  # fmt: skip
    factory = Factory(
        texts, system_fonts(), seed=3, languages={lang: 1.0}, families=families, damage=(1, 0, 0, 0), height=(500, 600)
    )
    worked = 0
    for number in range(50):
        for asked in factory.document(number).asked:
            if asked.working:
                worked += 1
                assert all(asked.working[begin:].startswith(piece) for begin, piece in copied(asked.working))
                assert worked_out(asked.working, lang) in (asked.answer, *asked.accepted), asked
    assert worked > 30
