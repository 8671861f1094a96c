"""Letters, lines, damage and the factory as a source of examples."""

import json
import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.factory.orders import CHINESE as CHINESE_FONTS
from tests.data.factory.orders import CHINESE_TEXTS, LATIN, texts_and_fonts
from tests.data.factory.test_documents import ALL, both, document, factory
from tests.model import tiny
from texthawk.cli.synth import parser
from texthawk.cli.synth_family import write_documents
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.damage import damaged
from texthawk.data.factory.document import Asked, Document, Thing
from texthawk.data.factory.factory import Factory
from texthawk.data.factory.ink import CLOSING, Face, joined, rung, units
from texthawk.data.factory.styles import Fonts
from texthawk.data.factory.texts import Texts
from texthawk.data.loading import PackLoader
from texthawk.data.mixture import Mixture
from texthawk.data.packing import PackLimits
from texthawk.data.public import read_set
from texthawk.data.samples import SampleMaker
from texthawk.data.shards import ShardFolder
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import font_folders
from texthawk.eval.metrics import iou
from texthawk.train.conversation import CHATML
from texthawk.types import Box

PROSE = "Measure twice, cut once: the joiner's “rule” cost £3.50 — not 4 (as some say), but ÅÉÎ öüß it is."
CHINESE = "港口办公室保存着一本账簿，记录每一艘船 Harbour 的吨位（2024年）。没有人想到！"


def face(speech: str = "en", size: float = 16, kind: str = "regular") -> Face:
    return texts_and_fonts(speech)[1].style(Dice(1), speech).face(size, kind)


@pytest.mark.parametrize("speech, text", [("en", PROSE), ("zh", CHINESE)])
@pytest.mark.parametrize("kind", ["regular", "bold", "italic"])
def test_boxes_are_those_of_the_ink(speech: str, text: str, kind: str) -> None:
    used = face(speech, 18, kind)
    canvas = Canvas(1400, 80)
    line = canvas.text(20.4, 50, used.fit(text), used)
    ink = np.argwhere(np.asarray(canvas.image)[..., 0] < 255)
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
    assert line.box == (left, top, right, bottom)
    for unit, (x0, y0, x1, y1) in zip(line.units, line.boxes.astype(int).tolist(), strict=True):
        alone = Canvas(1400, 80)
        alone.text(x0 - used.word(unit).left, 50, unit, used)
        marks = np.argwhere(np.asarray(alone.image)[..., 0] < 255)
        assert (marks.min(axis=0).tolist(), (marks.max(axis=0) + 1).tolist()) == ([y0, x0], [y1, x1]), unit


@pytest.mark.parametrize("text", [PROSE, CHINESE, "one", "中", "a 中b文 c"])
def test_units_joined_are_the_text(text: str) -> None:
    assert joined(units(text)) == text
    assert all(len(unit.text) == 1 for unit in units(text) if "一" <= unit.text[0] <= "龥")


@pytest.mark.parametrize("speech, text", [("en", PROSE), ("zh", CHINESE)])
@pytest.mark.parametrize("width", [60, 137, 400])
def test_wrapped_lines_hold_all_of_the_text_and_none_is_too_wide(speech: str, text: str, width: int) -> None:
    used = face(speech)
    text = used.fit(text)
    lines = list(used.wrap(text, width))
    assert "".join((" " if unit.spaced else "") + unit.text for line in lines for unit in line) == text
    for line in lines:
        assert used.width(joined(line)) <= width + 0.3 * used.size
    if speech == "zh" and width > 100:
        assert all(line[0].text not in CLOSING for line in lines)


def test_sizes_are_few_and_near_to_what_was_asked_for() -> None:
    sizes = [9 + 0.1 * step for step in range(300)]
    assert len({rung(size) for size in sizes}) < 20
    assert all(abs(rung(size) / size - 1) < 0.07 for size in sizes)


def test_what_is_drawn_later_lies_above_what_was_drawn_before() -> None:
    used = face(size=30)
    canvas = Canvas(300, 100)
    line = canvas.text(10, 60, "HHHH", used)
    canvas.fill(line.box, (200, 0, 0))
    assert (np.asarray(canvas.image.crop(tuple(map(int, line.box)))) == (200, 0, 0)).all()
    canvas.text(10, 60, "HHHH", used)
    assert (np.asarray(canvas.image)[..., 0] < 50).any()


def test_characters_that_no_font_has_are_left_out_and_not_printed_as_boxes() -> None:
    used = face()
    assert used.fit("a\U000e0041b\tc  \ufb01") in ("ab c ﬁ", "ab c fi")


@pytest.mark.parametrize("level", [1, 2, 3])
def test_damage_moves_boxes_with_the_picture(level: int) -> None:
    overlaps, moved = [], 0
    for seed in range(6):
        canvas = Canvas(500, 700, (250, 250, 250))
        box = Box(60, 90, 180, 150)
        canvas.fill(box, (190, 0, 0))
        asked = Asked("Where?", "\ufffc", "grounding", (box,), evidence=(box,))
        clean = Document(canvas.image, "made", "en", things=(Thing("red", box),), asked=(asked,))
        page = damaged(clean, Dice(seed, level), level)
        red = np.asarray(page.image, dtype=np.float32)
        marks = np.argwhere(red[..., 0] - red[..., 1] > 0.35 * (red[..., 0] - red[..., 1]).max())
        if len(marks) < 2000:
            continue  # a damage that takes the colours
        (top, left), (bottom, right) = np.quantile(marks, 0.002, axis=0), np.quantile(marks, 0.998, axis=0) + 1
        overlaps.append(iou(page.things[0].box, (left, top, right, bottom)))
        assert page.asked[0].boxes[0] == page.asked[0].evidence[0] == page.things[0].box
        moved += page.things[0].box != box
        assert page.info["damage"] == level
    assert len(overlaps) >= 3 and min(overlaps) > 0.85, overlaps
    assert moved or level == 1


def test_lines_stay_on_their_print_when_a_page_is_photographed() -> None:
    page = damaged(document("letter", 0), Dice(4), 3)
    pixels = np.asarray(page.image.convert("L"), dtype=np.float32)
    for line in page.lines:
        left, top, right, bottom = (round(side) for side in line.box)
        inside = pixels[top:bottom, left:right]
        assert inside.min() < 0.75 * np.quantile(inside, 0.95), line.text


def test_level_0_leaves_the_picture_alone() -> None:
    clean = document("receipt", 0)
    assert damaged(replace(clean, info={}), Dice(1), 0).image is clean.image


def test_a_factory_is_a_source_for_a_mixture_and_goes_to_other_processes() -> None:
    source = factory("receipt", ALL)
    mixture = Mixture([(source, 1.0)], seed=3)
    again = pickle.loads(pickle.dumps(mixture))
    place = mixture.place(70_000)
    assert place.epoch == 0 and 0 <= place.item < len(source) and len(source) == sum(source.runs)
    one, other = mixture.example(5), again.example(5)
    assert one.image == other.image and one.turns == other.turns and one.id == other.id


def test_packs_of_the_factory_are_the_same_whoever_makes_them() -> None:
    texts, fonts = both()
    mixture = Mixture([(Factory(texts, fonts, seed=1, damage=ALL, height=420), 1.0)], seed=3)
    maker = SampleMaker(tiny.processor(), CHATML.segments, PackLimits(4096, 108, 8))
    packs = []
    for workers in (0, 1):
        loader = PackLoader(mixture, maker, packs=1, workers=workers)
        packs += [step.packs[0].inputs() for step in loader.steps(end=1)]
        assert not loader.dropped.reasons
    one, other = packs
    assert one["input_ids"].shape[-1] > 2000
    assert all(torch.equal(one[name], other[name]) for name in ("input_ids", "labels", "pixel_values", "position_ids"))


def test_a_pool_of_fonts_is_the_same_for_a_run_and_smaller_than_all() -> None:
    texts, paths = both()
    fonts = Fonts(paths, texts)
    styles = [
        {pool.style(Dice(n), "en").name for n in range(60)} for pool in (fonts.pool(Dice(run), 1) for run in range(12))
    ]
    assert all(len(names) == 1 for names in styles) and len(set.union(*styles)) > 1


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"languages": {"fr": 1.0}}, "language 'fr'"),
        ({"families": {"letters": 1.0}}, "nearest: letter"),
        ({"tasks": ("ocr",)}, "task 'ocr'"),
        ({"damage": (1.0,)}, "give 4 shares"),
        ({"height": 20}, "400 to 7000 pixels"),
        ({"height": (900, 20000)}, "400 to 7000 pixels"),
        ({"height": (500, 600, 700)}, "400 to 7000 pixels"),
        ({"height": 900.5}, "400 to 7000 pixels"),
        ({"damage": (1.0, math.nan, 0.0, 0.0)}, "give 4 shares"),
        ({"families": {"letter": math.inf}}, "shares of family"),
        ({"documents": 10**30}, "holds 256 to"),
        ({"documents": 1e6}, "holds 256 to"),
        ({"seed": -1}, "seed -1 is no seed"),
        ({"seed": "1"}, "seed '1' is no seed"),
        ({"families": {"letter": -1.0}}, "shares of family"),
    ],
)
def test_what_cannot_be_made_is_told(changes: dict, word: str) -> None:
    texts, fonts = both()
    with pytest.raises(ValueError, match=word):
        Factory(texts, fonts, **{"seed": 0, **changes})


def test_texts_are_found_by_language_and_held_out_ones_are_others(tmp_path: Path) -> None:
    lines = "\n\n".join(f"Paragraph number {n} says that {n * n} is a square." for n in range(200))
    (tmp_path / "en_squares.txt").write_text(lines)
    first, second = CHINESE_TEXTS[:2]
    (tmp_path / "zh.jsonl").write_text(json.dumps({"paragraphs": [first]}) + "\n" + json.dumps({"text": second}) + "\n")
    everything = Texts.from_folder(tmp_path, split="all")
    assert everything.languages == ("en", "zh") and len(everything.paragraphs["en"]) == 200
    assert len(everything.paragraphs["zh"]) == 2
    (tmp_path / "zh.jsonl").unlink()
    train, test = (set(Texts.from_folder(tmp_path, split=split).paragraphs["en"]) for split in ("train", "test"))
    assert not train & test and len(train | test) == 200 and len(test) < 30
    with pytest.raises(ValueError, match="no texts in"):
        Texts.from_folder(tmp_path / "nothing")


@pytest.mark.parametrize(
    "text", ["مرحبا بكم في هذا الكتاب الصغير عن البحر", "यह एक छोटी सी किताब है जिसमें बहुत कुछ लिखा है"]
)
def test_scripts_that_would_be_set_wrong_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot set"):
        Texts({"xx": [text]})


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        (
            "ru",
            "Портовая контора ведёт книгу, в которую записывают каждый корабль. Вчера пришли три парусника из Архангельска.",
        ),
        ("el", "Το γραφείο του λιμανιού κρατά ένα βιβλίο για κάθε πλοίο. Χθες ήρθαν τρία ιστιοφόρα από τη Χίο."),
        ("ja", "港の事務所は、ここに来るすべての船を帳簿に記録しています。昨日は三隻の帆船が来ました。"),
    ],
)
def test_another_script_is_printed_where_fonts_have_it(lang: str, text: str) -> None:
    fonts = [
        str(file) for folder in font_folders() for file in folder.rglob("*") if file.name in (*LATIN, *CHINESE_FONTS)
    ]
    try:
        made = Factory(Texts({lang: [text]}), fonts, seed=1, families={"article": 1.0}, damage=(1, 0, 0, 0), height=600)
    except ValueError as error:
        pytest.skip(f"this machine's fonts are too few: {error}")
    for number in range(4):
        document, asked = made.document(number), made.example(number).turns
        letters = [character for character in document.text if character.isalpha()]
        foreign = [letter for letter in letters if not letter.isascii()]
        assert len(foreign) > 100 and len(foreign) > 0.8 * len(letters)
        assert {letter.lower() for letter in foreign} <= {letter.lower() for letter in text}
        assert document.lang == lang and {"caption", "docvqa"} < {turn.task for turn in asked}


def test_prose_ends_with_a_sentence_and_phrases_are_no_longer_than_asked() -> None:
    texts, _ = both()
    for lang in texts.languages:
        for number in range(40):
            dice = Dice(number)
            assert texts.prose(dice, lang, 60)[-1] in ".!?。！？"
            assert 2 <= len(texts.phrase(dice, lang, 16)) <= 16


def test_documents_on_disk_read_back_as_the_examples_they_were(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "en.txt").write_text("\n\n".join(both()[0].paragraphs["en"]))
    shared = ["--text", str(tmp_path / "texts"), "--split", "all", "--count", "3", "--height", "420"]

    def write(*options: str) -> int:
        return write_documents(parser().parse_args([*shared, *options]), list(both()[1]))

    assert write("--family", "ticket", "--out", str(tmp_path / "folder"), "--show") == 0
    assert write("--family", "ticket", "--out", str(tmp_path / "tar"), "--shards") == 0
    stored, listed = ShardFolder(tmp_path / "tar"), list(read_set("folder", tmp_path / "folder", "train"))
    assert len(stored) == len(listed) == 3 and (tmp_path / "folder" / "contact-00.png").stat().st_size > 1000
    for number, example in enumerate(listed):
        assert example.turns == stored.example(number).turns
        assert example.open().tobytes() == stored.example(number).open().tobytes()
    with pytest.raises(ValueError, match="there are: all, article"):
        write("--family", "tickets", "--out", str(tmp_path / "none"))
