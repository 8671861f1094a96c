"""Three levels of damage, from a good scan to a photograph by hand; every box follows the picture.

Shape letters:  n boxes   H, W height and width of a picture
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from texthawk.data.factory.document import Document
from texthawk.data.synth.degrade import degrade, jpeg, noise
from texthawk.data.synth.dice import Dice

LEVELS = ("clean", "scan", "poor copy", "photograph")
"""What the levels 0 to 3 stand for."""
READABLE = 4.0
"""Height of "x" in pixels below which nothing is blurred."""
Points = Sequence[tuple[float, float]]


def damaged(document: Document, dice: Dice, level: int) -> Document:
    """The document at a level of damage, which `info["damage"]` tells; level 0 leaves the picture as it is."""
    document = replace(document, info={**document.info, "damage": level})
    if level == 0:
        return document
    x_height = print_height(document)
    if level == 1:
        if dice.chance(0.4):
            document = _warped(document, _turned(document.image.size, dice.between(-0.7, 0.7)), _paper(document))
        image = degrade(without_colour(document.image), dice, 0.6, x_height=x_height)
        return replace(document, image=image.convert("RGB"))
    if level == 2:
        if dice.chance(0.7):
            document = _warped(document, _turned(document.image.size, dice.between(-2.5, 2.5)), _paper(document))
        image = degrade(
            degrade(without_colour(document.image), dice, 1.0, x_height=x_height), dice, 0.7, x_height=x_height
        )
        return replace(document, image=jpeg(image, dice.integer(45, 80)).convert("RGB"))
    return _photographed(document, dice, x_height)


def without_colour(image: Image.Image) -> Image.Image:
    """The picture as one channel where its three are the same, otherwise as it is."""
    red, green, blue = (channel.tobytes() for channel in image.split())
    return image.getchannel(0) if red == green == blue else image


def print_height(document: Document) -> float:
    """Height in pixels of an "x" in the smaller print of a document, 10 where there is none."""
    heights = sorted(line.box.height for line in document.lines)
    return 0.5 * heights[len(heights) // 10] if heights else 10.0


def homography(source: Points, target: Points) -> np.ndarray:
    """The (3, 3) matrix that takes four points to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values)), 1.0).reshape(3, 3)


def mover(matrix: np.ndarray, size: tuple[int, int]) -> Callable[[np.ndarray], np.ndarray]:
    """Takes boxes (n, 4) through a homography: the upright boxes round their images, cut to a picture of (width, height)."""

    def move(boxes: np.ndarray) -> np.ndarray:
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2).astype(np.float64)
        ends = np.concatenate([corners, np.ones((len(corners), 1))], axis=1) @ matrix.T
        points = (ends[:, :2] / ends[:, 2:]).reshape(-1, 4, 2)
        moved = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        return moved.clip(0, np.array([*size, *size], dtype=np.float64)).astype(np.float32)

    return move


def _turned(size: tuple[int, int], degrees: float) -> np.ndarray:
    """A turn about the centre of a picture, made a little smaller, so that its corners stay inside."""
    width, height = size
    angle = math.radians(degrees)
    sine, cosine = math.sin(angle), math.cos(angle)
    scale = 1 / (cosine + abs(sine) * max(width / height, height / width))
    x, y = width / 2, height / 2
    a, b = scale * cosine, scale * sine
    return np.array([[a, -b, x - a * x + b * y], [b, a, y - b * x - a * y], [0.0, 0.0, 1.0]])


def _warped(document: Document, matrix: np.ndarray, ground: tuple[int, ...] | Image.Image) -> Document:
    """The document through a homography, on ground of one colour, or on a picture that also gives the size."""
    image = document.image
    inverse = np.linalg.inv(matrix)
    coefficients = (inverse / inverse[2, 2]).ravel()[:8].tolist()
    kind, how = Image.Transform.PERSPECTIVE, Image.Resampling.BILINEAR
    if not isinstance(ground, Image.Image):
        moved = image.transform(image.size, kind, coefficients, how, fillcolor=ground)
    else:
        width, height = image.size
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], dtype=np.float64) @ matrix.T
        outline = Image.new("L", ground.size, 0)
        ImageDraw.Draw(outline).polygon([(x / z, y / z) for x, y, z in corners.tolist()], fill=255)
        moved = image.transform(ground.size, kind, coefficients, how, fillcolor=_paper(document))
        moved = Image.composite(moved, ground, outline)
    return document.moved(moved, mover(matrix, moved.size))


def _paper(document: Document) -> tuple[int, ...]:
    """The colour of the picture's edge, mostly."""
    width, height = document.image.size
    rims = ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height))
    edge = np.concatenate([np.asarray(document.image.crop(rim)).reshape(-1, 3)[::7] for rim in rims])
    return tuple(int(channel) for channel in np.median(edge, axis=0))


def _photographed(document: Document, dice: Dice, x_height: float) -> Document:
    """Lying on something, seen at an angle, in uneven light and with a shadow, a little out of focus, as a JPEG file."""
    width, height = document.image.size
    reach = dice.between(0.01, 0.06)

    def inwards(end: int) -> float:
        return end + dice.between(0.005, 0.01 + reach) * (1 - 2 * end)

    corners = [(inwards(x) * width, inwards(y) * height) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    matrix = homography([(0, 0), (width, 0), (width, height), (0, height)], corners)
    document = _warped(document, matrix, _ground(dice, width, height))
    light = _light(dice, width, height)
    image = ImageChops.multiply(document.image, light)
    grain = _levels(noise(dice, height, width), 128, dice.between(1, 7))
    image = ImageChops.add(image, Image.merge("RGB", [grain] * 3), 1.0, -128)
    if x_height > READABLE:
        image = image.filter(ImageFilter.GaussianBlur(dice.between(0.02, 0.085) * min(x_height, 30.0)))
    return replace(document, image=jpeg(image, dice.integer(40, 85)))


def _levels(field: np.ndarray, middle: float, spread: float) -> Image.Image:
    """A field of normal noise as a grey picture."""
    return Image.fromarray((field * np.float32(spread) + np.float32(middle)).clip(0, 255).astype(np.uint8))


def _ground(dice: Dice, width: int, height: int) -> Image.Image:
    """What the document lies on: wood, cloth or stone of some colour."""
    grey, spread = dice.between(25, 190), dice.between(3, 14)
    rows, columns = dice.pick(((3, 200), (60, 60), (12, 12), (200, 3)))
    field = _levels(noise(dice, rows, columns), 128, spread).resize((width, height), Image.Resampling.BILINEAR)
    shifts = [grey - 128 + dice.between(-25, 25) for _ in range(3)]
    return Image.merge("RGB", [field.point([round(level + shift) for level in range(256)]) for shift in shifts])


def _light(dice: Dice, width: int, height: int) -> Image.Image:
    """Brightness by place, white where it is full: it falls off to a side, and something throws a soft shadow."""
    y, x = np.mgrid[0:1:48j, 0:1:48j].astype(np.float32)
    light = 1 - dice.between(0, 0.25) * np.abs(x - dice.random()) - dice.between(0, 0.25) * np.abs(y - dice.random())
    if dice.chance(0.7):
        angle = dice.between(0, 2 * math.pi)
        along = (x - dice.between(0.2, 0.8)) * math.cos(angle) + (y - dice.between(0.2, 0.8)) * math.sin(angle)
        light = light - dice.between(0.1, 0.4) / (1 + np.exp(-along / dice.between(0.02, 0.15)))
    full = dice.between(0.75, 1.0) * 255
    small = Image.fromarray((light * full).clip(0, 255).astype(np.uint8))
    whole = small.resize((width, height), Image.Resampling.BICUBIC)
    tints = [dice.between(0.92, 1.0) for _ in range(3)]
    return Image.merge("RGB", [whole.point([round(level * tint) for level in range(256)]) for tint in tints])
