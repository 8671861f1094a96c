"""Which tokens a word is made of, and that what it draws on is the model's own attention and its own probability."""

import pytest
import torch
from tests.model.tiny import config, model, picture, processor

from texthawk.eval.show.looking import eyes_of, look
from texthawk.eval.show.sources import gradient_map
from texthawk.eval.show.words import MOST, answers, find_word, prompt_of, word_sources

QUESTION = "List the text content in the image"


@pytest.fixture(scope="module")
def asked():
    """The tiny model and its processor, a picture, and an answer that it is made to give."""
    made = config()
    network = model(made).requires_grad_(False)
    prepare = processor(made)
    answer = prepare.tokenizer("The quick brown Fox jumps\nThe total of this fox").input_ids
    return network, prepare, picture(64, 128), answer


def test_a_word_is_found_with_its_tokens(asked):
    _, prepare, _, answer = asked
    tokenizer = prepare.tokenizer
    other = tokenizer("Nothing of it").input_ids
    for word, times in (("brown", 1), ("The", 2), ("total of this", 1)):
        place = find_word(word, [other, answer], tokenizer)
        assert (place.answer, place.occurrences) == (1, times)
        assert tokenizer.decode(answer[place.start : place.end]).strip() == word
    exact = find_word("fox", [answer], tokenizer)
    assert tokenizer.decode(answer[: exact.end]).endswith("this fox"), "as it is written comes before other letter case"
    assert find_word("BROWN", [answer], tokenizer) == find_word("brown", [answer], tokenizer)


def test_a_word_that_no_answer_has_is_refused_with_the_nearest(asked):
    _, prepare, _, answer = asked
    with pytest.raises(ValueError, match=r"word 'quik' is not in the answer; nearest: quick"):
        find_word("quik", [answer], prepare.tokenizer)
    with pytest.raises(ValueError, match="'row' is not in the answer"):
        find_word("row", [answer], prepare.tokenizer)  # a part of a word is none
    with pytest.raises(ValueError, match="it has no word at all"):
        find_word("row", [[]], prepare.tokenizer)


def test_the_attention_is_that_of_a_plain_forward(asked):
    network, prepare, image, answer = asked
    seen = look(eyes_of(network, prepare.image_processor), image)
    place = find_word("brown", [answer], prepare.tokenizer)
    found = word_sources(network, prepare, seen, image, QUESTION, answer, place)
    inputs = prepare(images=[image], text=[prompt_of(prepare, QUESTION)], return_tensors="pt")
    start = inputs["input_ids"].shape[1]
    ids = torch.cat([inputs.pop("input_ids"), torch.tensor([answer[: place.end]])], dim=1)
    del inputs["attention_mask"]
    language = network.model.language_model
    usual = language.config._attn_implementation
    language.set_attn_implementation("eager")
    whole = network(input_ids=ids, output_attentions=True, **inputs)
    language.set_attn_implementation(usual)
    rows = slice(start + place.start - 1, start + place.end - 1)
    visual = ids[0] == network.config.image_token_id
    expected = torch.stack([layer[0, :, rows][..., visual].mean((0, 1)) for layer in whole.attentions]).mean(0)
    torch.testing.assert_close(found.attention, expected, rtol=1e-4, atol=1e-6)
    assert len(found.attention) == len(seen.sequence)
    ranks = found.attention[found.tokens].tolist()
    assert len(ranks) == min(MOST, len(seen.sequence)) and ranks == sorted(ranks, reverse=True)
    assert found.through.total == pytest.approx(found.held * float(found.attention.sum()), rel=1e-3)


def test_the_gradient_is_that_of_the_words_probability(asked):
    """A small step along the gradient of one patch changes the log-probability by the step times its length."""
    network, prepare, image, answer = asked
    seen = look(eyes_of(network, prepare.image_processor), image)
    place = find_word("quick", [answer], prepare.tokenizer)
    found = word_sources(network, prepare, seen, image, QUESTION, answer, place).gradient
    inputs = prepare(images=[image], text=[prompt_of(prepare, QUESTION)], return_tensors="pt")
    start = inputs["input_ids"].shape[1]
    ids = torch.cat([inputs["input_ids"], torch.tensor([answer])], dim=1)

    def score(levels):
        groups = [type(group)(group.index, levels, group.pixels) for group in seen.groups]
        (tokens,) = network.model.connector(groups, [seen.layout])
        embedded = network.get_input_embeddings()(ids).clone()
        embedded[ids == network.config.image_token_id] = tokens
        logits = network.lm_head(network.model.language_model(inputs_embeds=embedded)[0])[0].log_softmax(-1)
        places = range(start + place.start, start + place.end)
        return sum(logits[at - 1, ids[0, at]] for at in places)

    (group,) = seen.groups
    levels = [level.detach().clone().requires_grad_() for level in group.levels]
    gradients = torch.autograd.grad(score(levels), levels)
    for level, gradient in zip(found.levels, gradients, strict=True):
        lengths = gradient.norm(dim=-1)[group.index.argsort()]
        torch.testing.assert_close(torch.stack(level.views), lengths, rtol=1e-3, atol=1e-5)
    assert len(found.levels) == len(levels)


def test_answers_to_pictures_read_together_are_those_of_pictures_read_alone(asked):
    network, prepare, image, _ = asked
    pictures = [image, picture(128, 64, seed=1)]
    ends = [prepare.tokenizer.eos_token_id]
    together = answers(network, prepare, ends, pictures, QUESTION, 6)
    assert together == [answers(network, prepare, ends, [each], QUESTION, 6)[0] for each in pictures]
    assert all(ends[0] not in tokens and len(tokens) <= 6 for tokens in together)


def test_nothing_draws_on_a_value_that_the_page_has_no_part_in(asked):
    network, prepare, image, _ = asked
    seen = look(eyes_of(network, prepare.image_processor), image)
    apart = torch.zeros(3, requires_grad=True).sum()
    assert gradient_map(seen, apart, "nothing").levels == ()
