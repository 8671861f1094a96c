"""LLaVA-UHD's first resampler gives what its authors' gives."""

import re
from dataclasses import replace

import pytest
import torch

from tests.golden.vectors import below, tensors
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.model.published import uhd1_from_published, uhd1_to_published

CONFIG = Uhd1Config(heads=4)


def test_tokens_are_the_authors_for_every_map():
    vectors = tensors("uhd_v1_resampler")
    module = CONFIG.build(encoder_width=16, language_width=64).eval()
    module.load_state_dict(uhd1_from_published(below(vectors, "weight."), CONFIG))
    cases = [name.removeprefix("in_") for name in vectors if name.startswith("in_")]
    assert len(cases) == 4
    for case in cases:
        height, width = map(int, re.findall(r"\d+", case))
        features = vectors[f"in_{case}"].unflatten(1, (height, width))
        with torch.no_grad():
            tokens = module.compress([features], torch.zeros(1, 3, 14 * height, 14 * width))
        torch.testing.assert_close(tokens, vectors[f"out_{case}"], atol=2e-5, rtol=0)


def test_weights_under_the_published_names_come_back_unchanged_and_strangers_are_named():
    weights = below(tensors("uhd_v1_resampler"), "weight.")
    again = uhd1_to_published(uhd1_from_published(weights, CONFIG), CONFIG)
    assert set(again) == set(weights)
    assert all(torch.equal(tensor, again[name]) for name, tensor in weights.items())
    with pytest.raises(ValueError, match=r"unknown: kv_proj\.bias; missing: query"):
        uhd1_from_published(
            {name: tensor for name, tensor in weights.items() if name != "query"} | {"kv_proj.bias": torch.ones(1)},
            CONFIG,
        )


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_any_level_of_the_pyramid_can_be_read_and_gradients_reach_every_parameter(scale):
    torch.manual_seed(0)
    config = replace(CONFIG, scale=scale)
    module = config.build(encoder_width=8, language_width=16)
    module.compress([torch.randn(2, 4, 5, 8)], torch.randn(2, 3, 56, 70)).square().sum().backward()
    assert [name for name, parameter in module.named_parameters() if parameter.grad is None] == []
    state = module.state_dict()
    again = uhd1_from_published(uhd1_to_published(state, config), config)
    assert set(again) == set(state) and all(torch.equal(again[name], tensor) for name, tensor in state.items())


def test_the_size_is_the_published_one():
    with torch.device("meta"):
        module = Uhd1Config().build(encoder_width=1024, language_width=4096)
    assert sum(parameter.numel() for parameter in module.parameters()) == 89_300_992


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not a rising choice"):
        Uhd1Config(scale=8)
