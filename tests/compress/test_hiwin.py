"""Hiwin gives what the authors' projector gives, does its mathematics once, and keeps views apart."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.compress.hiwin_reference import FourAttentions
from tests.compress.random_views import page
from tests.golden.vectors import below, tensors
from texthawk.compress.hiwin import Hiwin, HiwinConfig
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.compress.views import ViewGroup, group_sizes
from texthawk.model.published import hiwin_from_published, hiwin_to_published
from texthawk.types import TileLayout

CASES = {
    "hiwin_square24": (1, 2, 4),
    "hiwin_overview19x29": (1, 2, 4),
    "hiwin_small8x10_mask5": (1, 4),
}


def small(**changes) -> HiwinConfig:
    return replace(HiwinConfig(heads=4, stages=2), **changes)


def published(config: HiwinConfig) -> Hiwin:
    """The module with the reference weights."""
    module = config.build(encoder_width=16, language_width=64).eval()
    module.load_state_dict(hiwin_from_published(tensors("hiwin_weights"), config))
    return module


def feature_maps(vectors, levels):
    return [vectors[f"in.feat_{scale}x"].permute(0, 2, 3, 1) for scale in levels]


@pytest.mark.parametrize("name", CASES)
def test_tokens_are_the_authors(name):
    vectors, levels = tensors(name), CASES[name]
    with torch.no_grad():
        tokens = published(small(levels=levels)).resample(feature_maps(vectors, levels))
    torch.testing.assert_close(tokens, vectors["out"], atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", CASES)
def test_rounded_windows_bring_the_authors_half_precision_result(name):
    vectors, levels = tensors(name), CASES[name]
    half = torch.bfloat16

    def distance(window_dtype):
        module = published(small(levels=levels, window_dtype=window_dtype)).to(half)
        with torch.no_grad():
            tokens = module.resample([level.to(half) for level in feature_maps(vectors, levels)])
        return (tokens.float() - vectors["out_bf16"]).square().mean().sqrt().item()

    assert distance("bfloat16") < 0.025  # the result's own size is 1.6
    assert (distance("float32") > 0.05) == (name != "hiwin_square24"), "exact windows are those of a 24x24 map only"


def groups_of(layouts: list[TileLayout], views: list[tuple[torch.Tensor, torch.Tensor]]) -> list[ViewGroup]:
    """Views as (features (h, w, W), pixels), grouped by size as the model does."""
    return [
        ViewGroup(
            index=torch.tensor(index),
            levels=[torch.stack([views[k][0] for k in index])],
            pixels=torch.stack([views[k][1] for k in index]),
        )
        for index in group_sizes(layouts).values()
    ]


def pipeline() -> tuple[dict[str, torch.Tensor], list[TileLayout], list[tuple[torch.Tensor, torch.Tensor]]]:
    """The vectors of two pages, one of two slices and an overview, one of an overview alone."""
    vectors = tensors("hiwin_pipeline")
    layouts = [
        TileLayout(1, 2, True, 84, 196, cut=(84, 98), whole=(70, 126), thumbnail_last=True),
        TileLayout(0, 0, True, 112, 112, whole=(112, 112), thumbnail_last=True),
    ]
    views = []
    for number, features in enumerate(vectors["in.features_padded"]):
        picture = vectors[f"in.image_{number}"]
        height, width = (side // 14 for side in picture.shape[1:])
        views.append((features[: height * width].unflatten(0, (height, width)), picture))
    return vectors, layouts, views


@pytest.mark.parametrize("cells_at_once", [1, 2000, 36_864])
def test_pages_of_several_shapes_come_out_as_the_authors(cells_at_once):
    vectors, layouts, views = pipeline()
    module = published(small(cells_at_once=cells_at_once))
    with torch.no_grad():
        pages = module(groups_of(layouts, views), layouts)
    assert [len(page) for page in pages] == [3 * 144, 144]
    for number, tokens in enumerate(torch.cat(pages).split(144)):
        torch.testing.assert_close(tokens, vectors[f"out.image_{number}"], atol=5e-5, rtol=0)


def test_the_pyramid_inside_is_the_authors():
    vectors, _, views = pipeline()
    module = published(small())
    for number, (features, picture) in enumerate(views):
        with torch.no_grad():
            finer = module.maps(features[None], picture[None])[1:]
        for scale, level in zip((2, 4), finer, strict=True):
            expected = vectors[f"mid.feat{scale}x_{number}"].permute(0, 2, 3, 1)
            torch.testing.assert_close(level, expected, atol=1e-5, rtol=0)


def test_the_table_of_positions_starts_as_the_authors_and_is_resized_like_theirs():
    vectors = tensors("pos_embed")
    for name, grid, width in (("pos12x12_d64", 12, 64), ("pos8x8_d32", 8, 32)):
        table = small(grid=grid).build(encoder_width=16, language_width=width).attention.positions_KD
        torch.testing.assert_close(table.detach(), vectors[name], atol=1e-6, rtol=0)
    table = vectors["pos12x12_d64"].unflatten(0, (12, 12))
    for size in ((19, 29), (24, 24), (4, 20), (5, 7)):
        resized = vectors[f"pos_{size[0]}x{size[1]}"].unflatten(0, size)[None]
        module = small(levels=(1,), stages=None).build(encoder_width=16, language_width=64)
        windows = module.windows([resized])[0]
        torch.testing.assert_close(windows.pool_table(table), windows.pool(resized)[0], atol=2e-6, rtol=0)


@pytest.mark.parametrize("levels", [(1, 2, 4), (1, 4), (1, 2), (1,)])
def test_one_attention_equals_four_on_maps_of_any_shape(levels):
    torch.manual_seed(0)
    ours = HiwinConfig(levels=levels, heads=2).build(encoder_width=8, language_width=16).eval()
    for parameter in ours.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    theirs = FourAttentions(8, 16, 2, levels).eval()
    weights = hiwin_to_published(ours.state_dict(), ours.config)
    theirs.load_state_dict({name: tensor for name, tensor in weights.items() if not name.startswith("upsampler.")})
    sizes = [(4, 20), (9, 5), (1, 3)]
    views = [[torch.randn(s * h, s * w, 8) for s in levels] for h, w in sizes]
    with torch.no_grad():
        expected = theirs(views)
        got = [ours.resample([level[None] for level in view])[0] for view in views]
    torch.testing.assert_close(got, expected, atol=2e-5, rtol=1e-4)


def test_a_page_costs_at_most_four_tenths_of_four_attentions_at_the_size_of_7b():
    sizes = [(24, 24)] * 6 + [(19, 29)]  # 1008 x 672 pixels: six slices and the overview
    scales = (1, 2, 4)
    with torch.device("meta"):
        theirs = FourAttentions(1024, 4096, 32)
        ours = HiwinConfig().build(encoder_width=1024, language_width=4096)
        views = [[torch.empty(s * h, s * w, 1024) for s in scales] for h, w in sizes]
    with FlopCounterMode(display=False) as as_coded, torch.no_grad():
        theirs(views)
    with FlopCounterMode(display=False) as once, torch.no_grad():
        ours.resample([torch.stack(level) for level in zip(*views[:6], strict=True)])
        ours.resample([level[None] for level in views[6]])
    assert as_coded.get_total_flops() == pytest.approx(8.46e12, rel=0.01)  # the figure counted on the authors' code
    assert once.get_total_flops() <= 0.4 * as_coded.get_total_flops()


@pytest.mark.parametrize(
    "config",
    [HiwinConfig(query_sets=1, cells_at_once=2000), HiwinConfig(levels=(1,), grid=8), Uhd1Config()],
    ids=["hiwin", "hiwin without a pyramid", "uhd1"],
)
def test_operations_by_formula_are_those_torch_counts(config):
    layout = page(cut=(6, 8), grid=(1, 3), whole=(5, 9))
    with torch.device("meta"):
        module = config.build(encoder_width=64, language_width=256)
        groups = [
            ViewGroup(torch.tensor(index, device="cpu"), [torch.empty(n, h, w, 64)], torch.empty(n, 3, 14 * h, 14 * w))
            for index, n, h, w in (([0], 1, 5, 9), ([1, 2, 3], 3, 6, 8))
        ]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        (tokens,) = module(groups, [layout])
    assert config.flops(layout, encoder_width=64, language_width=256) == counter.get_total_flops()
    assert len(tokens) == 4 * config.grid**2


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 4), (2, 13)], ids=str)
@pytest.mark.parametrize("config", [HiwinConfig(), Uhd1Config()], ids=["hiwin", "uhd1"])
def test_a_view_of_any_size_becomes_144_tokens_in_its_own_precision(config, size):
    torch.manual_seed(0)
    features, pixels = torch.randn(2, *size, 16), torch.randn(2, 3, 14 * size[0], 14 * size[1])
    module = config.build(encoder_width=16, language_width=24).eval()
    with torch.no_grad():
        tokens = module.compress([features], pixels)
        half = module.bfloat16().compress([features.bfloat16()], pixels)
    assert tokens.shape == half.shape == (2, 144, 24) and half.dtype == torch.bfloat16
    assert tokens.isfinite().all()
    assert (half.float() - tokens).square().mean() < 0.01 * tokens.square().mean()


def test_a_view_is_the_same_alone_and_among_others():
    _, layouts, views = pipeline()
    module = published(small())
    with torch.no_grad():
        together = module(groups_of(layouts, views), layouts)
        alone = module(groups_of(layouts[1:], views[3:]), layouts[1:])
        views[0] = (views[0][0] + 1, views[0][1])
        moved = module(groups_of(layouts, views), layouts)
    torch.testing.assert_close(together[1], alone[0])
    assert not torch.allclose(together[0][:144], moved[0][:144])
    torch.testing.assert_close(together[0][144:], moved[0][144:])


def test_moving_one_patch_moves_the_windows_near_it_only():
    torch.manual_seed(0)
    module = HiwinConfig(levels=(1,), heads=2).build(encoder_width=8, language_width=16).eval()
    features = torch.randn(1, 24, 24, 8)
    changed = features.clone()
    changed[0, 4, 10] += 1
    with torch.no_grad():
        moved = (module.resample([features]) - module.resample([changed])).abs().amax(2)[0] > 1e-6
    rows, columns = moved.unflatten(0, (12, 12)).nonzero().unbind(1)
    assert set(rows.tolist()) <= {1, 2} and set(columns.tolist()) <= {4, 5} and len(rows)


def test_gradients_reach_every_parameter_and_a_fixed_table_stays_fixed():
    torch.manual_seed(0)
    for config in (small(), small(trainable_pos_embed=False, query_sets=1)):
        module = config.build(encoder_width=8, language_width=16)
        module.compress([torch.randn(2, 4, 5, 8)], torch.randn(2, 3, 56, 70)).square().sum().backward()
        dry = {name for name, weight in module.named_parameters() if weight.grad is None or not weight.grad.any()}
        dry -= {"attention.k.bias"}  # adds the same to all scores of a query, which softmax does not see
        assert dry == (set() if config.trainable_pos_embed else {"attention.positions_KD"})


def test_dropout_of_the_pyramid_stays_off_in_training_unless_asked_for():
    torch.manual_seed(0)
    features, pixels = torch.randn(1, 6, 6, 8), torch.randn(1, 3, 84, 84)
    for config, same in ((small(), True), (small(vdim_dropout_in_mllm=True), False)):
        module = config.build(encoder_width=8, language_width=16)
        for mode in (module, module.train()):
            with torch.no_grad():
                first, second = (mode.compress([features], pixels) for _ in range(2))
            assert torch.equal(first, second) is same
        assert module.training and module.pyramid.training is not same


def test_weights_under_the_published_names_come_back_unchanged_and_strangers_are_named():
    config = small()
    weights = tensors("hiwin_weights")
    again = hiwin_to_published(hiwin_from_published(weights, config), config)
    dead = {"query", "kv_proj.weight", "features_8x_projector.weight", "features_8x_projector.bias"}
    dead |= {"feature_8x_embedding", "upsampler.model.1.norm.weight", "upsampler.model.1.norm.bias"}
    assert set(weights) - set(again) == dead and set(again) <= set(weights)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in again.items())
    stranger = {name: tensor for name, tensor in weights.items() if name != "ln_q.bias"} | {"ln_z.bias": torch.ones(1)}
    with pytest.raises(ValueError, match=r"unknown: ln_z\.bias; missing: ln_q\.bias"):
        hiwin_from_published(stranger, config)
    with pytest.raises(ValueError, match="set stages=2"):
        hiwin_from_published(weights, small(levels=(1, 2), stages=None))


def test_weights_of_levels_that_are_not_read_are_dead():
    config = small(levels=(1, 4))
    ours = hiwin_from_published(tensors("hiwin_weights"), config)
    assert not [name for name in ours if ".2." in name and name.startswith("level")]
    assert set(ours) == set(config.build(encoder_width=16, language_width=64).state_dict())


def test_the_size_is_the_published_one():
    with torch.device("meta"):
        module = HiwinConfig().build(encoder_width=1024, language_width=4096)
    ours = sum(parameter.numel() for parameter in module.parameters())
    assert ours == 175_591_424 - 8_986_624 + 1_062_066  # all stored, less what is never read, and the pyramid


def test_attention_can_be_laid_back_on_the_map():
    torch.manual_seed(0)
    module = HiwinConfig(levels=(1, 2), heads=2).build(encoder_width=8, language_width=16).eval()
    with torch.no_grad():
        maps = module.maps(torch.randn(1, 24, 24, 8), torch.randn(1, 3, 336, 336))
        seen = module.attended(maps)
    assert [tuple(level.shape) for level in seen] == [(1, 144, 24, 24), (1, 144, 48, 48)]
    torch.testing.assert_close(sum(level.sum((2, 3)) for level in seen), torch.ones(1, 144))
    assert seen[0][0, 13].nonzero().amax() <= 4, "the second window of the second row covers cells 2 to 4"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": (2, 1)}, "not a rising choice"),
        ({"levels": (1, 8)}, "not a rising choice"),
        ({"levels": (1, 4), "stages": 1}, "need a pyramid of 2 to 2 stages, not 1"),
        ({"query_sets": 0}, "query_sets is 0; it must be at least 1"),
        ({"levels": ()}, "not a rising choice"),
        ({"token_layout": "3d"}, "choose one of 2d, 1d"),
        ({"window_dtype": "int8"}, "choose one of float32, bfloat16"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        HiwinConfig(**changes)


def test_settings_survive_as_plain_data():
    config = HiwinConfig(levels=(1, 4), token_layout="1d")
    data = json.loads(json.dumps(asdict(config)))
    assert (
        HiwinConfig(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})
        == config
    )


def test_weights_prefixed_as_in_a_whole_checkpoint_are_read_after_the_prefix():
    whole = {f"model.mm_projector.{name}": tensor for name, tensor in tensors("hiwin_weights").items()}
    assert set(hiwin_from_published(below(whole, "model.mm_projector."), small()))
