"""Adapters change nothing at first, learn alone, and leave the plain model with what they have learned."""

from dataclasses import replace

import pytest
import torch

from tests.model import tiny
from tests.train import paper
from texthawk.recipes.texthawk2 import texthawk2
from texthawk.train.added_rows import added_tokens
from texthawk.train.lora import RANK, add_adapters, is_adapter, ranks_of
from texthawk.train.parts import adamw, choose, set_rates, trained
from texthawk.train.schedule import Learner

STAGE = paper.recipe().paper_stages[0]


def inputs():
    made = tiny.processor()
    prompt = tiny.prompt("What is <box><1><2>,<3><4></box> of ", " and ", "?")
    return made(images=[tiny.picture(100, 130), tiny.picture(60, 60)], text=prompt, return_tensors="pt")


@torch.no_grad()
def said(model):
    out = model(**inputs())
    return torch.cat([out.logits.flatten(), out.coordinates.flatten()])


@torch.no_grad()
def disturb(model, size=0.1):
    """Whatever learns takes other values."""
    torch.manual_seed(1)
    for parameter in trained(model).values():
        parameter.add_(size * torch.randn_like(parameter))


def test_adapters_change_nothing_at_first():
    model = tiny.model()
    before = said(model)
    add_adapters(model, STAGE)
    torch.testing.assert_close(said(model), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_a_merged_model_says_what_its_adapters_said(tied):
    config = tiny.config()
    config.text_config.tie_word_embeddings = config.tie_word_embeddings = tied
    model = tiny.model(config)
    names = model.state_dict().keys()
    before = said(model)
    adapters = add_adapters(model, STAGE)
    choose(model, STAGE)
    disturb(model)
    learned = said(model)
    assert (learned - before).abs().max() > 0.1
    adapters.merge()
    torch.testing.assert_close(said(model), learned, rtol=1e-4, atol=1e-4)
    assert model.state_dict().keys() == names and not any(is_adapter(name) for name in names)
    assert (model.lm_head.weight is model.get_input_embeddings().weight) == tied


def test_ranks_are_the_papers():
    layers = ranks_of(tiny.model(), texthawk2().paper_stages[0])
    tower = {rank for name, rank in layers.items() if "vision_tower" in name}
    language = {rank for name, rank in layers.items() if "language_model" in name}
    assert (tower, language) == ({16}, {128})
    assert len(layers) == 2 * (4 + 2) and {name.rpartition(".")[2] for name in layers} == {"q_proj", "v_proj"}
    silent = replace(STAGE, learners=(Learner("language", 1e-3, lora=True),))
    assert set(ranks_of(tiny.model(), silent).values()) == {RANK}
    with pytest.raises(ValueError, match="wants LoRA in tower, which has no layer"):
        ranks_of(tiny.model(), replace(STAGE, learners=(Learner("tower", 1e-3, lora=True, targets=("query",)),)))


def test_of_a_part_with_adapters_nothing_else_learns():
    model = tiny.model()
    add_adapters(model, STAGE)
    groups = choose(model, STAGE)
    named = [name for group in groups for name in group.names]
    assert sorted(named) == sorted(trained(model)) and len(set(named)) == len(named)
    for name in named:
        assert is_adapter(name) or name.startswith(("model.connector.", "detection_head.")), name
    rows = [name for name in named if name.endswith(".rows")]
    assert rows == ["model.language_model.embed_tokens.rows"], "tied tables have one set of rows"
    assert {group.learner.part for group in groups} == {"tower", "connector", "language", "detection head"}
    parameters = dict(model.named_parameters())
    assert all((parameters[name].ndim > 1) == group.decayed for group in groups for name in group.names)


def test_rows_are_learned_for_the_tokens_that_were_added():
    config = tiny.config()
    vocabulary = tiny.processor().tokenizer.get_vocab()
    words = {token for token, number in vocabulary.items() if number in set(added_tokens(config))}
    assert words == {"<|vision_start|>", "<|vision_end|>", "<box>", "</box>", *(f"<{n}>" for n in range(1000))}


def test_each_part_learns_at_its_own_rate_and_late_ones_stand_still_at_first():
    first = texthawk2().paper_stages[0]
    slow = replace(first, learners=(*first.learners[:1], replace(first.learners[1], rate=1e-3), *first.learners[2:]))
    model = tiny.model()
    add_adapters(model, slow)
    groups = choose(model, slow)
    optimiser = adamw(model, groups, slow)
    before = {name: value.detach().clone() for name, value in trained(model).items()}
    for parameter in trained(model).values():
        parameter.grad = torch.ones_like(parameter)
    set_rates(optimiser, groups, slow, 0, 1000)
    optimiser.step()
    for name, value in trained(model).items():
        late = name.startswith(("model.vision_tower.", "model.language_model."))
        assert torch.equal(value, before[name]) == late, name
    set_rates(optimiser, groups, slow, 29, 1000)  # the last step of the warm-up
    rates = {group.learner.part: entry["lr"] for group, entry in zip(groups, optimiser.param_groups, strict=True)}
    assert rates == pytest.approx({"tower": 2e-4, "connector": 1e-3, "language": 2e-4, "detection head": 2e-4})
    assert {entry["weight_decay"] for entry in optimiser.param_groups} == {0.05, 0.0}
    assert all(entry["betas"] == (0.9, 0.95) for entry in optimiser.param_groups)


def test_a_stage_that_teaches_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing learns in stage"):
        choose(tiny.model(), replace(STAGE, learners=()))
