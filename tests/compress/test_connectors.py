"""What holds for every connector that compresses views by themselves: counts, independence, gradients, operations."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.compress.random_views import PATCH, changed, grouped, page, random_levels
from texthawk.compress import COMPRESSORS, compressor_from_json, compressor_to_json
from texthawk.compress.average_pool import AveragePoolConfig
from texthawk.compress.c_abstractor import CAbstractorConfig
from texthawk.compress.conv16 import Conv16Config
from texthawk.compress.h_reducer import HReducerConfig
from texthawk.compress.merge2x2 import Merge2x2Config
from texthawk.compress.mlp import MLPConfig
from texthawk.compress.per_view import heads_for
from texthawk.compress.perceiver import PerceiverConfig
from texthawk.compress.pixel_shuffle import PixelShuffleConfig
from texthawk.compress.token_packer import TokenPackerConfig
from texthawk.compress.views import ViewGroup

WIDTH, LANGUAGE = 16, 24
CONFIGS = {
    "mlp": MLPConfig(),
    "merge2x2": Merge2x2Config(),
    "pixel_shuffle": PixelShuffleConfig(),
    "pixel_shuffle, linear, 3x3": PixelShuffleConfig(scale=3, projection="linear"),
    "h_reducer": HReducerConfig(),
    "h_reducer, 2x2, mixing": HReducerConfig(window=(2, 2), mixing=True),
    "average_pool": AveragePoolConfig(grid=(3, 2)),
    "conv16": Conv16Config(),
    "conv16, channels": Conv16Config(channels=(5, 7)),
    "perceiver": PerceiverConfig(queries=5, heads=2),
    "c_abstractor": CAbstractorConfig(grid=(3, 2), depth=2, places=6),
    "c_abstractor, wider": CAbstractorConfig(grid=(2, 2), depth=1, width=20, places=4),
    "token_packer": TokenPackerConfig(heads=2),
    "token_packer, one level, 3x3": TokenPackerConfig(scale=3, levels=1),
}
ODD = [(1, 1), (3, 5), (7, 4), (2, 13), (6, 6)]
# A key's bias adds the same to all scores of a query, and softmax does not see it.
WITHOUT_GRADIENT = "attention.k.bias"

every = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


def built(config, width=WIDTH, language=LANGUAGE):
    torch.manual_seed(0)
    return config.build(encoder_width=width, language_width=language).eval()


def run(module, layouts, views):
    with torch.no_grad():
        return module(grouped(layouts, views), layouts)


@every
@pytest.mark.parametrize("size", ODD, ids=str)
def test_a_view_of_any_size_becomes_as_many_tokens_as_promised(config, size):
    layout = page(cut=size, grid=(1, 2), whole=(5, 3))
    (tokens,) = run(built(config), [layout], random_levels([layout], WIDTH))
    assert tokens.shape == (config.visual_tokens(layout), LANGUAGE)
    assert torch.isfinite(tokens).all()
    (rows, columns), (down, across) = config.token_grid(*size), config.token_grid(5, 3)
    assert len(tokens) == 2 * rows * columns + down * across


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("mlp", 576),
        ("merge2x2", 144),
        ("pixel_shuffle", 144),
        ("h_reducer", 144),
        ("average_pool", 144),
        ("conv16", 36),
        ("perceiver", 64),
        ("c_abstractor", 144),
        ("token_packer", 144),
    ],
)
def test_the_default_ratio_is_the_published_one_for_a_view_of_336_pixels(name, tokens):
    assert COMPRESSORS[name]().visual_tokens(page(cut=(24, 24))) == tokens


@every
def test_views_never_see_each_other(config):
    layout = page(cut=(4, 6), grid=(1, 3))
    module, views = built(config), random_levels([layout], WIDTH)
    (before,) = run(module, [layout], views)
    views[1] = [torch.randn_like(level) for level in views[1]]
    (after,) = run(module, [layout], views)
    tokens = len(before) // 3
    assert changed(before, after, 0.0) == set(range(tokens, 2 * tokens))


@every
def test_a_page_in_a_batch_gives_what_it_gives_alone_in_any_order_of_groups(config):
    layouts = [page(cut=(4, 6), grid=(2, 1), whole=(5, 5)), page(cut=(5, 5), whole=(4, 6)), page(cut=(2, 3))]
    module, views = built(config), random_levels(layouts, WIDTH)
    together = run(module, layouts, views)
    with torch.no_grad():
        reversed_groups = module(grouped(layouts, views)[::-1], layouts)
    first = 0
    for layout, tokens, again in zip(layouts, together, reversed_groups, strict=True):
        (alone,) = run(module, [layout], views[first : first + layout.tiles])
        first += layout.tiles
        assert torch.equal(tokens, again)
        torch.testing.assert_close(tokens, alone, rtol=1e-5, atol=1e-6)


@every
def test_gradients_reach_every_parameter(config):
    layouts = [page(cut=(5, 6), grid=(1, 2), whole=(6, 6))]
    module = built(config).train()
    (tokens,) = module(grouped(layouts, random_levels(layouts, WIDTH)), layouts)
    (tokens * torch.randn_like(tokens)).sum().backward()
    dry = [name for name, weight in module.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert [name for name in dry if name != WITHOUT_GRADIENT] == []


@every
def test_features_in_half_precision_stay_in_half_precision(config):
    layouts = [page(cut=(5, 6))]
    views = [[level.bfloat16() for level in view] for view in random_levels(layouts, WIDTH)]
    (tokens,) = run(built(config).bfloat16(), layouts, views)
    assert tokens.dtype == torch.bfloat16


@every
@pytest.mark.parametrize(("width", "language"), [(1024, 4096), (1152, 896)])
def test_operations_by_formula_are_those_torch_counts(config, width, language):
    layout = page(cut=(24, 24), grid=(2, 2), whole=(17, 31))
    with torch.device("meta"):
        module = config.build(encoder_width=width, language_width=language)
        sizes = [(4, (24, 24), range(1, 5)), (1, (17, 31), range(1))]
        groups = [
            ViewGroup(
                torch.tensor(list(index), device="cpu"),
                [torch.empty(n, h, w, width) for _ in range(config.levels_needed)],
                torch.empty(n, 3, h * PATCH, w * PATCH),
            )
            for n, (h, w), index in sizes
        ]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(groups, [layout])
    assert config.flops(layout, encoder_width=width, language_width=language) == counter.get_total_flops()


@every
def test_a_config_comes_back_from_json_the_same(config):
    assert compressor_from_json(compressor_to_json(config)) == config


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        (MLPConfig, {"patch": 0}),
        (PixelShuffleConfig, {"scale": 0}),
        (PixelShuffleConfig, {"projection": "quadratic"}),
        (HReducerConfig, {"window": (1, -4)}),
        (AveragePoolConfig, {"grid": (0, 12)}),
        (CAbstractorConfig, {"depth": 0}),
        (Conv16Config, {"channels": (0, 4)}),
        (PerceiverConfig, {"queries": 0}),
        (TokenPackerConfig, {"levels": 0}),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(kind, setting):
    with pytest.raises(ValueError, match=rf"Config\.{next(iter(setting))} is "):
        kind(**setting)


def test_heads_that_do_not_divide_the_width_are_refused():
    for config in (PerceiverConfig(heads=5), TokenPackerConfig(heads=5)):
        with pytest.raises(ValueError, match=r"not divisible by .*5 heads; set heads"):
            config.build(encoder_width=WIDTH, language_width=LANGUAGE)


@pytest.mark.parametrize(("width", "heads"), [(4096, 32), (1152, 9), (960, 6), (16, 1)])
def test_heads_are_128_wide_or_as_near_above_as_divides_the_width(width, heads):
    assert heads_for(width) == heads
