"""Prompt, plan, processor and model agree on what a page costs, whatever its size."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.model import tiny
from texthawk.image.budget import plan
from texthawk.image.pages import one_page
from texthawk.model.processing import IMAGE

SIDE = st.integers(1, 400)
PROCESSOR, CONFIG = cache(tiny.processor), cache(tiny.config)
MODEL = cache(tiny.model)


@pytest.fixture(scope="module")
def processor():
    return PROCESSOR()


@settings(deadline=None, max_examples=150)
@given(height=SIDE, width=SIDE)
def test_plan_and_vllms_budget_agree_with_the_prompt_for_any_size(height, width):
    processor, config = PROCESSOR(), CONFIG()
    layout = processor.image_processor.layout(height, width)
    promised = plan(height, width, tiling=config.tiling_config, visual_tokens=config.visual_tokens)
    asked = processor._get_num_multimodal_tokens(image_sizes=[(height, width)])
    text = processor.image_text(layout)
    assert promised.layout == layout and promised.visual_tokens == text.count(IMAGE) == config.visual_tokens(layout)
    assert list(asked.num_image_tokens) == [promised.tokens] and list(asked.num_image_patches) == [promised.tiles]


@settings(deadline=None, max_examples=12)
@given(sizes=st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=3))
def test_processor_and_model_keep_what_was_promised(sizes):
    processor, model = PROCESSOR(), MODEL()
    pictures = [tiny.picture(*size) for size in sizes]
    inputs = processor(text=[IMAGE * len(pictures)], images=pictures, return_tensors="pt")
    asked = processor._get_num_multimodal_tokens(image_sizes=sizes)
    assert inputs["input_ids"].shape[1] == sum(asked.num_image_tokens)
    assert len(inputs["pixel_values"]) == sum(asked.num_image_patches)
    with torch.no_grad():
        found = model.get_image_features(inputs["pixel_values"], inputs["image_grids"]).pooler_output
    assert [len(tokens) + 2 for tokens in found] == list(asked.num_image_tokens)


def test_a_page_is_framed_and_filled_with_image_tokens(processor):
    ids = processor(text="a<image>b", images=tiny.picture(64, 64))["input_ids"][0]
    tokens = processor.tokenizer.convert_ids_to_tokens(ids)
    assert tokens == ["a", "<|vision_start|>", *["<image>"] * 16, "<|vision_end|>", "b"]


def test_tiling_can_be_set_for_a_call(processor):
    few, many = (processor(text=IMAGE, images=tiny.picture(128, 192), max_tiles=n, thumbnail="never") for n in (1, 6))
    assert few["image_grids"].tolist() == [[1, 1, 0]] and many["image_grids"].tolist() == [[2, 3, 0]]
    assert len(few["input_ids"][0]) == 18 and len(many["input_ids"][0]) == 6 * 16 + 2


def test_a_chat_message_becomes_the_same_inputs_as_its_text(processor):
    one = tiny.picture(64, 128)
    message = [{"role": "user", "content": [{"type": "image", "image": one}, {"type": "text", "text": "What?"}]}]
    chat = processor.apply_chat_template(
        message, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    text = processor.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
    assert text.count(IMAGE) == 1 and text.index(IMAGE) < text.index("What?") and text.endswith("assistant\n")
    direct = processor(text=text, images=one, return_tensors="pt")
    assert set(chat) == set(direct) and all(torch.equal(chat[name], direct[name]) for name in direct)


def test_text_alone_needs_no_image(processor):
    assert set(processor(text="What?")) == {"input_ids", "attention_mask"}


def test_box_and_coordinate_tokens_survive_decoding_and_frames_do_not(processor):
    ids = processor(text="<box><0><1>,<998><999></box>fox<image><|im_end|>", images=tiny.picture(9, 9))["input_ids"][0]
    assert processor.tokenizer.decode(ids, skip_special_tokens=True) == "<box><0><1>,<998><999></box>fox"
    assert len(processor.tokenizer("<box><0><1>,<998><999></box>")["input_ids"]) == 7


@pytest.mark.parametrize(
    ("prompts", "pictures", "message"),
    [
        ([IMAGE], 2, "hold 1 <image> tokens but 2 images came"),
        (["What?"], 1, "hold 0 <image> tokens but 1 images came"),
        ([IMAGE + IMAGE], None, "hold 2 <image> tokens but 0 images came"),
        (None, 1, "needs text; put <image> where each page belongs"),
    ],
)
def test_prompts_and_images_that_do_not_match_are_refused(processor, prompts, pictures, message):
    images = None if pictures is None else [tiny.picture(9, 9)] * pictures
    with pytest.raises(ValueError, match=message):
        processor(text=prompts, images=images)


def test_images_in_the_list_of_another_prompt_are_refused(processor):
    one = tiny.picture(9, 9)
    with pytest.raises(ValueError, match=r"hold \[2, 1\] <image> tokens but their lists \[1, 2\]"):
        processor(text=[IMAGE + IMAGE, IMAGE], images=[[one], [one, one]])


def test_transparent_and_deep_grey_pictures_become_what_a_person_sees(processor):
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    grey = Image.fromarray(np.full((64, 64), 65535, dtype=np.uint16))
    for one in (clear, grey):
        assert (processor.image_processor(one)["pixel_values"] == 1.0).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photograph_is_cut_as_plan_and_reading_see_it(processor, tmp_path, kind, orientation):
    path = tmp_path / "photo"
    exif = Image.Exif()
    exif[0x0112] = orientation
    tiny.picture(64, 192).save(path, kind, exif=exif)
    page = one_page(path)
    with Image.open(path) as opened:
        given = processor.image_processor(opened)
    expected = processor.image_processor(page.image)
    layout = processor.image_processor.layout(page.height, page.width)
    assert given["image_grids"].tolist() == [[layout.rows, layout.columns, 1]]
    assert torch.equal(given["pixel_values"], expected["pixel_values"])


def test_arrays_and_channels_first_are_taken_like_images(processor):
    one = tiny.picture(64, 64)
    expected = processor.image_processor(one)["pixel_values"]
    for array in (np.asarray(one), np.asarray(one).transpose(2, 0, 1), torch.from_numpy(np.array(one))):
        assert torch.equal(processor.image_processor(array)["pixel_values"], expected)


@pytest.mark.parametrize("thing", ["page.png", np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_other_things_are_refused_with_the_rule(processor, thing):
    with pytest.raises(ValueError, match=r"give .*\(H, W, 3\) uint8"):
        processor.image_processor(thing)
