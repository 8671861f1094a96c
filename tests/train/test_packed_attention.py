"""Attention within samples says what masked attention says, and a neighbour changes no bit of it."""

from dataclasses import replace

import pytest
import torch

from tests.model import tiny
from tests.train.test_global_step import packs
from texthawk.train.global_step import evaluation, global_step, losses
from texthawk.train.packed_attention import attend_in_samples

pytestmark = pytest.mark.usefixtures("one_thread")


def both():
    """The same model, which attends with a mask and within samples."""
    masked, apart = tiny.model(), tiny.model()
    attend_in_samples(apart)
    return masked, apart


@pytest.mark.parametrize("length", [None, 400])
def test_losses_and_gradients_are_those_of_masked_attention(length):
    masked, apart = both()
    two = packs((1, 2), (3, 4), length=length)
    config = masked.config
    one, other = (global_step(model, two, config) for model in (masked, apart))
    assert one.loss == pytest.approx(other.loss, rel=1e-5) and one.counts == other.counts
    for (name, wanted), found in zip(masked.named_parameters(), apart.parameters(), strict=True):
        if wanted.grad is not None:
            torch.testing.assert_close(found.grad, wanted.grad, rtol=1e-3, atol=1e-5, msg=name)


@torch.no_grad()
def test_a_changed_neighbour_leaves_a_sample_bit_equal():
    _, apart = both()
    (pack,) = packs((1, 2, 3))
    first = pack.lengths[0]
    changed = replace(pack, input_ids=pack.input_ids.clone())
    words = changed.input_ids[0, first:]
    text = words < 300
    words[text] = words[text].flip(0)
    assert not torch.equal(changed.input_ids, pack.input_ids)
    said = [
        apart(**(one.inputs() | {"labels": None, "coordinates": None}), sample_lengths=one.lengths).logits
        for one in (pack, changed)
    ]
    assert torch.equal(said[0][:, :first], said[1][:, :first])
    assert not torch.equal(said[0][:, first:], said[1][:, first:])


@torch.no_grad()
def test_rows_beside_each_other_are_read_as_they_are_alone():
    _, apart = both()
    one, other = packs((1,), (2,), length=200)
    rows = replace(
        one,
        lengths=(200, 200),
        image_grids=torch.cat([one.image_grids, other.image_grids]),
        **{
            name: torch.cat([getattr(one, name), getattr(other, name)])
            for name in ("input_ids", "labels", "coordinates", "position_ids", "pixel_values")
        },
    )
    together = losses(apart, rows, apart.config)
    alone = [losses(apart, pack, apart.config) for pack in (one, other)]
    for found, *parts in zip(together, *alone, strict=True):
        torch.testing.assert_close(found.double(), sum(part.double() for part in parts), rtol=1e-4, atol=1e-5)
    assert evaluation(apart, [rows], apart.config).loss == pytest.approx(
        evaluation(apart, [one, other], apart.config).loss, rel=1e-5
    )
