"""Where something on a page is that is not printed there: how a model is asked to point at it, and what its answer says.

A model whose reading weights have learned to point sees the page as it is. Weights of its own for answers (nano) see all of it
on a square of few tiles: what is drawn is large, and boxes are in parts of the page, whose proportions do not matter to them.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from texthawk.decode.asked import TOGETHER, as_print, check_question, tasks_of
from texthawk.decode.rotation import box_before, turned, turned_size
from texthawk.image.tiles import UnitBox
from texthawk.model.answering import FIND
from texthawk.model.grounding import BOX, box_text, coordinate_bin, coordinate_centre
from texthawk.model.processing import GROUNDING
from texthawk.types import Box, Page

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

TILES = 2
"""Tiles along each side of the square."""
LEVELS = 100
"""Places that a coordinate on the square is one of: its visual tokens tell no more of them apart."""
TOKENS = 24  # a box has seven, and a few words say that it is nowhere


def on_square(picture: Image.Image, tile: int) -> Image.Image:
    """The picture in RGB on a square of `TILES` x `TILES` tiles, each `tile` pixels wide, its proportions lost."""
    side = TILES * tile
    return picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)


def level_text(box: UnitBox) -> str:
    """A box in parts of the page as tokens, each coordinate in the middle of one of `LEVELS` levels."""
    return box_text([(coordinate_bin(min(1.0, max(0.0, side)), LEVELS) + 0.5) / LEVELS for side in box])


class Pointed(NamedTuple):
    """A box in pixels of the page, and how sure the model is: the geometric mean of its tokens' probabilities."""

    box: Box
    confidence: float


def pointed(reader: "Reader", picture: Image.Image, phrases: Sequence[str], page: Page) -> list[Pointed | None]:
    """Where the model points on a page, phrase by phrase; None where its answer is no box.

    picture: of the page as it came; the model sees it as its text was read, upright. The model must have learned to point.
    ValueError for a phrase that cannot be asked for.
    """
    tokenizer, asked = reader.processor.tokenizer, reader
    seen = turned(picture, page.rotation)
    if reader.answers is not None and FIND in tasks_of(reader.answers):
        asked, seen = reader.answers, on_square(seen, reader.model.config.vision_config.image_size)
    prompts = [GROUNDING.format(as_print(phrase, tokenizer)) for phrase in phrases]
    width, height = turned_size(page.width, page.height, page.rotation)
    found: list[Pointed | None] = []
    for start in range(0, len(prompts), TOGETHER):
        some = prompts[start : start + TOGETHER]
        for prompt in some:
            check_question(prompt, tokenizer)
        for answer in asked.asker.ask([seen] * len(some), some, [TOKENS] * len(some)):
            text = tokenizer.decode(answer.tokens, skip_special_tokens=True)
            box = box_in(text, reader.model.config.coordinate_bins, width, height)
            back = None if box is None else box_before(box, page.rotation, page.width, page.height)
            found.append(None if back is None else Pointed(back, math.exp(answer.likelihood)))
    return found


def box_in(text: str, bins: int, width: float, height: float) -> Box | None:
    """The box of which a text consists, in pixels; None for what is none, or has no area."""
    match = BOX.fullmatch(text.strip())
    if match is None:
        return None
    ends = [int(value) for value in match.groups()]
    if max(ends) >= bins or ends[0] >= ends[2] or ends[1] >= ends[3]:
        return None
    left, top, right, bottom = (coordinate_centre(end, bins) for end in ends)
    return Box(left * width, top * height, right * width, bottom * height)
