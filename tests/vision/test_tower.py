"""A tower hands out what transformers' own model computes at the depths asked for."""

import pytest
import torch
from transformers import CLIPVisionConfig, CLIPVisionModel, SiglipVisionConfig, SiglipVisionModel

from tests.golden import vectors
from texthawk.types import TileLayout
from texthawk.vision.tower import Tower
from texthawk.vision.views import to_patches

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 7,
}
KINDS = {"siglip": (SiglipVisionConfig, SiglipVisionModel), "clip": (CLIPVisionConfig, CLIPVisionModel)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [(1, 2, 3, 4), (2, 3)])
def test_levels_are_transformers_hidden_states(kind, layers):
    config_class, model_class = KINDS[kind]
    torch.manual_seed(0)
    theirs = model_class(config_class(**SIZES)).eval()
    tower = Tower(config_class(**SIZES), layers).eval()
    state = {name.removeprefix("vision_model."): weight for name, weight in theirs.state_dict().items()}
    tower.model.load_state_dict({name: state[name] for name in tower.model.state_dict()})
    pixels = torch.randn(3, 3, 28, 28)
    with torch.no_grad():
        expected = theirs(pixels, output_hidden_states=True).hidden_states
        levels = tower(pixels)
    assert [tuple(level.shape) for level in levels] == [(3, 16, 16)] * len(layers)
    for level, layer in zip(levels, layers, strict=True):
        torch.testing.assert_close(level, expected[layer][:, -16:])


def test_layers_that_nothing_reads_are_not_built():
    shallow, deep = (Tower(SiglipVisionConfig(vision_use_head=False, **SIZES), layers) for layers in [(1, 2), (1, 4)])
    assert len(shallow.model.encoder.layers) == 2 and len(deep.model.encoder.layers) == 4


@pytest.mark.parametrize("layers", [(), (0, 1), (3, 5)])
def test_layers_outside_the_tower_are_refused(layers):
    with pytest.raises(ValueError, match="do not fit a tower of 4 layers; count from 1 to 4"):
        Tower(SiglipVisionConfig(**SIZES), layers)


def lively(kind, layers=(1, 2, 3, 4), **sizes):
    torch.manual_seed(0)
    tower = Tower(KINDS[kind][0](**{**SIZES, **sizes}), layers).eval()
    with torch.no_grad():
        for weight in tower.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return tower


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(35, 21), (14, 56), (7, 7)])  # 14 x 56 has as many patches as the square, elsewhere
def test_position_embeddings_are_resized_to_the_view_as_transformers_does_it(kind, size):
    tower = lively(kind)
    config_class, model_class = KINDS[kind]
    theirs = model_class(config_class(**SIZES)).eval()
    theirs.load_state_dict(tower.model.state_dict(), strict=False)
    pixels, patches = torch.randn(2, 3, *size), size[0] * size[1] // 49
    with torch.no_grad():
        expected = theirs(pixels, output_hidden_states=True, interpolate_pos_encoding=True).hidden_states
        for layer, level in zip(tower.layers, tower(pixels), strict=True):
            assert level.shape == (2, patches, 16)
            torch.testing.assert_close(level, expected[layer][:, -patches:])


def test_clip_at_any_size_has_the_authors_features():
    golden = vectors.tensors("clip_anyres")
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, image_size=56, patch_size=14
    )
    tower = Tower(config, layers=(2,)).eval()  # the penultimate of three
    weights = vectors.below(golden, "weight.vision_model.")
    tower.model.load_state_dict({name: weights[name] for name in tower.model.state_dict()})
    images = [golden[f"in.image_{k}"] for k in range(4)]
    with torch.no_grad():
        embedded = tower.model.embeddings(torch.zeros(1, 3, 28, 84), interpolate_pos_encoding=True)
        embedded[:, 0] -= tower.model.embeddings.class_embedding
        torch.testing.assert_close(embedded, golden["mid.pos_resized_2x6"], atol=2e-6, rtol=0)
        pages = [TileLayout(1, 1, False, *image.shape[1:], cut=tuple(image.shape[1:])) for image in images]
        groups = tower.encode(torch.cat([to_patches(image, 14) for image in images]), pages)
    for group in groups:
        for place, (features,) in zip(group.index.tolist(), zip(*group.levels, strict=True), strict=True):
            torch.testing.assert_close(features.flatten(0, 1), golden[f"out.features_{place}"], atol=2e-5, rtol=0)
    assert sorted(place for group in groups for place in group.index.tolist()) == [0, 1, 2, 3]


def test_tiles_of_a_whole_batch_are_one_call_and_slices_one_for_each_size():
    tower, calls = lively("siglip"), []
    tower.model.register_forward_hook(lambda module, given, result: calls.append(tuple(given[0].shape)))
    tiles = [TileLayout(2, 2, True, 56, 56, 28), TileLayout(1, 1, False, 28, 28, 28)]
    pixels = torch.randn(6, 3, 28, 28)
    (group,) = tower.encode(pixels, tiles)
    assert calls == [(6, 3, 28, 28)] and group.pixels is pixels
    slices = [
        TileLayout(1, 2, True, 28, 84, 28, cut=(28, 42), whole=(21, 63), thumbnail_last=True),
        TileLayout(0, 0, True, 28, 42, 28, whole=(28, 42), thumbnail_last=True),
    ]
    calls.clear()
    groups = tower.encode(torch.randn(24 + 24 + 27 + 24, 3, 7, 7), slices)
    assert calls == [(3, 3, 28, 42), (1, 3, 21, 63)]
    assert [group.index.tolist() for group in groups] == [[0, 1, 3], [2]]
    assert [tuple(group.levels[0].shape) for group in groups] == [(3, 4, 6, 16), (1, 3, 9, 16)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_among_others_has_the_features_it_has_alone(kind):
    tower = lively(kind)
    pages = [TileLayout(1, 1, False, *size, cut=size) for size in [(28, 42), (14, 28), (28, 42), (28, 28)]]
    pictures = [torch.randn(3, *page.cut) for page in pages]
    with torch.no_grad():
        groups = tower.encode(torch.cat([to_patches(picture, 7) for picture in pictures]), pages)
        for group in groups:
            for place, k in enumerate(group.index.tolist()):
                assert torch.equal(group.pixels[place], pictures[k])
                for level, alone in zip(group.levels, tower(pictures[k][None]), strict=True):
                    torch.testing.assert_close(level[place].flatten(0, 1), alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 3, 28, 28), "5 views came for layouts that hold 6; send every page's views"),
        ((96, 3, 14, 14), r"\(height, width\); send their 96 patches of 7 px"),
        ((95, 3, 7, 7), r"pixels of shape \(95, 3, 7, 7\) came for views"),
    ],
)
def test_pixels_that_do_not_fill_their_layouts_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        lively("siglip").encode(torch.zeros(shape), [TileLayout(2, 3, False, 56, 84, 28)])
