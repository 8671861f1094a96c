"""Samples side by side in one row of tensors, each blind to the others.

Positions begin at 0 with each sample. transformers makes of such positions, where neither a mask nor a cache comes with
them, a causal mask for each sample alone, in every attention it knows; the mask is never stored.

Shape letters:  L tokens of a pack   N entries of the pixels of its pictures   S samples
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from texthawk.data.dropped import Unusable
from texthawk.data.samples import IGNORED, Sample, SampleMaker
from texthawk.image.tilings import layout_to_row


@dataclass(frozen=True, eq=False)
class Pack:
    """input_ids, labels, coordinates, position_ids: (1, L), as TextHawkForConditionalGeneration takes them.

    lengths: tokens of each of S samples, and of the padding behind them as if it were one more. numbers: of the samples in
    the mixture's order. left_out: (reason, id) of samples whose picture could not be decoded.
    """

    input_ids: Tensor
    labels: Tensor
    coordinates: Tensor
    position_ids: Tensor
    pixel_values: Tensor | None
    image_grids: Tensor | None
    lengths: tuple[int, ...]
    numbers: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def inputs(self, device: torch.device | str = "cpu", *, flash: bool = False) -> dict[str, Any]:
        """Arguments of the model, labels and coordinates included.

        flash: also where the samples begin, so that flash attention need not look for it in the positions, which would make
        the device wait. The cache stays off: with one, transformers would not tell the samples apart.
        """
        tensors = {
            "input_ids": self.input_ids,
            "labels": self.labels,
            "coordinates": self.coordinates,
            "position_ids": self.position_ids,
            "pixel_values": self.pixel_values,
            "image_grids": self.image_grids,
        }
        if flash:
            starts = torch.tensor([0, *self.lengths]).cumsum(0).to(torch.int32)
            tensors |= {"cu_seq_lens_q": starts, "cu_seq_lens_k": starts}
        found: dict[str, Any] = {
            name: value.to(device, non_blocking=True) for name, value in tensors.items() if value is not None
        }
        if flash:
            found |= {"max_length_q": max(self.lengths), "max_length_k": max(self.lengths)}
        return found | {"use_cache": False}


def make_pack(samples: Sequence[Sample], maker: SampleMaker, *, length: int | None = None) -> Pack:
    """The pack of some samples, padded to `length` tokens; None leaves it as long as they are.

    A sample whose picture cannot be decoded is left out and named; the others stay as they are.
    """
    kept: list[Sample] = []
    pixels: list[Tensor] = []
    left_out: list[tuple[str, str]] = []
    for sample in samples:
        try:
            pixels.append(maker.pixels(sample))
        except Unusable as error:
            left_out.append((str(error), sample.example.id))
        else:
            kept.append(sample)
    lengths = [len(sample.ids) for sample in kept]
    padding = max(length or 0, 1) - sum(lengths)
    if padding > 0:
        lengths.append(padding)
    total = sum(lengths)
    ids = torch.full((1, total), maker.processor.tokenizer.pad_token_id)
    labels = torch.full((1, total), IGNORED)
    coordinates = torch.full((1, total), torch.nan)
    start = 0
    for sample in kept:
        end = start + len(sample.ids)
        ids[0, start:end] = torch.from_numpy(sample.ids)
        labels[0, start:end] = torch.from_numpy(sample.labels)
        coordinates[0, start:end] = torch.from_numpy(sample.coordinates)
        start = end
    return Pack(
        ids,
        labels,
        coordinates,
        torch.cat([torch.arange(count) for count in lengths])[None],
        torch.cat(pixels) if pixels else None,
        torch.tensor([layout_to_row(sample.layout) for sample in kept]) if kept else None,
        tuple(lengths),
        tuple(sample.number for sample in kept),
        tuple(left_out),
    )
