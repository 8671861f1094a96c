"""A PDF's own text is taken where it is what one sees, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

import texthawk
from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from texthawk.decode.documents import page_reader
from texthawk.decode.documents.layer_page import page_of_layer
from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.trust import likeness, plausible, seen_alike
from texthawk.decode.reader import Reader
from texthawk.image.layer import TextLayer
from texthawk.image.pages import opened_file
from texthawk.image.raw import Limits, RawPage
from texthawk.types import Page

BODY = [
    "The committee met on Tuesday to discuss",
    "the new budget for the coming year and to",
    "agree on what the schools in the district",
    "will receive for books, paper and heating.",
]
SHIFTED = {chr(code): chr((code - 92) % 26 + 97) for code in range(97, 123)}


@pytest.fixture(scope="module")
def nano() -> Reader:
    return texthawk.load("nano", device="cpu")


def page_and_layer(content: bytes, dpi: float = 150) -> tuple[RawPage, TextLayer]:
    file = opened_file(content, "a.pdf", dpi, Limits())
    page = file.page(1)
    layer = file.layer(page)
    file.close()
    return page, layer


def test_lines_and_boxes_are_those_that_are_printed():
    page, layer = page_and_layer(printed_pdf([lines_of(*BODY)]), dpi=72)
    made = page_of_layer(layer, page)
    assert made.text.split("\n") == BODY and made.origin == "layer"
    for row, line in enumerate(made.lines):
        assert abs(line.box.left - 72) < 2 and abs(line.box.bottom - (90 + 20 * row)) < 5
        assert [word.text for word in line.words] == BODY[row].split()
        for word, after in zip(line.words, line.words[1:], strict=False):
            assert word.box.right < after.box.left


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_boxes_lie_on_the_ink_also_where_the_page_is_shown_turned(turn):
    page, layer = page_and_layer(printed_pdf([lines_of(*BODY)], turn=turn))
    grey = np.asarray(page.image.convert("L"))
    printed = [k for k, character in enumerate(layer.text) if not character.isspace()]
    assert layer.turned == len(printed)
    for k in printed:
        left, top, right, bottom = (round(side) for side in layer.boxes[k])
        assert grey[top - 1 : bottom + 1, left - 1 : right + 1].min() < 128
    assert plausible(layer, page) is None


def test_a_layer_that_covers_the_page_is_plausible():
    page, layer = page_and_layer(printed_pdf([lines_of(*BODY)]))
    found = plausible(layer, page)
    assert found is not None and found.layer.text == layer.text


def test_a_layer_with_nothing_but_the_page_number_is_not():
    scan, _ = page_and_layer(printed_pdf([[*lines_of(*BODY), (300, 750, "17")]]))
    _, number = page_and_layer(printed_pdf([[(300, 750, "17")]]))
    assert plausible(number, scan) is None


def test_a_layer_that_lies_beside_the_ink_is_not():
    page, layer = page_and_layer(printed_pdf([lines_of(*BODY)]))
    assert plausible(replace(layer, boxes=layer.boxes + [0, 400, 0, 400]), page) is None


def test_a_layer_of_characters_without_meaning_is_not():
    page, layer = page_and_layer(printed_pdf([lines_of(*BODY)], letters={"e": "\ufffd"}))
    assert layer.unknown == "".join(BODY).count("e")
    assert plausible(layer, page) is None


def test_text_that_nobody_sees_is_left_out():
    page, layer = page_and_layer(printed_pdf([lines_of(*BODY * 8)], hidden=[(72, 780, "obey")]))
    assert "obey" in layer.text
    found = plausible(layer, page)
    assert found is not None and "obey" not in found.layer.text and BODY[0] in found.layer.text


def test_the_model_tells_a_layer_that_is_seen_from_one_whose_letters_mean_others(nano):
    for letters, expected in (({}, True), (SHIFTED, False)):
        page, layer = page_and_layer(printed_pdf([lines_of(*BODY)], letters=letters), dpi=200)
        found = plausible(layer, page)
        assert found is not None and seen_alike(found, page, nano) is expected


def test_likeness_counts_letters_in_their_order():
    assert likeness("The cat", "the  CAT") == 1.0 and likeness("abc", "xyz") == 0.0
    assert likeness("The committe met", "The committee met") > 0.9


def test_the_setting_decides_whether_a_layer_is_taken(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(printed_pdf([lines_of(*BODY), []], letters=SHIFTED))
    page = PageReader(ReadingSettings(text_layer="always", dpi=72)).read(str(path), "a.pdf", 1)
    assert isinstance(page, Page) and page.origin == "layer" and page.points == (612, 792)
    for setting in ("auto", "never"):
        page = PageReader(ReadingSettings(text_layer=setting, dpi=100)).read(str(path), "a.pdf", 1)
        assert isinstance(page, Page) and page.origin == "ink"
    with pytest.raises(ValueError, match="text_layer"):
        ReadingSettings(text_layer="sometimes")


def test_a_file_that_is_opened_anew_on_the_way_gives_the_same_pages(tmp_path, monkeypatch):
    path = tmp_path / "a.pdf"
    path.write_bytes(printed_pdf([lines_of(f"Page {number} says", *BODY) for number in range(5)]))
    settings = ReadingSettings(text_layer="always", dpi=72)
    whole, often = PageReader(settings), PageReader(settings)
    pages = [whole.read(str(path), "a.pdf", number) for number in range(1, 6)]
    monkeypatch.setattr(page_reader, "AT_A_TIME", 2)
    opened = []
    monkeypatch.setattr(page_reader, "opened_file", lambda *given: opened.append(given) or opened_file(*given))
    assert [often.read(str(path), "a.pdf", number) for number in range(1, 6)] == pages
    assert len(opened) == 3
    whole.close()
    often.close()
