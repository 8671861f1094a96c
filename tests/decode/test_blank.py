"""Nothing is invented: on pages without text the shipped model's words are left out, on print they stay."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from texthawk.decode.budgets import Budget
from texthawk.decode.reader import Reader, load
from texthawk.image.pages import one_page
from texthawk.types import Page


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load("nano", device="cpu")


def noise(grain: int) -> Image.Image:
    cells = np.random.default_rng(grain).integers(0, 256, (240 // grain, 240 // grain)).astype(np.uint8)
    return Image.fromarray(np.kron(cells, np.ones((grain, grain), np.uint8))).convert("RGB")


def landscape() -> Image.Image:
    """Clouds of all sizes, as photographs have them: the spectrum falls with the frequency."""
    random = np.fft.fft2(np.random.default_rng(0).normal(size=(200, 260)))
    frequency = np.hypot(np.fft.fftfreq(200)[:, None], np.fft.fftfreq(260)[None])
    frequency[0, 0] = 1
    clouds = np.fft.ifft2(random / frequency**1.2).real
    return Image.fromarray(np.uint8(255 * (clouds - clouds.min()) / np.ptp(clouds))).convert("RGB")


def print_of(text: str) -> Image.Image:
    image = Image.new("RGB", (420, 120), "white")
    ImageDraw.Draw(image).multiline_text((20, 20), text, font=ImageFont.load_default(size=22), fill="black")
    return image


BARE = {
    "white": Image.new("RGB", (400, 300), "white"),
    "grey": Image.new("RGB", (400, 300), "#888888"),
    "black": Image.new("RGB", (400, 300), "black"),
    "gradient": Image.linear_gradient("L").convert("RGB"),
    "fine noise": noise(1),
    "noise": noise(2),
    "coarse noise": noise(8),
    "landscape": landscape(),
}


@pytest.mark.parametrize("name", BARE)
def test_a_page_without_text_is_blank_with_a_reason(reader: Reader, name: str) -> None:
    (page,) = reader.read(BARE[name]).pages
    assert (page.text, page.finish_reason) == ("", "blank") and page.reason


def test_a_smear_is_left_out_and_the_print_it_was_made_of_is_read(reader: Reader) -> None:
    sharp = print_of("The report of the meeting\nwas sent to all members")
    (page,) = reader.read(sharp, rotate=0).pages
    assert page.finish_reason == "stop" and len(page.words) > 4
    (page,) = reader.read(sharp.filter(ImageFilter.GaussianBlur(5)), rotate=0).pages
    assert (page.text, page.finish_reason) == ("", "blank")


def test_a_page_that_was_wrongly_turned_over_is_read_the_other_way_up_where_nothing_can_be_read(reader: Reader) -> None:
    raw = one_page(print_of("The report of the meeting\nwas sent to all members"))
    turned_over, nothing = reader.upright(raw.image, 180), Page(1, raw.width, raw.height, "", (), "blank")
    found = reader._or_as_it_came(raw, turned_over, nothing, Budget())
    assert found.rotation == 0 and "report of the meeting" in found.text
    assert reader._or_as_it_came(raw, reader.upright(raw.image, 0), nothing, Budget()) is nothing
    assert reader._or_as_it_came(raw, turned_over, found, Budget()) is found
