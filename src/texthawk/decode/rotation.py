"""Quarter turns: a page is turned until its text stands upright, and boxes come back to the page as it was.

A rotation is the number of degrees, 0, 90, 180 or 270, by which the page as it came is turned clockwise.
"""

from PIL import Image

from texthawk.types import Box

ROTATIONS = (0, 90, 180, 270)
_TRANSPOSES = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns the other way round
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


def turned(image: Image.Image, rotation: int) -> Image.Image:
    """The image turned clockwise."""
    return image if rotation == 0 else image.transpose(_TRANSPOSES[rotation])


def turned_size(width: float, height: float, rotation: int) -> tuple[float, float]:
    """Width and height of a page after it was turned."""
    return (height, width) if rotation in (90, 270) else (width, height)


def turned_box(box: Box, rotation: int, width: float, height: float) -> Box:
    """Where a box of a page of `width` x `height` lies after the page was turned clockwise."""
    left, top, right, bottom = box
    if rotation == 90:
        return Box(height - bottom, left, height - top, right)
    if rotation == 180:
        return Box(width - right, height - bottom, width - left, height - top)
    if rotation == 270:
        return Box(top, width - right, bottom, width - left)
    return box


def box_before(box: Box, rotation: int, width: float, height: float) -> Box:
    """Where a box of the turned page lies on the page as it came, which is `width` x `height`."""
    wide, high = turned_size(width, height, rotation)
    return turned_box(box, (360 - rotation) % 360, wide, high)
