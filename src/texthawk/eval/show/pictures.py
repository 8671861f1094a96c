"""Frames and heat drawn on a page."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from texthawk.types import Box

FRAME = (25, 95, 210)
_COOL, _HOT = np.array([255.0, 190.0, 0.0]), np.array([200.0, 0.0, 50.0])
_PALE = 0.55  # how much of a page's contrast is left under heat
_GAP = 4  # pixels between views


def framed(image: Image.Image, boxes: Sequence[Box], labels: Sequence[str] = (), colour: tuple = FRAME) -> Image.Image:
    """A copy of a picture with frames, and a label above the corner of each, or inside it where there is no room above."""
    marked = image.convert("RGB").copy()
    draw = ImageDraw.Draw(marked)
    pen = max(1, round(min(image.size) / 400))
    for number, box in enumerate(boxes):
        left, top = round(box.left), round(box.top)
        right, bottom = max(left, round(box.right) - 1), max(top, round(box.bottom) - 1)
        draw.rectangle((left, top, right, bottom), outline=colour, width=pen)
        if labels:
            size = 10 + 2 * pen
            above = top >= size + pen
            place = (left, top - pen) if above else (left + 2 * pen, top + 2 * pen)
            draw.text(place, labels[number], fill=colour, font_size=size, anchor="lb" if above else "lt")
    return marked


def heated(image: Image.Image, heat: np.ndarray) -> Image.Image:
    """A picture, paler and grey, under heat (height, width): nothing where it is zero, dark red where it is greatest.

    Colours follow the square root of the heat, so that small weights can be seen beside large ones.
    """
    most = float(heat.max())
    share = np.sqrt(np.clip(heat / most, 0, 1))[..., None] if most > 0 else np.zeros((*heat.shape, 1))
    grey = np.asarray(image.convert("L"), dtype=np.float32)[..., None]
    pale = 255 - _PALE * (255 - grey)
    colour = _COOL + share * (_HOT - _COOL)
    cover = np.where(share > 0, 0.15 + 0.6 * share, 0)
    return Image.fromarray((pale * (1 - cover) + colour * cover).round().astype(np.uint8))


def side_by_side(views: Sequence[np.ndarray], columns: int) -> Image.Image:
    """Pictures (height, width, 3), row by row, as many in a row as there are columns."""
    rows = [views[start : start + columns] for start in range(0, len(views), columns)]
    heights = [max(view.shape[0] for view in row) for row in rows]
    wide = max(sum(view.shape[1] for view in row) + _GAP * (len(row) - 1) for row in rows)
    board = Image.new("RGB", (wide, sum(heights) + _GAP * (len(rows) - 1)), FRAME)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for view in row:
            board.paste(Image.fromarray(view), (left, top))
            left += view.shape[1] + _GAP
        top += height + _GAP
    return board
