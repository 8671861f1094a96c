"""Lines whose parts a model has told become passages of Markdown."""

import html
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.decode.test_prose import PARAGRAPH, SIZE, WHOLE, markdown, page, printed
from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.outline import EDGE, FIRST, LAST, ROLES, ROWS, windows_of
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.types import Box, Document, Line, Page

BEGINNINGS = ("", "• ", "a) ", "(1) ", "iv. ", "$ ", "第一, ", "3. ", "- ")


def told(*lines: tuple[str, str], number: int = 1) -> Page:
    """Lines of equal size, each with its role."""
    made = page(*(text for text, _ in lines), number=number)
    return with_roles(made, *(role for _, role in lines))


def with_roles(made: Page, *roles: str) -> Page:
    return replace(made, lines=tuple(replace(line, role=r) for line, r in zip(made.lines, roles, strict=True)))


def test_a_paragraph_goes_on_as_long_as_its_lines_do() -> None:
    roles = ("paragraph", "continued", "continued", "continued")
    assert markdown(told(*zip(PARAGRAPH, roles, strict=True))) == WHOLE


def test_each_role_is_written_as_markdown_has_it() -> None:
    written = markdown(
        told(
            ("Boats at", "heading1"),
            ("dusk", "continued"),
            ("Harbour Street 4", "paragraph"),
            ("Eastport", "line"),
            ("Re: the crews", "strong"),
            ("• Seven boats that", "bullet"),
            ("came in", "continued"),
            ("» Two red", "bullet"),
            ("1) First", "number"),
            ("2) Second", "number"),
            ("What was said", "heading2"),
            ("Nothing", "heading3"),
        )
    )
    assert written == (
        "# Boats at dusk\n\nHarbour Street 4\nEastport\n\n**Re: the crews**\n\n- Seven boats that came in\n- Two red\n\n"
        "1) First\n2) Second\n\n## What was said\n\n### Nothing"
    )


def test_code_keeps_its_lines_and_how_far_they_are_set_in() -> None:
    texts = ("def dusk(boats):", "for boat in boats:", "count(boat)", "return boats")
    depths = (0, 4, 8, 4)
    lines = [
        printed(text, 50 + 1.3 * SIZE * row, left=100 + depth * 0.6 * SIZE, letter=0.6)
        for row, (text, depth) in enumerate(zip(texts, depths, strict=True))
    ]
    code = "\n".join(" " * depth + text for text, depth in zip(texts, depths, strict=True))
    assert markdown(with_roles(page(*lines), *["code"] * 4)) == f"```\n{code}\n```"
    nowhere = [Line(text, None, role="code") for text in texts]
    assert markdown(replace(page("x"), lines=tuple(nowhere))) == "```\n" + "\n".join(texts) + "\n```"


def test_lines_that_nobody_has_told_are_left_to_the_rules() -> None:
    made = page(*PARAGRAPH)
    assert markdown(with_roles(made, "heading1", "", "", "")) == markdown(made) == WHOLE


def test_a_heading_is_short() -> None:
    roles = ("heading2", "continued", "continued", "continued")
    assert markdown(told(*zip(PARAGRAPH, roles, strict=True))) == WHOLE


def test_what_is_read_is_escaped_in_bold_too() -> None:
    assert markdown(told(("2 * 3 ** 4", "strong"))) == r"**2 \* 3 \*\* 4**"


def test_a_told_paragraph_runs_on_over_the_break_of_a_page() -> None:
    first = told((PARAGRAPH[0], "paragraph"), (PARAGRAPH[1], "continued"))
    second = told((PARAGRAPH[2], "paragraph"), (PARAGRAPH[3], "continued"), number=2)
    assert markdown(first, second) == WHOLE


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([*ROLES.values()]), st.sampled_from(BEGINNINGS), st.booleans()),
        min_size=1,
        max_size=9,
    )
)
def test_whatever_roles_are_told_no_word_is_lost(lines: list[tuple[str, str, bool]]) -> None:
    made = told(*((f"{begins}word{k}, other{k}: end{k} - last{k}", role) for k, (role, begins, _) in enumerate(lines)))
    kept = (line if place else replace(line, box=None) for line, (*_, place) in zip(made.lines, lines, strict=True))
    shown = html.unescape(re.sub("<[^>]*>", " ", MarkdownIt().render(markdown(replace(made, lines=tuple(kept))))))
    words = [word for k in range(len(lines)) for word in (f"word{k},", f"other{k}:", f"end{k}", "-", f"last{k}")]
    rest = iter(shown.split())
    assert all(word in rest for word in words), shown
    for begins in ("a)", "(1)", "iv.", "$", "第一,"):
        assert shown.split().count(begins) == sum(begun.strip() == begins for _, begun, _ in lines)


def test_what_begins_an_item_stays_unless_it_is_a_bullet() -> None:
    for text in (
        "Hello, world",
        "a) First",
        "(1) One, two",
        "iv. Fourth",
        "1000. more",
        "0. zero",
        "$ 5 each",
        "第一, 二",
    ):
        for role in ("bullet", "number"):
            plain = re.sub(r"\\(?=[.)])", "", markdown(told((text, role))))
            assert plain == f"- {text}"


def test_lettered_lines_stay_lines() -> None:
    lines = (("(a) First, be early", "paragraph"), ("(b) Second, be quiet", "continued"), ("iv. Fourth", "continued"))
    assert markdown(told(*lines)) == "\n".join(text for text, _ in lines)
    assert markdown(told(("• One", "bullet"), ("b) Two", "continued"))) == "- One\n\nb) Two"


def test_boxes_that_cannot_be_and_half_characters_break_nothing(tokenizer) -> None:
    boxes = (Box(9, 9, 5, 5), Box(math.nan, 0, 5, 5), Box(0, 0, math.inf, 5), Box(0, 0, 0, 0))
    lines = tuple(Line(f"a\ud800 line {k}", box) for k, box in enumerate(boxes))
    (window,) = windows_of(replace(page("x"), lines=lines), tokenizer)
    assert "a? line 3" in window.text


def test_who_writes_asks_for_the_roles_of_each_page() -> None:
    roles = {1: ("heading1", "paragraph"), 2: ("bullet",)}
    pages = (page("Boats", "Seven came in."), page("One of them red.", number=2))

    def outline(made: Page) -> Page:
        return with_roles(made, *roles[made.number])

    written = FORMATS["markdown"].write(Document(pages), Setting(outline=outline)).decode()
    assert written == "# Boats\n\nSeven came in.\n\n- One of them red.\n"


@pytest.fixture(scope="module")
def tokenizer():
    made = train_tokenizer(["boats"], 262)
    extend_tokenizer(made)
    return made


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90))
def test_each_line_is_told_once_and_with_lines_around_it(tokenizer, count: int) -> None:
    windows = windows_of(page(*(f"line number {k}" for k in range(count))), tokenizer)
    seen: list[int] = []
    for window in windows:
        assert len(window.lines) == window.text.count("\n") + 1 <= ROWS
        seen += window.lines[slice(*window.told)]
        for k in range(*window.told):
            assert k >= EDGE or window.lines[0] == 0
            assert k < len(window.lines) - EDGE or window.lines[-1] == count - 1
    assert seen == list(range(count))


def test_what_is_shown_of_a_line_is_short_and_holds_no_token_of_its_own(tokenizer) -> None:
    long = "港口办公室保存着一本账簿 " * 9 + "end"
    (window,) = windows_of(page("<0> <image> <|im_end|>", long, ""), tokenizer)
    first, second = window.text.split("\n")
    assert "<image>" not in first and "<|im_end|>" not in first and first.count("<0>") == 2
    assert len(second.encode()) <= len("<1>" * 2) + 10 + FIRST + 1 + LAST
    assert second.endswith("end<1>")


def test_a_line_without_a_place_is_shown_too(tokenizer) -> None:
    (window,) = windows_of(replace(page("here"), lines=(Line("lost", None), *page("here").lines)), tokenizer)
    assert window.text.startswith("<0>????????? lost<0>\n")
