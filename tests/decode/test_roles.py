"""Lines whose parts a model has told become passages of Markdown."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.decode.test_prose import PARAGRAPH, SIZE, WHOLE, markdown, page, printed
from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.outline import EDGE, FIRST, LAST, ROLES, ROWS, windows_of
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.types import Document, Line, Page


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
@given(st.lists(st.sampled_from([*ROLES.values()]), min_size=1, max_size=12))
def test_whatever_roles_are_told_no_word_is_lost(roles: list[str]) -> None:
    lines = [(f"word{k} other{k}", role) for k, role in enumerate(roles)]
    made = told(*lines)
    shown = MarkdownIt().render(markdown(made))
    places = [shown.index(word) for text, _ in lines for word in text.split()]
    assert places == sorted(places)


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
