"""Whether a PDF's own text is what is printed on the page: the check behind `--text-layer auto`.

A layer is taken when all of this holds, and else the page is read as a picture:

1. Its characters mean something: at most 2 of 100 are replacement, control or private characters or have no meaning in
   the file, and at most 2 of 100 do not stand upright.
2. It lies on the ink: in at least 95 of 100 characters' boxes there is ink. Characters without ink, such as white
   text on white paper, are left out: what nobody sees is not text of the page.
3. It is the whole page: of the lines of ink that are found on the page, by length, at least 90 of 100 have characters
   along half of them. A scan with nothing but a printed page number in its layer fails here.
4. It is what is seen: the model reads a few lines, and the layer's text for the same places must be like what it reads.
   A layer whose letters mean others (a broken font table) or that belongs to another page fails here. Where the model is
   only guessing, it is no witness, and the first three decide.

What the check cannot see: single wrong letters in the layer of a scan that another program read, since those are
rarer than this model's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

from texthawk.decode.ink import ink_of
from texthawk.decode.regions import InkLine, Region, find_regions
from texthawk.image.layer import TextLayer
from texthawk.image.raw import RawPage
from texthawk.types import Box

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

UNKNOWN, TURNED = 0.02, 0.02  # of the characters, at most
ON_INK, COVERED = 0.95, 0.9  # at least
ALIKE = 0.5  # share of the characters that two readings have in common, in their order
READ = 6  # lines that are read, at most
_TELLING = 6  # characters that a line must have to be read


@dataclass(frozen=True)
class Plausible:
    """A layer that lies where the ink is: what of it can be seen, and the regions of ink in pixels of the page's image."""

    layer: TextLayer
    regions: list[Region]


def plausible(layer: TextLayer, raw: RawPage) -> Plausible | None:
    """What a look at the picture leaves of a layer (steps 1 to 3); None where it is not to be trusted."""
    printed = np.array([not character.isspace() for character in layer.text])
    count = int(printed.sum())
    if count == 0 or layer.unknown > UNKNOWN * count or layer.turned > TURNED * count:
        return None
    by = raw.image.width / raw.width
    inked = printed & _with_ink(layer.boxes * by, ink_of(raw.image))
    if inked.sum() < ON_INK * count:
        return None
    text = "".join(c if inked[k] or not printed[k] else " " for k, c in enumerate(layer.text))
    regions = [region for region in find_regions(raw.image) if not region.upward]
    if _covered(regions, layer.boxes[inked] * by) < COVERED:
        return None
    return Plausible(replace(layer, text=text), regions)


def seen_alike(found: Plausible, raw: RawPage, reader: "Reader") -> bool:
    """Whether the model reads some lines as the layer has them (step 4)."""
    from texthawk.decode.blank import GUESSED
    from texthawk.decode.windows import windows_of

    boxes = found.layer.boxes * (raw.image.width / raw.width)
    chosen = _chosen(found, boxes)
    if not chosen:
        return True  # too few characters to tell; they are on the ink
    region = Region(chosen[0].box, tuple(chosen))
    window = windows_of(raw.image, [region], reader.setting)[0]
    (answer,) = reader.ask_windows([window])
    if not answer.tokens or answer.likelihood < GUESSED:
        return True
    read = reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True)
    told = "".join(_text_in(piece.box, found.layer, boxes) for piece in window.pieces)
    return likeness(read, told) >= ALIKE


def likeness(one: str, other: str) -> float:
    """From 0 to 1: twice the characters in common over all of them, spaces and the case of letters aside."""
    first, second = ("".join(text.split()).casefold() for text in (one, other))
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _with_ink(boxes: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """(N,): whether there is ink in each box, with a pixel around it for what rounding moves."""
    height, width = ink.shape
    sums = np.zeros((height + 1, width + 1), dtype=np.int64)
    sums[1:, 1:] = ink.cumsum(axis=0).cumsum(axis=1)
    left, top = np.floor(boxes[:, 0]).astype(int) - 1, np.floor(boxes[:, 1]).astype(int) - 1
    right, bottom = np.ceil(boxes[:, 2]).astype(int) + 1, np.ceil(boxes[:, 3]).astype(int) + 1
    left, right = left.clip(0, width), right.clip(0, width)
    top, bottom = top.clip(0, height), bottom.clip(0, height)
    inside: np.ndarray = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return (inside > 0) & (boxes[:, 2] > boxes[:, 0])


def _covered(regions: Sequence[Region], boxes: np.ndarray) -> float:
    """The share of the lines of ink, by length, that characters lie on; 1 where there are none."""
    total = covered = 0.0
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    for line in (line for region in regions for line in region.lines):
        inside = _inside(middle, line.box)
        gaps = sum(right - left for left, right in line.gaps)
        length = line.box.width - gaps
        total += length
        covered += length if (boxes[inside, 2] - boxes[inside, 0]).sum() >= 0.5 * length else 0.0
    return covered / total if total else 1.0


def _chosen(found: Plausible, boxes: np.ndarray) -> list[InkLine]:
    """Lines that tell most: the longest ones of usual height, spread over the page."""
    lines = [line for region in found.regions for line in region.lines]
    telling = [line for line in lines if len(_text_in(line.box, found.layer, boxes)) >= _TELLING]
    long = sorted(telling, key=lambda line: -line.box.width)[: 4 * READ]
    long.sort(key=lambda line: line.box.top)
    step = max(1, len(long) // READ)
    return long[::step][:READ]


def _text_in(box: Box, layer: TextLayer, boxes: np.ndarray) -> str:
    """The layer's characters whose middle lies in a box, from left to right."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = [k for k in np.flatnonzero(_inside(middle, box)) if not layer.text[k].isspace()]
    return "".join(layer.text[k] for k in sorted(inside, key=lambda k: boxes[k, 0]))


def _inside(middle: np.ndarray, box: Box) -> np.ndarray:
    across = (middle[:, 0] >= box.left) & (middle[:, 0] <= box.right)
    down: np.ndarray = (middle[:, 1] >= box.top) & (middle[:, 1] <= box.bottom)
    return across & down
