"""What a visual token draws on: true weights, where they lie, and nothing where the token does not look."""

from dataclasses import replace

import pytest
import torch
from tests.eval.show.pages import changed_views, seen

from texthawk.compress import COMPRESSORS
from texthawk.compress.resa import Attention
from texthawk.eval.show.looking import attention_weights, recorded
from texthawk.eval.show.mosaic import heat_of
from texthawk.eval.show.sources import combined, gradient_map, token_map

LOCAL = {"mlp": (1, 1), "merge2x2": (2, 2), "pixel_shuffle": (2, 2), "h_reducer": (1, 4), "token_packer": (2, 2)}
"""Rows and columns of patches of the region that each token of a local method is made of."""

every_connector = pytest.mark.parametrize("name", COMPRESSORS)
every_tiling = pytest.mark.parametrize("tiling", ["adaptive", "uhd", "native"])


def test_recorded_weights_are_those_that_made_the_answers():
    torch.manual_seed(0)
    attention = Attention(12, 3)
    queries, patches = torch.randn(2, 5, 12), torch.randn(2, 7, 12)
    with recorded(attention) as calls:
        answers = attention(queries, patches, patches)
        attention(queries, queries, queries)  # self-attention draws on no patch
    (call,) = calls
    weights = attention_weights(attention, queries, patches)
    values = attention.v(patches).unflatten(-1, (3, 4)).transpose(1, 2)
    made = attention.out((weights @ values).transpose(1, 2).flatten(2))
    torch.testing.assert_close(made, answers)
    torch.testing.assert_close(call.weights, weights.mean(1))
    with recorded(attention) as later:
        pass
    attention(queries, patches, patches)
    assert later == [] and len(calls) == 1, "hooks are gone when nobody watches any more"


@every_tiling
@every_connector
def test_a_token_draws_on_its_own_view_and_on_no_other(name, tiling):
    one = seen(name, tiling)
    for token in (len(one.tokens) // 2, len(one.tokens) - 1):
        found = token_map(one, token)
        assert found.total > 0
        for level in found.levels:
            drawn = [number for number, view in enumerate(level.views) if view.sum() > 0]
            assert drawn == [found.main_view]
            assert all(view.min() >= 0 for view in level.views)
        for view in {found.main_view, max(0, found.main_view - 1)}:
            moved = changed_views(one, token, view, (slice(None), slice(None))) > 1e-5
            assert moved == (view == found.main_view)


@pytest.mark.parametrize("tiling", ["adaptive", "uhd"])
@pytest.mark.parametrize("name", LOCAL)
def test_a_local_method_draws_on_exactly_its_region(name, tiling):
    one = seen(name, tiling)
    rows, columns = LOCAL[name]
    for token in (1, len(one.tokens) // 2):
        for level in token_map(one, token).levels[-1:]:
            (support,) = [view > 0 for view in level.views if view.any()]
            down, across = support.any(1).nonzero().flatten(), support.any(0).nonzero().flatten()
            inside = (slice(int(down[0]), int(down[-1]) + 1), slice(int(across[0]), int(across[-1]) + 1))
            assert support[inside].all()
            bottom, right = support.shape[0] - down[0], support.shape[1] - across[0]
            assert (len(down), len(across)) == (min(rows, int(bottom)), min(columns, int(right)))
            assert down[0] % rows == 0 and across[0] % columns == 0


@pytest.mark.parametrize("name", ["resa", "perceiver", "token_packer"])
@every_tiling
def test_attention_weights_of_a_level_sum_to_one(name, tiling):
    one = seen(name, tiling)
    found = token_map(one, 3)
    assert "attention weights" in found.how
    assert [level.total for level in found.levels] == pytest.approx([1.0] * len(found.levels), abs=1e-4)


@pytest.mark.parametrize("name", ["hiwin", "uhd1"])
def test_a_window_draws_on_cells_around_its_own_place(name):
    one = seen(name, "adaptive")
    grid, view = one.eyes.config.grid, 2
    for window in (0, grid * grid // 2 + 3, grid * grid - 1):
        found = token_map(one, view * grid * grid + window)
        assert found.main_view == view
        row, column = divmod(window, grid)
        assert 0.5 < found.total <= 1.0001
        for level in found.levels:
            weights = level.views[view]
            height, width = weights.shape
            down = (weights.sum(1) @ (torch.arange(height) + 0.5)) / weights.sum() / height
            across = (weights.sum(0) @ (torch.arange(width) + 0.5)) / weights.sum() / width
            assert abs(down - (row + 0.5) / grid) < 0.08 and abs(across - (column + 0.5) / grid) < 0.08


def test_resa_reads_the_page_line_by_line_and_says_where_a_token_stands():
    one = seen("resa", "adaptive")
    layout = one.layout
    assert (layout.rows, layout.columns, layout.thumbnail) == (2, 3, True)
    across = 2 * layout.columns  # tokens of a line: two of each tile
    first_of_second_tile = token_map(one, 16 + 2)  # behind the thumbnail's 16 tokens
    assert first_of_second_tile.main_view == 2
    assert tuple(first_of_second_tile.place) == (0.0, 0.0, 0.5, 0.125)
    below = token_map(one, 16 + across + 3)
    assert below.main_view == 2
    assert tuple(below.place) == (0.5, 0.125, 1.0, 0.25)
    assert len(first_of_second_tile.levels) == 4


@pytest.mark.parametrize("name", ["resa", "mlp", "conv16", "average_pool", "c_abstractor"])
def test_the_gradient_is_zero_exactly_where_patches_have_no_part(name):
    one = seen(name, "uhd")
    token = len(one.tokens) // 3
    found = gradient_map(one, one.tokens[token].norm(), "length")
    view = found.main_view
    drawn = torch.stack([level.views[view] for level in found.levels]).sum(0) > 0
    for row in range(0, len(drawn), 3):
        for column in range(0, drawn.shape[1], 3):
            spoil = (slice(row, row + 1), slice(column, column + 1))
            assert (changed_views(one, token, view, spoil) > 0) <= bool(drawn[row, column])
    everywhere = name in ("resa", "c_abstractor")
    assert bool(drawn.all()) == everywhere


def test_views_come_in_the_pages_order_whatever_the_order_of_their_groups():
    one = seen("mlp", "uhd")
    assert len(one.groups) == 2
    turned = replace(one, groups=one.groups[::-1])
    for token in (0, len(one.tokens) - 1):
        (level,), (other,) = token_map(one, token).levels, token_map(turned, token).levels
        assert all(torch.equal(a, b) for a, b in zip(level.views, other.views, strict=True))


def test_tokens_are_put_together_by_their_weights():
    one = seen("mlp")
    a, b = token_map(one, 0), token_map(one, 200)
    both = combined([a, b], [0.25, 0.75])
    for each, weight in ((a, 0.25), (b, 0.75)):
        own = [view > 0 for view in each.levels[0].views]
        assert sum(
            float(view[mask].sum()) for view, mask in zip(both.levels[0].views, own, strict=True)
        ) == pytest.approx(weight)
    assert heat_of(both.levels[0].views, one.layout, (96, 64)).sum() == pytest.approx(1.0, rel=1e-3)


def test_a_token_that_does_not_exist_is_refused_with_the_range():
    one = seen("hiwin", "uhd")
    last = len(one.sequence) - 1
    with pytest.raises(ValueError, match=f"from 0 to {last}"):
        one.token(last + 1)
    with pytest.raises(ValueError, match="from 0 to"):
        one.token(-1)
    newline = one.sequence.index(-1)
    with pytest.raises(ValueError, match=f"token {newline} is a newline"):
        one.token(newline)
    assert one.token(newline + 1) == one.sequence[newline + 1] >= 0
