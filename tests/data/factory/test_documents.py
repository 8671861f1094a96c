"""What must hold for every family of documents, whatever it draws."""

import json
import re
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.data.factory.orders import CHINESE, CHINESE_TEXTS, ENGLISH_TEXTS, LATIN, texts_and_fonts
from texthawk.data.example import PLACE, TASKS, check_box
from texthawk.data.factory.asking import TRANSCRIPTS, places, turns
from texthawk.data.factory.document import Document
from texthawk.data.factory.factory import Factory
from texthawk.data.factory.families import FAMILIES
from texthawk.data.factory.grid import Cell, Grid
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import NOT_HERE
from texthawk.data.factory.texts import Texts
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import font_folders, system_fonts

INDEXES = (0, 1, 300)
CLEAN, ALL = (1.0, 0.0, 0.0, 0.0), (0.25, 0.25, 0.25, 0.25)


UNPRINTABLE = {
    "en": "ሀሁሂሃሄ ህሆለሉሊላ ሌልሎሐሑሒ ሓሔሕሖመሙ ሚማሜምሞሠ፣ ሡሢሣ ሤሥሦረሩ",
    "zh": "\u9ff0\u9ff1\u9ff2\u9ff3，\u9ff4\u9ff5\u9ff6\u9ff7\u9ff8\u9ff9\u9ffa，\u9ffd\u9ffe\u9fff。",
}
"""Ethiopic, and characters that Unicode got last."""


@cache
def factory(family: str, damage: tuple[float, ...] = CLEAN, seed: int = 11) -> Factory:
    texts, fonts = both()
    return Factory(texts, fonts, seed=seed, families={family: 1.0}, damage=damage, height=(420, 800))


@cache
def both() -> tuple[Texts, tuple[str, ...]]:
    """English and Chinese text with a few fonts of this machine; English alone where it has no Chinese font."""
    wanted = (*LATIN, *CHINESE)
    found = {file.name: str(file) for folder in font_folders() for file in folder.rglob("*") if file.name in wanted}
    chinese = any(name in found for name in CHINESE)
    paths = tuple(found[name] for name in wanted if name in found)
    if not any(name in found for name in LATIN):
        paths += tuple(system_fonts()[:4])
    return Texts({"en": ENGLISH_TEXTS, **({"zh": CHINESE_TEXTS} if chinese else {})}), paths


@cache
def document(family: str, index: int) -> Document:
    return factory(family).document(index)


def every() -> list[tuple[str, Document]]:
    return [(family, document(family, index)) for family in FAMILIES for index in INDEXES]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_document_follows_from_seed_and_index_alone(family: str) -> None:
    texts, fonts = both()
    again = Factory(texts, fonts, seed=11, families={family: 1.0}, damage=CLEAN, height=(420, 800))
    for index in reversed(INDEXES):
        one, other = document(family, index), again.document(index)
        assert (
            one.image.tobytes() == other.image.tobytes() and one.text == other.text and one.markdown == other.markdown
        )
        assert one.asked == other.asked and one.grids == other.grids and one.fields == other.fields
    texts_of = [factory(family, CLEAN, seed).document(5).image.tobytes() for seed in (1, 2, 3)]
    assert len(set(texts_of)) > 1, "another seed draws the same"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_line_has_ink_in_its_box_and_all_boxes_are_on_the_page(family: str) -> None:
    for index in INDEXES:
        page = document(family, index)
        pixels = np.asarray(page.image, dtype=np.int16)
        boxes = [box for line in page.lines for box in [line.box, *(box for _, box in line.words)]]
        boxes += [cell.box for grid in page.grids for cell in grid.cells] + [thing.box for thing in page.things]
        boxes += [box for asked in page.asked for box in (*asked.boxes, *asked.evidence)]
        for left, top, right, bottom in boxes:
            assert -1 <= left <= right <= page.image.width + 1 and -1 <= top <= bottom <= page.image.height + 1, (
                family,
                index,
            )
        for line in page.lines:
            left, top, right, bottom = (round(side) for side in line.box)
            part = pixels[top:bottom, left:right].reshape(-1, 3)
            assert np.ptp(part, axis=0).max() > 40, f"nothing is printed at {line.text!r} in {family} {index}"


@pytest.mark.parametrize("family", FAMILIES)
def test_words_joined_are_the_lines_and_no_two_lines_lie_on_each_other(family: str) -> None:
    for index in INDEXES:
        page = document(family, index)
        for line in page.lines:
            assert " ".join(word for word, _ in line.words) == line.text == line.text.strip()
            assert "".join(line.units).replace(" ", "") == line.text.replace(" ", "")
            assert len(line.units) == len(line.boxes)
        if family == "formulas":
            continue  # the parts of a formula stand above and below each other on purpose
        for i, one in enumerate(page.lines):
            for other in page.lines[i + 1 :]:
                across = min(one.box.right, other.box.right) - max(one.box.left, other.box.left)
                down = min(one.box.bottom, other.box.bottom) - max(one.box.top, other.box.top)
                assert min(across, down) <= 2, f"{one.text!r} and {other.text!r} in {family} {index}"


def test_outside_the_boxes_of_a_letter_there_is_nothing() -> None:
    for index in INDEXES:
        page = document("letter", index)
        pixels = np.asarray(page.image).copy()
        paper = pixels[0, 0].copy()
        for line in page.lines:
            for left, top, right, bottom in line.boxes.astype(int).tolist():
                pixels[top:bottom, left:right] = paper
        assert (pixels == paper).all()


def test_the_transcripts_hold_every_line_once_and_in_order() -> None:
    for family, page in every():
        asked = {turn.task: turn for turn in conversation(page, family) if turn.task in TRANSCRIPTS}
        if not page.lines:
            assert set(asked) <= {"text"}
            continue
        assert asked["text"].answer.split("\n") == [line.text for line in page.lines]
        assert asked["boxes"].answer.split("\n") == [PLACE] * len(page.lines)
        assert asked["text_boxes"].answer.split("\n") == [PLACE + line.text for line in page.lines]
        width, height = page.image.size
        for line, box in zip(page.lines, asked["text_boxes"].boxes, strict=True):
            assert box == pytest.approx(
                (line.box[0] / width, line.box[1] / height, line.box[2] / width, line.box[3] / height)
            )


def conversation(page: Document, family: str) -> list:
    """The turns of all transcripts, each asked for alone, as a conversation has but one of them."""
    return [turn for task in TRANSCRIPTS for turn in turns(page, Dice(1), {task})]


def cells(line: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line[1:-1])]


def test_markdown_reads_back_as_the_cells_of_the_tables() -> None:
    seen = 0
    for family, page in every():
        blocks = [block for block in re.split(r"\n\s*\n", page.markdown) if block.startswith("|")]
        rows = [[cells(line) for line in block.split("\n")] for block in blocks]
        assert len(rows) >= len(page.grids), family
        for grid in page.grids:
            head, rule, *body = next(
                block for block in rows if len(block[0]) == grid.columns and len(block) == grid.rows + 1
            )
            assert set(rule) == {"---"} and [head, *body] == grid.texts()
            seen += 1
    assert seen >= 6


class _Table(HTMLParser):
    """Cells of a table in HTML: text, spans, and where they come to lie."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[Cell] = []
        self.taken: set[tuple[int, int]] = set()
        self.row, self.head, self.text = -1, 0, ""
        self.in_head = False

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = dict(attributes)
        if tag in ("thead", "tbody"):
            self.in_head = tag == "thead"
        elif tag == "tr":
            self.row += 1
            self.head += self.in_head
        elif tag == "td":
            self.spans, self.text = (int(given.get("rowspan", 1)), int(given.get("colspan", 1))), ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag != "td":
            return
        column = next(c for c in range(1000) if (self.row, c) not in self.taken)
        places = {(self.row + r, column + c) for r in range(self.spans[0]) for c in range(self.spans[1])}
        assert not places & self.taken, "two cells on one place"
        self.taken |= places
        self.cells.append(Cell(self.row, column, self.text, *self.spans))


def test_html_covers_every_place_of_the_grid_once() -> None:
    spans = 0
    for index in range(12):
        [grid] = document("table", index).grids
        table = _Table()
        table.feed(grid.html())
        assert table.taken == {(row, column) for row in range(grid.rows) for column in range(grid.columns)}
        assert table.head == grid.head
        assert [(c.row, c.column, c.text, c.rows, c.columns) for c in table.cells] == [
            (c.row, c.column, c.text, c.rows, c.columns) for c in grid.cells
        ]
        spans += grid.spans
    assert spans, "no table has spans"


def test_html_and_markdown_escape_what_would_be_taken_for_their_own_marks() -> None:
    grid = Grid(1, 2, 0, (Cell(0, 0, "a|b"), Cell(0, 1, "x<y & z")))
    assert grid.markdown().endswith("| a\\|b | x<y & z |") and "x&lt;y &amp; z" in grid.html()


def test_looked_up_answers_are_printed_and_absent_ones_are_not() -> None:
    absent = 0
    for family, page in every():
        text = re.sub(r"\s", "", page.text).casefold()
        for asked in page.asked:
            if asked.kind == "absent":
                absent += 1
                assert asked.answer in NOT_HERE.values()
                for quoted in re.findall(r'"(.+?)"|“(.+?)”', asked.question):
                    name = re.sub(r"\s", "", "".join(quoted)).casefold()
                    places = [
                        line.text for line in page.lines if re.sub(r"\s", "", line.text).casefold().startswith(name)
                    ]
                    assert not places, (family, asked.question)
            elif (
                asked.kind == "look-up"
                and asked.task in ("docvqa", "tableqa")
                and (not asked.basis or asked.basis[0] in ("key", "field", "after", "before", "last"))
            ):
                bare = re.sub(r"[\s,]", "", asked.answer).casefold()
                assert bare in text.replace(",", ""), (family, asked.question, asked.answer)
    assert absent > 10, "hardly a question is without an answer"


def test_key_fields_are_printed() -> None:
    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [leaf for part in value.values() for leaf in leaves(part)]
        return [leaf for part in value for leaf in leaves(part)] if isinstance(value, list) else [str(value)]

    for family, page in every():
        text = re.sub(r"[\s,]", "", page.text)
        assert json.loads(json.dumps(page.fields)) == page.fields
        for leaf in leaves(page.fields):
            assert re.sub(r"[\s,]", "", leaf) in text, (family, leaf)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_example_of_a_document_is_one_valid_conversation(family: str) -> None:
    source = factory(family, ALL)
    for index in INDEXES[:2]:
        example, page = source.example(index), source.document(index)
        assert example.turns and example.turns == turns(page, Dice(0x5455, 11, index))
        assert example.open().size == page.image.size
        assert sum(turn.task in TRANSCRIPTS for turn in example.turns) <= 1
        for turn in example.turns:
            assert turn.question and turn.answer and turn.task in TASKS
            for box in turn.boxes:
                check_box(box)
        assert json.loads(json.dumps(example.info)) == example.info


def test_what_is_asked_for_by_place_stands_at_one_place_alone() -> None:
    asked = [(page, one) for _, page in every() for one in places(page, Dice(3))]
    assert {one.task for _, one in asked} == {"grounding", "referring"}
    for page, one in asked:
        piece = one.question[len("Where is ") : -len("? Answer with its bounding box")]
        piece = piece if one.task == "grounding" else one.answer
        assert page.text.count(piece) == 1
        pieces = [(line.text, line.box) for line in page.lines] + [word for line in page.lines for word in line.words]
        assert (piece, one.boxes[0]) in pieces


@pytest.mark.parametrize("speech", ["en", "zh"])
@pytest.mark.parametrize("family", FAMILIES)
def test_text_that_no_font_can_print_stops_no_document(family: str, speech: str) -> None:
    texts, fonts = texts_and_fonts(speech)
    odd = Texts({speech: (*texts.paragraphs[speech], *[UNPRINTABLE[speech]] * 2)})
    for number in range(8):
        document = FAMILIES[family](Order(Dice(7, number), odd, fonts, speech, speech, 700))
        assert not set(UNPRINTABLE[speech]) & set(document.text) - set(" ，。")
