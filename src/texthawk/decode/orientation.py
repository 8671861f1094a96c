"""Which way up a page lies: ink first, the model only where ink leaves a doubt.

Lines part a page across the direction of reading far more than words do along it: that tells a page on its side. In
upright Latin print more ink stands above the small letters (b d f h k l t, capitals, figures) than below them (g j p q
y): that tells a page upside down. Where neither is clear, the model reads a few lines both ways.

Shape letters:  H, W the page as it is looked at
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from texthawk.decode.clutter import SMALL, clutter_of, letter_of
from texthawk.decode.fills import inked
from texthawk.decode.ink import components_of, ink_of, rules_of
from texthawk.decode.regions import Region, find_regions
from texthawk.decode.rotation import turned

LOOKED_AT = 1000  # pixels of the page's shorter side, at most
_STRIPS = 16
_SEVERAL = 3  # rows of ink in a strip
_ON_ITS_SIDE = 1.25  # how much more the page must be parted the other way
_NEXT = 0.5  # letter heights: letters of a word stand no farther apart, those of two lines do
_CLEAR, _SURE = 0.3, 6.5  # of `letters_up`: the middle value and how many standard errors the mean is from 0
_SMALL = 0.7  # of a line's height: small letters take less of it, capitals more
_USUAL = (0.6, 1.6)  # of the usual line's height: lines that are shown to the model
_LIKELIER = 0.1  # nats a token that the page must be likelier upside down
Reading = Callable[[Image.Image, Sequence[Region]], float]
"""Mean log-probability of what a model reads in some lines of a page."""


def rotation_of(page: Image.Image, reading: Reading) -> tuple[int, list[Region]]:
    """Degrees to turn the page clockwise until its text stands upright, and the regions of the page so turned."""
    first = 90 if on_its_side(page) else 0
    image = turned(page, first)
    regions = find_regions(image)
    if first and not regions:  # a line or two of large print; a page on its side has lines once it is turned
        first, image, regions = 0, page, find_regions(page)
    middle, certainty = letters_up(image, regions)
    if not regions or (middle >= _CLEAR and certainty >= _SURE):
        return first, regions
    over = turned(image, 180)
    regions_over = find_regions(over)
    if not regions_over:
        return first, regions
    margin = _LIKELIER if certainty > -_SURE else 0.0  # nearly all pages come upright: a doubt leaves them so
    if reading(over, of_usual_height(regions_over)) > reading(image, of_usual_height(regions)) + margin:
        return first + 180, regions_over
    return first, regions


def of_usual_height(regions: Sequence[Region]) -> list[Region]:
    """Regions with those of their lines alone that are about as high as the others of the page: pictures are not."""
    usual = float(np.median([line.box.height for region in regions for line in region.lines]))
    alike = [
        replace(
            region,
            lines=tuple(line for line in region.lines if _USUAL[0] * usual <= line.box.height <= _USUAL[1] * usual),
        )
        for region in regions
    ]
    return [region for region in alike if region.lines]


def on_its_side(page: Image.Image) -> bool:
    """Whether the lines of a page run down it and not across it."""
    scale = min(1.0, LOOKED_AT / min(page.size))
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    seen = page if scale == 1.0 else page.resize(size, Image.Resampling.BOX)
    ink = ink_of(seen)
    ink = ink & ~rules_of(ink)
    if parted(np.ascontiguousarray(ink.T)) <= _ON_ITS_SIDE * parted(ink) + 0.02:
        return False
    ink = inked(seen)  # a chart's shapes, and few words far from each other, are parted anyhow
    return chained(np.ascontiguousarray(ink.T)) >= chained(ink)


def chained(ink: np.ndarray) -> float:
    """The share of letters that have another close on their right, as nearly all have in print that runs across: (H, W) ink.

    In print that runs down it is those that nearly touch a letter of the next line.
    """
    rules = rules_of(ink)
    parts = components_of(ink & ~rules)
    letter = letter_of(parts)
    if not letter:
        return 0.0
    kept = ~clutter_of(parts, rules, letter)
    kept &= parts.boxes[:, 3] - parts.boxes[:, 1] >= SMALL * letter
    left, right = parts.beside[kept[parts.beside].all(axis=1)].T
    close = parts.boxes[right, 0] - parts.boxes[left, 2] <= _NEXT * letter
    return len(np.unique(left[close])) / max(1, int(kept.sum()))


def parted(ink: np.ndarray) -> float:
    """The share of the page's height that is white between rows of ink that stand close, seen in narrow strips.

    ink: (H, W). In print that runs across, it is the space between lines, about 0.4; in print that runs down, there is
    hardly any, for the lines beside each other fill each other's gaps. 0 where few strips hold several rows of ink: a line or
    two do not tell, for the letters of a line on its side lie like lines.
    """
    white = filled = 0.0
    telling = 0
    step = max(16, ink.shape[1] // _STRIPS)
    for left in range(0, ink.shape[1], step):
        rows = np.any(ink[:, left : left + step], axis=1).astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], rows, [0]])))
        starts, ends = edges[::2], edges[1::2]
        if not len(starts):
            continue
        telling += len(starts) >= _SEVERAL
        heights, gaps = ends - starts, starts[1:] - ends[:-1]
        white += float(gaps[gaps < 2.5 * np.median(heights)].sum())
        filled += float(heights.sum())
    return white / (white + filled) if telling >= _STRIPS // 4 else 0.0


def letters_up(page: Image.Image, regions: Sequence[Region]) -> tuple[float, float]:
    """How much more ink lies above the small letters than below them, from -1 to 1: middle value and certainty.

    The certainty is the mean over the lines in its standard errors; 0 where there are too few lines to tell.
    """
    ink = ink_of(page)
    values = []
    for box in (line.box for region in regions if not region.upward for line in region.lines):
        if box.height < 10 or box.width < 5 * box.height:
            continue
        rows = ink[round(box.top) : round(box.bottom), round(box.left) : round(box.right)].sum(axis=1)
        if not rows.any():
            continue
        body = np.flatnonzero(rows >= 0.5 * rows.max())
        if body[-1] + 1 - body[0] > _SMALL * len(rows):
            continue  # capitals and figures alone: what lies above and below them tells nothing
        above, below = float(rows[: body[0]].sum()), float(rows[body[-1] + 1 :].sum())
        if above + below > 0:
            values.append((above - below) / (above + below))
    if len(values) < 3:
        return 0.0, 0.0
    error = float(np.std(values)) / len(values) ** 0.5
    return float(np.median(values)), float(np.mean(values)) / max(error, 1e-3)
