"""Confidence is mapped by a rising function to the share of words that are right."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texthawk.data.public.drawn_text import DrawnText
from texthawk.decode.calibration import (
    FILE,
    Calibration,
    calibration_error,
    calibration_of,
    fitted,
    reliability,
)
from texthawk.eval.reliability import calibrated, held, judged, right_words
from texthawk.eval.runs import Reference, Rule, Sample
from texthawk.types import Document, Line, Page, Word


def words(count: int, seed: int = 0) -> tuple[list[float], list[bool]]:
    """Words whose chance to be right is the square of the confidence: the model is far too sure."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, count)
    return scores.tolist(), (rng.uniform(0, 1, count) < scores**2).tolist()


def test_the_fit_finds_the_map_and_takes_the_error_away():
    calibration = fitted(*words(20000))
    for score in (0.2, 0.5, 0.8, 0.95):
        assert calibration(score) == pytest.approx(score**2, abs=0.06)
    scores, right = words(20000, seed=1)
    assert calibration_error(scores, right) > 0.12
    assert calibration_error([calibration(score) for score in scores], right) < 0.02


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=20, max_size=120))
def test_the_map_never_falls_and_stays_a_probability(pairs):
    calibration = fitted([score for score, _ in pairs], [right for _, right in pairs])
    values = [calibration(score) for score in np.linspace(0, 1, 50)]
    assert values == sorted(values) and 0 <= values[0] and values[-1] <= 1
    assert calibration.words == len(pairs)


def test_a_calibration_comes_back_from_its_folder_and_a_damaged_one_is_named(tmp_path):
    assert calibration_of(tmp_path) is None
    made = Calibration((0.1, 0.9), (0.2, 0.7), 12)
    made.save(tmp_path)
    assert calibration_of(tmp_path) == made
    for wrong in ({"scores": [0.5, 0.1], "shares": [0, 1], "words": 1}, {"scores": [0.5]}, []):
        (tmp_path / FILE).write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match="fit it again"):
            calibration_of(tmp_path)


def test_too_few_words_are_refused():
    with pytest.raises(ValueError, match="needs 20"):
        fitted([0.5] * 5, [True] * 5)


def test_the_error_is_the_distance_of_confidence_from_accuracy():
    assert calibration_error([1.0] * 10, [True] * 10) == 0
    assert calibration_error([0.8] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.3)
    assert sum(count for count, _, _ in reliability([0.0, 0.5, 1.0], [True] * 3)) == 3


def test_words_are_right_where_they_stand_in_the_reference():
    assert right_words("a b x d".split(), "a b c d".split()) == [True, True, False, True]
    assert right_words("b a".split(), "a".split()) == [False, True]
    assert right_words([], ["a"]) == []


def test_a_word_that_the_reference_has_elsewhere_is_right_as_often_as_it_is_there_where_order_does_not_count():
    read, reference = "c d a b a x".split(), "a b c d".split()
    assert right_words(read, reference, moved=True) == [True, True, True, True, False, False]
    assert sum(right_words(read, reference)) == 2


def test_a_map_is_measured_on_all_that_is_given_and_case_counts_where_the_rule_says_so():
    words = tuple(Word(text, None, 0.75) for text in ("Total", "9.00"))
    read = Document((Page(1, 1, 1, "", (Line("Total 9.00", None, words),)),))
    verdicts = [
        judged([Sample(Path("p"), Reference("s", "1", "en", "TOTAL 9.00", Rule(case=case)))], lambda _: read)[0][0]
        for case in (True, False)
    ]
    assert [right for _, right in verdicts] == [[False, True], [True, True]]
    record = held(verdicts, Calibration((0.0, 1.0), (0.0, 0.8)))
    assert record["words"] == {"measured": 4} and record["right"] == 0.75
    assert record["before"]["error"] == pytest.approx(0) and record["after"]["error"] == pytest.approx(0.15)


def test_a_page_that_must_be_drawn_is_drawn_to_be_judged():
    drawn, seen = DrawnText("9.00", ""), []
    read = Document((Page(1, 30, 20, "", (Line("9.00", None, (Word("9.00", None, 0.75),)),)),))
    verdicts, errors = judged(
        [Sample(drawn, Reference("s", "1", "en", "9.00", Rule()))], lambda image: seen.append(image) or read
    )
    assert seen == [drawn.draw()] and verdicts == [([0.75], [True])] and errors == []


def test_what_is_measured_was_not_fitted():
    lucky, unlucky = ([0.9] * 40, [True] * 40), ([0.9] * 40, [False] * 40)
    calibration, record = calibrated([lucky, unlucky])
    assert calibration(0.9) == 1.0
    assert record["after"]["error"] == pytest.approx(1.0) and record["words"] == {"fitted": 40, "measured": 40}
