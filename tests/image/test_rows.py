"""Lines set on rows: whatever the colours of a page, a row is dark print on light paper, and lies where it did."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from texthawk.image.rows import RowSetting, set_rows
from texthawk.types import Box

BOX = Box(40, 30, 300, 62)


def page(paper: str, ink: str) -> Image.Image:
    made = Image.new("RGB", (400, 100), paper)
    ImageDraw.Draw(made).text((44, 32), "Gate B32 boarding", font=ImageFont.load_default(size=26), fill=ink)
    return made


def row(paper: str, ink: str) -> tuple[np.ndarray, list]:
    canvas, places = set_rows(page(paper, ink), [(BOX, 0.75)], RowSetting())
    return np.asarray(canvas.convert("L"), dtype=np.int16)[:28], places


@pytest.mark.parametrize(("paper", "ink"), [("black", "white"), ("navy", "yellow"), ("#444444", "#cccccc")])
def test_light_print_on_dark_paper_is_shown_as_dark_print_on_light_paper(paper: str, ink: str) -> None:
    light, dark = row("white", "black"), row(paper, ink)
    assert dark[1] == light[1]
    assert np.median(dark[0]) > 240 and np.corrcoef(dark[0].ravel(), light[0].ravel())[0, 1] > 0.97


@pytest.mark.parametrize(("paper", "ink"), [("white", "black"), ("#eeddbb", "#553311"), ("#888888", "black")])
def test_dark_print_keeps_its_colours(paper: str, ink: str) -> None:
    canvas, _ = set_rows(page(paper, ink), [(BOX, 0.75)], RowSetting())
    colours = {colour for _, colour in canvas.crop((0, 0, 448, 28)).getcolors(28 * 448)}
    assert Image.new("RGB", (1, 1), paper).getpixel((0, 0)) in colours


def test_paper_without_print_stays_paper() -> None:
    canvas, _ = set_rows(Image.new("RGB", (400, 100), "#202020"), [(BOX, 0.75)], RowSetting())
    assert canvas.getcolors() == [(448 * 224, (32, 32, 32))]
