"""The scores, pinned with values worked out by hand from the official definitions."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texthawk.eval import metrics
from texthawk.eval.metrics import Edits, normalise
from texthawk.types import Box

# Text, made comparable


@pytest.mark.parametrize(
    ("printed", "same"),
    [
        ("\u201cquoted\u201d", '"quoted"'),
        ("it\u2019s", "it's"),
        ("5\u20326\u2033", "5'6\""),
        ("1914\u20131918 \u2014 \u22125 \ufe58", "1914-1918 - -5 -"),
        ("ef\ufb01cient o\ufb00", "efficient off"),
        ("\uff21\uff22\uff23\u3000\uff11", "ABC 1"),
        ("so\u00adft\u200b", "soft"),
        ("e\u0301", "\u00e9"),
        (" a\n\t b\u00a0c ", "a b c"),
        ("\u2034", "'''"),
        ("\uff40", "'"),
        ("wait\u2026", "wait..."),
        ("`a\u00b4", "'a'"),
    ],
)
def test_what_print_does_not_tell_apart_becomes_the_same_text(printed, same):
    assert normalise(printed) == same


@pytest.mark.parametrize("text", ["\u00abguillemets\u00bb", "\u2022", "\u00e6", "A"])
def test_what_print_tells_apart_stays_apart(text):
    assert normalise(text) == text


def test_case_and_white_space_go_only_when_asked_to():
    assert normalise("Stra\u00dfe  A") == "Stra\u00dfe A"
    assert normalise("Stra\u00dfe  A", case=False) == "strasse a"
    assert normalise("\u7b2c 2 \u7ae0\n", spaces=False) == "\u7b2c2\u7ae0"


@given(st.text(), st.booleans(), st.booleans())
def test_normalising_twice_changes_nothing_more(text, case, spaces):
    once = normalise(text, case=case, spaces=spaces)
    assert normalise(once, case=case, spaces=spaces) == once
    assert unicodedata.is_normalized("NFKC", once)


# Edit distances


@pytest.mark.parametrize(
    ("prediction", "reference", "rate"),
    [
        ("kitten", "sitting", 3 / 7),
        ("", "abc", 1.0),
        ("abcdef", "abc", 1.0),
        ("abcdefghi", "abc", 2.0),  # not capped
        ("", "", 0.0),
        ("anything", "", 1.0),
        ("\u5b57", "\u5b57\u7b26", 1 / 2),
    ],
)
def test_cer_is_edits_over_the_length_of_the_reference(prediction, reference, rate):
    assert metrics.cer(prediction, reference) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("prediction", "reference", "rate"),
    [
        ("the cat sat", "the cat sat", 0.0),
        ("the  cat\nsat", "the cat sat", 0.0),
        ("the bat sat down", "the cat sat", 2 / 3),
        ("thecat sat", "the cat sat", 2 / 3),
        ("", " ", 0.0),
        ("word", "  ", 1.0),
    ],
)
def test_wer_counts_words_between_white_space(prediction, reference, rate):
    assert metrics.wer(prediction, reference) == pytest.approx(rate)


def test_a_corpus_rate_is_all_edits_over_all_lengths_and_no_mean_of_rates():
    pairs = [("x", "a"), ("abcdefghi", "abcdefghi")]
    assert metrics.corpus_cer(pairs) == pytest.approx(1 / 10)
    assert metrics.corpus_wer([("a b c", "a b d"), ("e", "e")]) == pytest.approx(1 / 4)
    assert metrics.corpus_rate([]) == 0.0
    assert metrics.corpus_rate([Edits(2, 0), Edits(0, 4)]) == 0.5


@pytest.mark.parametrize(
    ("prediction", "reference", "f1"),
    [
        ("b a", "a b", 1.0),
        ("a a", "a", 2 / 3),  # a multiset: 1 of 2 predicted, 1 of 1 expected
        ("a b c d", "a x", 1 / 3),
        ("a", "b", 0.0),
        ("", "", 1.0),
        ("", "a", 0.0),
    ],
)
def test_bag_of_words_f1_ignores_order_but_not_repetition(prediction, reference, f1):
    assert metrics.bag_of_words_f1(prediction, reference) == pytest.approx(f1)


@given(st.text(), st.text())
def test_error_rates_are_zero_exactly_for_equal_texts(a, b):
    assert metrics.cer(a, a) == 0 == metrics.wer(a, a)
    assert (metrics.cer(a, b) == 0) == (a == b)


# Answers


@pytest.mark.parametrize(
    ("prediction", "answers", "score"),
    [
        ("Paris", ["paris"], 1.0),
        ("abcd", ["abcx", "zzzz"], 0.75),  # the nearest answer counts
        ("ab", ["abcd"], 0.5),  # exactly the threshold stays
        ("a", ["abc"], 0.0),  # a similarity of a third is below it
        ("a  b", ["a b"], 1.0),  # white space is collapsed for the distance...
        ("x  b", ["a b"], 1 - 1 / 4),  # ...and not for the length
        ("", [""], 1.0),
        ("", ["a"], 0.0),
    ],
)
def test_anls_is_what_the_script_of_docvqa_gives(prediction, answers, score):
    assert metrics.anls(prediction, answers) == pytest.approx(score)


@pytest.mark.parametrize(
    ("prediction", "answer", "score"),
    [
        ("105", "100", 1.0),
        ("95", "100", 1.0),
        ("105.1", "100", 0.0),
        ("-100", "100", 0.0),
        ("12%", "12%", 1.0),
        ("12%", "12", 0.0),
        ("0.12", "12%", 1.0),
        ("0", "0", 1.0),
        ("0.0", "0", 0.0),  # an answer of zero is text
        ("1,000", "1000", 0.0),
        ("1,000", "1,000", 1.0),
        ("Yes", "yes", 1.0),
        ("yes ", "yes", 0.0),
        ("2010", "2019", 1.0),
        ("", "5", 0.0),
    ],
)
def test_relaxed_accuracy_is_what_chartqa_results_are_reported_with(prediction, answer, score):
    assert metrics.relaxed_accuracy(prediction, answer) == score
    assert metrics.relaxed_accuracy(prediction, ["neither", answer]) == score


def test_exact_match_compares_after_normalising():
    assert metrics.exact_match(" it\u2019s  here", ["no", "it's here"]) == 1.0
    assert metrics.exact_match("Here", "here") == 0.0
    assert metrics.exact_match("Here", "here", case=False) == 1.0


@pytest.mark.parametrize(
    ("prediction", "answer", "score"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0),
        ("u.s.", "US", 1.0),
        ("well-known", "well known", 0.0),  # punctuation leaves no space
        ("theatre", "atre", 0.0),  # articles are whole words
        ("a", "the", 1.0),  # nothing is left of either
        ("caf\u00e9\u2019s", "caf\u00e9s", 0.0),  # only ASCII punctuation goes
        ("a cat  sat", "cat sat", 1.0),
        ("cat", "dog", 0.0),
    ],
)
def test_squad_exact_match_is_what_its_script_gives(prediction, answer, score):
    assert metrics.squad_exact_match(prediction, ["other", answer]) == score


@pytest.mark.parametrize(
    ("predictions", "answers", "score"),
    [
        (["Bo", "Ann"], ["Ann", "Bo"], 1.0),
        (["Ann"], ["Ann", "Bo"], 0.0),
        (["Ann", "Bo", "Cy"], ["Ann", "Bo"], 0.0),
        (["Ann", "Ann"], ["Ann"], 1.0),  # twice is once
        (["2.50"], ["2.5"], 1.0),
        (["2.500002"], ["2.5"], 0.0),
        (["1,000"], ["1000"], 0.0),  # text, without the official number parser
        (['"Pilot"'], ["pilot"], 1.0),
        (["Jos\u00e9 (2nd)"], ["jose"], 1.0),
        (["Ann[3]\u2020"], ["Ann"], 1.0),
        (["(hidden)"], [""], 0.0),  # not where nothing else is there
        (["Inc."], ["inc"], 1.0),
        (["3\u20132"], ["3-2"], 1.0),
        (["2001-xx-xx"], ["2001-XX-XX"], 1.0),
        (["2001-02-03"], ["2001-2-3"], 1.0),
        (["2001-02-03"], ["2001-02-04"], 0.0),
        (["2001"], ["2001-xx-xx"], 1.0),  # a year alone is a number
        (["xx-02-03"], ["XXXX-2-3"], 1.0),
        (["999-2-3"], ["0999-02-03"], 1.0),  # a year of any length
        (["2001-13-xx"], ["2001"], 0.0),  # no month
        (["Ann", "ANN."], ["ann"], 1.0),  # twice is once as texts...
        (["2.50", "2.5"], ["2.5"], 1.0),  # ...and as numbers
        (["2.9999999"], ["3"], 0.0),  # cut to 2
        (["3.0000001"], ["3"], 1.0),
        (["nan"], ["NaN"], 1.0),  # as text
        ([], ["a"], 0.0),
    ],
)
def test_denotations_match_as_wikitablequestions_has_it(predictions, answers, score):
    assert metrics.denotation_match(predictions, answers) == score


@pytest.mark.parametrize(
    "metric",
    [metrics.anls, metrics.squad_exact_match, metrics.denotation_match, metrics.relaxed_accuracy, metrics.exact_match],
)
def test_a_question_without_accepted_answers_is_refused(metric):
    with pytest.raises(ValueError, match="at least one"):
        metric("a", [])


# Boxes


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0.0),  # touching is not overlapping
        ((0, 0, 1, 1), (5, 5, 6, 6), 0.0),
        ((0, 0, 0, 0), (0, 0, 0, 0), 0.0),
        ((2, 2, 0, 0), (2, 2, 0, 0), 0.0),
        ((0.1, 0.1, 0.3, 0.3), (0.1, 0.1, 0.3, 0.2), 0.5),
        (Box(0, 0, 4, 4), Box(0, 0, 4, 3), 0.75),
    ],
)
def test_iou_is_common_area_over_joint_area(a, b, value):
    assert metrics.iou(a, b) == pytest.approx(value)
    assert metrics.iou(b, a) == pytest.approx(value)


def test_a_missing_box_is_a_wrong_box_and_half_is_enough():
    reference = (0, 0, 2, 2)
    assert metrics.accuracy_at_iou([(0, 0, 2, 1), None, (1, 0, 3, 2), reference], [reference] * 4) == 0.5
    assert metrics.accuracy_at_iou([(0, 0, 2, 1)], [reference], threshold=0.6) == 0.0
    with pytest.raises(ValueError, match="2 predicted boxes for 1"):
        metrics.accuracy_at_iou([None, None], [reference])
    with pytest.raises(ValueError, match="at least one"):
        metrics.accuracy_at_iou([], [])


# Fields


@pytest.mark.parametrize(
    ("prediction", "reference", "score"),
    [
        ({"total": "9.00", "date": "x"}, {"date": "x", "total": "9.00"}, 1.0),
        ({"total": " 9.00 "}, {"total": "9.00"}, 1.0),
        ({"total": "9.0"}, {"total": "9.00"}, 0.0),
        ({"total": "9.00"}, {"total": "9.00", "date": "x"}, 2 / 3),
        ({"total": "9.00", "date": "y", "name": "z"}, {"total": "9.00", "date": "x"}, 2 / 5),
        ({"total": "9.00", "date": ""}, {"total": "9.00"}, 1.0),  # empty values are no fields
        ({"count": 0, "total": 9}, {"total": "9"}, 1.0),  # nor is the number 0
        ({"count": "0"}, {"count": "0"}, 1.0),
        ({"menu": {"nm": "TEA"}}, {"menu": [{"nm": "TEA"}]}, 1.0),  # one entry is a list of one
        ({"menu": [{"nm": "TEA"}, {"nm": "ICE"}]}, {"menu": [{"nm": "ICE"}, {"nm": "TEA"}]}, 1.0),
        # entries do not hold together: name and price may be of different ones
        ({"menu": [{"nm": "TEA", "price": "2"}]}, {"menu": [{"nm": "TEA"}, {"price": "2"}]}, 1.0),
        ({"menu": [{"nm": "TEA"}]}, {"menu": [{"nm": "TEA"}, {"nm": "TEA"}]}, 2 / 3),
        ({"menu": ["TEA", None, 2]}, {"menu": ["2", "TEA"]}, 1.0),
        ({"nm": "TEA"}, {"menu": {"nm": "TEA"}}, 0.0),  # the path counts
        ({}, {}, 1.0),
        ({}, {"a": "1"}, 0.0),
        (None, {"a": "1"}, 0.0),
    ],
)
def test_field_f1_is_what_the_script_of_donut_gives(prediction, reference, score):
    assert metrics.field_f1(prediction, reference) == pytest.approx(score)


def test_fields_of_a_corpus_are_counted_together():
    pairs = [({"a": "1"}, {"a": "1"}), ({}, {"a": "1", "b": "2", "c": "3"})]
    assert metrics.corpus_field_f1(pairs) == pytest.approx(2 / 5)
    assert metrics.corpus_field_f1([]) == 1.0


# Tables


def table(rows: str) -> str:
    return f"<html><body><table>{rows}</table></body></html>"


TWO_BY_ONE = table("<tr><td>ab</td></tr><tr><td>cd</td></tr>")  # 4 nodes below <table>


@pytest.mark.parametrize(
    ("prediction", "reference", "score"),
    [
        (TWO_BY_ONE, TWO_BY_ONE, 1.0),
        # one of two characters of one cell
        (table("<tr><td>ab</td></tr><tr><td>cx</td></tr>"), TWO_BY_ONE, 1 - 0.5 / 4),
        # a row and its cell are missing: 2 insertions
        (table("<tr><td>ab</td></tr>"), TWO_BY_ONE, 1 - 2 / 4),
        # a span differs: the cell costs 1 whatever it says
        (table('<tr><td colspan="2">ab</td></tr><tr><td>cd</td></tr>'), TWO_BY_ONE, 1 - 1 / 4),
        (table('<tr><td rowspan="2">ab</td></tr><tr><td>cd</td></tr>'), TWO_BY_ONE, 1 - 1 / 4),
        (table('<tr><td colspan="1" rowspan="no">ab</td></tr><tr><td>cd</td></tr>'), TWO_BY_ONE, 1.0),
        # a td for a th: 1; two th that say different things: 0
        (table("<tr><th>ab</th></tr><tr><td>cd</td></tr>"), TWO_BY_ONE, 1 - 1 / 4),
        (table("<tr><th>ab</th></tr>"), table("<tr><th>zz</th></tr>"), 1.0),
        # tbody is a node
        (table("<tbody><tr><td>ab</td></tr><tr><td>cd</td></tr></tbody>"), TWO_BY_ONE, 1 - 1 / 5),
        (table("<thead><tr><td>a</td></tr></thead>"), table("<tbody><tr><td>a</td></tr></tbody>"), 1 - 1 / 3),
        # <b> is a node of the table for the count, and two tokens of the cell: 2 edits of 3 tokens
        (table("<tr><td><b>a</b></td></tr>"), table("<tr><td>a</td></tr>"), 1 - (2 / 3) / 3),
        # comments are none
        (table("<!-- c --><tr><td>ab</td></tr><tr><td>c<!-- d -->d</td></tr>"), TWO_BY_ONE, 1.0),
        ("", TWO_BY_ONE, 0.0),
        (TWO_BY_ONE, " ", 0.0),
        ("no table here", TWO_BY_ONE, 0.0),
        (table(""), table(""), 1.0),
        (table(""), table("<tr><td></td></tr>"), 0.0),
    ],
)
def test_teds_is_what_the_script_of_pubtabnet_gives(prediction, reference, score):
    assert metrics.teds(prediction, reference) == pytest.approx(score)


def test_teds_finds_a_table_without_a_body_around_it():
    bare = "Here: <div><table><tr><td>ab</td></tr><tr><td>cd</td></tr></table></div>"
    assert metrics.teds(bare, TWO_BY_ONE) == 1.0


def test_teds_of_the_structure_alone_does_not_read_the_cells():
    other = table("<tr><td>xx</td></tr><tr><td>yyy</td></tr>")
    assert metrics.teds(other, TWO_BY_ONE) == pytest.approx(1 - 2 / 4)
    assert metrics.teds(other, TWO_BY_ONE, structure_only=True) == 1.0


def test_teds_names_the_extra_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apted", None)
    with pytest.raises(ImportError, match=r"texthawk\[eval\]"):
        metrics.teds(TWO_BY_ONE, TWO_BY_ONE)
