"""Letters are told from what a photograph has for ink, also among grains."""

import numpy as np
from PIL import Image

from texthawk.decode.ink import Components
from texthawk.decode.photos import without_photos
from texthawk.decode.segments import gathered

LETTER = 14


def soft_page() -> Image.Image:
    """White paper with a rectangle on it whose grey changes softly everywhere, as in a photograph."""
    grey = np.full((400, 900), 255.0)
    grey[100:300, 100:500] = 120 + np.random.default_rng(3).normal(0, 9, (200, 400))
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")


def kept(heights: list[int]) -> bool:
    """Whether a segment of components of these heights, side by side on the photograph, is taken for text."""
    left = 150 + 12 * np.arange(len(heights))
    boxes = np.stack([left, np.full_like(left, 200), left + 9, 200 + np.array(heights)], axis=1)
    parts = Components(boxes, np.full(len(boxes), 40), np.zeros((0, 2), dtype=np.int64))
    found = gathered(boxes, np.zeros(len(boxes), dtype=np.int64), LETTER)
    return len(without_photos(found, parts, soft_page()).boxes) == 1


def test_letters_on_what_looks_like_a_photograph_are_text_with_and_without_grains_among_them() -> None:
    assert kept([LETTER] * 12)
    assert kept([LETTER, 2] * 8)


def test_shapes_of_all_heights_and_grains_alone_are_no_text_on_a_photograph() -> None:
    assert not kept([4, 30, 8, 19, 5, 40, 12, 3, 25, 7])
    assert not kept([2] * 16)
