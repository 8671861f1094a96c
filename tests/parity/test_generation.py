"""The step that small models take on a CPU says what transformers' `generate` says, whatever stands beside it."""

import pytest
import torch

from tests.contracts.parts import inputs_for, model, picture, tokenizer
from texthawk.decode.greedy import Generator
from texthawk.decode.guard import LoopGuard
from texthawk.decode.step import can_step
from texthawk.decode.watch import Watch

LIMIT = 150
SIZES = [(40, 30), (70, 33), (20, 90)]
PAGES = [[picture(*size, seed)] for seed, size in enumerate(SIZES)]
FAMILIES = [("resa", "adaptive", "siglip", "qwen2"), ("resa", "adaptive", "clip", "llama")]

families = pytest.mark.parametrize("which", FAMILIES, ids=[names[-1] for names in FAMILIES])


def watched(which, pages, *, fast, seeds=None, limits=None, made=None):
    """What is said of pages whose prompts differ in length; models without training seldom end, so limits end them."""
    made = made or model(which[0], which[1], which[2], which[3])
    limits = limits or [LIMIT - 40 * place for place in range(len(pages))]
    ends = [tokenizer().eos_token_id]
    watch = Watch(lambda: LoopGuard(str), limits, ends, seeds=seeds, temperature=3.0)
    generator = Generator(made, ends, tokenizer().pad_token_id, fast=fast)
    generator.run(dict(inputs_for(which, pages)), watch, max(limits) + 1)
    return watch


def same(one, other):
    assert one.tokens == other.tokens and one.reasons == other.reasons
    assert max(len(set(tokens)) for tokens in one.tokens) > 5, "answers of a single token would show nothing"
    for values, others in zip(one.log_probabilities, other.log_probabilities, strict=True):
        torch.testing.assert_close(torch.tensor(values), torch.tensor(others), atol=1e-3, rtol=1e-4)


@families
def test_pages_of_several_sizes_get_the_tokens_that_transformers_gives_them(which):
    assert can_step(model(*which))
    drawn = [3, 5, 7]
    same(watched(which, PAGES, fast=True, seeds=drawn), watched(which, PAGES, fast=False, seeds=drawn))
    greedy = [watched(which, PAGES, fast=fast, limits=[30, 20, 10]) for fast in (True, False)]
    assert greedy[0].tokens == greedy[1].tokens and greedy[0].reasons == greedy[1].reasons


@families
def test_an_answer_is_the_same_alone_and_among_others_that_end_before_it(which):
    limits = [LIMIT, 20, 60]
    together = watched(which, PAGES, fast=True, seeds=[3, 5, 7], limits=limits)
    for place, seed in enumerate([3, 5, 7]):
        alone = watched(which, [PAGES[place]], fast=True, seeds=[seed], limits=[limits[place]])
        assert alone.tokens[0] == together.tokens[place]


def test_the_step_follows_when_weights_change():
    which = FAMILIES[0]
    made = model.__wrapped__(*which)  # not the one that other tests share
    ends = [tokenizer().eos_token_id]
    generator = Generator(made, ends, tokenizer().pad_token_id)
    said = []
    for _ in range(2):
        watch = Watch(lambda: LoopGuard(str), [20], ends, seeds=[1], temperature=3.0)
        generator.run(dict(inputs_for(which, PAGES[:1])), watch, 21)
        said.append(watch.tokens)
        with torch.no_grad():
            made.model.language_model.layers[0].mlp.down_proj.weight.mul_(-2)
    assert said[0] != said[1]


def test_what_the_step_does_not_know_is_left_to_transformers():
    which = FAMILIES[0]
    made = model.__wrapped__(*which)
    assert can_step(made)
    made.model.language_model.layers[1].mlp.up_proj = torch.nn.Sequential(
        made.model.language_model.layers[1].mlp.up_proj
    )
    assert not can_step(made), "an adapted layer is not the product of one matrix"
    same(
        watched(which, PAGES, fast=True, seeds=[1, 2, 3], made=made),
        watched(which, PAGES, fast=False, seeds=[1, 2, 3], made=made),
    )
    assert not can_step(model.__wrapped__(*which).to(torch.float16))
