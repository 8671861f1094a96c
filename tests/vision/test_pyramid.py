"""The pyramid computes what the authors' upsampler computes, and its levels come from the picture."""

import pytest
import torch

from tests.golden.vectors import below, tensors
from texthawk.model.published import pyramid_from_published, pyramid_to_published
from texthawk.vision.pyramid import JointBilateralUpsampling, Pyramid

STACKS = {"vdim_stack2x": 1, "vdim_stack4x": 2}


def one_stage(vectors: dict[str, torch.Tensor]) -> JointBilateralUpsampling:
    """The stage of the vectors; its published names are those of a stack's first stage."""
    weights = {f"up1.{name}": tensor for name, tensor in below(vectors, "weight.").items()}
    across = {"fixup_proj.1.weight": torch.zeros(8, 8, 1, 1), "fixup_proj.1.bias": torch.zeros(8)}
    stage = JointBilateralUpsampling().eval()
    stage.load_state_dict(below(pyramid_from_published(weights | across, stages=1), "stages.0."))
    return stage


def test_a_stage_has_the_authors_kernels_and_result():
    vectors = tensors("jbu_stage")
    stage = one_stage(vectors)
    guide = vectors["in.guidance"]
    with torch.no_grad():
        torch.testing.assert_close(stage.range_kernel(guide), vectors["mid.range_kernel"], atol=2e-5, rtol=0)
        torch.testing.assert_close(stage.spatial_kernel(), vectors["mid.spatial_kernel"].flatten(), atol=1e-6, rtol=0)
        kernel = stage.kernel(guide).permute(0, 2, 3, 1).unflatten(-1, (7, 7))
        torch.testing.assert_close(kernel, vectors["mid.kernel_final"], atol=2e-5, rtol=0)
        torch.testing.assert_close(stage(vectors["in.source"], guide), vectors["out"], atol=2e-5, rtol=0)


def test_a_stage_has_exact_gradients():
    vectors = tensors("jbu_stage")
    stage = one_stage(vectors)
    source, guide = (vectors[f"in.{name}"].requires_grad_() for name in ("source", "guidance"))
    (stage(source, guide) * vectors["in.cotangent"]).sum().backward()
    got = {"in.source": source.grad, "in.guidance": guide.grad}
    state = {f"stages.0.{name}": parameter.grad for name, parameter in stage.named_parameters()}
    across = {"correction.weight": torch.zeros(8, 8, 1, 1), "correction.bias": torch.zeros(8)}
    published = below(pyramid_to_published(state | across, stages=1), "up1.")
    got |= {f"weight.{name}": gradient for name, gradient in published.items()}
    expected = below(vectors, "grad_exact.")
    assert set(got) == set(expected)
    for name, gradient in expected.items():
        scale = gradient.abs().max().item()
        torch.testing.assert_close(got[name], gradient, rtol=1e-4, atol=1e-5 * scale, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_gives_the_authors_levels(name):
    vectors = tensors(name)
    stages = STACKS[name]
    pyramid = Pyramid(vectors["in.source"].shape[1], stages=stages).eval()
    pyramid.load_state_dict(pyramid_from_published(below(vectors, "weight."), stages=stages))
    with torch.no_grad():
        levels = pyramid(vectors["in.source"], vectors["in.image"])
        detached = pyramid(vectors["in.source"], vectors["in.image"], detached=True)
    for level, again, factor in zip(levels, detached, (2, 4), strict=False):
        torch.testing.assert_close(level, vectors[f"out.feat{factor}x"], atol=5e-6, rtol=0)
        torch.testing.assert_close(again, level, atol=0, rtol=0)
    assert len(levels) == stages


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_in_half_precision_stays_within_its_rounding(name):
    vectors = tensors(name)
    stages = STACKS[name]
    pyramid = Pyramid(vectors["in.source"].shape[1], stages=stages).eval()
    pyramid.load_state_dict(pyramid_from_published(below(vectors, "weight."), stages=stages))
    half = torch.bfloat16
    with torch.no_grad():
        levels = pyramid.to(half)(vectors["in.source"].to(half), vectors["in.image"].to(half))
    for level, factor in zip(levels, (2, 4), strict=False):
        exact, theirs = vectors[f"out.feat{factor}x"], vectors[f"out_bf16.feat{factor}x"]
        rounding = (theirs - exact).square().mean().sqrt().item()
        assert (level.float() - theirs).square().mean().sqrt() < 2 * rounding
        assert level.dtype == half


def test_names_go_there_and_back_unchanged_and_strangers_are_named():
    published = below(tensors("vdim_stack4x"), "weight.")
    again = pyramid_to_published(pyramid_from_published(published))
    assert set(again) == set(published)
    assert all(again[name] is tensor for name, tensor in published.items())
    with pytest.raises(ValueError, match=r"unknown: up9\.sigma_spatial; missing: up1\.range_temp"):
        pyramid_from_published(
            {name: tensor for name, tensor in published.items() if name != "up1.range_temp"}
            | {"up9.sigma_spatial": torch.ones(())}
        )


def test_maps_one_cell_high_or_wide_go_through():
    torch.manual_seed(0)
    pyramid = Pyramid(4).eval()
    for height, width in [(1, 5), (5, 1), (1, 1), (2, 3)]:
        with torch.no_grad():
            levels = pyramid(torch.randn(2, 4, height, width), torch.randn(2, 3, 14 * height, 14 * width))
        assert [tuple(level.shape) for level in levels] == [(2, 4, f * height, f * width) for f in (2, 4)]
        assert all(level.isfinite().all() for level in levels)


def test_a_constant_map_keeps_its_value_before_the_learned_corrections():
    torch.manual_seed(0)
    stage = JointBilateralUpsampling().eval()
    for parameter in (*stage.kernel_out.parameters(),):
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        level = stage(torch.full((1, 2, 3, 5), 7.0), torch.randn(1, 3, 42, 70))
    torch.testing.assert_close(level, torch.full((1, 2, 6, 10), 7.0))


def test_detail_follows_the_picture_where_the_features_are_the_same():
    torch.manual_seed(0)
    stage = JointBilateralUpsampling().eval()
    torch.nn.init.constant_(stage.log_temperature, 4.0)
    features = torch.randn(1, 8, 4, 4)
    picture = torch.randn(1, 3, 56, 56)
    changed = picture.clone()
    changed[..., :7, :7] += 2.0  # the block that the first cell of the 2x map averages
    with torch.no_grad():
        moved = (stage(features, picture) - stage(features, changed)).abs().amax(1)[0] > 1e-6
    assert moved[0, 0]
    assert moved[:4, :4].any() and not moved[4:].any() and not moved[:, 4:].any()


def test_detached_levels_send_no_gradient_to_the_stage_below():
    torch.manual_seed(0)
    pyramid = Pyramid(4).eval()
    features, picture = torch.randn(1, 4, 4, 4), torch.randn(1, 3, 56, 56)
    pyramid(features, picture, detached=True)[-1].sum().backward()
    assert all(parameter.grad is None for parameter in pyramid.stages[0].parameters())
    assert pyramid.stages[1].sigma.grad is not None
    pyramid(features, picture)[-1].sum().backward()
    assert pyramid.stages[0].sigma.grad is not None


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    pyramid = Pyramid(16)
    features, picture = torch.randn(1, 16, 4, 4), torch.randn(1, 3, 56, 56)
    with torch.no_grad():
        assert not torch.equal(pyramid(features, picture)[-1], pyramid(features, picture)[-1])
        pyramid.eval()
        assert torch.equal(pyramid(features, picture)[-1], pyramid(features, picture)[-1])


def test_the_size_is_the_published_one():
    with torch.device("meta"):
        pyramid = Pyramid(1024)
    assert sum(parameter.numel() for parameter in pyramid.stages[0].parameters()) == 6_233
    assert sum(parameter.numel() for parameter in pyramid.parameters()) == 1_062_066
