"""Choosing tokens, and making text of them as they come."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import tiny
from texthawk.serve.sampling import Choice, Fault, Sampling, Token, next_tokens
from texthawk.serve.wording import Wording

LOGITS = torch.tensor([[0.0, 3.0, 1.0, 2.0]])


def chosen(sampling, count=200, constraint=None):
    choice = Choice(sampling, sampling.generator(), constraint)
    return [next_tokens(LOGITS, [choice])[0].id for _ in range(count)]


def test_without_temperature_the_likeliest_token_is_taken():
    assert set(chosen(Sampling(1))) == {1}


def test_top_p_keeps_the_fewest_tokens_that_reach_it():
    probabilities = LOGITS[0].softmax(-1)
    assert probabilities[1] < 0.7 < probabilities[1] + probabilities[3]
    assert set(chosen(Sampling(1, temperature=1.0, top_p=0.7, seed=0))) == {1, 3}
    assert set(chosen(Sampling(1, temperature=1.0, top_p=1e-6, seed=0))) == {1}


def test_sampled_tokens_have_the_frequencies_of_the_model():
    found = chosen(Sampling(1, temperature=1.0, seed=3), count=4000)
    for token, probability in enumerate(LOGITS[0].softmax(-1).tolist()):
        assert found.count(token) / 4000 == pytest.approx(probability, abs=0.03)


@pytest.mark.parametrize("temperature", [1e-9, 1e-300, 5e-324])
def test_a_temperature_of_almost_nothing_takes_the_likeliest_token(temperature):
    assert set(chosen(Sampling(1, temperature=temperature, seed=0), count=20)) == {1}


def test_a_row_of_which_nothing_can_be_chosen_costs_no_other():
    class Broken:
        def allowed(self):
            raise RuntimeError("it lost its way")

    logits = torch.cat([LOGITS, LOGITS * math.nan, LOGITS])
    first, lost, last = next_tokens(logits, [Choice(Sampling(1))] * 3)
    assert isinstance(first, Token) and first == last and first.id == 1 and isinstance(lost, Fault)
    broken = Choice(Sampling(1), constraint=Broken())
    first, lost = next_tokens(LOGITS.repeat(2, 1), [Choice(Sampling(1)), broken])
    assert isinstance(first, Token) and "lost its way" in str(lost.error)


def test_log_probabilities_are_those_before_temperature():
    token = next_tokens(LOGITS, [Choice(Sampling(1, temperature=2.0, seed=1, top_scores=4))])[0]
    assert math.exp(token.log_probability) == pytest.approx(float(LOGITS[0].softmax(-1)[token.id]))
    assert sum(math.exp(value) for _, value in token.top) == pytest.approx(1.0)


def test_what_a_person_asks_wrongly_is_said():
    for wrong in ({"temperature": 3.0}, {"top_p": 0.0}, {"stop": ("",)}, {"top_scores": 21}, {"max_tokens": 0}):
        with pytest.raises(ValueError):
            Sampling(**{"max_tokens": 1} | wrong)


def worded(tokenizer, text, stops):
    wording, parts = Wording(tokenizer, stops), []
    for token in tokenizer.encode(text, add_special_tokens=False).ids:
        parts.append(wording.add(token))
        if wording.stopped:
            return parts, True
    return [*parts, wording.rest()], False


@settings(max_examples=60, deadline=None)
@given(st.text("abü€漢 \n", max_size=30), st.lists(st.text("abü ", min_size=1, max_size=4), max_size=3))
def test_text_comes_whole_and_ends_before_the_first_stop(text, stops):
    tokenizer = tiny.processor().tokenizer.backend_tokenizer
    parts, stopped = worded(tokenizer, text, stops)
    at = [text.find(stop) for stop in stops if stop in text]
    assert stopped == bool(at)
    said = "".join(parts)
    assert "\ufffd" not in said and not any(stop in said for stop in stops)
    if not at:
        assert said == text
    else:
        assert text.startswith(said) and any(text[len(said) :].startswith(stop) for stop in stops)


def test_text_that_may_begin_a_stop_is_held_back_until_it_is_certain():
    tokenizer = tiny.processor().tokenizer.backend_tokenizer
    ids = tokenizer.encode("xabc", add_special_tokens=False).ids
    wording = Wording(tokenizer, ("abd",))
    assert [wording.add(token) for token in ids] == ["x", "", "", "abc"]
