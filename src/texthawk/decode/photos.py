"""Photographs on a page: solid stretches of another colour than the paper whose grey changes softly almost everywhere.

Coloured boxes and dark bands with text are solid too, but flat between their letters.
"""

import numpy as np
from PIL import Image

from texthawk.decode.ink import CONTRAST, Components, components_of, opened
from texthawk.decode.segments import Segments

REDUCED = 4  # pixels of the page to one of the mask, along each side
SOLID = 4.0  # letter heights: the side of a square without paper
SOFT = (6, 20)  # a change of grey from one pixel to the next that is neither flat nor the edge of a letter
RECTANGLE = 0.6  # of its box that a photograph fills: then all of the box is photograph, its light places too
SHARE = 0.08  # of a photograph's pixels that change so
GRAIN = 0.2  # letter heights: of what is less high, a line that was printed or copied badly may have any number
PRINT = 0.4  # of the width of what looks like ink on a photograph: where so much stands in rows of letters, it is shaded paper


def without_photos(found: Segments, parts: Components, page: Image.Image) -> Segments:
    """The segments without those on photographs, unless many parts of like height make them text after all."""
    photos = photos_of(page, found.letter)
    if not photos.any():
        return found
    middles = ((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 / REDUCED).astype(int)
    across = middles[:, 0].clip(0, photos.shape[1] - 1)
    down = middles[:, 1].clip(0, photos.shape[0] - 1)
    text = np.array([_like_text(parts.boxes[members], found.letter) for members in found.members], dtype=bool)
    on = photos[down, across]
    wide = found.boxes[:, 2] - found.boxes[:, 0]
    whole, printed = np.bincount(on, weights=wide), np.bincount(on, weights=wide * text)
    return found.of(np.flatnonzero((on == 0) | text | (printed >= PRINT * whole)[on]))


def _like_text(boxes: np.ndarray, letter: float) -> bool:
    """Whether letters stand in a row here: several, most of them about as high as the others; grains do not count."""
    boxes = boxes[boxes[:, 3] - boxes[:, 1] >= GRAIN * letter]
    if not len(boxes):
        return False
    high = boxes[:, 3] - boxes[:, 1]
    usual = np.median(high)
    like = (high >= 0.6 * usual) & (high <= 1.7 * usual)
    wide, tall = boxes[:, 2].max() - boxes[:, 0].min(), boxes[:, 3].max() - boxes[:, 1].min()
    return bool(len(high) >= 6 and like.mean() >= 0.8 and wide >= 4 * usual and tall <= 2.5 * usual)


def photos_of(page: Image.Image, letter: float) -> np.ndarray:
    """The number of the photograph at each place, 0 elsewhere, for a page with letters of this height.

    (height, width) of the page, both over REDUCED.
    """
    grey = page.convert("L")
    small = np.asarray(grey.reduce(REDUCED) if min(grey.size) >= REDUCED else grey, dtype=np.int16)
    counts = np.convolve(np.bincount(small.ravel(), minlength=256), np.ones(9), mode="same")
    side = max(3, round(SOLID * letter / REDUCED))
    solid = opened(np.abs(small - int(counts.argmax())) > CONTRAST, side, side)
    photos = np.zeros(solid.shape, dtype=np.int32)
    if not solid.any():
        return photos
    change = np.abs(np.diff(np.asarray(grey, dtype=np.int16), axis=1, prepend=0))
    soft = Image.fromarray(((change > SOFT[0]) & (change <= SOFT[1])).astype(np.uint8) * 255)
    share = np.asarray(soft.reduce(REDUCED) if min(grey.size) >= REDUCED else soft) / 255
    edge = max(1, round(letter / REDUCED))
    for number, (left, top, right, bottom) in enumerate(components_of(solid).boxes.tolist(), 1):
        inside = solid[top:bottom, left:right]
        if share[top:bottom, left:right][inside].mean() < SHARE:
            continue
        if inside.mean() >= RECTANGLE:
            photos[max(0, top - edge) : bottom + edge, max(0, left - edge) : right + edge] = number
        else:
            photos[top:bottom, left:right][inside] = number
    return photos
