"""Boxes drawn on a page: each word in a colour that says how sure its reading is."""

from collections.abc import Iterable

from PIL import Image, ImageDraw

from texthawk.types import Box, Page

_SURE, _UNSURE, _LINE = (0, 140, 60), (215, 30, 30), (60, 110, 220)


def drawn(image: Image.Image, page: Page) -> Image.Image:
    """A copy of the page's picture with its lines framed in blue and its words from red (unsure) to green (sure).

    The picture may have fewer pixels than the page; boxes are drawn where they lie in it.
    """
    marked = image.convert("RGB").copy()
    draw = ImageDraw.Draw(marked)
    across, down = image.width / page.width, image.height / page.height
    pen = max(1, round(min(image.size) / 800))
    for line in page.lines:
        for word in line.words:
            _frame(draw, word.box, across, down, _mixed(word.confidence), pen)
        _frame(draw, line.box, across, down, _LINE, pen, apart=2 * pen)
    return marked


def framed(image: Image.Image, page: Page, boxes: Iterable[Box]) -> Image.Image:
    """A copy of the page's picture with boxes of the page framed in red, a little outside of them."""
    marked = image.convert("RGB").copy()
    draw = ImageDraw.Draw(marked)
    pen = max(2, round(min(image.size) / 500))
    for box in boxes:
        _frame(draw, box, image.width / page.width, image.height / page.height, _UNSURE, pen, apart=2 * pen)
    return marked


def _frame(
    draw: ImageDraw.ImageDraw,
    box: Box | None,
    across: float,
    down: float,
    colour: tuple[int, int, int],
    pen: int,
    apart: int = 0,
) -> None:
    if box is None:
        return
    left, right = sorted((box.left * across - apart, box.right * across + apart))
    top, bottom = sorted((box.top * down - apart, box.bottom * down + apart))
    draw.rectangle((left, top, right, bottom), outline=colour, width=pen)


def _mixed(confidence: float) -> tuple[int, int, int]:
    share = min(1.0, max(0.0, confidence))
    red, green, blue = (round(bad + share * (good - bad)) for bad, good in zip(_UNSURE, _SURE, strict=True))
    return red, green, blue
