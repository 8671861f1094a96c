"""Where something on a page is that is not printed there: how a model is asked to point at it, and what its answer says.

A model whose reading weights have learned to point sees the page as it is. Weights of its own for answers (nano) see all of it
on a square of few tiles: what is drawn is large, and boxes are in parts of the page, whose proportions do not matter to them.
"""

import math
import re
from typing import TYPE_CHECKING

from PIL import Image

from texthawk.decode.asked import as_print, check_question, tasks_of
from texthawk.image.tiles import UnitBox
from texthawk.model.answering import FIND
from texthawk.model.grounding import box_text, coordinate_bin, coordinate_centre
from texthawk.model.processing import GROUNDING
from texthawk.types import Box

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

TILES = 2
"""Tiles along each side of the square."""
LEVELS = 100
"""Places that a coordinate on the square is one of: its visual tokens tell no more of them apart."""
TOKENS = 24  # a box has nine, and a few words say that it is nowhere
_BOX = re.compile(r"<box><(\d{1,4})><(\d{1,4})>,<(\d{1,4})><(\d{1,4})></box>")


def on_square(picture: Image.Image, tile: int) -> Image.Image:
    """The picture in RGB on a square of `TILES` x `TILES` tiles, each `tile` pixels wide, its proportions lost."""
    side = TILES * tile
    return picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)


def level_text(box: UnitBox) -> str:
    """A box in parts of the page as tokens, each coordinate in the middle of one of `LEVELS` levels."""
    return box_text([(coordinate_bin(min(1.0, max(0.0, side)), LEVELS) + 0.5) / LEVELS for side in box])


def pointed(
    reader: "Reader", picture: Image.Image, phrase: str, width: float, height: float
) -> tuple[Box, float] | None:
    """The box in pixels that the model answers with, and how sure it is (the geometric mean of its tokens' probabilities).

    None where its answer is no box. The model must have learned to point. ValueError for a phrase that cannot be asked for.
    """
    phrase = as_print(phrase, reader.processor.tokenizer)
    check_question(phrase, reader.processor.tokenizer)
    asked = reader
    if reader.answers is not None and FIND in tasks_of(reader.answers):
        asked, picture = reader.answers, on_square(picture, reader.model.config.vision_config.image_size)
    (answer,) = asked.asker.ask([picture], GROUNDING.format(phrase), [TOKENS])
    text = reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True)
    box = box_in(text, reader.model.config.coordinate_bins, width, height)
    return None if box is None else (box, math.exp(answer.likelihood))


def box_in(text: str, bins: int, width: float, height: float) -> Box | None:
    """The box of which a text consists, in pixels; None for what is none, or has no area."""
    match = _BOX.fullmatch(text.strip())
    if match is None:
        return None
    ends = [int(value) for value in match.groups()]
    left, top, right, bottom = (coordinate_centre(end, bins) for end in ends)
    if max(ends) >= bins or left >= right or top >= bottom:
        return None
    return Box(left * width, top * height, right * width, bottom * height)
