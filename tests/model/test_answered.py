"""Coordinates of an answer are the head's at the steps that wrote them, and the centres of their tokens."""

import pytest
import torch

from tests.model import tiny
from texthawk.model.answered import answered_places
from texthawk.model.grounding import parse_lines_with_boxes

ANSWER = "<box><100><200>,<300><400></box>fox\n<box><0><1>,<998><999></box>dog"
CENTRES = (0.1005, 0.2005, 0.3005, 0.4005, 0.0005, 0.0015, 0.9985, 0.9995)


@pytest.fixture(scope="module")
def model():
    return tiny.model()


@pytest.fixture(scope="module")
def prompts():
    """Two prompts of different lengths about one page each, the shorter padded in front, and their answers behind them."""
    processor = tiny.processor()
    texts = [tiny.prompt("Where", "?"), tiny.prompt("What is the total of", " this receipt?")]
    pages = [tiny.picture(64, 64, seed=1), tiny.picture(128, 64, seed=2)]
    inputs = processor(text=texts, images=pages, padding=True, return_tensors="pt")
    answer = processor.tokenizer(ANSWER, return_tensors="pt")["input_ids"].expand(2, -1)
    return texts, pages, inputs, answer


def asked(model, inputs, answer):
    ids = inputs.pop("input_ids")
    return answered_places(model, torch.cat([ids, answer], dim=1), ids, **inputs)


def test_the_heads_values_are_those_of_the_steps_that_wrote_the_tokens(model, prompts):
    _, _, inputs, answer = prompts
    inputs = dict(inputs)
    found = asked(model, dict(inputs), answer)
    mask, seen = inputs["attention_mask"], []
    with torch.no_grad():
        out = model(**inputs, use_cache=True)
        for step in range(answer.shape[1]):
            seen.append(out.coordinates[:, -1])
            mask = torch.cat([mask, torch.ones(2, 1, dtype=mask.dtype)], dim=1)
            out = model(
                input_ids=answer[:, step : step + 1],
                attention_mask=mask,
                past_key_values=out.past_key_values,
                use_cache=True,
            )
    start = model.config.coordinate_token_start
    here = (answer[0] >= start) & (answer[0] < start + model.config.coordinate_bins)
    expected = torch.stack(seen, dim=1)[:, here]
    torch.testing.assert_close(torch.tensor([row.head for row in found]), expected, atol=1e-4, rtol=1e-4)
    assert expected.std() > 1e-4  # the head says something of its own at each


def test_the_tokens_say_the_centres_of_their_bins(model, prompts):
    _, _, inputs, answer = prompts
    assert [row.tokens for row in asked(model, dict(inputs), answer)] == [pytest.approx(CENTRES)] * 2


def test_a_row_of_a_padded_batch_is_placed_as_it_is_alone(model, prompts):
    texts, pages, inputs, answer = prompts
    processor = tiny.processor()
    both = asked(model, dict(inputs), answer)
    for row, text, page in zip(both, texts, pages, strict=True):
        alone = dict(processor(text=text, images=page, return_tensors="pt"))
        assert row.head == pytest.approx(asked(model, alone, answer[:1])[0].head, abs=1e-4)


def test_either_makes_boxes_of_the_answers_lines(model, prompts):
    _, _, inputs, answer = prompts
    row = asked(model, dict(inputs), answer)[0]
    for values in row:
        (fox, first), (dog, second) = parse_lines_with_boxes(ANSWER, values)
        assert (fox, dog) == ("fox", "dog")
        assert sorted([*first, *second]) == pytest.approx(sorted(values))


def test_answers_of_generate_are_taken_as_they_come(model, prompts):
    _, _, inputs, _ = prompts
    given = dict(inputs)
    sequences = model.generate(**given, max_new_tokens=5, do_sample=False)
    ids = given.pop("input_ids")
    start = model.config.coordinate_token_start
    for row, tokens in zip(answered_places(model, sequences, ids, **given), sequences[:, ids.shape[1] :], strict=True):
        assert len(row.head) == len(row.tokens) == int((tokens >= start).sum() - (tokens >= start + 1000).sum())


def test_a_model_without_a_head_is_refused():
    config = tiny.config()
    config.coordinate_bins = 0
    bare = tiny.model(config)
    with pytest.raises(ValueError, match="no detection head"):
        answered_places(bare, torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 2, dtype=torch.long))
