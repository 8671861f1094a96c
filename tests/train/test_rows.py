"""Windows with their lines set on rows: the text stays the same, and every character lies on its ink."""

import numpy as np
import pytest
from PIL import Image

from texthawk.data.synth import Corpus, PageMaker, SynthPage, TextLine, system_fonts
from texthawk.image.rows import RowSetting
from texthawk.train.rows import in_rows
from texthawk.types import Box

SETTING = RowSetting()
TEXT = [
    "Seven boats came in at dusk, two of them red, and none of the crews would say where they had been since Monday.",
    "Each of the tiles becomes sixteen tokens; a line of letters goes on in the next row when it is too long for one.",
]


@pytest.fixture(scope="module")
def maker() -> PageMaker:
    fonts = system_fonts()
    if not fonts:
        pytest.skip("no text font on this machine; scripts/fetch_fonts.sh installs some")
    return PageMaker(Corpus.from_texts(TEXT), fonts, seed=5)


def window(maker: PageMaker, index: int) -> SynthPage:
    return maker.window(index, height=224, width=448, type_px=(12, 22), damage=0.0)


def test_rows_hold_the_words_of_the_window_in_their_order(maker: PageMaker) -> None:
    for index in range(12):
        page = window(maker, index)
        rows = in_rows(page, SETTING, np.random.default_rng(index))
        whole, shown = page.text.split(), rows.text.split()
        assert any(whole[k : k + len(shown)] == shown for k in range(len(whole) - len(shown) + 1)) or not shown


@pytest.mark.parametrize("down", [1, 3])
def test_every_row_has_one_piece_that_fits_and_its_letters_lie_on_ink(maker: PageMaker, down: int) -> None:
    setting = RowSetting(down=down)
    for index in range(12 // down):
        page = maker.window(index, height=224 * down, width=448, type_px=(12, 22), damage=0.0)
        rows = in_rows(page, setting, np.random.default_rng(index))
        assert rows.image.size == (448, 224 * down) and len(rows.lines) <= setting.rows == 8 * down
        grey = np.asarray(rows.image.convert("L")).astype(int)
        for number, line in enumerate(rows.lines):
            assert 0 <= line.box.left < line.box.right <= setting.width
            middle = (line.box.top + line.box.bottom) / 2
            assert number * 28 <= middle < (number + 1) * 28
            inked = 0
            for character, box in zip(line.text, line.glyphs, strict=True):
                left, top, right, bottom = np.round(box).astype(int)
                patch = grey[max(0, top) : bottom + 1, max(0, left) : right + 1]
                inked += character == " " or patch.max() - patch.min() > 40
            assert inked >= 0.9 * len(line.text), line.text


def test_rows_that_are_full_lose_no_letter_at_the_edge() -> None:
    reached = 0.0
    for count in range(30, 90, 3):
        glyphs = np.array([[4 + 11 * k, 40, 14 + 11 * k, 60] for k in range(count)], dtype=np.float32)
        line = TextLine("国" * count, Box(4, 40, 3 + 11 * count, 60), glyphs)
        page = SynthPage(Image.new("RGB", (1024, 224), "white"), (line,))
        for seed in range(20):
            rows = in_rows(page, SETTING, np.random.default_rng(seed))
            reached = max(reached, *(float(row.glyphs[:, 2].max()) for row in rows.lines))
    assert 440 < reached <= SETTING.width


def test_a_limit_on_the_rows_is_kept(maker: PageMaker) -> None:
    for index in range(8):
        assert len(in_rows(window(maker, index), SETTING, np.random.default_rng(index), 2).lines) <= 2


def test_a_blank_window_stays_blank() -> None:
    from PIL import Image

    blank = SynthPage(Image.new("RGB", (448, 300), "white"), ())
    rows = in_rows(blank, SETTING, np.random.default_rng(0))
    assert rows.lines == () and rows.image.size == (448, 224)


def test_rows_of_junk_hold_no_text_and_lie_where_a_line_would(maker: PageMaker) -> None:
    for index in range(6):
        page = window(maker, index)
        clean = in_rows(page, SETTING, np.random.default_rng(index))
        spoilt = in_rows(page, SETTING, np.random.default_rng(index), junk=1.0)
        assert spoilt.lines == () and spoilt.image.size == clean.image.size
        if clean.lines:
            grey = np.asarray(spoilt.image.convert("L")).astype(int)
            assert (grey[: 28 * len(clean.lines)].max() - grey[: 28 * len(clean.lines)].min()) > 40
            assert (grey[28 * len(clean.lines) :] == grey[-1, -1]).all()
        some = in_rows(page, SETTING, np.random.default_rng(index), junk=0.5)
        assert set(some.text.split("\n")) <= {"", *clean.text.split("\n")}


def test_lines_cut_out_with_slack_show_their_neighbours_and_keep_their_letters_in_their_rows(maker: PageMaker) -> None:
    changed = 0
    for index in range(12):
        page = window(maker, index)
        tight = in_rows(page, SETTING, np.random.default_rng(index))
        loose = in_rows(page, SETTING, np.random.default_rng(index), slack=1.0)
        assert loose.text == tight.text
        changed += loose.image.tobytes() != tight.image.tobytes()
        for line in loose.lines:
            first, last = line.glyphs[:, 1].min() // SETTING.row_height, line.glyphs[:, 3].max() // SETTING.row_height
            assert last - first <= 1 and line.box.bottom - line.box.top <= SETTING.row_height
    assert changed >= 10
