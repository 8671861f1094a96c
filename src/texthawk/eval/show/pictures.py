"""Frames and heat drawn on a page."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from texthawk.types import Box

FRAME = (25, 95, 210)
_COOL, _HOT = np.array([255.0, 190.0, 0.0]), np.array([200.0, 0.0, 50.0])
_PALE = 0.55  # how much of a page's contrast is left under heat
_GAP = 4  # pixels between views

Frame = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the last two still within it."""


def framed(image: Image.Image, boxes: Sequence[Box], labels: Sequence[str] = (), colour: tuple = FRAME) -> Image.Image:
    """A copy of a picture with frames and a label at each: left, right, above or below where that hides no box or label.

    Where there is no such place, as between tiles, a label stands in its frame's upper left corner.
    """
    marked = image.convert("RGB").copy()
    draw = ImageDraw.Draw(marked)
    pen = max(1, round(min(image.size) / 400))
    size = 10 + 2 * pen
    frames = [(round(box.left), round(box.top), *_ends(box)) for box in boxes]
    for frame in frames:
        draw.rectangle(frame, outline=colour, width=pen)
    taken = list(frames)
    for (left, top, right, bottom), label in zip(frames, labels, strict=False):
        width = round(draw.textlength(label, font_size=size)) + 2 * pen + 4
        height = size + 2 * pen
        middle = (top + bottom - height) // 2
        beside = ((left - width - 1, middle), (right + 2, middle), (left, top - height - 1), (left, bottom + 2))
        tags = [(x, y, x + width, y + height) for x, y in beside]
        free = [tag for tag in tags if _inside(tag, image.size) and not any(_meet(tag, other) for other in taken)]
        tag = free[0] if free else (left, top, left + width, top + height)
        taken.append(tag)
        draw.rectangle(tag, fill=colour)
        draw.text(((tag[0] + tag[2]) / 2, (tag[1] + tag[3]) / 2), label, fill="white", font_size=size, anchor="mm")
    return marked


def _ends(box: Box) -> tuple[int, int]:
    """Right and bottom of a frame around a box, its last pixels."""
    return max(round(box.left), round(box.right) - 1), max(round(box.top), round(box.bottom) - 1)


def _inside(tag: Frame, size: tuple[int, int]) -> bool:
    return tag[0] >= 0 and tag[1] >= 0 and tag[2] < size[0] and tag[3] < size[1]


def _meet(one: Frame, other: Frame) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


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
