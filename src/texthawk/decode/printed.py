"""A page that was read, as rows of print: upright, and level also where it lay askew."""

import math
from statistics import median

from texthawk.decode.rotation import turned_box
from texthawk.model.transcript import printed_rows
from texthawk.types import Box, Page

Placed = tuple[str, Box | None]


def rows_of(page: Page) -> list[str]:
    """The rows of a page from top to bottom, as a person sees them who holds it so that its text stands upright."""
    lines: list[list[Placed]] = []
    for line in page.lines:
        words = ((word.text, word.box) for word in line.words)
        lines.append([(text, box and turned_box(box, page.rotation, page.width, page.height)) for text, box in words])
    # A layer's boxes are around letters, so that words of one level line stand at different heights.
    angle = _angle(lines) if page.origin == "ink" else 0.0
    if angle:
        lines = [[(text, box and _levelled(box, angle)) for text, box in line] for line in lines]
    return printed_rows(lines)


def _angle(lines: list[list[Placed]]) -> float:
    """Radians by which lines run down to the right: the words of a line were put on a level one before it was turned."""
    angles = []
    for line in lines:
        boxes = [box for _, box in line if box is not None]
        if len(boxes) > 1 and boxes[-1].left > boxes[0].right:
            (left, top), (right, bottom) = _middle(boxes[0]), _middle(boxes[-1])
            angles.append(math.atan2(bottom - top, right - left))
    return median(angles) if angles else 0.0


def _levelled(box: Box, angle: float) -> Box:
    """The level box of which `box` is the upright frame after it was turned by so much, on the page turned back."""
    cosine, sine = math.cos(angle), math.sin(angle)
    across, down = _middle(box)
    x, y = cosine * across + sine * down, cosine * down - sine * across
    shrunk = cosine * cosine - sine * sine
    width = max(1.0, (cosine * box.width - abs(sine) * box.height) / shrunk)
    height = max(1.0, (cosine * box.height - abs(sine) * box.width) / shrunk)
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2
