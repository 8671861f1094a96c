"""Pictures in which a model is taught to point: what is asked for is there, where it is said to be, and nothing else is."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.factory.orders import CHINESE, CHINESE_TEXTS, ENGLISH_TEXTS, LATIN, texts_and_fonts
from texthawk.compress.resa import ReSAConfig
from texthawk.data.factory.clip_art import MOTIFS
from texthawk.data.factory.scene_objects import HUES
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import system_fonts
from texthawk.data.synth.dice import Dice
from texthawk.decode.pointing import LEVELS, TILES, box_in, level_text
from texthawk.image.tiles import TilingConfig
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.model.transcript import NOT_HERE, language_of
from texthawk.recipes import RECIPES
from texthawk.recipes.nano import POINT_TOO, SIGHT
from texthawk.train import pointing
from texthawk.train.batches import Batch, Things
from texthawk.train.pointing import ABSENT, ASKED, Drawn, PointingMaker
from texthawk.train.questions import QuestionMaker
from texthawk.train.step import losses_of
from texthawk.train.supervision import Supervision

SIDE = TILES * 224
NOTHING_NAMED = torch.zeros(0, 4, dtype=torch.long)
BOTH = {"en": 0.5, "zh": 0.5}
FORMS = (
    "small",
    "large",
    "leftmost",
    "rightmost",
    "topmost",
    "bottommost",
    "object",
    "left",
    "right",
    "above",
    "below",
)


@pytest.fixture(scope="module")
def maker() -> PointingMaker:
    texts_and_fonts("zh")  # skips where no font prints Chinese
    names = (*LATIN, *CHINESE)
    fonts = [path for path in system_fonts() if Path(path).name in names] or system_fonts()
    texts = Texts({"en": ENGLISH_TEXTS, "zh": CHINESE_TEXTS})
    tokenizer = train_tokenizer(list(ENGLISH_TEXTS), 262)
    extend_tokenizer(tokenizer)
    processor = TextHawkProcessor(TextHawkImageProcessor(TilingConfig(thumbnail_above=8)), tokenizer)
    return PointingMaker(QuestionMaker(processor, texts, fonts, 3), ReSAConfig(), texts, fonts, 3)


@pytest.fixture(scope="module")
def batch(maker: PointingMaker) -> Batch:
    return maker.batch((4,), 0, 3, BOTH)


def answers_of(maker: PointingMaker, batch: Batch, b: int) -> list[str]:
    """What is to be answered in a picture, question by question."""
    tokenizer, labels = maker._questions.tokenizer, batch.labels[b]
    text = tokenizer.decode(labels[labels != -100].tolist())
    return text.removesuffix("<|im_end|>").split("<|im_end|>")


def test_a_batch_asks_for_each_thing_of_its_pictures_once_they_are_seen(maker: PointingMaker, batch: Batch) -> None:
    drawn = Dice(122949829, 4, 0)
    shown = [maker.pictured(drawn, BOTH) for _ in range(3)]
    assert batch.pixel_values is not None and batch.pixel_values.shape == (3 * TILES**2, 3, 224, 224)
    count = batch.layouts[0].rows * batch.layouts[0].columns * 16
    seen = batch.input_ids[:, batch.visual_start : batch.visual_start + count]
    assert (seen == maker._image).all() and (batch.input_ids == maker._image).sum() == seen.numel()
    for b, one in enumerate(shown):
        told = answers_of(maker, batch, b)
        assert len(told) == len(one.wanted) <= ASKED
        exact = batch.coordinates[b][~batch.coordinates[b].isnan()].tolist()
        assert exact == pytest.approx([side for wanted in one.wanted for side in wanted.box or ()])
        for (phrase, box, *_), answer in zip(one.wanted, told, strict=True):
            assert phrase in maker._questions.tokenizer.decode(batch.input_ids[b].tolist())
            if box is None:
                assert answer == NOT_HERE[language_of(phrase)]
            else:
                found = box_in(answer, 1000, 1, 1)
                assert found is not None
                assert np.abs(np.array(found) - np.clip(box, 0, 1)).max() <= 0.51 / LEVELS + 5e-4


def test_attention_is_led_to_visual_tokens_on_the_thing(maker: PointingMaker, batch: Batch) -> None:
    assert batch.guide is not None and batch.guide.any()
    for b in range(3):
        tokens = batch.guide[b].any(-1).nonzero()[:, 0].tolist()
        assert len(tokens) == (~batch.coordinates[b].isnan()).sum()
        for k, token in enumerate(tokens):
            assert not batch.coordinates[b, token].isnan()
            assert batch.guide[b, token].equal(batch.guide[b, tokens[k - k % 4]])
            left, top, right, bottom = batch.coordinates[b, tokens[k - k % 4 : k - k % 4 + 4]].tolist()
            for place in batch.guide[b, token].nonzero()[:, 0].tolist():
                row, column = divmod(place, 2 * TILES)
                assert column / 4 < right and (column + 1) / 4 > left and row / 16 < bottom and (row + 1) / 16 > top


def test_phrases_are_in_the_languages_that_are_asked_for_and_some_name_nothing(maker: PointingMaker) -> None:
    pictures = [maker.pictured(Dice(8, number), BOTH) for number in range(60)]
    assert all(one.image.size == (SIDE, SIDE) for one in pictures)
    languages = {language_of(wanted.phrase) for one in pictures for wanted in one.wanted if wanted.box}
    assert languages == {"en", "zh"}
    missing = [sum(wanted.box is None for wanted in one.wanted) for one in pictures]
    assert max(missing) == ABSENT and any(wanted.phrase.startswith("the ") for one in pictures for wanted in one.wanted)
    english = [maker.pictured(Dice(9, number), {"en": 1.0}) for number in range(30)]
    assert {language_of(wanted.phrase) for one in english for wanted in one.wanted} == {"en"}


def test_what_a_scene_has_not_fits_nothing_in_it_and_is_asked_for_as_what_it_has() -> None:
    forms: dict[bool, set[str]] = {True: set(), False: set()}
    for number in range(60):
        document, named, absent, kinds = pointing.asked_scene(Dice(11, number))
        assert len(named) == len(document.asked) and len(kinds) == len(document.things) and absent
        there = [(MOTIFS[kind - 1].one, HUES[hue - 1].name) for kind, hue in kinds]
        for phrase in absent:
            own = re.split(" to the | above | below ", phrase.english)[0]
            coloured = any(one.name in own.split() for one in HUES)
            fits = [
                own.endswith((f" {kind}", " object")) and (hue in own.split() or not coloured) for kind, hue in there
            ]
            assert not any(fits), (phrase, there)
        for phrases, is_there in ((named, True), (absent, False)):
            forms[is_there] |= {word for one in phrases for word in one.english.split() if word in FORMS}
    assert forms[True] == forms[False] == set(FORMS)


def test_what_a_page_has_not_is_never_told_by_its_colour_alone_nor_called_a_table(maker, monkeypatch) -> None:
    monkeypatch.setattr(pointing, "PRINTED", 1.0)
    seen = 0
    for number in range(150):
        shown = maker.pictured(Dice(21, number), {"en": 1.0})
        absent = [f"the {wanted.phrase.removeprefix('the ')}" for wanted in shown.wanted if wanted.box is None]
        own = [re.split(" to the | above | below ", phrase)[0] for phrase in absent]
        assert not any(phrase.endswith((" object", " table")) and phrase != "the table" for phrase in own), own
        assert "the table" not in own or not any(wanted.box and "table" in wanted.phrase for wanted in shown.wanted)
        seen += sum(phrase.endswith(tuple(f" {motif.one}" for motif in MOTIFS)) for phrase in own)
    assert seen > 30


def test_a_visual_token_is_told_what_lies_on_it_and_how_far_that_reaches(maker: PointingMaker) -> None:
    tall, wide = Drawn(3, 5, (0.05, 0.1, 0.2, 0.5)), Drawn(7, 1, (0.5, 0.8, 0.99, 0.84))
    kinds, hues, reaches, _ = maker._things([[tall, wide], None, []], NOTHING_NAMED)
    assert (kinds[1] == -100).all() and (kinds[2] == 0).all() and reaches[1:].isnan().all()
    for row, column, one in ((3, 0, tall), (6, 0, tall), (13, 2, wide), (13, 3, wide)):
        token = row * 4 + column
        assert (kinds[0, token], hues[0, token]) == (one.kind, one.hue)
        middle = torch.tensor([(column + 0.5) / 4, (row + 0.5) / 16] * 2)
        assert torch.allclose(middle + reaches[0, token], torch.tensor(one.box), atol=1e-5)
    assert kinds[0, 15 * 4] == kinds[0, 3] == 0
    assert ((kinds[0] > 0) == ~reaches[0, :, 0].isnan()).all() and set(kinds[0].tolist()) == {-100, 0, 3, 7}


def test_all_of_a_tall_thing_is_looked_at(maker: PointingMaker) -> None:
    assert maker._covered((0.0, 0.0, 1.0, 1.0)) == list(range(4, 60))
    assert maker._covered((0.3, 0.3, 0.35, 0.33)) == [4 * 4 + 1, 5 * 4 + 1]


def test_what_a_phrase_names_is_told_and_not_what_it_stands_beside(maker: PointingMaker) -> None:
    seen = set()
    for number in range(60):
        document, named, _, _ = pointing.asked_scene(Dice(17, number))
        for phrase, (kind, hue) in zip(named, document.info["said"], strict=True):
            own = phrase.english.split(" to the ")[0].split(" above ")[0].split(" below ")[0]
            assert kind == pointing.UNSAID or own.endswith(f" {MOTIFS[kind - 1].one}")
            assert hue == pointing.UNSAID or f" {HUES[hue - 1].name} " in own
            assert (kind == pointing.UNSAID) == own.endswith(" object")
            assert (hue == pointing.UNSAID) == (not any(f" {one.name} " in own for one in HUES))
            seen.add((kind == pointing.UNSAID, hue == pointing.UNSAID, own != phrase.english))
    assert len(seen) > 4


def test_what_is_named_is_told_at_the_token_that_begins_its_box(maker: PointingMaker, batch: Batch) -> None:
    drawn = Dice(122949829, 4, 0)
    shown = [maker.pictured(drawn, BOTH) for _ in range(3)]
    assert batch.things is not None
    begin = maker._questions.tokenizer.convert_tokens_to_ids("<box>")
    told = batch.things.named.tolist()
    assert all(batch.input_ids[b, token] == begin for b, token, *_ in told)
    wanted = [(b, one.kind, one.hue) for b, picture in enumerate(shown) for one in picture.wanted if one.box]
    assert [(b, kind, hue) for b, _, kind, hue in told] == wanted


def test_a_token_under_two_things_is_told_nothing(maker: PointingMaker) -> None:
    under, over = Drawn(1, 1, (0.0, 0.0, 1.0, 0.5)), Drawn(2, 2, (0.3, 0.1, 0.45, 0.3))
    kinds, *_ = maker._things([[under, over]], NOTHING_NAMED)
    assert kinds[0, 3 * 4 + 1] == -100 and kinds[0, 3 * 4 + 3] == 1


def test_a_page_is_asked_for_its_picture_and_its_only_table(
    maker: PointingMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pointing, "PRINTED", 1.0)
    asked: dict[str, set[bool]] = {}
    for number in range(120):
        for phrase, box, *_ in maker.pictured(Dice(13, number), BOTH).wanted:
            asked.setdefault(phrase.removeprefix("the "), set()).add(box is not None)
    for name in ("picture", "图片", "table", "表格"):
        assert asked[name] == {True, False}
    assert len(asked) > 20, "what is printed nowhere is asked for, too"


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ((0.0, 0.0, 1.0, 1.0), "<box><5><5>,<995><995></box>"),
        ((-0.2, 0.101, 0.4999, 1.3), "<box><5><105>,<495><995></box>"),
    ],
)
def test_a_box_is_told_in_the_middles_of_levels(box: tuple[float, float, float, float], told: str) -> None:
    assert level_text(box) == told


def test_a_step_of_the_stage_has_finite_losses_and_moves_the_connector(maker: PointingMaker, batch: Batch) -> None:
    torch.manual_seed(0)
    config = RECIPES["nano"]().model_config()
    for name, value in extend_tokenizer(maker._questions.tokenizer).items():
        setattr(config, name, value)
    model = TextHawkForConditionalGeneration(config)
    heads = Supervision(config.vision_config.hidden_size, config.text_config.hidden_size, (1, 2, 3))
    loss, seen = losses_of(model, heads, batch, POINT_TOO.losses)
    loss.backward()
    assert torch.isfinite(loss) and {"language", "box", "guide", "named", "named_accuracy"} <= set(seen)
    for weight in (model.model.connector.project.weight, heads.kind.weight):
        assert weight.grad is not None and weight.grad.abs().sum() > 0
    alone, seen = losses_of(model, heads, batch, SIGHT.losses)
    assert set(seen) == {"thing", "thing_accuracy"}
    assert batch.things is not None
    unknown = Things(
        *(torch.full_like(value, -100) for value in batch.things[:2]), batch.things.reaches * torch.nan, NOTHING_NAMED
    )
    blank, _ = losses_of(model, heads, replace(batch, things=unknown), SIGHT.losses)
    assert blank == 0 and blank.requires_grad and alone > 0
