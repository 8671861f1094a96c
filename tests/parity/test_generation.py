"""Whichever way a small model is run on a CPU, it says what transformers' `generate` says, whatever stands beside it.

| held to be equal | ways |
|---|---|
| tokens, log-probabilities and ends of answers, and `generate`'s | step, onnx |
| an answer alone, and among others that end before it | step, onnx, onnx int8 |
| a prompt, and the same prompt padded | step, onnx, onnx int8 |
| logits, to the last bit, of a prompt alone and among others that are padded | onnx int8 |
| logits of given answers, and those of the whole model's forward | step, onnx, generate |
"""

from importlib.util import find_spec

import pytest
import torch

from tests.contracts.parts import inputs_for, model, picture, tokenizer
from texthawk.decode.eyes import multiplies_8_bits
from texthawk.decode.greedy import Generator, fastest
from texthawk.decode.guard import LoopGuard
from texthawk.decode.onnx_step import can_run_onnx
from texthawk.decode.reader import load
from texthawk.decode.step import Stepper, can_step
from texthawk.decode.watch import Watch

LIMIT = 150
SIZES = [(40, 30), (70, 33), (20, 90)]
PAGES = [[picture(*size, seed)] for seed, size in enumerate(SIZES)]
FAMILIES = [("resa", "adaptive", "siglip", "qwen2"), ("resa", "adaptive", "clip", "llama")]
ONNX = all(find_spec(name) for name in ("onnx", "onnxruntime"))

families = pytest.mark.parametrize("which", FAMILIES, ids=[names[-1] for names in FAMILIES])


def ways(*names):
    absent = pytest.mark.skipif(not ONNX, reason="ONNX Runtime is not installed; pip install 'texthawk[onnx]'")
    return pytest.mark.parametrize(
        "way", [pytest.param(name, marks=absent if name.startswith("onnx") else ()) for name in names]
    )


def watched(which, pages, *, way, seeds=None, limits=None, made=None):
    """What is said of pages whose prompts differ in length; models without training seldom end, so limits end them."""
    made = made or model(which[0], which[1], which[2], which[3])
    limits = limits or [LIMIT - 40 * place for place in range(len(pages))]
    ends = [tokenizer().eos_token_id]
    watch = Watch(lambda: LoopGuard(str), limits, ends, seeds=seeds, temperature=3.0)
    generator = Generator(made, ends, tokenizer().pad_token_id, way=way)
    generator.run(dict(inputs_for(which, pages)), watch, max(limits) + 1)
    return watch


def same(one, other):
    assert one.tokens == other.tokens and one.reasons == other.reasons
    assert max(len(set(tokens)) for tokens in one.tokens) > 5, "answers of a single token would show nothing"
    for values, others in zip(one.log_probabilities, other.log_probabilities, strict=True):
        torch.testing.assert_close(torch.tensor(values), torch.tensor(others), atol=1e-3, rtol=1e-4)


@ways("step", "onnx")
@families
def test_pages_of_several_sizes_get_the_tokens_that_transformers_gives_them(which, way):
    drawn = [3, 5, 7]
    same(watched(which, PAGES, way=way, seeds=drawn), watched(which, PAGES, way="generate", seeds=drawn))
    greedy = [watched(which, PAGES, way=other, limits=[30, 20, 10]) for other in (way, "generate")]
    assert greedy[0].tokens == greedy[1].tokens and greedy[0].reasons == greedy[1].reasons


@ways("step", "onnx", "onnx int8")
@families
def test_an_answer_is_the_same_alone_and_among_others_that_end_before_it(which, way):
    limits = [LIMIT, 20, 60]
    together = watched(which, PAGES, way=way, seeds=[3, 5, 7], limits=limits)
    for place, seed in enumerate([3, 5, 7]):
        alone = watched(which, [PAGES[place]], way=way, seeds=[seed], limits=[limits[place]])
        assert alone.tokens[0] == together.tokens[place]


def scored(which, inputs, answers, way):
    """Logits of the places that tell the tokens of `answers`, which follow the prompts."""
    ids = torch.tensor(answers)
    wanted = torch.cat([torch.zeros_like(inputs["attention_mask"]), torch.ones_like(ids)], dim=1).bool().roll(-1, 1)
    inputs = inputs | {
        "input_ids": torch.cat([inputs["input_ids"], ids], dim=1),
        "attention_mask": torch.cat([inputs["attention_mask"], torch.ones_like(ids)], dim=1),
    }
    made = model(*which)
    logits = Generator(made, [tokenizer().eos_token_id], tokenizer().pad_token_id, way=way).logits(inputs, wanted)
    return inputs, wanted, logits


@ways("step", "onnx", "onnx int8")
@families
def test_a_padded_prompt_is_the_same_prompt(which, way):
    answers = [[9, 17, 30], [12, 13, 14], [40, 41, 9]]
    padded = dict(inputs_for(which, PAGES))
    assert not padded["attention_mask"].all(), "prompts of one length would show nothing"
    _, _, together = scored(which, padded, answers, way)
    for place, logits in enumerate(together.split(3)):
        _, _, alone = scored(which, dict(inputs_for(which, PAGES[place : place + 1])), answers[place : place + 1], way)
        torch.testing.assert_close(logits, alone, atol=1e-4, rtol=1e-3)


@ways("onnx int8")
@families
def test_products_in_8_bits_are_those_of_a_prompt_alone_to_the_last_bit(which, way):
    """A difference in the last bit could become a step of the rounding, and a step another letter."""
    answers = [[9, 17, 30], [12, 13, 14], [40, 41, 9]]
    _, _, together = scored(which, dict(inputs_for(which, PAGES)), answers, way)
    for place, logits in enumerate(together.split(3)):
        _, _, alone = scored(which, dict(inputs_for(which, PAGES[place : place + 1])), answers[place : place + 1], way)
        assert torch.equal(logits, alone)


@ways("step", "onnx", "generate")
@families
def test_given_answers_are_scored_as_the_whole_model_scores_them(which, way):
    inputs, wanted, logits = scored(which, dict(inputs_for(which, PAGES)), [[9, 17], [12, 13], [40, 41]], way)
    with torch.inference_mode():
        expected = model(*which)(**inputs).logits[wanted]
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-3)


@ways("onnx int8")
@families
def test_products_in_8_bits_stay_near_the_exact_ones(which, way):
    inputs, wanted, logits = scored(which, dict(inputs_for(which, PAGES)), [[9, 17], [12, 13], [40, 41]], way)
    with torch.inference_mode():
        expected = model(*which)(**inputs).logits[wanted]
    assert 0 < (logits - expected).norm() < 0.05 * expected.norm()


@ways("step", "onnx")
def test_a_step_follows_when_weights_change(way):
    which = FAMILIES[0]
    made = model.__wrapped__(*which)  # not the one that other tests share
    ends = [tokenizer().eos_token_id]
    generator = Generator(made, ends, tokenizer().pad_token_id, way=way)
    said = []
    for _ in range(2):
        watch = Watch(lambda: LoopGuard(str), [20], ends, seeds=[1], temperature=3.0)
        generator.run(dict(inputs_for(which, PAGES[:1])), watch, 21)
        said.append(watch.log_probabilities)
        with torch.no_grad():
            made.model.language_model.layers[0].mlp.down_proj.weight.mul_(-2)
    assert said[0] != said[1]


def test_what_the_steps_do_not_know_is_left_to_transformers():
    which = FAMILIES[0]
    made = model.__wrapped__(*which)
    onnx = "onnx int8" if multiplies_8_bits() else "onnx"
    assert can_step(made) and can_run_onnx(made) == ONNX and fastest(made) == (onnx if ONNX else "step")
    assert fastest(model.__wrapped__(*which).to(torch.bfloat16)) == "step", "ONNX Runtime runs float32 here"
    made.model.language_model.layers[1].mlp.up_proj = torch.nn.Sequential(
        made.model.language_model.layers[1].mlp.up_proj
    )
    assert fastest(made) == "generate", "an adapted layer is not the product of one matrix"
    same(
        watched(which, PAGES, way=None, seeds=[1, 2, 3], made=made),
        watched(which, PAGES, way="generate", seeds=[1, 2, 3], made=made),
    )
    assert fastest(model.__wrapped__(*which).to(torch.float16)) == "generate"
    with pytest.raises(ValueError, match="leave the way open"):
        watched(which, PAGES, way="step", made=made)


def test_a_reader_is_run_the_way_that_was_asked_for():
    for way, runs in {"generate": type(None), "step": Stepper}.items():
        assert type(load("nano", device="cpu", way=way).asker.generator.steps()) is runs
    with pytest.raises(ValueError, match="choose one of onnx"):
        load("nano", device="cpu", way="quick")
