"""Pages through a model that has learned nothing: what it says is noise, where and how it is said must hold."""

import math
from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.answers import Answer
from texthawk.decode.blank import ILLEGIBLE
from texthawk.decode.ladder import read_again
from texthawk.decode.reader import Reader
from texthawk.decode.regions import find_regions
from texthawk.decode.rotation import turned, turned_box, turned_size
from texthawk.decode.upright import as_it_came, upright
from texthawk.decode.windows import fitted, windows_of
from texthawk.image.raw import RawPage
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import PROMPTS, TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.recipes.tiny import tiny
from texthawk.types import Page, PageError


@pytest.fixture(scope="module")
def reader() -> Reader:
    torch.manual_seed(0)
    config = tiny().model_config()
    tokenizer = train_tokenizer(["a text to take letters from"], 300)
    for name, value in extend_tokenizer(tokenizer).items():
        setattr(config, name, value)
    images = TextHawkImageProcessor(config.tiling_config)
    model = TextHawkForConditionalGeneration(config).eval()
    return Reader(model, TextHawkProcessor(images, tokenizer, config.compressor_config))


def page(lines: int, words: int = 3, size: tuple[int, int] = (600, 400)) -> RawPage:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row in range(lines):
        draw.text((20, 20 + 30 * row), "Some words " * words, font=ImageFont.load_default(size=18), fill="black")
    return RawPage(1, image, *size, "page")


def answer(reader: Reader, text: str, probability: float = 0.5) -> Answer:
    ids = reader.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    return Answer(ids, [math.log(probability)] * len(ids), "stop")


def test_a_blank_page_is_empty_and_says_so(reader: Reader) -> None:
    (result,) = reader.read_pages([page(0)])
    assert isinstance(result, Page) and result.text == "" and result.finish_reason == "blank"


def test_errors_pass_through_and_pages_keep_their_order(reader: Reader) -> None:
    error = PageError("b.png", None, "it is gone")
    results = list(reader.read_pages([page(0), error, page(0)]))
    assert results[1] is error and isinstance(results[0], Page) and isinstance(results[2], Page)


def test_a_budget_of_visual_tokens_is_kept_or_the_page_is_an_error(reader: Reader) -> None:
    raw = page(9, words=5)
    regions = find_regions(raw.image)

    def price(most: int | None) -> int:
        windows = fitted(raw.image, regions, reader.setting, reader._visual_tokens, most)
        return sum(reader._visual_tokens(window.image) for window in windows)

    free = price(None)
    for budget in (free, free - 1, free // 2, 1):
        try:
            cost = price(budget)
        except ValueError as refused:
            assert "max_visual_tokens" in str(refused)
        else:
            assert cost <= budget
    (result,) = reader.read_pages([raw], max_visual_tokens=1)
    assert isinstance(result, PageError) and "raise max_visual_tokens" in result.message


def test_pieces_of_a_line_are_joined_and_its_box_spans_them(reader: Reader) -> None:
    raw = page(1, words=5)
    (window,) = windows_of(raw.image, find_regions(raw.image), reader.setting)
    assert len(window.pieces) > 1
    said = "\n".join(f"part{k}" for k in range(len(window.pieces)))
    made = list(reader._lines(window, answer(reader, said), 400))
    assert [piece for _, piece in made] == list(window.pieces)
    result = reader._composed(raw, [window], [answer(reader, said)], [True], upright(raw.image, 0, as_it_came))
    (line,) = result.lines
    assert line.text == said.replace("\n", " ")
    assert line.box is not None and line.box.left == window.pieces[0].box.left
    assert line.box.right == window.pieces[-1].box.right
    assert all(word.confidence == pytest.approx(0.5) for word in result.words)


@pytest.mark.parametrize(
    "said, rows", [("some words\nsome words", [0, 2]), ("some\nwords\nsome words and more\nsome words", [0, 1, 2])]
)
def test_every_line_stands_on_a_row_where_there_are_fewer_or_more_lines_than_rows(reader: Reader, said, rows) -> None:
    raw = page(3, words=1)
    ImageDraw.Draw(raw.image).text((20, 50), "Some words " * 2, font=ImageFont.load_default(size=18), fill="black")
    (window,) = windows_of(raw.image, find_regions(raw.image), reader.setting)
    lines = [line for line, _ in reader._lines(window, answer(reader, said), 400)]
    assert [line.box for line in lines] == [window.pieces[row].box for row in rows]
    assert " ".join(line.text for line in lines) == said.replace("\n", " ")
    assert all(word.box is not None for line in lines for word in line.words)


def test_boxes_are_in_pixels_of_the_page_when_its_image_is_reduced(reader: Reader) -> None:
    raw = page(2, words=1)
    reduced = RawPage(1, raw.image, 4 * raw.image.width, 4 * raw.image.height, "page")
    (window,) = windows_of(raw.image, find_regions(raw.image), reader.setting)
    seen = upright(raw.image, 0, as_it_came)
    result = reader._composed(reduced, [window], [answer(reader, "one\ntwo")], [True], seen)
    for line, piece in zip(result.lines, window.pieces, strict=True):
        assert line.box == pytest.approx([4 * side for side in piece.box])


def test_an_untrained_model_invents_nothing(reader: Reader) -> None:
    (result,) = reader.read_pages([page(1, words=1)])
    assert isinstance(result, Page) and result.text == ""
    assert result.finish_reason == "blank" and result.reason == ILLEGIBLE


def test_boxes_come_back_to_the_page_as_it_was_before_it_was_turned(reader: Reader) -> None:
    raw = page(4, words=1)
    original_page = composed(reader, raw, *said(reader, raw))
    for rotation in (90, 180, 270):
        lying = RawPage(1, turned(raw.image, 360 - rotation), *turned_size(600, 400, rotation), "page")
        result = composed(reader, lying, *said(reader, raw), rotation=rotation)
        assert (result.rotation, result.text) == (rotation, original_page.text)
        for word, original in zip(result.words, original_page.words, strict=True):
            assert turned_box(word.box, rotation, lying.width, lying.height) == pytest.approx(original.box)


def test_words_of_a_line_that_is_read_upwards_stand_one_above_the_other_on_the_page(reader: Reader) -> None:
    raw = page(4, size=(600, 600))
    name = turned(page(1, words=1, size=(160, 60)).image, 270)
    raw.image.paste(name, (520, 300))
    windows = windows_of(raw.image, find_regions(raw.image), reader.setting)
    (row,) = [k for k, piece in enumerate(windows[0].pieces) if piece.upward]
    lines = [["xx"] * len(window.pieces) for window in windows]
    lines[0][row] = "First next"
    result = composed(reader, raw, windows, [answer(reader, "\n".join(texts)) for texts in lines])
    first, second = next(line for line in result.lines if line.text == "First next").words
    assert first.box is not None and second.box is not None
    assert first.box.top >= second.box.bottom and 520 < second.box.left and first.box.right < 580


def composed(reader: Reader, raw: RawPage, windows: list, answers: list[Answer], verdicts=None, rotation=0) -> Page:
    """What the reader makes of these answers on a page that is turned by `rotation` to be read."""
    return reader._composed(
        raw, windows, answers, verdicts or [True] * len(windows), upright(raw.image, rotation, as_it_came)
    )


def said(reader: Reader, raw: RawPage) -> tuple[list, list[Answer]]:
    windows = windows_of(raw.image, find_regions(raw.image), reader.setting)
    return windows, [answer(reader, "\n".join(["one two"] * len(window.pieces))) for window in windows]


def test_a_window_that_loops_makes_the_page_say_repetition_and_a_cut_one_length(reader: Reader) -> None:
    raw = page(2, words=1)
    windows, (whole,) = said(reader, raw)
    for reason in ("length", "repetition"):
        assert composed(reader, raw, windows, [replace(whole, finish_reason=reason)]).finish_reason == reason
    dropped = composed(reader, raw, windows, [replace(whole, finish_reason="length")], [False])
    assert (dropped.finish_reason, dropped.text, dropped.reason) == ("blank", "", ILLEGIBLE)


def test_what_is_read_in_a_window_does_not_depend_on_the_windows_beside_it(reader: Reader) -> None:
    windows = [
        windows_of(raw.image, find_regions(raw.image), reader.setting)[0] for raw in (page(1), page(3, 1), page(5, 2))
    ]
    pictures, seeds = [window.image for window in windows], [1, 2, 3]
    together = reader.asker.ask(pictures, PROMPTS["text"], [30, 12, 20], seeds=seeds)
    for picture, limit, seed, answer_together in zip(pictures, [30, 12, 20], seeds, together, strict=True):
        (alone,) = reader.asker.ask([picture], PROMPTS["text"], [limit], seeds=[seed])
        assert (alone.tokens, alone.finish_reason) == (answer_together.tokens, answer_together.finish_reason)
        assert alone.log_probabilities == pytest.approx(answer_together.log_probabilities, abs=1e-4)


def test_the_scores_of_a_given_answer_are_those_it_was_generated_with(reader: Reader) -> None:
    windows = [windows_of(raw.image, find_regions(raw.image), reader.setting)[0] for raw in (page(1, 1), page(4, 1))]
    answers = reader.asker.ask([w.image for w in windows], PROMPTS["text"], [9, 5], seeds=[1, 2])
    assert [len(one.tokens) for one in answers] == [9, 5]
    scores = reader.asker.log_probabilities([w.image for w in windows], PROMPTS["text"], [a.tokens for a in answers])
    for one, given in zip(answers, scores, strict=True):
        assert given == pytest.approx(one.log_probabilities, abs=1e-4)


def test_an_answer_that_loops_is_asked_again_on_every_rung_and_keeps_its_reason(reader: Reader) -> None:
    raw = page(3, words=1)
    windows = windows_of(raw.image, find_regions(raw.image), reader.setting)
    limits = [40] * len(windows)
    first = reader.asker.ask([w.image for w in windows], PROMPTS["text"], limits, rows=[3])
    again = read_again(reader.asker, raw.image, windows, first, PROMPTS["text"], limits, reader.setting)
    for before, after in zip(first, again, strict=True):
        assert after.whole or after.finish_reason == before.finish_reason
        assert not before.whole or after is before
    whole = [replace(one, finish_reason="stop") for one in first]
    assert read_again(reader.asker, raw.image, windows, whole, PROMPTS["text"], limits, reader.setting) == whole


def test_rotate_must_be_a_quarter_turn_or_auto(reader: Reader) -> None:
    with pytest.raises(ValueError, match="0, 90, 180 or 270"):
        list(reader.read_pages([page(0)], rotate=45))


def test_a_page_that_lies_askew_has_the_lines_of_the_level_one_and_its_boxes_are_on_the_page_as_it_came(
    reader: Reader,
) -> None:
    level = page(12, words=4)
    askew = level.image.rotate(-2.5, resample=Image.Resampling.BICUBIC, fillcolor="white")
    counts, pages = [], []
    for image in (level.image, askew):
        seen = upright(image, 0, as_it_came)
        windows = windows_of(seen.image, seen.regions, reader.setting)
        answers = [answer(reader, "\n".join(["one two"] * len(window.pieces))) for window in windows]
        raw = RawPage(1, image, *image.size, "page")
        pages.append(reader._composed(raw, windows, answers, [True] * len(windows), seen))
        counts.append(sum(len(region.lines) for region in seen.regions))
    assert counts == [12, 12] and len(pages[1].lines) == len(pages[0].lines)
    angle = math.radians(2.5)
    for lying, level_line in zip(pages[1].lines, pages[0].lines, strict=True):
        x = (level_line.box.left + level_line.box.right) / 2 - image.width / 2
        y = (level_line.box.top + level_line.box.bottom) / 2 - image.height / 2
        middle = ((lying.box.left + lying.box.right) / 2, (lying.box.top + lying.box.bottom) / 2)
        turned_middle = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
        assert middle == pytest.approx((turned_middle[0] + image.width / 2, turned_middle[1] + image.height / 2), abs=6)
