"""What makes each connector the method it is: which patches a token draws on, and how."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.compress.random_views import changed, grouped, page, random_levels
from texthawk.compress.average_pool import AveragePoolConfig
from texthawk.compress.c_abstractor import CAbstractorConfig
from texthawk.compress.conv16 import Conv16Config
from texthawk.compress.h_reducer import HReducerConfig
from texthawk.compress.merge2x2 import Merge2x2Config
from texthawk.compress.mlp import MLPConfig
from texthawk.compress.perceiver import PerceiverConfig
from texthawk.compress.pixel_shuffle import PixelShuffleConfig
from texthawk.compress.token_packer import TokenPackerConfig
from texthawk.vision.positions import sinusoidal

WIDTH, LANGUAGE = 16, 24


def built(config):
    torch.manual_seed(0)
    return config.build(encoder_width=WIDTH, language_width=LANGUAGE).eval()


def view(h, w, seed=1, levels=4):
    """The levels of one view."""
    return random_levels([page(cut=(h, w))], WIDTH, levels=levels, seed=seed)[0]


def tokens_of(module, levels):
    h, w, _ = levels[-1].shape
    layout = page(cut=(h, w))
    with torch.no_grad():
        return module(grouped([layout], [levels]), [layout])[0]


def moved_by(module, levels, row, column, which=-1):
    """The tokens that move when one patch of one level changes."""
    other = [level.clone() for level in levels]
    other[which][row, column] += torch.randn(WIDTH, generator=torch.Generator().manual_seed(7))
    return changed(tokens_of(module, levels), tokens_of(module, other))


@pytest.mark.parametrize(
    ("config", "window"),
    [
        (MLPConfig(), (1, 1)),
        (Merge2x2Config(), (2, 2)),
        (PixelShuffleConfig(), (2, 2)),
        (PixelShuffleConfig(scale=3, projection="linear"), (3, 3)),
        (HReducerConfig(), (1, 4)),
        (HReducerConfig(mixing=True), (1, 4)),
        (HReducerConfig(window=(2, 2), mixing=True), (2, 2)),
        (TokenPackerConfig(heads=2), (2, 2)),
        (TokenPackerConfig(scale=3), (3, 3)),
        (TokenPackerConfig(scale=4, levels=2), (4, 4)),
    ],
    ids=str,
)
def test_a_patch_moves_the_one_token_of_its_window_and_no_other(config, window):
    module, levels = built(config), view(5, 7)
    columns = -(-7 // window[1])
    for row, column in [(0, 0), (0, 3), (1, 4), (2, 2), (3, 6), (4, 0), (4, 6)]:
        own = row // window[0] * columns + column // window[1]
        assert moved_by(module, levels, row, column) == {own}


def test_h_reducer_joins_four_neighbours_of_a_row_and_never_of_a_column():
    features = [torch.randn(4, 8, WIDTH, requires_grad=True)]
    layout = page(cut=(4, 8))
    for config in (HReducerConfig(), HReducerConfig(mixing=True)):
        (tokens,) = built(config)(grouped([layout], [features]), [layout])
        (slope,) = torch.autograd.grad(tokens[3].sum(), features[0])
        assert slope.abs().sum(-1).nonzero().tolist() == [[1, 4], [1, 5], [1, 6], [1, 7]]


def test_the_merge_normalises_each_patch_and_pixel_shuffle_the_joined_square():
    merge, shuffle = built(Merge2x2Config()), built(PixelShuffleConfig())
    plain, one, square = (view(2, 2)[-1] * 10 for _ in range(3))
    one[0, 1] *= 3
    square *= 3
    for stretched, same_for_shuffle in ((one, False), (square, True)):
        assert torch.allclose(tokens_of(merge, [stretched]), tokens_of(merge, [plain]), atol=1e-4)
        assert (
            torch.allclose(tokens_of(shuffle, [stretched]), tokens_of(shuffle, [plain]), atol=1e-4) == same_for_shuffle
        )


def test_idefics_projection_is_one_matrix_without_bias():
    module, one, other = built(PixelShuffleConfig(projection="linear")), view(4, 4, 1), view(4, 4, 2)
    total = [a - 2 * b for a, b in zip(one, other, strict=True)]
    torch.testing.assert_close(tokens_of(module, total), tokens_of(module, one) - 2 * tokens_of(module, other))
    assert sum(weight.numel() for weight in module.parameters()) == 4 * WIDTH * LANGUAGE


@pytest.mark.parametrize("size", [(6, 6), (7, 5), (2, 9)], ids=str)
def test_a_pooled_token_draws_on_the_patches_of_its_cell_which_may_overlap(size):
    h, w = size
    module, levels = built(AveragePoolConfig(grid=(3, 3))), view(h, w)

    def cells(place, extent):  # cell k of 3 spans floor(k * extent / 3) to ceil((k + 1) * extent / 3)
        return [k for k in range(3) if k * extent // 3 <= place < -(-(k + 1) * extent // 3)]

    for row in range(h):
        for column in range(w):
            expected = {3 * r + c for r in cells(row, h) for c in cells(column, w)}
            assert moved_by(module, levels, row, column) == expected


def test_pooling_itself_has_no_weights_and_comes_before_the_mlp():
    pool, mlp, levels = built(AveragePoolConfig(grid=(2, 3))), built(MLPConfig()), view(4, 6)
    pool.load_state_dict(mlp.state_dict())
    means = levels[-1].unflatten(0, (2, 2)).unflatten(2, (3, 2)).mean(dim=(1, 3))
    torch.testing.assert_close(tokens_of(pool, levels), tokens_of(mlp, [means]))


def test_a_conv16_token_draws_on_seven_by_seven_patches_around_its_own_corner():
    module, levels = built(Conv16Config()), view(9, 14)
    rows, columns = 3, 4
    for row in range(9):
        for column in range(14):
            near = {
                (r, c) for r in range(rows) for c in range(columns) if abs(4 * r - row) < 4 and abs(4 * c - column) < 4
            }
            assert moved_by(module, levels, row, column) == {r * columns + c for r, c in near}


def test_conv16_has_no_activation_between_its_convolutions():
    module, one, other = built(Conv16Config()), view(6, 7, 1), view(6, 7, 2)
    zero = tokens_of(module, [torch.zeros(6, 7, WIDTH)])
    total = [a - 2 * b for a, b in zip(one, other, strict=True)]
    expected = tokens_of(module, one) - 2 * tokens_of(module, other) + 2 * zero
    torch.testing.assert_close(tokens_of(module, total), expected, rtol=1e-4, atol=1e-5)


def test_the_perceiver_is_attention_whose_keys_alone_carry_the_places_of_patches():
    module, levels = built(PerceiverConfig(queries=5, heads=2)), view(3, 6)
    ours, reference = module.attention, nn.MultiheadAttention(LANGUAGE, 2, batch_first=True)
    projections = (ours.q, ours.k, ours.v)
    reference.in_proj_weight.data = torch.cat([each.weight for each in projections])
    reference.in_proj_bias.data = torch.cat([each.bias for each in projections])
    reference.out_proj.load_state_dict(ours.out.state_dict())
    patches = F.layer_norm(levels[-1].flatten(0, 1) @ module.widen.weight.T, (LANGUAGE,), eps=1e-6)
    # Of a larger grid than the view's: places are rows and columns counted from the corner, not shares of the view.
    places = sinusoidal(9, LANGUAGE).view(9, 9, -1)[:3, :6].flatten(0, 1)
    queries = F.layer_norm(module.queries_QD, (LANGUAGE,), eps=1e-6)
    with torch.no_grad():
        drawn, _ = reference(queries[None], (patches + places)[None], patches[None])
        expected = F.layer_norm(drawn[0], (LANGUAGE,), eps=1e-6) @ module.project.weight.T
    torch.testing.assert_close(tokens_of(module, levels), expected)


def test_the_perceiver_tells_views_of_the_same_patches_but_another_shape_apart():
    module, levels = built(PerceiverConfig(queries=5)), view(3, 4)
    reshaped = [level.reshape(2, 6, WIDTH) for level in levels]
    assert len(changed(tokens_of(module, levels), tokens_of(module, reshaped), 1e-4)) == 5


def test_the_c_abstractor_keeps_neighbours_together_and_only_excitation_sees_the_whole_view():
    module, levels = built(CAbstractorConfig(grid=(6, 6), depth=1, places=12)), view(12, 12)
    assert moved_by(module, levels, 0, 0) == set(range(36))
    for block in (*module.before, *module.after):
        nn.init.zeros_(block.excite.weight)
    # One patch, widened by one block to its neighbours, pooled two by two, widened by one block again.
    assert moved_by(module, levels, 0, 0) == {0, 1, 6, 7}
    assert moved_by(module, levels, 7, 6) == {6 * row + column for row in range(2, 6) for column in range(1, 5)}


def test_the_c_abstractors_positions_are_stretched_to_views_of_another_size():
    module = built(CAbstractorConfig(places=6))
    assert module.places(6, 6) is module.places_ssW
    ramp = torch.linspace(-1, 1, 6)
    with torch.no_grad():
        module.places_ssW.copy_(
            torch.stack([ramp[:, None].expand(6, 6)] * (WIDTH // 2) + [ramp.expand(6, 6)] * (WIDTH // 2), -1)
        )
        down, across = module.places(9, 4)[..., 0], module.places(9, 4)[..., -1]
    assert down.shape == (9, 4)
    assert (down.diff(dim=0) > 0).all() and down.diff(dim=1).abs().max() < 1e-6
    assert (across.diff(dim=1) > 0).all() and across.diff(dim=0).abs().max() < 1e-6


def test_token_packer_draws_on_all_its_levels_and_a_single_level_on_the_deepest():
    levels = view(4, 4)
    for which in range(4):
        assert moved_by(built(TokenPackerConfig(heads=2)), levels, 1, 2, which) == {1}
        single = moved_by(built(TokenPackerConfig(heads=2, levels=1)), levels, 1, 2, which)
        assert single == ({1} if which == 3 else set())


def test_a_point_decides_what_is_drawn_from_its_region():
    module, levels = built(TokenPackerConfig(heads=2)), view(4, 4)
    before = tokens_of(module, levels)
    nn.init.zeros_(module.point.weight)
    assert changed(before, tokens_of(module, levels), 1e-5) == {0, 1, 2, 3}


def test_what_is_drawn_replaces_the_point():
    module, levels = built(TokenPackerConfig(heads=2)), view(4, 4)
    nn.init.zeros_(module.values.norm.weight)  # nothing to draw, so no trace of the points may be left
    torch.testing.assert_close(*tokens_of(module, levels)[[0, 3]])


def test_token_packer_asks_for_the_levels_it_needs():
    assert TokenPackerConfig(levels=3).levels_needed == 3
    with pytest.raises(ValueError, match="2 levels came, TokenPacker reads 4"):
        tokens_of(built(TokenPackerConfig()), view(4, 4, levels=2))
