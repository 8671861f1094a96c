"""Lines with boxes: how they are paired, counted, and what is printed with them."""

import numpy as np
import pytest
from PIL import Image
from tests.eval.test_sheets import FONTS, corpus, needs_fonts  # noqa: F401

from texthawk.eval import printed, sheets
from texthawk.eval.benchmarks import boxed_lines
from texthawk.eval.benchmarks.boxed_lines import boxed, paired
from texthawk.eval.runs import Prediction
from texthawk.model.grounding import box_text

LINES = [("first line", (0.1, 0.1, 0.9, 0.2)), ("second line", (0.1, 0.3, 0.8, 0.4)), ("third", (0.1, 0.5, 0.3, 0.6))]
REFERENCE = boxed("sheets", "a", "en", LINES)


def row(text: str) -> dict:
    [scores] = boxed_lines.score([REFERENCE], [Prediction("sheets", "a", "model", text, 1.0, "stop")])
    return scores


def test_what_was_printed_scores_full_marks() -> None:
    scores = row(REFERENCE.text)
    assert (scores["precision"], scores["recall"], scores["f1"], scores["cer"]) == (1.0, 1.0, 1.0, 0.0)
    assert scores["iou"] > 0.97  # bins are a thousandth wide


def test_a_box_a_line_and_a_letter_too_few_each_cost_what_they_are() -> None:
    (one, box), (two, other), _ = LINES
    moved = (box[0], box[1] + 0.08, box[2], box[3] + 0.08)
    scores = row(f"{box_text(moved)}{one[:-1]}\n{box_text(other)}{two}")
    assert scores["lines"] == 3
    assert scores["precision"] == pytest.approx(1 / 2)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["f1"] == pytest.approx(2 / 5)
    assert scores["cer"] == pytest.approx((1 + len("\nthird")) / len("first line\nsecond line\nthird"))


def test_text_without_boxes_is_read_but_finds_nothing() -> None:
    scores = row("first line\nsecond line\nthird")
    assert (scores["f1"], scores["cer"]) == (0.0, 0.0)


def test_a_box_is_paired_once_with_the_one_it_covers_best() -> None:
    wide, exact = (0.0, 0.0, 1.0, 0.10), (0.0, 0.0, 1.0, 0.08)
    assert paired([wide, exact], [exact]) == [pytest.approx(1.0)]
    assert paired([None, wide], [exact, exact]) == [pytest.approx(0.8)]


@needs_fonts
def test_the_boxes_of_a_sheet_hold_the_ink_of_their_lines(corpus, tmp_path) -> None:  # noqa: F811
    for sample in printed.samples(corpus, FONTS, tmp_path, sheets=2, boxes=True):
        if sample.reference.set != "clean print":
            continue
        ink = np.asarray(Image.open(sample.image).convert("L")) < 200
        for _, box in boxed_lines.lines_of(sample.reference.text):
            left, top, right, bottom = (
                side * size for side, size in zip(box, (sheets.WIDTH, sheets.HEIGHT) * 2, strict=True)
            )
            ink[int(top) - 1 : int(bottom) + 2, int(left) - 1 : int(right) + 2] = False
        assert not ink.any()
