"""SPE joins two learned ends by an arc: constant norm and speed, the same spot from any grid, finite everywhere."""

import math

import pytest
import torch

from texthawk.vision.positions import AbsolutePositions, ScalablePositions, SphericalAxis, sinusoidal

WIDTH, HEADS = 16, 2


@pytest.fixture
def axis():
    torch.manual_seed(0)
    return SphericalAxis(WIDTH, HEADS)


def with_ends(first, second):
    axis = SphericalAxis(first.numel(), 1)
    with torch.no_grad():
        axis.ends_2Ad.copy_(torch.stack([first, second])[:, None])
    return axis


def angle(axis):
    ends = axis.ends_2Ad / axis.ends_2Ad.norm(dim=-1, keepdim=True)
    return (ends[0] * ends[1]).sum(-1).acos()


def test_every_place_has_the_norm_of_the_scale(axis):
    with torch.no_grad():
        axis.scale_A.copy_(torch.tensor([1.5, 7.0]))
    norms = axis(torch.linspace(0, 1, 33)).unflatten(-1, (HEADS, -1)).norm(dim=-1)
    torch.testing.assert_close(norms, axis.scale_A.expand_as(norms))


def test_the_scale_starts_at_the_root_of_a_heads_width(axis):
    assert axis.scale_A.tolist() == pytest.approx([math.sqrt(WIDTH / HEADS)] * HEADS)


def test_the_arc_begins_and_ends_at_the_learned_points(axis):
    unit = axis.ends_2Ad / axis.ends_2Ad.norm(dim=-1, keepdim=True) * axis.scale_A[:, None]
    torch.testing.assert_close(axis(torch.tensor([0.0, 1.0])), unit.flatten(1))


def test_it_is_the_papers_spherical_interpolation(axis):
    t, theta = torch.linspace(0, 1, 9)[:, None, None], angle(axis)[:, None]
    first, second = axis.ends_2Ad / axis.ends_2Ad.norm(dim=-1, keepdim=True)
    paper = (torch.sin((1 - t) * theta) * first + torch.sin(t * theta) * second) / theta.sin()
    torch.testing.assert_close(axis(t.flatten()), (paper * axis.scale_A[:, None]).flatten(1), atol=1e-5, rtol=1e-5)


def test_equal_steps_turn_by_equal_angles(axis):
    places = axis(torch.linspace(0, 1, 11)).unflatten(-1, (HEADS, -1))
    places = places / places.norm(dim=-1, keepdim=True)
    turned = (places[1:] * places[:-1]).sum(-1).acos()
    torch.testing.assert_close(turned, (angle(axis) / 10).expand_as(turned), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("gap", [0.0, 1e-8, 1e-6, 1e-4, 1e-2])
def test_values_and_gradients_are_finite_where_the_ends_are_parallel_or_opposite(sign, gap):
    first, across = torch.eye(8)[0], torch.eye(8)[1]
    axis = with_ends(first, sign * first + gap * across)
    places = axis(torch.linspace(0, 1, 17))
    places.square().sum().backward()
    (axis(torch.linspace(0, 1, 17)) * torch.randn(17, 8)).sum().backward()
    assert torch.isfinite(places).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in axis.parameters())
    torch.testing.assert_close(places.norm(dim=-1), axis.scale_A.expand(17))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("gap", [3e-4, 1e-3, 1e-2])
def test_places_keep_their_norm_however_nearly_parallel_the_ends_lie_in_space(sign, gap):
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        first, aside = torch.randn(2, 64, generator=generator)
        places = with_ends(first, sign * first + gap * aside)(torch.linspace(0, 1, 17))
        torch.testing.assert_close(places.norm(dim=-1), torch.full((17,), 8.0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("gap", [1e-7, 1e-5, 0.9e-4, 1.1e-4, 1e-3])
def test_the_arc_shrinks_to_a_point_without_a_jump(gap):
    first, across = torch.eye(8)[0], torch.eye(8)[1]
    t = torch.linspace(0, 1, 17)
    moved = (with_ends(first, first + gap * across)(t) - with_ends(first, first)(t)).abs().max()
    assert moved < 3 * math.sqrt(8) * max(gap, 1e-4)


def test_opposite_ends_are_still_reached():
    first = torch.nn.functional.normalize(torch.arange(1.0, 9.0), dim=0)
    places = with_ends(first, -first)(torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(places, math.sqrt(8) * torch.stack([first, -first]), atol=1e-3, rtol=0)


def test_rows_and_columns_are_summed():
    torch.manual_seed(0)
    spe = ScalablePositions(WIDTH, HEADS)
    t, u = torch.rand(3, 4), torch.rand(3, 4)
    torch.testing.assert_close(spe(t, u), spe.rows(t) + spe.columns(u))
    assert spe(t, u).shape == (3, 4, WIDTH)


def test_spe_needs_fewer_parameters_than_a_table_of_places():
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    assert count(ScalablePositions(WIDTH, HEADS)) == 2 * (2 * WIDTH + HEADS) < count(AbsolutePositions(WIDTH, 12))


def test_a_page_larger_than_the_tables_is_refused_by_the_side_that_is_too_long():
    table = AbsolutePositions(WIDTH, 4)
    inside, beyond = torch.arange(4), torch.arange(1, 5)
    assert table(inside, inside).shape == (4, WIDTH)
    with pytest.raises(ValueError, match=r"5 columns of places, .* positions 4; .*max_side"):
        table(inside, beyond)
    with pytest.raises(ValueError, match="5 rows"):
        table(beyond, inside)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="width 10 is not divisible by 4 heads"):
        ScalablePositions(10, 4)


def test_heads_of_one_number_are_refused_for_no_arc_joins_them():
    with pytest.raises(ValueError, match="width 4 leaves 4 heads one number each"):
        ScalablePositions(4, 4)


def test_sinusoids_tell_rows_from_columns_and_every_place_apart():
    places = sinusoidal(8, 16)
    assert torch.pdist(places).min() > 0.1
    torch.testing.assert_close(places[0 * 8 + 3, 8:], places[5 * 8 + 3, 8:])  # same column, half the width
    torch.testing.assert_close(places[5 * 8 + 1, :8], places[5 * 8 + 6, :8])  # same row, the other half
