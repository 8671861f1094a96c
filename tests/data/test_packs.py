"""Samples are written down as the model reads them, and share a pack without seeing each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.data.test_shards import encoded
from tests.model import tiny
from texthawk.data.dropped import Unusable
from texthawk.data.example import PLACE, Example, Turn
from texthawk.data.packing import PackLimits
from texthawk.data.packs import make_pack
from texthawk.data.samples import IGNORED, Sample, SampleMaker
from texthawk.train.conversation import CHATML

LIMITS = PackLimits(tokens=1024, tiles=40)
BOX = (0.1, 0.2, 0.3, 0.4)


def maker(limits: PackLimits = LIMITS, **settings) -> SampleMaker:
    return SampleMaker(tiny.processor(), CHATML.segments, limits, **settings)


def example(seed: int, size: tuple[int, int] = (60, 130), answer: str = "the quick fox") -> Example:
    turns = (
        Turn("What?", answer, "vqa"),
        Turn(f"Is {PLACE} it?", f"No, {PLACE}", "grounding", (BOX, (0.5, 0.5, 1, 1))),
    )
    return Example(str(seed), "made", encoded(*size, seed), turns)


def sample(seed: int, *args, number: int | None = None) -> Sample:
    made = maker().sample(seed, example(seed, *args), np.random.default_rng(0))
    return made if number is None else replace(made, number=number)


def test_a_sample_is_the_conversation_as_the_processor_writes_it():
    processor, made = tiny.processor(), sample(1)
    first, second = (turn.written() for turn in example(1).turns)
    text = "".join(piece.text for piece in CHATML.segments([(f"<image>\n{first[0]}", first[1]), second]))
    inputs = processor(images=example(1).open(), text=text, return_tensors="pt", add_special_tokens=False)
    assert inputs["input_ids"][0].tolist() == made.ids.tolist()
    pack = make_pack([made], maker())
    assert torch.equal(pack.pixel_values, inputs["pixel_values"])
    assert torch.equal(pack.image_grids, inputs["image_grids"])


def test_answers_alone_are_learned_and_carry_their_own_boxes():
    made, tokenizer = sample(1), tiny.processor().tokenizer
    learned = tokenizer.decode(made.labels[made.labels != IGNORED])
    answer = example(1).turns[1].written()[1]
    assert learned == f"the quick fox<|im_end|>\n{answer}<|im_end|>\n"
    at = ~np.isnan(made.coordinates)
    assert made.coordinates[at].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert tokenizer.convert_ids_to_tokens(made.labels[at]) == ["<500>", "<500>", "<999>", "<999>"]


def test_what_would_be_taken_for_a_mark_is_left_out():
    for answer, words in (("see <7>", "spells coordinate tokens"), ("an <image>", "holds <image>")):
        with pytest.raises(Unusable, match=words):
            sample(1, (60, 130), answer)
    with pytest.raises(Unusable, match="no coordinate tokens"):
        maker(bins=0).sample(0, example(0), np.random.default_rng(0))


def test_turns_that_no_pack_could_hold_are_left_out_from_the_end():
    whole = len(sample(1).ids)
    short = maker(PackLimits(tokens=whole - 1)).sample(1, example(1), np.random.default_rng(0))
    assert short.ids.tolist() == sample(1).ids[: len(short.ids)].tolist() and len(short.ids) < whole
    with pytest.raises(Unusable, match="longer than a pack"):
        maker(PackLimits(tokens=30)).sample(1, example(1), np.random.default_rng(0))
    with pytest.raises(Unusable, match="more tiles"):
        maker(PackLimits(tiles=2)).sample(1, example(1), np.random.default_rng(0))


def test_a_random_size_changes_the_grid_and_follows_its_dice():
    resized = maker(resize=(0.3, 2.0))
    layouts = [resized.sample(n, example(1), np.random.default_rng(n)).layout for n in range(8)]
    assert len({(layout.rows, layout.columns) for layout in layouts}) > 1
    assert layouts == [resized.sample(n, example(1), np.random.default_rng(n)).layout for n in range(8)]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@torch.no_grad()
def test_a_changed_neighbour_leaves_logits_bit_equal(attention):
    model = tiny.model()
    model.set_attn_implementation(attention)
    mine, before, after = sample(1), sample(2), sample(3, (130, 60))
    changed = [sample(4), sample(5, (130, 60))]
    assert [len(one.ids) for one in changed] == [len(before.ids), len(after.ids)]
    start, end = len(before.ids), len(before.ids) + len(mine.ids)

    def outputs(*samples):
        found = model(**make_pack(samples, maker(), length=500).inputs())
        return found.logits[0], found.coordinates[0]

    one, other = outputs(before, mine, after), outputs(changed[0], mine, changed[1])
    for left, right in zip(one, other, strict=True):
        assert torch.equal(left[start:end], right[start:end])
        assert not torch.equal(left[:start], right[:start]) and not torch.equal(left[end:], right[end:])


@torch.no_grad()
def test_a_sample_in_a_pack_is_read_as_it_is_alone():
    model = tiny.model()
    samples = [sample(1), sample(2, (200, 60)), sample(3, (30, 30), "a fox")]
    packed = model(**make_pack(samples, maker(), length=700).inputs()).logits[0]
    start = 0
    for one in samples:
        alone = model(**make_pack([one], maker()).inputs()).logits[0]
        torch.testing.assert_close(packed[start : start + len(one.ids)], alone, rtol=1e-4, atol=1e-4)
        start += len(one.ids)


@torch.no_grad()
def test_the_loss_of_a_pack_is_that_of_its_learned_tokens():
    model = tiny.model()
    samples = [sample(1), sample(2, (200, 60))]
    packed = model(**make_pack(samples, maker(), length=900).inputs())
    alone = [model(**make_pack([one], maker()).inputs()) for one in samples]
    bins = [np.isin(one.labels, one.ids[~np.isnan(one.coordinates)]) for one in samples]
    weights = torch.tensor(
        [float((one.labels != IGNORED).sum() - 0.75 * at.sum()) for one, at in zip(samples, bins, strict=True)]
    )
    expected = (torch.stack([out.language_loss for out in alone]) * weights).sum() / weights.sum()
    torch.testing.assert_close(packed.language_loss, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(packed.box_loss, torch.stack([out.box_loss for out in alone]).mean())


def test_flash_attention_is_told_where_samples_begin():
    samples = [sample(1), sample(2)]
    inputs = make_pack(samples, maker(), length=600).inputs(flash=True)
    lengths = [len(one.ids) for one in samples]
    assert inputs["cu_seq_lens_q"].tolist() == [0, lengths[0], sum(lengths), 600]
    assert inputs["max_length_k"] == max(*lengths, 600 - sum(lengths))
    starts = (inputs["position_ids"][0] == 0).nonzero().flatten().tolist()
    assert starts == inputs["cu_seq_lens_k"].tolist()[:-1]


def test_a_pack_whose_pictures_are_all_broken_teaches_nothing():
    broken = Example("x", "made", encoded(100, 100, kind="JPEG")[:2000], example(1).turns)
    made = maker().sample(0, broken, np.random.default_rng(0))
    pack = make_pack([made], maker(), length=8)
    assert pack.left_out == (("the picture cannot be decoded", "x"),) and pack.numbers == ()
    out = tiny.model()(**pack.inputs())
    assert float(out.loss.detach()) == 0
