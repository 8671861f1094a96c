"""Chinese documents as pages to read: every character has its box, and rows are cut between characters."""

import re

import numpy as np
import pytest
from PIL import Image

from tests.data.factory.orders import CHINESE_TEXTS, ENGLISH_TEXTS, texts_and_fonts
from texthawk.data.factory.document import Line
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import SynthPage, TextLine, system_fonts
from texthawk.image.rows import RowSetting
from texthawk.train.characters import CLASS, CLASSES, HAN, MARKS, NAMED
from texthawk.train.documents import DocumentMaker, printed, scrambled
from texthawk.train.rows import in_rows
from texthawk.types import Box

TEXTS = Texts({"zh": CHINESE_TEXTS, "en": ENGLISH_TEXTS})


@pytest.fixture(scope="module")
def documents() -> DocumentMaker:
    texts_and_fonts("zh")  # skips where no font prints Chinese
    return DocumentMaker(TEXTS, system_fonts(), seed=3)


def test_the_common_characters_are_those_of_the_standard() -> None:
    assert len(HAN) == len(set(HAN)) == 3755 and HAN[0] == "啊" and HAN[-1] == "座"
    assert len(NAMED) == len(set(NAMED)) == CLASSES - 1 and {*"Az9,。", *MARKS} <= set(CLASS)


def test_windows_in_a_row_share_a_document_and_others_do_not(documents: DocumentMaker) -> None:
    assert documents.page(3) is documents.page(5) and documents.page(3).text != documents.page(6).text
    again = DocumentMaker(TEXTS, system_fonts(), seed=3)
    assert again.page(6).text == documents.page(6).text and again.page(6).image == documents.page(6).image


def test_every_character_lies_on_ink_of_its_row(documents: DocumentMaker) -> None:
    chinese = 0
    for number in range(0, 36, 3):
        rows = in_rows(documents.page(number), RowSetting(), np.random.default_rng(number))
        grey = np.asarray(rows.image.convert("L")).astype(int)
        for line in rows.lines:
            assert 0 <= line.box.left < line.box.right <= 448 and len(line.glyphs) == len(line.text)
            for character, box in zip(line.text, line.glyphs, strict=True):
                if character in CLASS and character in HAN:
                    left, top, right, bottom = np.round(box).astype(int)
                    patch = grey[max(0, top) : bottom + 1, max(0, left) : right + 1]
                    assert patch.max() - patch.min() > 25, (number, line.text, character)
                    chinese += 1
    assert chinese > 200


def test_a_long_line_goes_on_in_the_next_row_and_loses_no_character() -> None:
    text = "花岗岩风化得很慢，Limestone 会被雨水溶解。" * 3
    sides = np.arange(len(text) + 1, dtype=np.float32) * 30
    glyphs = np.stack([sides[:-1], np.full(len(text), 10), sides[1:] - 2, np.full(len(text), 38)], axis=1)
    image = Image.new("RGB", (int(sides[-1]) + 20, 60), "white")
    lines = (TextLine(text, Box(0, 10, float(sides[-1]), 38), glyphs),)
    rows = in_rows(SynthPage(image, lines), RowSetting(), np.random.default_rng(1))
    assert len(rows.lines) > 2
    assert "".join(line.text for line in rows.lines).replace(" ", "") == text.replace(" ", "")


def test_a_word_in_a_chinese_line_shares_its_ink_evenly() -> None:
    boxes = np.array([[0, 0, 20, 20], [22, 5, 62, 20], [70, 0, 90, 20]], dtype=np.float32)
    line = printed(Line(("用", "book", "类"), (False, False, True), boxes))
    assert line.text == "用book 类"
    assert line.glyphs[1:5, 0].tolist() == [22, 32, 42, 52] and line.glyphs[4, 2] == 62
    assert line.glyphs[5].tolist() == [62, 0, 70, 20] and line.glyphs[6].tolist() == [70, 0, 90, 20]


def test_scrambled_text_keeps_all_but_its_chinese_characters() -> None:
    shares = np.full(len(HAN), 1 / len(HAN))
    made = scrambled("始建于1998年，Paris（巴黎）。", shares, np.random.default_rng(0))
    assert re.sub("[\u4e00-\u9fff]", "#", made) == "###1998#，Paris（##）。" and not made.startswith("始建于")


def test_texts_without_chinese_are_refused() -> None:
    with pytest.raises(ValueError, match=r"zh and en; there are texts in en.*zh\.txt"):
        DocumentMaker(Texts({"en": ENGLISH_TEXTS}), system_fonts(), seed=1)
