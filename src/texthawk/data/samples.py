"""An example becomes a sample: token ids, labels, coordinates, and how its picture will be cut; the pixels come later.

Shape letters:  L tokens of a sample   N entries of its pixels
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from texthawk.data.dropped import Unusable
from texthawk.data.example import Drawn, Example, Turn
from texthawk.data.packing import Cost, PackLimits
from texthawk.data.shard_index import StoredPicture, picture_size
from texthawk.image.tiles import cut_views, normalised
from texthawk.image.tilings import tiling_from_json
from texthawk.model.processing import TextHawkProcessor
from texthawk.types import TileLayout
from texthawk.vision.views import to_patches

IGNORED = -100

Segments = Callable[[Sequence[tuple[str, str]]], Sequence[tuple[str, bool]]]
"""Writes (question, answer) pairs as one conversation: pieces of text, and whether the loss counts them."""

PictureSize = Callable[[Example, tuple[int, int], np.random.Generator], tuple[int, int]]
"""Gives the (height, width) that an example's picture of a size is taken for; draws from the dice of the example."""


@dataclass(frozen=True, eq=False)
class Sample:
    """number: in the order of the mixture. ids, labels (-100 not learned), coordinates (NaN where none): (L,).

    page: (height, width) of the picture in pixels that `layout` was chosen for.
    """

    number: int
    example: Example
    ids: np.ndarray
    labels: np.ndarray
    coordinates: np.ndarray
    layout: TileLayout
    page: tuple[int, int]

    @property
    def cost(self) -> Cost:
        return Cost(len(self.ids), self.layout.tiles)


class SampleMaker:
    """Writes examples down as samples for one model.

    segments: the conversation that the model is trained on. resize: bounds of a random factor on the size of a picture
    (TextHawk2 section 5.1, on text-heavy pictures), which decides how many tiles it is cut into. sized: what size a picture
    is taken for, after that factor. bins: coordinate tokens of the model, 0 for none. learned_tokens: tokens that the loss
    counts wherever they stand; ValueError for a text that is not one token.
    """

    def __init__(
        self,
        processor: TextHawkProcessor,
        segments: Segments,
        limits: PackLimits,
        *,
        bins: int = 1000,
        resize: tuple[float, float] = (1.0, 1.0),
        learned_tokens: Sequence[str] = (),
        sized: PictureSize | None = None,
    ) -> None:
        if not 0 < resize[0] <= resize[1] < math.inf:
            raise ValueError(f"resize {resize}: the factors go from the smaller, above 0, to the larger")
        self.processor, self.segments, self.limits, self.bins, self.resize = processor, segments, limits, bins, resize
        self.tiling = tiling_from_json(processor.image_processor.tiling)
        self.first_bin = processor.tokenizer.convert_tokens_to_ids("<0>") if bins else 0
        self.sized = sized
        self.learned_ids = [self._one_token(token) for token in learned_tokens]

    def sample(self, number: int, example: Example, rng: np.random.Generator) -> Sample:
        """The sample of an example; Unusable where no pack can hold it or its text cannot be told from marks.

        Turns at the end are left out where only without them it fits into a pack.
        """
        if not example.turns:
            raise Unusable("no turns")
        low, high = (math.log(bound) for bound in self.resize)
        factor = math.exp(rng.uniform(low, high))
        height, width = (max(1, round(side * factor)) for side in size_of(example))
        if self.sized is not None:
            height, width = self.sized(example, (height, width), rng)
        layout = self.tiling.layout(height, width)
        for turns in range(len(example.turns), 0, -1):
            ids, labels, coordinates = self._written(example.turns[:turns], layout)
            if self.limits.hold(Cost(len(ids), layout.tiles)):
                return Sample(number, example, ids, labels, coordinates, layout, (height, width))
        raise Unusable("longer than a pack" if len(ids) > self.limits.tokens else "more tiles than a pack holds")

    def pixels(self, sample: Sample) -> Tensor:
        """The picture of a sample as the model takes it, (N, 3, tile, tile) or (N, 3, patch, patch)."""
        try:
            image = sample.example.open()
        except Unusable:
            raise
        except ValueError as error:
            raise Unusable("the picture cannot be decoded") from error
        height, width = self.tiling.first_size(*sample.page)
        if (height, width) != sample.page:
            image = image.resize((width, height), Image.Resampling.BICUBIC)
        processor, patch = self.processor.image_processor, self.tiling.patch
        views = [
            normalised(view, processor.image_mean, processor.image_std) for view in cut_views(image, sample.layout)
        ]
        return torch.cat([view[None] if patch is None else to_patches(view, patch) for view in views])

    def _one_token(self, text: str) -> int:
        ids = self.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            raise ValueError(f"{text!r} is {len(ids)} tokens of this model, and is to be learned as one; leave it out")
        return ids[0]

    def _written(self, turns: Sequence[Turn], layout: TileLayout) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        image, tokenizer = self.processor.image_token, self.processor.tokenizer
        if not self.bins and any(turn.boxes for turn in turns):
            raise Unusable("boxes, and the model has no coordinate tokens")
        pairs = [turn.written(self.bins) if self.bins else (turn.question, turn.answer) for turn in turns]
        if any(image in text for pair in pairs for text in pair):
            raise Unusable(f"its text holds {image}")
        pairs[0] = (f"{image}\n{pairs[0][0]}", pairs[0][1])
        ids: list[int] = []
        labels: list[int] = []
        for text, learned in self.segments(pairs):
            if image in text:
                text = text.replace(image, self.processor.image_text(layout))
            piece = tokenizer(text, add_special_tokens=False)["input_ids"]
            ids += piece
            labels += piece if learned else [IGNORED] * len(piece)
        labels = [own if own in self.learned_ids else label for own, label in zip(ids, labels, strict=True)]
        labels[0] = IGNORED  # nothing stands before it that could predict it, or a neighbour in its pack
        coordinates = np.full(len(ids), np.nan, dtype=np.float32)
        values = [value for turn in turns for box in turn.boxes for value in box]
        array = np.array(ids)
        places = np.flatnonzero((array >= self.first_bin) & (array < self.first_bin + self.bins))
        if len(places) != len(values):
            raise Unusable("its text spells coordinate tokens")
        coordinates[places] = values
        learned_ids = np.array(labels)
        coordinates[learned_ids == IGNORED] = np.nan
        return array, learned_ids, coordinates


def size_of(example: Example) -> tuple[int, int]:
    """(height, width) of an example's picture in pixels, without decoding it where that can be; Unusable if unknown."""
    if isinstance(example.image, StoredPicture):
        return example.image.height, example.image.width
    if isinstance(example.image, Drawn):
        width, height = example.image.draw().size
        return height, width
    return picture_size(example.image.read_bytes() if isinstance(example.image, Path) else example.image)
