"""Released names go in, compute what the authors' modules computed, and come out again bit for bit."""

import re
from dataclasses import replace

import pytest
import torch
from transformers import CLIPVisionConfig, LlamaConfig, LlamaForCausalLM, Qwen2Config

from tests.golden.vectors import below, tensors
from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.image.tilings import UhdTilingConfig
from texthawk.model.checkpoints import (
    PROJECTOR,
    TOWER,
    llava_uhd1,
    llava_uhd1_published,
    llava_uhd2,
    llava_uhd2_published,
    published_shapes,
    unread,
    vdim,
    vdim_published,
)
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.types import TileLayout
from texthawk.vision.pyramid import Pyramid
from texthawk.vision.views import to_patches

HIWIN, UHD1 = HiwinConfig(heads=4), Uhd1Config(heads=4)
COPY = f"{PROJECTOR}upsampler.model."
SHAPE = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
LLAMA = LlamaConfig(vocab_size=40, tie_word_embeddings=False, **SHAPE)
QWEN2 = Qwen2Config(vocab_size=40, num_key_value_heads=2, tie_word_embeddings=False, **SHAPE)
PAGES = [
    TileLayout(1, 2, True, 84, 196, cut=(84, 98), whole=(70, 126), thumbnail_last=True),
    TileLayout(0, 0, True, 112, 112, whole=(112, 112), thumbnail_last=True),
]


def config(connector, *, width=16, language=LLAMA):
    tower = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=56,
        patch_size=14,
    )
    return TextHawkConfig(
        vision_config=tower,
        text_config=language,
        feature_layers=(2,),
        tiling=UhdTilingConfig(),
        compressor=connector,
        image_token_id=40,
        coordinate_bins=0,
        separator_token_ids=(13, 29),
        frame_images=False,
    )


def random_state(made, **given):
    """A checkpoint of the published names and shapes, random but for what is given by its beginning."""
    dice = torch.Generator().manual_seed(0)
    state = {name: 0.3 * torch.randn(shape, generator=dice) for name, shape in published_shapes(made).items()}
    for start, weights in given.items():
        state |= {{"projector": PROJECTOR, "tower": TOWER}[start] + name: weight for name, weight in weights.items()}
    return state


def loaded(made, ours):
    model = TextHawkForConditionalGeneration(made).eval()
    model.load_state_dict(ours)
    return model


KINDS = {
    "v2": (HIWIN, LLAMA, llava_uhd2, llava_uhd2_published),
    "v2, two levels, qwen2": (
        replace(HIWIN, levels=(1, 4), token_layout="1d"),
        QWEN2,
        llava_uhd2,
        llava_uhd2_published,
    ),
    "v1": (UHD1, LLAMA, llava_uhd1, llava_uhd1_published),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_a_checkpoint_fills_the_whole_model_and_comes_out_unchanged(kind):
    connector, language, load, publish = KINDS[kind]
    made = config(connector, language=language)
    state = {name: tensor.to(torch.bfloat16) for name, tensor in random_state(made).items()}
    ours = load(state, made)
    loaded(made, ours)
    published = publish(ours, made)
    again = published | unread(state, published)
    assert set(again) == set(state)
    for name, tensor in state.items():
        assert again[name].dtype == torch.bfloat16 and torch.equal(again[name], tensor), name
    assert all(tensor.is_contiguous() for tensor in published.values())


@kinds
def test_only_weights_that_nothing_reads_are_left_out(kind):
    connector, language, load, publish = KINDS[kind]
    made = config(connector, language=language)
    state = random_state(made)
    left = set(unread(state, publish(load(state, made), made)))
    dead = {name for name in left if name.startswith(PROJECTOR) and not name.startswith(COPY)}
    tail = {name for name in left if name.startswith((f"{TOWER}encoder.layers.2.", f"{TOWER}post_layernorm."))}
    assert left == dead | tail | {name for name in state if name.startswith(COPY)} and len(tail) == 18
    eight = {"features_8x_projector.weight", "features_8x_projector.bias", "feature_8x_embedding"}
    two = {name.replace("8x", "2x") for name in eight}
    expected = {"v1": set(), "v2": eight | {"query", "kv_proj.weight"}}
    expected["v2, two levels, qwen2"] = expected["v2"] | two
    assert {name.removeprefix(PROJECTOR) for name in dead} == expected[kind]


@kinds
def test_the_projectors_own_file_is_the_same_projector(kind):
    connector, language, load, publish = KINDS[kind]
    made = config(connector, language=language)
    state = random_state(made)
    alone = {name: tensor for name, tensor in state.items() if name.startswith(PROJECTOR)}
    ours, whole = load(alone, connector), load(state, made)
    assert set(ours) == {name for name in whole if name.startswith("model.connector.")}
    assert all(torch.equal(tensor, whole[name]) for name, tensor in ours.items())
    published = publish(ours, connector)
    assert set(published) <= set(alone) and all(torch.equal(published[name], alone[name]) for name in published)


@kinds
def test_names_too_many_and_too_few_are_listed(kind):
    connector, language, load, _ = KINDS[kind]
    made = config(connector, language=language)
    state = random_state(made)
    for wrong in (
        "model.extra.weight",
        f"{PROJECTOR}ln_extra.weight",
        f"{TOWER}encoder.layers.1.extra.weight",
        f"{TOWER}encoder.layers.2.extra.weight",
        f"{TOWER}post_layernorm.extra",
        "loose",
    ):
        with pytest.raises(ValueError, match=f"unknown: {re.escape(wrong)}; missing: none"):
            load(state | {wrong: torch.zeros(1)}, made)
    for needed in (
        f"{PROJECTOR}ln_q.weight",
        f"{PROJECTOR}attn.in_proj_bias",
        f"{TOWER}embeddings.class_embedding",
        f"{TOWER}encoder.layers.0.mlp.fc1.bias",
        "model.embed_tokens.weight",
        "model.layers.0.mlp.up_proj.weight",
        "lm_head.weight",
    ):
        with pytest.raises(ValueError, match=f"unknown: none; missing: {re.escape(needed)}$"):
            load({name: tensor for name, tensor in state.items() if name != needed}, made)


@pytest.mark.parametrize(
    ("connector", "load", "name"),
    [
        (HIWIN, llava_uhd2, "query_2"),
        (HIWIN, llava_uhd2, "attn.in_proj_weight"),
        (HIWIN, llava_uhd2, "features_4x_projector.bias"),
        (HIWIN, llava_uhd2, "upsampler.upsampler.fixup_proj.1.weight"),
        (UHD1, llava_uhd1, "query"),
        (UHD1, llava_uhd1, "pos_embed"),
    ],
)
def test_a_weight_of_another_shape_is_told_with_the_shape_it_should_have(connector, load, name):
    shapes = {name: shape for name, shape in published_shapes(config(connector)).items() if name.startswith(PROJECTOR)}
    full, state = PROJECTOR + name, {name: torch.zeros(shape) for name, shape in shapes.items()}
    shape = shapes[full]
    for wrong in ((shape[0] + 4, *shape[1:]), (*shape, 1), ()):
        said = re.escape(f"{full} is {wrong}, expected {shape}; give")
        with pytest.raises(ValueError, match=f": {said}"):
            load(state | {full: torch.zeros(wrong)}, connector)


@kinds
def test_tower_and_language_model_have_the_shapes_of_the_config_that_is_given(kind):
    connector, language, load, publish = KINDS[kind]
    made = config(connector, language=language)
    state = random_state(made)
    for name in sorted(publish(load(state, made), made))[::11]:
        wrong = torch.zeros(*state[name].shape, 2)
        with pytest.raises(ValueError, match=f"{re.escape(name)} is .*, expected "):
            load(state | {name: wrong}, made)


def test_biases_of_queries_and_keys_are_asked_of_the_config_and_not_of_the_file():
    llama, qwen2 = (config(HIWIN, language=language) for language in (LLAMA, QWEN2))
    bias = "model.layers.0.self_attn.q_proj.bias"
    with pytest.raises(ValueError, match=rf"unknown: .*{re.escape(bias)}.*; missing: none"):
        llava_uhd2(random_state(qwen2), llama)
    with pytest.raises(ValueError, match=rf"unknown: none; missing: .*{re.escape(bias)}"):
        llava_uhd2(random_state(llama), qwen2)


def test_weights_that_nothing_reads_need_not_be_there():
    made = config(HIWIN)
    state = random_state(made)
    ours = llava_uhd2(state, made)
    assert set(llava_uhd2(llava_uhd2_published(ours, made), made)) == set(ours)


def without(state, *starts):
    return {name: tensor for name, tensor in state.items() if not name.startswith(starts)}


@kinds
def test_whole_layers_that_are_missing_are_told(kind):
    connector, language, load, _ = KINDS[kind]
    made = config(connector, language=language)
    state = random_state(made)
    for start in ("model.layers.0.", "model.layers.1.", "model.layers.", f"{TOWER}encoder.layers.1."):
        with pytest.raises(ValueError, match=f"unknown: none; missing: {re.escape(start)}"):
            load(without(state, start), made)


def test_missing_layers_are_told_without_a_config_where_a_file_can_tell():
    made = config(HIWIN)
    state = random_state(made)
    assert set(llava_uhd2(state, HIWIN)) == set(llava_uhd2(state, made))
    for starts, said in (
        (("model.layers.",), "no layer of a language model; model.layers.0 and on are expected"),
        (("model.layers.0.",), "lacks model.layers.0 below model.layers.1;"),
        ((f"{TOWER}encoder.layers.0.",), "layers of .* expected all from 0 on"),
        ((TOWER,), "has 0 layers .* expected all from 0 on"),
    ):
        with pytest.raises(ValueError, match=said):
            llava_uhd2(without(state, *starts), HIWIN)


def test_a_config_of_the_other_connector_is_refused():
    with pytest.raises(ValueError, match="fills a connector of Uhd1Config, the config's is a HiwinConfig"):
        llava_uhd1({}, config(HIWIN))


def test_pages_through_a_loaded_model_are_the_authors():
    """Features and pixels of two pages, through the pyramid and Hiwin attention that the loader filled."""
    vectors, weights = tensors("hiwin_pipeline"), tensors("hiwin_weights")
    made = config(HIWIN)
    model = loaded(made, llava_uhd2(random_state(made, projector=weights), made))
    pictures = [vectors[f"in.image_{number}"] for number in range(4)]
    with torch.no_grad():
        groups = model.model.vision_tower.encode(torch.cat([to_patches(picture, 14) for picture in pictures]), PAGES)
    for group in groups:  # the authors' features in place of the random tower's
        for place, level in zip(group.index.tolist(), group.levels[0], strict=True):
            rows, columns = level.shape[:2]
            level.copy_(vectors["in.features_padded"][place, : rows * columns].unflatten(0, (rows, columns)))
    with torch.no_grad():
        pages = model.model.connector(groups, PAGES)
    for number, tokens in enumerate(torch.cat(pages).split(144)):
        torch.testing.assert_close(tokens, vectors[f"out.image_{number}"], rtol=0, atol=5e-5)


@pytest.mark.parametrize(
    ("size", "levels"), [("square24", (1, 2, 4)), ("overview19x29", (1, 2, 4)), ("small8x10_mask5", (1, 4))]
)
def test_loaded_hiwin_attention_is_the_authors(size, levels):
    vectors, weights = tensors(f"hiwin_{size}"), tensors("hiwin_weights")
    connector = replace(HIWIN, levels=levels)
    made = config(connector)
    alone = {PROJECTOR + name: weight for name, weight in weights.items()}
    module = made.compressor_config.build(encoder_width=16, language_width=64).eval()
    module.load_state_dict(below(llava_uhd2(alone, connector), "model.connector."))
    maps = [vectors[f"in.feat_{scale}x"].permute(0, 2, 3, 1) for scale in levels]
    with torch.no_grad():
        torch.testing.assert_close(module.resample(maps), vectors["out"], rtol=0, atol=2e-5)


def test_the_loaded_first_resampler_is_the_authors():
    vectors = tensors("uhd_v1_resampler")
    made = config(UHD1)
    model = loaded(made, llava_uhd1(random_state(made, projector=below(vectors, "weight.")), made))
    for size in ((24, 24), (19, 29), (8, 10), (5, 20)):
        name = f"{size[0]}x{size[1]}"
        features = vectors[f"in_{name}"].unflatten(1, size)
        with torch.no_grad():
            tokens = model.model.connector.compress([features], torch.zeros(1, 3, 14 * size[0], 14 * size[1]))
        torch.testing.assert_close(tokens, vectors[f"out_{name}"], rtol=0, atol=2e-5)


def test_the_loaded_tower_sees_pictures_of_any_shape_as_the_authors():
    vectors = tensors("clip_anyres")
    made = config(HIWIN, width=32)
    weights = {name.removeprefix("vision_model."): tensor for name, tensor in below(vectors, "weight.").items()}
    model = loaded(made, llava_uhd2(random_state(made, tower=weights), made))
    for number in range(4):
        with torch.no_grad():
            level = model.model.vision_tower(vectors[f"in.image_{number}"][None])[0][0]
        torch.testing.assert_close(level, vectors[f"out.features_{number}"], rtol=0, atol=2e-5)


def test_the_loaded_language_model_is_transformers():
    made = config(HIWIN)
    torch.manual_seed(0)
    original = LlamaForCausalLM(LLAMA).eval()
    model = loaded(made, llava_uhd2(random_state(made) | original.state_dict(), made))
    ids = torch.randint(0, 40, (2, 7))
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, original(ids).logits)


def test_a_loaded_model_answers_about_a_page_although_its_image_token_has_no_row():
    made = config(HIWIN)
    model = loaded(made, llava_uhd2(random_state(made), made))
    layout = PAGES[0]
    tokens = made.visual_tokens(layout)
    ids = torch.tensor([[1, *[40] * tokens, 5, 6]])
    grids = torch.tensor([[1, 2, 1, 84, 98, 70, 126]])
    pixels = torch.randn(6 * 7 * 2 + 5 * 9, 3, 14, 14)
    with torch.no_grad():
        logits = model(ids, pixel_values=pixels, image_grids=grids).logits
        other = model(ids, pixel_values=pixels + 1, image_grids=grids).logits
    assert logits.shape == (1, tokens + 3, 40) and torch.isfinite(logits).all()
    assert torch.equal(logits[:, 0], other[:, 0]) and not torch.allclose(logits[:, -1], other[:, -1])


def test_shapes_are_told_for_connectors_of_these_models_only():
    from texthawk.compress.mlp import MLPConfig

    with pytest.raises(ValueError, match="take hiwin or uhd1"):
        published_shapes(config(MLPConfig()))


def test_a_pyramids_own_checkpoint_fills_a_pyramid_and_leaves_the_rest():
    vectors = tensors("vdim_stack4x")
    weights = {f"upsampler.{name}": tensor for name, tensor in below(vectors, "weight.").items()}
    beside = ("model.vision_tower.x", "validation_model.vision_tower.x", "downsampler_2x.w", "scale_net.net.bias")
    ours = vdim(weights | {name: torch.zeros(1) for name in beside})
    pyramid = Pyramid(16).eval()
    pyramid.load_state_dict(ours)
    with torch.no_grad():
        levels = pyramid(vectors["in.source"], vectors["in.image"])
    for level, name in zip(levels, ("feat2x", "feat4x"), strict=True):
        torch.testing.assert_close(level, vectors[f"out.{name}"], rtol=0, atol=5e-6)
    again = vdim_published(ours)
    assert set(again) == set(weights) and all(torch.equal(again[name], weights[name]) for name in weights)
    with pytest.raises(ValueError, match=r"unknown: extra\.weight"):
        vdim(weights | {"extra.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"missing: upsampler\.up2\.sigma_spatial"):
        vdim({name: tensor for name, tensor in weights.items() if name != "upsampler.up2.sigma_spatial"})
