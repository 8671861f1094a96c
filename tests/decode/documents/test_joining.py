"""What runs on over the break of a page is one again in text and Markdown; what does not stays apart."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.formats.joining import joined, runs_on
from texthawk.decode.formats.tables import tables_of
from texthawk.decode.regions import find_regions
from texthawk.decode.words import line_of
from texthawk.types import Box, Document, Line, Page, Word


def line(text: str, top: float, left: float = 0, height: float = 20) -> Line:
    """A line whose words are 10 pixels a letter; each of those divided by | stands in a column of its own."""
    words, columns = [], text.split("|")
    for column, cell in enumerate(columns):
        x = left + 300 * column
        for word in cell.split():
            words.append(Word(word, Box(x, top, x + 10 * len(word), top + height), 1.0))
            x += 10 * (len(word) + 1)
    return Line(" ".join(word.text for word in words), Box(left, top, words[-1].box.right, top + height), tuple(words))


def page(number: int, *texts: str) -> Page:
    """Lines close below each other; an empty one parts paragraphs."""
    lines = tuple(line(text, 25.0 * row) for row, text in enumerate(texts) if text)
    return Page(number, 1000, 1000, "\n".join(one.text for one in lines), lines)


def markdown(*pages: Page) -> str:
    return FORMATS["markdown"].write(Document(pages), Setting()).decode()


def text(*pages: Page, boxes: bool = False) -> str:
    return FORMATS["text"].write(Document(pages), Setting(boxes=boxes)).decode()


@pytest.mark.parametrize(
    ("above", "below", "full", "expected"),
    [
        ("he went", "home.", False, True),
        ("he went home.", "then he slept", True, False),
        ("an exam-", "ple of it", False, True),
        ("an exam-", "Ple of it", True, False),
        ("he met", "Mary there", True, True),
        ("he met", "Mary there", False, False),
        ("Contents", "- first", True, False),
        ("", "home", True, False),
    ],
)
def test_a_line_runs_on_where_its_sentence_does(above, below, full, expected):
    assert runs_on(above, below, full=full) is expected


def test_a_parted_word_is_whole_again():
    assert joined("an exam-", "ple of it") == "an example of it" and joined("he went", "home") == "he went home"
    assert joined("die Ein-", "und Ausfuhr") == "die Ein- und Ausfuhr"


def test_scripts_without_spaces_are_joined_without_one():
    assert joined("他说：“好。”", "只和") == "他说：“好。”只和" and joined("完了……", "“又来") == "完了……“又来"
    assert joined("它叫", "ship") == "它叫 ship" and joined("he said “yes”", "“no”") == "he said “yes” “no”"


def test_a_chinese_paragraph_that_ends_is_not_gone_on_with():
    assert not runs_on("他们走了。", "我们来了", full=True) and runs_on("他们走到", "了港口", full=True)


def test_a_paragraph_over_three_pages_is_one_and_page_numbers_are_no_part_of_it():
    made = markdown(
        page(1, "It began when the", "committee met in a little", "", "1"),
        page(2, "room, where the chair-", "", "2"),
        page(3, "man rose to speak.", "", "A new one."),
    )
    assert "little room, where the chairman rose to speak." in made
    assert [part for part in made.strip().split("\n\n") if part in ("1", "2")] == ["1", "2"]
    assert made.endswith("A new one.\n")


def test_running_heads_that_differ_only_in_numbers_part_no_paragraph():
    words = ("rain", "snow", "hail")
    pages = [page(k, f"Chapter 4, page {k}", "", f"and {words[k]} fell and", f"{words[k]} lay and") for k in range(3)]
    made = markdown(*pages)
    assert "rain lay and and snow fell and" in made and "snow lay and and hail fell and" in made


def test_paragraphs_that_end_stay_apart():
    made = markdown(page(1, "This is the end."), page(2, "This is another."))
    assert made == "This is the end.\n\nThis is another.\n"


def test_a_table_goes_on_and_its_head_is_told_once():
    first = page(1, "Name|Amount", "Apples|12", "Pears|7")
    second = page(2, "Name|Amount", "Plums and figs|3", "Nuts|100", "", "Thank you.")
    made = markdown(first, second)
    rows = ["| Name | Amount |", "| --- | --- |", "| Apples | 12 |", "| Pears | 7 |", "| Plums and figs | 3 |"]
    assert made.split("\n\n")[0].split("\n") == [*rows, "| Nuts | 100 |"]
    assert made.endswith("Thank you.\n")


def test_tables_of_other_columns_stay_two():
    first, second = page(1, "a|b", "c|d", "e|f"), page(2, "a|b|c", "c|d|e", "e|f|g")
    assert sum(row.startswith("| ---") for row in markdown(first, second).split("\n")) == 2


def test_running_text_is_no_table():
    assert tables_of(page(1, "It was a fine day", "and the sun shone on", "all of the houses")) == []
    assert len(tables_of(page(1, "a|b", "c|d"))) == 0 and len(tables_of(page(1, "a|b", "c|d", "e|f"))) == 1


def test_text_has_no_blank_line_and_no_hyphen_where_it_runs_on():
    assert text(page(1, "an exam-"), page(2, "ple of it."), page(3, "The end.")) == "an example of it.\n\nThe end.\n"
    assert text(page(1, "he went"), page(2, "home")) == "he went\nhome\n"
    assert text(page(1, "an exam-"), page(2, "Other")) == "an exam-\n\nOther\n"
    assert text(page(1, "an exam-")) == "an exam-\n"


def test_lines_with_boxes_stay_as_they_are_printed():
    assert text(page(1, "an exam-"), page(2, "ple"), boxes=True) == "0,0,80,20\tan exam-\n\n0,0,30,20\tple\n"


def test_no_word_is_lost_by_joining():
    pages = [page(k, "Head", "", f"one{k} two{k} and", f"three{k}|four{k}", "", str(k)) for k in range(1, 6)]
    made = markdown(*pages)
    for one in pages:
        for word in one.words:
            assert word.text in made


def printed(number: int, *rows: str, size: int = 28) -> Page:
    """A page as it is seen: rows are printed, the cells of each (divided by |) in columns, and their lines found in the ink.

    What a perfect model would read stands in the lines; only their places are those of the ink.
    """
    font, sheet = ImageFont.load_default(size), Image.new("RGB", (1000, 1200), "white")
    draw, texts = ImageDraw.Draw(sheet), []
    for row, text in enumerate(rows):
        for column, cell in enumerate(text.split("|")):
            draw.text((80 + 320 * column, 60 + 1.5 * size * row), cell, "black", font)
        texts += [" ".join(text.split("|"))] if text else []
    found = [ink for region in find_regions(sheet) for ink in region.lines]
    assert len(found) == len(texts)
    lines = tuple(line_of(text, ink.box, {}, 0, ink.gaps) for text, ink in zip(texts, found, strict=True))
    return Page(number, 1000, 1200, "\n".join(texts), lines)


def test_a_table_that_was_read_from_pixels_is_found_and_goes_on_over_the_break():
    first = printed(
        1, "Report of the harbour", "", "Name|Place|Amount", "Anna Berg|North pier|120", "Peter Lund|Market|85"
    )
    second = printed(2, "Name|Place|Amount", "Jonas Falk|South pier|310", "Clara Dahl|Old harbour|99", "", "Thank you.")
    rows = ["| Name | Place | Amount |", "| --- | --- | --- |", "| Anna Berg | North pier | 120 |"]
    rows += ["| Peter Lund | Market | 85 |", "| Jonas Falk | South pier | 310 |", "| Clara Dahl | Old harbour | 99 |"]
    assert markdown(first, second) == "Report of the harbour\n\n" + "\n".join(rows) + "\n\nThank you.\n"


def test_a_paragraph_that_was_read_from_pixels_is_one_over_the_break_and_page_numbers_are_no_part_of_it():
    first = printed(1, "The committee met in the old town", "hall and heard the report of the har-", "", "1")
    second = printed(2, "bour. No debts remain from last", "summer, and the next", "", "2")
    third = printed(3, "meeting is held in spring.", "", "Another paragraph begins here.")
    made = markdown(first, second, third)
    assert "the report of the harbour. No debts" in made and "and the next meeting is held" in made
    assert made.count("\n\n") == 3 and made.endswith("\n\nAnother paragraph begins here.\n")


def test_running_text_that_was_read_from_pixels_is_no_table():
    made = printed(1, "It was a fine day and the sun", "shone on all of the houses and", "on all of the people there")
    assert tables_of(made) == []
