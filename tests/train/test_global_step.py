"""The loss of a global step is that of one batch, however the step is cut."""

import copy
import math

import numpy as np
import pytest
import torch

from tests.data.training import LIMITS, example
from tests.model import tiny
from texthawk.data.packs import make_pack
from texthawk.data.samples import IGNORED, SampleMaker
from texthawk.train.conversation import CHATML
from texthawk.train.global_step import counts_of, evaluation, global_step


def maker():
    return SampleMaker(tiny.processor(), CHATML.segments, LIMITS)


def packs(*groups, length=None):
    """Packs of the examples with these numbers, whose answers are of one to eight words and a box."""
    made = maker()
    dice = np.random.default_rng(0)
    return [make_pack([made.sample(n, example(n), dice) for n in group], made, length=length) for group in groups]


def gradients(model):
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


def stepped(model, *args, **settings):
    model.zero_grad()
    found = global_step(model, *args, model.config, **settings)
    return found, gradients(model)


def test_the_loss_is_the_mean_over_all_answer_tokens_of_two_packs_of_different_counts():
    model, two = tiny.model(), packs((1,), (2, 3, 4), length=320)
    config = model.config
    start, end = config.coordinate_token_start, config.coordinate_token_start + config.coordinate_bins
    total = weight = distance = places = learned = 0.0
    with torch.no_grad():
        for pack in two:
            out = model(**pack.inputs())
            chances = out.logits[0].double().log_softmax(-1)
            for at in range(1, pack.labels.shape[1]):
                label = int(pack.labels[0, at])
                if label == IGNORED:
                    continue
                alpha = config.coordinate_weight if start <= label < end else 1.0
                total, weight, learned = total - alpha * float(chances[at - 1, label]), weight + alpha, learned + 1
                if not torch.isnan(pack.coordinates[0, at]):
                    distance += abs(float(out.coordinates[0, at - 1] - pack.coordinates[0, at]))
                    places += 1
    alone = [counts_of([pack], config) for pack in two]
    assert alone[0].tokens != alone[1].tokens and alone[0].places != alone[1].places
    found, _ = stepped(model, two)
    assert found.counts == pytest.approx((learned, weight, places))
    assert found.language == pytest.approx(total / weight, rel=1e-5)
    assert found.box == pytest.approx(distance / places, rel=1e-5)
    assert found.loss == pytest.approx(total / weight + config.box_weight * distance / places, rel=1e-5)


def test_one_pack_of_everything_gives_the_gradients_of_many():
    model = tiny.model()
    many, apart = stepped(model, packs((1,), (2,), (3, 4)))
    one, together = stepped(model, packs((1, 2, 3, 4)))
    assert many.loss == pytest.approx(one.loss, rel=1e-5) and many.counts == one.counts
    assert apart.keys() == together.keys() and len(apart) > 50
    for name, gradient in apart.items():
        torch.testing.assert_close(gradient, together[name], rtol=1e-3, atol=1e-5, msg=name)


def test_devices_that_share_a_step_add_up_to_it():
    model, three = tiny.model(), packs((1,), (2,), (3, 4))
    whole, expected = stepped(model, three)
    config = model.config
    counts = torch.tensor([counts_of(part, config) for part in (three[:1], three[1:])], dtype=torch.float64)
    total: dict[str, torch.Tensor] = {}
    losses = 0.0
    for rank, part in enumerate((three[:1], three[1:])):

        def others(value, rank=rank):
            """What comes from the other device: its counts; its sums are added up below."""
            return value + counts[1 - rank] if torch.equal(value, counts[rank]) else value

        found, own = stepped(model, part, reduce=others)
        losses += found.loss
        for name, gradient in own.items():
            total[name] = total.get(name, 0) + gradient
    assert losses == pytest.approx(whole.loss, rel=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(total[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_the_model_alone_says_the_same_of_one_pack():
    model, (pack,) = tiny.model(), packs((1, 2), length=300)
    with torch.no_grad():
        out = model(**pack.inputs())
    found = evaluation(model, [pack], model.config)
    assert found.language == pytest.approx(float(out.language_loss), rel=1e-5)
    assert found.box == pytest.approx(float(out.box_loss), rel=1e-5)
    assert 0 <= found.accuracy <= 1 and not gradients(model)


def test_padding_and_the_order_of_packs_change_nothing():
    model = tiny.model()
    short, long = evaluation(model, packs((1, 2), (3,)), model.config), evaluation(
        model, packs((3,), (1, 2), length=700), model.config
    )  # fmt: skip
    assert short.loss == pytest.approx(long.loss, rel=1e-5) and short.counts == long.counts


def test_a_pack_that_is_not_finite_is_named():
    model, three = tiny.model(), packs((1,), (2,), (3,))
    three[1].pixel_values.fill_(math.inf)
    found = global_step(copy.deepcopy(model), three, model.config)
    assert found.not_finite == (1,) and not math.isfinite(found.loss)


def test_a_scaled_step_has_scaled_gradients_and_the_same_loss():
    model, two = tiny.model(), packs((1,), (2,))
    plain, once = stepped(model, two)
    told: list[bool] = []
    scaled, twice = stepped(model, two, scale=2.0, before_backward=told.append)
    assert scaled == plain and told == [False, True]
    for name, gradient in once.items():
        torch.testing.assert_close(2 * gradient, twice[name])


def test_bf16_stays_near_the_exact_loss():
    model, two = tiny.model(), packs((1,), (2, 3))
    exact, rounded = evaluation(model, two, model.config), evaluation(model, two, model.config, bf16=True)
    assert rounded.loss == pytest.approx(exact.loss, rel=0.05) and rounded.loss != exact.loss
