"""Tokens become words with confidences and places."""

import math

import pytest

from texthawk.decode.words import joined, line_of, word_confidences
from texthawk.model.tokens import train_tokenizer
from texthawk.types import Box


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["the quick brown fox jumps over the lazy dog again and again"] * 20, 400)


@pytest.mark.parametrize("text", ["the quick fox", "Zürich, 12.50 €\nthe dog", "a  double   space", "\nline\n\nline"])
def test_words_come_back_as_they_were_encoded(tokenizer, text: str) -> None:
    ids = tokenizer(text)["input_ids"]
    words = word_confidences(ids, [0.0] * len(ids), tokenizer)
    assert [word for word, _ in words] == text.split()


def test_confidence_is_the_geometric_mean_of_a_words_tokens(tokenizer) -> None:
    ids = tokenizer("the Zx")["input_ids"]
    probabilities = [0.9] + [0.5, 0.25, 0.5, 0.25][: len(ids) - 1]
    words = word_confidences(ids, [math.log(p) for p in probabilities], tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(ids)
    start = next(k for k, piece in enumerate(pieces) if k and piece.startswith("Ġ"))
    rest = [p for p, piece in zip(probabilities[start:], pieces[start:], strict=True) if piece != "Ġ"]
    assert words[-1][1] == pytest.approx(math.prod(rest) ** (1 / len(rest)))


def test_words_share_the_box_of_their_line_from_left_to_right() -> None:
    line = line_of("one three fifteen", Box(10, 20, 180, 40), {0: 0.5, 1: 0.6, 2: 0.7}, 0)
    boxes = [word.box for word in line.words]
    assert boxes[0].left == 10 and boxes[-1].right == pytest.approx(180)
    assert all(a.right < b.left for a, b in zip(boxes, boxes[1:], strict=False))
    assert boxes[2].width > boxes[0].width
    assert [word.confidence for word in line.words] == [0.5, 0.6, 0.7]


def test_pieces_of_a_line_are_joined_with_the_gap_between_them() -> None:
    line = joined(
        line_of("in the", Box(0, 10, 60, 30), {0: 0.9, 1: 0.8}, 0),
        line_of("end", Box(70, 12, 100, 34), {0: 0.7}, 0),
        spaced=True,
    )
    assert line.text == "in the end" and line.box == (0, 10, 100, 34)
    assert [word.text for word in line.words] == ["in", "the", "end"]


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("所以", "选项", "所以选项"),
        ("所以，", "book", "所以，book"),
        ("the", "选项", "the选项"),
        ("the", "book", "the book"),
    ],
)
def test_a_gap_beside_a_chinese_character_parts_no_words(first: str, second: str, whole: str) -> None:
    pieces = (line_of(first, Box(0, 10, 60, 30), {0: 0.9}, 0), line_of(second, Box(70, 10, 100, 30), {0: 0.7}, 0))
    line = joined(*pieces, spaced=True, gap=0.5)
    assert line.text == " ".join(word.text for word in line.words) == whole


def test_a_gap_between_cells_parts_words_of_any_script() -> None:
    pieces = (line_of("合计", Box(0, 10, 60, 30), {0: 0.9}, 0), line_of("879.00", Box(700, 10, 800, 30), {0: 0.7}, 0))
    line = joined(*pieces, spaced=True, gap=32.0)
    assert line.text == "合计 879.00" and [word.box.left for word in line.words] == [0, 700]


def test_a_word_that_was_cut_without_a_gap_is_one_word_again() -> None:
    first, second = (
        line_of("a Donau", Box(0, 10, 70, 30), {0: 0.9, 1: 0.8}, 0),
        line_of("dampf schiff", Box(70, 12, 200, 34), {0: 0.6, 1: 0.5}, 0),
    )
    line = joined(first, second, spaced=False)
    assert line.text == "a Donaudampf schiff"
    assert [word.text for word in line.words] == ["a", "Donaudampf", "schiff"]
    assert [word.confidence for word in line.words] == [0.9, 0.6, 0.5]
    assert line.words[1].box == (first.words[1].box.left, 10, second.words[0].box.right, 34)


def test_a_piece_in_which_nothing_was_read_adds_nothing() -> None:
    line, nothing = line_of("word", Box(0, 0, 40, 20), {0: 0.5}, 0), line_of("", None, {}, 0)
    for spaced in (True, False):
        assert joined(line, nothing, spaced=spaced).text == "word" == joined(nothing, line, spaced=spaced).text
        assert joined(nothing, line, spaced=spaced).box == line.box
