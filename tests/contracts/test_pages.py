"""Pages of any size, cut in any way, through processor, plan and model; and what stands around and between tokens."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedTokenizerFast

from tests.contracts import parts
from texthawk.image.budget import plan
from texthawk.image.tilings import TILINGS, layout_to_row
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.cost import operations
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import IMAGE, VISION_END, VISION_START
from texthawk.model.tokens import extend_tokenizer

every_tiling = pytest.mark.parametrize("tiling", TILINGS)
side = st.integers(1, 300)


@every_tiling
@pytest.mark.parametrize("connector", ["resa", "hiwin", "merge2x2"])
@settings(deadline=None, max_examples=30)
@given(height=side, width=side)
def test_a_plan_and_vllms_budget_agree_with_the_prompt_for_any_size(tiling, connector, height, width):
    made, processor = parts.config(connector, tiling), parts.processor(connector, tiling)
    inputs = processor(text=[IMAGE], images=[parts.picture(height, width)])
    promised = plan(
        height,
        width,
        tiling=made.tiling_config,
        visual_tokens=made.visual_tokens,
        frame_tokens=made.frame_tokens,
    )
    asked = processor._get_num_multimodal_tokens(image_sizes=[(height, width)])
    assert len(inputs["input_ids"][0]) == promised.tokens == asked.num_image_tokens[0]
    assert inputs["input_ids"][0].count(made.image_token_id) == promised.visual_tokens
    assert len(inputs["pixel_values"]) == asked.num_image_patches[0]
    assert inputs["pixel_values"].nbytes == promised.pixel_bytes


@every_tiling
def test_a_page_is_framed_only_where_the_config_says_so(tiling):
    for plain, around in [(False, [VISION_START, VISION_END]), (True, [])]:
        processor = parts.processor("resa", tiling, "siglip", "qwen2", plain)
        ids = processor(text="a" + IMAGE + "b", images=parts.picture(40, 30))["input_ids"][0]
        tokens = [token for token in processor.tokenizer.convert_ids_to_tokens(ids) if token != IMAGE]
        assert tokens == ["a", *around, "b"]


@every_tiling
@pytest.mark.parametrize("connector", ["hiwin", "uhd1"])
def test_newlines_and_commas_are_the_language_models_own_embeddings(connector, tiling):
    which = (connector, tiling)
    made, model = parts.config(*which), parts.model(*which)
    newline, comma = made.separator_token_ids
    assert parts.tokenizer().decode([newline]) == "\n" and parts.tokenizer().decode([comma]) == ","
    inputs = parts.inputs_for(which, [[parts.picture(70, 70)]])
    (layout,) = made.layouts_of(inputs["image_grids"])
    order, table = made.compressor_config.separators(layout), model.get_input_embeddings().weight
    assert (order is None) == (tiling == "native")
    with torch.no_grad():
        (tokens,) = model.get_image_features(inputs["pixel_values"], inputs["image_grids"]).pooler_output
        groups = model.model.vision_tower.encode(inputs["pixel_values"], [layout])
        (plain,) = model.model.connector(groups, [layout])
    for token, place in zip(tokens, range(len(plain)) if order is None else order, strict=True):
        expected = plain[place] if place >= 0 else table[{-1: newline, -2: comma}[place]]
        torch.testing.assert_close(token, expected)


def test_separators_without_ids_are_refused_with_the_way_out():
    made = parts.config("hiwin", "uhd").to_dict() | {"separator_token_ids": None}
    with pytest.raises(
        ValueError, match="'hiwin' puts newlines and commas between its tokens; set separator_token_ids"
    ):
        TextHawkForConditionalGeneration(TextHawkConfig.from_dict(made))


@every_tiling
def test_beams_look_at_the_pages_of_their_own_prompt(tiling):
    which = ("resa", tiling)
    model = parts.model(*which)
    pages = [[parts.picture(40, 30, 1)], [parts.picture(70, 33, 2), parts.picture(20, 90, 3)]]
    together = parts.inputs_for(which, pages)
    images = {name: together[name] for name in ("pixel_values", "image_grids")}
    ids, expanded = model._expand_inputs_for_generation(2, input_ids=together["input_ids"], **images)
    with torch.no_grad():
        mask = together["attention_mask"].repeat_interleave(2, 0)
        found = model(ids, attention_mask=mask, **expanded, logits_to_keep=1).logits[:, -1]
        alone = [model(**parts.inputs_for(which, [own]), logits_to_keep=1).logits[0, -1] for own in pages]
    torch.testing.assert_close(found, torch.stack(alone).repeat_interleave(2, 0), atol=1e-4, rtol=1e-4)


@every_tiling
@pytest.mark.parametrize("connector", ["resa", "uhd1"])
def test_operations_counted_without_numbers_are_those_of_the_run(connector, tiling):
    which = (connector, tiling, "siglip", "qwen2", True)
    made, model = parts.config(*which), parts.model(*which)
    inputs = parts.processor(*which)(text=[IMAGE], images=[parts.picture(70, 33)], return_tensors="pt")
    tokens = inputs["input_ids"].shape[1]
    layout = parts.processor(*which).image_processor.layout(70, 33)
    mask = torch.ones(1, 1, tokens, tokens, dtype=torch.bool).tril()
    # The plain attention: torch's counter does not know the fused one of a CPU.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(**{**inputs, "attention_mask": mask}, logits_to_keep=1, use_cache=False)
    assert tokens == made.visual_tokens(layout)
    assert operations(made)(layout, tokens) == counter.get_total_flops()


def test_a_model_without_coordinates_has_no_head_and_takes_no_coordinates():
    which = ("resa", "adaptive", "siglip", "qwen2", True)
    model = parts.model(*which)
    inputs = parts.inputs_for(which, [[parts.picture(40, 30)]])
    assert not any("detection" in name for name in model.state_dict())
    with torch.no_grad():
        out = model(**inputs, labels=inputs["input_ids"])
    assert out.coordinates is None and out.box_loss is None and torch.equal(out.loss, out.language_loss)
    with pytest.raises(ValueError, match="coordinates came to a model without coordinate_bins"):
        model(**inputs, labels=inputs["input_ids"], coordinates=torch.full(inputs["input_ids"].shape, 0.5))


def test_a_tokenizer_gets_no_more_tokens_than_the_model_uses():
    def bare():
        bytes_alone = Tokenizer(models.BPE(vocab={sign: k for k, sign in enumerate(["a", ",", "Ċ"])}, merges=[]))
        bytes_alone.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return PreTrainedTokenizerFast(tokenizer_object=bytes_alone)

    plain, full = bare(), bare()
    assert extend_tokenizer(plain, 0, frame=False) == {"image_token_id": 3, "separator_token_ids": (2, 1)}
    assert plain.get_vocab().keys() - bare().get_vocab().keys() == {IMAGE}
    ids = extend_tokenizer(full, 4)
    assert ids["separator_token_ids"] == (2, 1) and ids["coordinate_token_start"] == full.get_vocab()["<0>"]
    added = {IMAGE, VISION_START, VISION_END, "<box>", "</box>", "<0>", "<1>", "<2>", "<3>"}
    assert full.get_vocab().keys() - bare().get_vocab().keys() == added


@pytest.mark.parametrize(
    ("tiling", "changes", "message"),
    [
        ("uhd", {"tiling": {"type": "uhd", "scale": 28, "patch": 7}}, "counts patches of 7 px, the tower's are 4 px"),
        (
            "uhd",
            {"compressor": {"type": "mlp", "patch": 14}},
            "the compressor counts patches of 14 px, the tower's are 4",
        ),
        (
            "uhd",
            {"compressor": {"type": "resa", "patches": 16}},
            "expects 16 patches a side, the tower gives 8 to 32 px",
        ),
        (
            "native",
            {"compressor": {"type": "resa", "patches": 8, "positions": "absolute"}},
            "positions='absolute' number",
        ),
        ("adaptive", {"tiling": {"type": "square"}}, "tiling 'square' is unknown; nearest:"),
        ("adaptive", {"feature_layers": (3, 4)}, "reads level 3 but feature_layers"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_the_rule(tiling, changes, message):
    made = parts.config("resa", tiling).to_dict()
    with pytest.raises(ValueError, match=message):
        TextHawkConfig.from_dict(made | changes)


@every_tiling
def test_tilings_can_be_set_for_a_call(tiling):
    processor = parts.processor("resa", tiling)
    fewer = {"adaptive": {"max_tiles": 1}, "uhd": {"max_slices": 1}, "native": {"max_pixels": 1024}}[tiling]
    usual, small = (
        processor(text=IMAGE, images=parts.picture(80, 80), **settings)["image_grids"].tolist()
        for settings in ({}, fewer)
    )
    tiling_config = processor.image_processor.tiling_for(**fewer)
    assert usual != small == [layout_to_row(tiling_config.layout(80, 80))]
