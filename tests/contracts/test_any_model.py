"""Any tower x any tiling x any connector x any language model is one config, and all of them keep the same promises."""

from itertools import product

import pytest
import torch

import texthawk
from tests.contracts import parts
from texthawk.compress import COMPRESSORS
from texthawk.image.budget import plan
from texthawk.image.tilings import TILINGS
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import IMAGE, TextHawkProcessor
from texthawk.vision.views import pixel_rows

MODELS = list(product(COMPRESSORS, TILINGS, parts.TOWERS, parts.LANGUAGE_MODELS))
every_model = pytest.mark.parametrize("which", MODELS, ids=map("-".join, MODELS))
# One of the four pairs of tower and language model for each connector and tiling, another one each time.
FEWER = [MODELS[4 * k + k % 4] for k in range(len(MODELS) // 4)]
every_connector = pytest.mark.parametrize("which", FEWER, ids=map("-".join, FEWER))
# A constant added to all keys of an attention leaves its softmax as it is.
WITHOUT_GRADIENT = ("k_proj.bias", ".k.bias")


def features(model, inputs):
    with torch.no_grad():
        return model.get_image_features(inputs["pixel_values"], inputs["image_grids"]).pooler_output


@every_model
def test_config_plan_processor_and_model_agree_on_what_pages_cost(which):
    made, processor, model = parts.config(*which), parts.processor(*which), parts.model(*which)
    layouts = [processor.image_processor.layout(*size) for size in parts.SIZES]
    asked = processor._get_num_multimodal_tokens(image_sizes=parts.SIZES)
    pictures = [parts.picture(*size, seed) for seed, size in enumerate(parts.SIZES)]
    inputs = processor(text=[IMAGE * len(pictures)], images=pictures, return_tensors="pt")
    found = features(model, inputs)
    for size, layout, tokens, number, entries in zip(
        parts.SIZES, layouts, found, asked.num_image_tokens, asked.num_image_patches, strict=True
    ):
        promised = plan(*size, tiling=made.tiling_config, visual_tokens=made.visual_tokens)
        assert len(tokens) == made.visual_tokens(layout) == promised.visual_tokens == number - made.frame_tokens
        assert promised.tokens == number and promised.layout == layout
        assert entries == pixel_rows(layout, made.tiling_config.patch)
        assert torch.isfinite(tokens).all()
    assert inputs["input_ids"].shape[1] == sum(asked.num_image_tokens)
    assert len(inputs["pixel_values"]) == sum(asked.num_image_patches)
    seen = made.layouts_of(inputs["image_grids"])
    assert [layout.views for layout in seen] == [layout.views for layout in layouts]
    assert [(layout.rows, layout.columns) for layout in seen] == [(layout.rows, layout.columns) for layout in layouts]


@every_connector
def test_gradients_reach_every_parameter(which):
    made, model = parts.config(*which), parts.model(*which)
    inputs = parts.inputs_for(which, [[parts.picture(70, 33), parts.picture(40, 30)]], "<box><1><2>,<3><4></box>ab")
    coordinates = torch.where(inputs["input_ids"] >= made.coordinate_token_start, 0.3, torch.nan)
    model.zero_grad()
    model(**inputs, labels=inputs["input_ids"], coordinates=coordinates).loss.backward()
    dry = [
        name
        for name, weight in model.named_parameters()
        if weight.grad is None or not torch.isfinite(weight.grad).all() or not weight.grad.any()
    ]
    assert [name for name in dry if not name.endswith(WITHOUT_GRADIENT)] == []


@every_connector
def test_each_view_has_its_own_tokens(which):
    made, model = parts.config(*which), parts.model(*which)
    pages = [parts.picture(70, 33, 1), parts.picture(40, 40, 2)]
    inputs = parts.inputs_for(which, [pages])
    layouts = made.layouts_of(inputs["image_grids"])
    before, patch = torch.cat(features(model, inputs)), made.tiling_config.patch
    order = [made.compressor_config.separators(layout) for layout in layouts]
    separators = sum(place < 0 for sequence in order if sequence is not None for place in sequence)
    first, owned = 0, []
    for height, width in [size for layout in layouts for size in layout.views]:
        entries = 1 if patch is None else height // patch * (width // patch)
        pixels = inputs["pixel_values"].clone()
        pixels[first : first + entries] = torch.randn_like(pixels[first : first + entries])
        first += entries
        after = torch.cat(features(model, {**inputs, "pixel_values": pixels}))
        owned.append(set((after - before).abs().amax(-1).gt(1e-6).nonzero().flatten().tolist()))
    assert all(owned) and sum(map(len, owned)) == len(set().union(*owned)) == len(before) - separators


@every_connector
def test_a_left_padded_batch_is_each_prompt_alone(which):
    which = (*which, True)
    model = parts.model(*which)
    pages = [[parts.picture(40, 30, 1)], [parts.picture(70, 33, 2), parts.picture(20, 90, 3)]]
    together = parts.inputs_for(which, pages)
    assert (together["attention_mask"][0] == 0).any() and together["attention_mask"][:, -1].all()
    settings = {"max_new_tokens": 3, "min_new_tokens": 3, "do_sample": False}
    written = model.generate(**together, **settings)[:, together["input_ids"].shape[1] :]
    with torch.no_grad():
        last = model(**together, logits_to_keep=1).logits[:, -1]
        for row, tokens, own in zip(last, written, pages, strict=True):
            alone = parts.inputs_for(which, [own])
            out = model(**alone)
            torch.testing.assert_close(row, out.logits[0, -1], atol=1e-4, rtol=1e-4)
            uncached = model.generate(**alone, **settings, use_cache=False)[0, alone["input_ids"].shape[1] :]
            assert torch.equal(tokens, uncached) and out.coordinates is None


@every_connector
def test_what_was_saved_computes_the_same(which, tmp_path):
    texthawk.register()
    which = (*which, True)
    made, model = parts.config(*which), parts.model(*which)
    model.save_pretrained(tmp_path)
    parts.processor(*which).save_pretrained(tmp_path)
    loaded = TextHawkForConditionalGeneration.from_pretrained(tmp_path).eval()
    again = TextHawkConfig.from_pretrained(tmp_path)
    assert again.compressor_config == made.compressor_config and again.tiling_config == made.tiling_config
    assert again.separator_token_ids == made.separator_token_ids and again.frame_images == made.frame_images
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, loaded.state_dict()[name]), name
    buffers = dict(loaded.named_buffers())
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, buffers[name]), name
    inputs = parts.inputs_for(which, [[parts.picture(70, 33)]])
    kept = TextHawkProcessor.from_pretrained(tmp_path)
    same = kept(text=["Page <image>What?"], images=[parts.picture(70, 33)], padding=True, return_tensors="pt")
    assert set(same) == set(inputs) and all(torch.equal(same[name], inputs[name]) for name in inputs)
    with torch.no_grad():
        assert torch.equal(model(**inputs).logits, loaded(**inputs).logits)


@every_connector
def test_a_model_can_be_built_without_memory(which):
    with torch.device("meta"):
        empty = TextHawkForConditionalGeneration(parts.config(*which))
    assert {weight.device.type for weight in empty.parameters()} == {"meta"}
    shapes = {name: weight.shape for name, weight in parts.model(*which).named_parameters()}
    assert {name: weight.shape for name, weight in empty.named_parameters()} == shapes
