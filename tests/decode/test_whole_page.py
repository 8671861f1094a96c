"""A whole page in one prompt: its lines on one tall grid of tiles, with a thumbnail."""

from collections.abc import Sequence

import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.decode.reader import Reader, load
from texthawk.decode.windows import windows_of
from texthawk.eval.metrics import character_edits
from texthawk.types import TileLayout

WORDS = "harbour window ticket garden engine letter copper winter bridge market".split()
LINES = [f"{WORDS[number % 10]} and {WORDS[number * 7 // 3 % 10]} {number + 11}" for number in range(38)]


def page_of(lines: Sequence[str]) -> Image.Image:
    """Lines 40 px apart."""
    page = Image.new("RGB", (760, 60 + 40 * len(lines)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.truetype("DejaVuSans.ttf", 24)
    for number, line in enumerate(lines):
        draw.text((40, 30 + 40 * number), line, font=font, fill="black")
    return page


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load("nano", device="cpu", way="step", whole_page=True)


def test_the_lines_of_a_page_are_one_prompt_of_a_grid_and_a_thumbnail(reader: Reader) -> None:
    shown: list[TileLayout] = []

    def see(module, args, kwargs) -> None:
        shown.extend(kwargs["layouts"] if "layouts" in kwargs else args[1])

    handle = reader.model.model.connector.register_forward_pre_hook(see, with_kwargs=True)
    (page,) = reader.read(page_of(LINES), rotate=0).pages
    handle.remove()
    assert (shown[0].rows, shown[0].columns, shown[0].thumbnail) == (5, 2, True)
    wrong = character_edits(page.text.replace("\n", " "), " ".join(LINES))
    assert len(page.lines) >= len(LINES) - 2 and wrong.edits <= 0.05 * wrong.length, page.text


def test_a_page_of_more_lines_than_the_grid_holds_is_two_prompts(reader: Reader) -> None:
    lines = [f"{number}" for number in range(70)]
    seen = reader.upright(page_of(lines), 0)
    windows = windows_of(seen.image, seen.regions, reader.setting)
    assert sum(len(window.pieces) for window in windows) == 70 and len(windows) == 2
    assert [window.image.height // 224 for window in windows] == [7, 2]
