"""Lines as they are printed become paragraphs, headings, lists and code."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.formats.type_size import standing, usual_size
from texthawk.decode.rotation import box_before
from texthawk.types import Box, Document, Line, Page, Word, box_around

SIZE = 20.0
REACH = {"tall": 0.72, "small": 0.5, "deep": 0.21}


def printed(text: str, top: float, left: float = 100.0, size: float = SIZE, letter: float = 0.5) -> Line:
    """A line whose boxes are around ink: each word as high as its letters are. letter: its width, in parts of the size."""
    words, x = [], left
    base = top + REACH["tall"] * size
    for word in text.split(" "):
        width = size * (len(word) if word[:1] > "\u2e80" else letter * len(word))
        above = REACH["tall"] if any(c not in "acemnorsuvwxzgpqy" for c in word) else REACH["small"]
        below = REACH["deep"] if any(c in "gjpqy()[]{}" for c in word) else 0.0
        if word:
            words.append(Word(word, Box(x, base - above * size, x + width, base + below * size), 1.0))
        x += width + 0.25 * size
    box = box_around(word.box for word in words)
    return Line(" ".join(word.text for word in words), box, tuple(words))


def page(*lines: Line | str, number: int = 1) -> Page:
    """Lines 1.3 sizes of type apart; "" leaves one out."""
    made = [
        printed(line, 50 + 1.3 * SIZE * row) if isinstance(line, str) else line
        for row, line in enumerate(lines)
        if line != ""
    ]
    return Page(number, 1000, 1000, "\n".join(line.text for line in made), tuple(made))


def markdown(*pages: Page) -> str:
    return FORMATS["markdown"].write(Document(pages), Setting()).decode().rstrip("\n")


PARAGRAPH = (
    "The harbour office keeps a ledger of every ship that anchors",
    "here, with its tonnage, flag and the day on which it ar-",
    "rived, and nobody has ever asked to see it in all the years",
    "since.",
)
WHOLE = (
    "The harbour office keeps a ledger of every ship that anchors here, with its tonnage, flag and the day on which it arrived, "
    "and nobody has ever asked to see it in all the years since."
)


def test_lines_that_a_margin_broke_are_one_and_words_whole_again() -> None:
    assert markdown(page(*PARAGRAPH)) == WHOLE


def test_lines_that_were_ended_on_purpose_stay_lines() -> None:
    address = ("Vera Turner", "Blue River Textiles Company Ltd.", "166 River Lane", "Eastport 85443")
    assert markdown(page(*address)) == "\n".join(address)
    assert markdown(page(*address, "", *PARAGRAPH)) == "\n".join(address) + "\n\n" + WHOLE


def test_the_size_of_type_is_that_of_lines_with_other_letters() -> None:
    made = page("never once a rose", "Ships", "gypsy", printed("Title", 300, size=30))
    sizes = [line.size for line in standing(made)]
    assert sizes == pytest.approx([20, 20, 20, 30]) and usual_size(standing(made)) == pytest.approx(20)
    same = [Line(line.text, Box(0, 10 * k, 90, 10 * k + 8), ()) for k, line in enumerate(made.lines)]
    assert {line.size for line in standing(Page(1, 500, 500, "", tuple(same)))} == {8.0}


@pytest.mark.parametrize(("size", "mark"), [(20, ""), (22, ""), (24, "## "), (28, "## "), (32, "# ")])
def test_larger_type_is_a_heading(size: float, mark: str) -> None:
    made = page(printed("Of ships and ledgers", 10, size=size), "", *PARAGRAPH)
    assert markdown(made) == f"{mark}Of ships and ledgers\n\n{WHOLE}"


def test_the_number_of_a_section_makes_a_heading() -> None:
    assert markdown(page("2.4 Ships and ledgers", *PARAGRAPH)) == f"## 2.4 Ships and ledgers\n\n{WHOLE}"
    assert markdown(page("2.4.1 Ships", *PARAGRAPH)).startswith("### 2.4.1 Ships\n\n")
    for text in ("2.4 metres were measured.", "1,200.50 in all"):
        assert "#" not in markdown(page(text, "", *PARAGRAPH))


@pytest.mark.parametrize("text", ["3.50 EUR", "9.30 am Meeting", "10.0.0.1 gateway", "0.75 Litres", "12.10.20 Berlin"])
def test_prices_times_and_dates_are_no_sections(text: str) -> None:
    assert "#" not in markdown(page("Vera Turner", text, "Eastport")) and "#" not in markdown(page("A note", "", text))


def test_a_heading_on_two_lines_is_one() -> None:
    rows = [printed("The harbour office", 50, left=150, size=30), printed("and its ledger", 90, left=170, size=30)]
    assert markdown(page(*rows, *[printed(line, 200 + 26 * k) for k, line in enumerate(PARAGRAPH)])) == (
        f"# The harbour office and its ledger\n\n{WHOLE}"
    )


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_page_that_was_turned_is_told_like_one_that_was_not(rotation: int) -> None:
    code = [printed(text, 450 + 26 * k, 100 + 12 * spaces, letter=0.6) for k, (text, spaces) in enumerate(CODE)]
    made = page("2.4 Ships and ledgers", *PARAGRAPH, "", "• One", "• Two", *code)

    def turned(line: Line) -> Line:
        words = tuple(replace(word, box=word.box and box_before(word.box, rotation, 1000, 1000)) for word in line.words)
        return Line(line.text, line.box and box_before(line.box, rotation, 1000, 1000), words)

    assert markdown(replace(made, lines=tuple(map(turned, made.lines)), rotation=rotation)) == markdown(made)


def test_signs_that_may_mean_something_else_stay() -> None:
    for text in ("+ 12 °C", "- 12.50", "□ Yes", "— Hello, said she", "* plus tax", "– and nobody"):
        assert shown(markdown(page(text))) == text.replace(" ", "")
    assert markdown(page("- Ships", "- Ledgers")) == "- Ships\n- Ledgers"


def test_lists_one_after_another_keep_their_numbers() -> None:
    made = page("1. One", "2. Two", "", "1. Three", "2. Four")
    assert markdown(made) == "1. One\n2. Two\n\n1) Three\n2) Four"
    assert markdown(page("1. One", "2. Two"), page("3. Three", number=2)) == "1. One\n2. Two\n3. Three"
    assert shown(markdown(page("1. One", "2. Two", "", "4. Four", "5. Five"))) == "1.One2.Two4)Four5)Five"


def test_items_are_a_list_and_what_hangs_below_them_is_theirs() -> None:
    rows = [
        printed("• The harbour office keeps a ledger of every", 50),
        printed("ship that anchors here", 76, left=125),
        printed("• Nobody asks", 102),
    ]
    assert markdown(page(*rows)) == "- The harbour office keeps a ledger of every ship that anchors here\n- Nobody asks"


def test_numbers_make_a_list_where_one_follows_another() -> None:
    assert markdown(page("1. Ships", "2. Ledgers", "3. Flags")) == "1. Ships\n2. Ledgers\n3. Flags"
    assert markdown(page("7) Ships", "8) Ledgers")) == "7) Ships\n8) Ledgers"
    assert markdown(page("1788. It was", "the end")).startswith("1788\\. It was")
    assert markdown(page("12. It was", "30. The end")) == "12\\. It was\n30\\. The end"


def test_a_list_goes_on_over_the_break_of_a_page() -> None:
    assert markdown(page("• Ships", "• Ledgers"), page("• Flags", number=2)) == "- Ships\n- Ledgers\n- Flags"


CODE = (("def sort_keys(items):", 0), ("for item in items:", 4), ("merge(item)", 8), ("return items", 4), ("}", 0))


def test_code_is_fenced_and_set_in_as_it_was() -> None:
    rows = [printed(text, 50 + 26 * k, left=100 + 12 * spaces, letter=0.6) for k, (text, spaces) in enumerate(CODE)]
    wanted = "\n".join(" " * spaces + text for text, spaces in CODE)
    assert markdown(page(*rows)) == f"```\n{wanted}\n```"
    assert markdown(page(*rows, printed("*Ships*", 400, letter=0.4))).endswith("```\n\n\\*Ships\\*")


def test_code_that_holds_a_fence_has_a_longer_one() -> None:
    rows = ("x = 1; ```", "print(value)", "call(other);", "return value;", "done(value)")
    made = markdown(page(*(printed(text, 50 + 26 * k, letter=0.6) for k, text in enumerate(rows))))
    assert made.startswith("````\nx = 1; ```\n") and made.endswith("\n````")


def test_typewritten_prose_is_no_code() -> None:
    rows = [printed(text, 50 + 26 * k, letter=0.6) for k, text in enumerate(PARAGRAPH)]
    assert markdown(page(*rows)) == WHOLE


def test_chinese_lines_are_joined_without_a_space() -> None:
    rows = ("港口办公室保存着一本账簿记录每一艘在此停泊的船", "只和它的吨位旗帜以及离开的日期。")
    assert markdown(page(*rows)) == "".join(rows)


def test_cells_of_a_row_are_no_running_text() -> None:
    row = printed("Pears", 50)
    price = printed("12.50 each and no less than that", 50, left=500)
    wide = Line("Pears 12.50 each and no less than that", box_around([row.box, price.box]), row.words + price.words)
    assert markdown(page(wide, printed("Figs and other fruit of the season", 76))).count("\n") == 1


def shown(text: str) -> str:
    """What a reader of the Markdown sees, numbers of lists as they are counted there, without white space."""
    said, numbers = "", list[int]()
    for token in MarkdownIt().parse(text):
        if token.type == "ordered_list_open":
            numbers.append(int(token.attrGet("start") or 1))
        elif token.type == "bullet_list_open":
            numbers.append(-1)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            numbers.pop()
        elif token.type == "list_item_open" and numbers[-1] >= 0:
            said += f"{numbers[-1]}{token.markup}"
            numbers[-1] += 1
        elif token.type == "fence":
            said += token.content
        said += "".join(child.content for child in token.children or [])
    return "".join(said.split())


LINES = st.sampled_from(
    [
        *(
            "1. One",
            "2. Two",
            "4. Four",
            "1. Ships",
            "3) Three",
            "4) More",
            "007. Bond",
            "1788. It was",
            "12.5 kg flour",
        ),
        *(
            "• Ships",
            "- Ledgers",
            "- Flags",
            "– and nobody",
            "+ 12 °C",
            "* plus tax",
            "□ Yes",
            "■ No",
            "- 12.50",
            "— Hello",
        ),
        *(
            "3.50 EUR",
            "2.4 Ships and ledgers",
            "9.30 am",
            "Issue #",
            "# Ships",
            "> ledgers",
            "return x;",
            "call(other)",
            "}",
        ),
        *(*PARAGRAPH, "港口办公室保存着一本账簿", "他说：“好。”", "", "a * b * c", "| a | b |", "<b>", "&amp;", "```"),
    ]
)
BULLETS = re.compile("[•◦▪‣∙·]")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(LINES, st.sampled_from((100.0, 130.0, 500.0)), st.sampled_from((20.0, 20.0, 30.0))), max_size=12)
)
def test_whatever_is_printed_is_shown_once_and_in_order(rows: list[tuple[str, float, float]]) -> None:
    lines = [printed(text, 50 + 30 * k, left, size) for k, (text, left, size) in enumerate(rows) if text]
    made = page(*lines)
    read = "".join(text for line in lines for text in line.text.split())
    seen = shown(markdown(made))
    sign = re.compile(r"[-–*•.)]")  # of a list; hyphens at the end of a line
    assert sign.sub("", seen) == sign.sub("", BULLETS.sub("", read))


def test_lines_without_places_are_told_as_they_are() -> None:
    lines = tuple(Line(text, None, ()) for text in ("Ships and", "ledgers", "• one"))
    assert markdown(Page(1, 100, 100, "", lines)) == "Ships and\nledgers\n\n- one"
