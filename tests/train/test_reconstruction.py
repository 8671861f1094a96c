"""Multi-level reconstruction is the authors' objective, number by number, and every piece does what its name says."""

import pytest
import torch
from torch.nn import functional as F

from tests.golden.vectors import below, tensors
from texthawk.train.reconstruction import (
    AttentionDownsampler,
    Draws,
    Reconstructor,
    View,
    blurred,
    draw,
)
from texthawk.train.reconstruction_recipe import Reconstruction
from texthawk.vision.pyramid import Pyramid

STAGE = {
    "range_temp": "log_temperature",
    "sigma_spatial": "sigma",
    "range_proj.0": "key_in",
    "range_proj.3": "key_out",
    "fixup_proj.0": "kernel_in",
    "fixup_proj.3": "kernel_out",
}
DOWN = {"w": "place_scale", "b": "place_shift", "attention_net.1": "logit"}


def ours(name):
    """Our name of an authors' parameter of the pre-training module."""
    first, _, rest = name.partition(".")
    if first == "upsampler":
        stage, _, rest = rest.partition(".")
        if stage == "fixup_proj":
            return "pyramid.correction." + rest.removeprefix("1.")
        for theirs, own in STAGE.items():
            if rest.startswith(theirs):
                return f"pyramid.stages.{int(stage[-1]) - 1}.{own}{rest.removeprefix(theirs)}"
    level = 0 if first.endswith("_2x") else 1
    if first.startswith("scale_net"):
        return f"scales.{level}.conv.{rest.removeprefix('net.')}"
    for theirs, own in DOWN.items():
        if rest == theirs or rest.startswith(theirs + "."):
            return f"downsamplers.{level}.{own}{rest.removeprefix(theirs)}"
    raise AssertionError(name)


@pytest.fixture(scope="module")
def step():
    """The authors' step: its vectors, our module with its weights, and its tower, one convolution."""
    vectors = tensors("mlr_step")
    settings = Reconstruction(views=2, pad=5, max_zoom=2.0, directions=6, smoothness=0.001, samples=1000)
    module = Reconstructor(Pyramid(8), 8, 7, settings).eval()
    weights = {ours(n): t for n, t in below(vectors, "weight.").items() if not n.startswith("model.")}
    module.load_state_dict(weights)

    def tower(pixels):
        return F.conv2d(pixels, vectors["weight.model.c.weight"], vectors["weight.model.c.bias"], stride=7)

    return vectors, module, tower


def drawn(vectors, view):
    zoom, row, column, flip = vectors[f"rand.j{view}.transform_zoom_x_y_flip"].tolist()
    kept = tuple(vectors[f"rand.j{view}.uniform_{level}"][..., 0] > 0.2 for level in ("2x", "4x"))
    pixels = None
    if view == 0:
        pixels = tuple(
            torch.cat([vectors[f"rand.crf_{level}.coord_y"], vectors[f"rand.crf_{level}.coord_x"]])
            for level in ("2x", "4x")
        )
    view_of = View(zoom, int(row), int(column), bool(flip), 5)
    return Draws(view_of, vectors[f"rand.j{view}.proj_unnormalised"], kept, pixels)


def test_the_down_sampler_is_the_authors():
    vectors = tensors("attention_downsampler")
    module = AttentionDownsampler(6, 14).eval()
    module.load_state_dict({ours(f"downsampler.{n}").split(".", 2)[2]: t for n, t in below(vectors, "weight.").items()})
    blur = blurred(torch.eye(56))
    torch.testing.assert_close(blur @ vectors["in.feats"] @ blur.T, vectors["mid.blurred"], rtol=0, atol=2e-6)
    kept = vectors["in.uniform_for_logit_drop"][..., 0] > 0.2
    found = module(vectors["in.feats"], torch.eye(56), torch.eye(56), kept)
    torch.testing.assert_close(found, vectors["out"], rtol=0, atol=2e-6)


def test_views_are_the_authors_jitters():
    vectors = tensors("jitter")
    for number in range(3):
        zoom, row, column, flip = vectors[f"params_{number}_zoom_x_y_flip"].tolist()
        view = View(zoom, int(row), int(column), bool(flip), pad=5)
        torch.testing.assert_close(view(vectors["in"]), vectors[f"out_{number}"], rtol=0, atol=2e-6)


def test_a_step_has_the_authors_losses_and_gradients(step):
    vectors, module, tower = step
    image = vectors["in.img"]
    features = tower(image)
    torch.testing.assert_close(features, vectors["mid.lr_feats"], rtol=0, atol=1e-5)
    module.zero_grad()
    for number in range(2):
        draws = drawn(vectors, number)
        seen = tower(draws.view(image))
        torch.testing.assert_close(seen, vectors[f"mid.j{number}.lr_jit_feats"], rtol=0, atol=1e-5)
        losses = module(image, features, seen, draws)
        for level, name in enumerate(("2x", "4x"), 1):
            expected = vectors[f"out.j{number}.rec_{name}"]
            torch.testing.assert_close(losses[f"reconstruction_{level}"] / 2, expected, rtol=0, atol=1e-5)
            if number == 0:
                torch.testing.assert_close(losses[f"smoothness_{level}"], vectors[f"out.crf_{name}"], rtol=0, atol=1e-5)
        total = module.total(losses)
        torch.testing.assert_close(total, vectors[f"out.j{number}.loss_total"], rtol=0, atol=1e-5)
        total.backward()
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    compared = set()
    for name, expected in below(vectors, "grad.").items():
        if not name.endswith("attention_net.1.bias"):  # a shift of all logits: what is there is rounding
            found = gradients[ours(name)]
            assert (found - expected).abs().max() <= 1e-4 * expected.abs().max(), name
            compared.add(ours(name))
    assert len(set(gradients) - compared) == 2


def test_a_levels_loss_trains_that_level_alone(step):
    vectors, module, tower = step
    image, draws = vectors["in.img"], drawn(vectors, 1)
    for level in (1, 2):
        module.zero_grad(set_to_none=True)
        losses = module(image, tower(image), tower(draws.view(image)), draws)
        losses[f"reconstruction_{level}"].backward()
        stages = {
            name.split(".")[2] for name, p in module.named_parameters() if p.grad is not None and ".stages." in name
        }
        assert stages == {str(level - 1)}
        touched = {
            name.split(".")[1] for name, p in module.named_parameters() if p.grad is not None and "scale" in name
        }
        assert touched >= {str(level - 1)}


def test_two_matrices_enlarge_a_level_and_take_the_view_of_it():
    torch.manual_seed(0)
    picture, level = torch.zeros(1, 3, 24, 36), torch.randn(2, 5, 8, 12)
    settings, dice = Reconstruction(pad=6), torch.Generator().manual_seed(3)
    enlarged = F.interpolate(level, (24, 36), mode="bilinear", align_corners=False)
    for _ in range(20):
        view = draw(settings, picture, torch.zeros(1, 2, 4, 4), 1, first=False, dice=dice).view
        rows, columns = view.of_level((8, 12), (24, 36))
        torch.testing.assert_close(rows @ level @ columns.T, view(enlarged), rtol=0, atol=2e-6)


def test_what_is_drawn_lies_where_it_must_and_depends_on_the_generator_alone():
    settings = Reconstruction(pad=6, samples=50, directions=4)
    image, features = torch.zeros(2, 3, 24, 36), torch.zeros(2, 8, 4, 6)
    flips, zooms = [], []
    for seed in range(200):
        first, second = (
            draw(settings, image, features, 2, first=True, dice=torch.Generator().manual_seed(seed)) for _ in range(2)
        )
        assert first.view == second.view and torch.equal(first.directions, second.directions)
        assert all(torch.equal(a, b) for a, b in zip(first.kept, second.kept, strict=True))
        assert first.pixels is not None and len(first.pixels) == 2
        for rows, columns in first.pixels:
            assert 0 <= rows.min() and rows.max() < 24 and 0 <= columns.min() and columns.max() < 36
        assert 0 <= first.view.row <= int(36 * first.view.zoom) - 24
        assert 0 <= first.view.column <= int(48 * first.view.zoom) - 36
        flips.append(first.view.flip)
        zooms.append(first.view.zoom)
    assert 70 < sum(flips) < 130 and 70 < sum(zoom == 1 for zoom in zooms) < 130
    assert 1 < max(zooms) < 2


def test_a_forgotten_cell_takes_weights_from_places_alone():
    torch.manual_seed(0)
    module = AttentionDownsampler(3, 4).eval()
    features, one = torch.randn(1, 3, 8, 8), torch.eye(8)
    kept = torch.tensor([[[True, False], [True, True]]])
    found, all_kept = (module(features, one, one, cells) for cells in (kept, torch.ones_like(kept)))
    difference = (found - all_kept).abs().amax((0, 1))
    assert difference[0, 1] > 0 and difference[0, 0] == difference[1, 0] == difference[1, 1] == 0
    weights = module.place_shift.flatten().softmax(0).view(4, 4)
    expected = ((blurred(one) @ features @ blurred(one).T)[..., :4, 4:] * weights).sum((-1, -2))
    torch.testing.assert_close(found[..., 0, 1], expected)


def test_the_scales_and_down_samplers_have_the_published_number_of_parameters():
    module = Reconstructor(Pyramid(1024), 1024, 14, Reconstruction())
    assert [sum(p.numel() for p in m.parameters()) for m in module.downsamplers] == [1417, 1417]
    assert [sum(p.numel() for p in m.parameters()) for m in module.scales] == [1025, 1025]
    assert sum(p.numel() for p in module.pyramid.parameters()) == 1_062_066


@pytest.mark.parametrize("wrong", [{"views": 0}, {"directions": 0}, {"max_zoom": 0.5}, {"pad": -1}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}"):
        Reconstruction(**wrong)
