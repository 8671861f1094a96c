"""What vLLM needs of processor and model, tried without it: image inputs that can be divided among images and joined anew."""

import pytest
import torch

from tests.contracts.parts import SIZES, SMALL_TILINGS, model, picture, processor
from texthawk.model.processing import IMAGE

PICTURES = [picture(*size, seed) for seed, size in enumerate([*SIZES, (12, 12)])]


def prepared(which, pictures, **settings):
    text = "and ".join([IMAGE] * len(pictures))
    return processor(*which)(images=pictures, text=text, return_text_replacement_offsets=True, **settings)


def divided(inputs):
    """The tensors of each image, cut as vLLM cuts them: by the products of the rows of image_grid_thw."""
    counts = inputs["image_grid_thw"].prod(-1).tolist()
    tensors = (inputs["pixel_values"], inputs["image_grids"])
    assert all(len(tensor) == sum(counts) for tensor in tensors)
    return list(zip(*(tensor.split(counts) for tensor in tensors), strict=True))


@pytest.mark.parametrize("tiling", SMALL_TILINGS)
def test_images_of_several_requests_are_divided_and_joined_in_any_order(tiling):
    which = ("average_pool", tiling)
    parts = divided(prepared(which, PICTURES))
    made = model(*which)
    with torch.inference_mode():
        alone = [made.get_image_features(*part).pooler_output for part in parts]
        order = [2, 0, 3, 1]
        joined = [torch.cat(tensors) for tensors in zip(*(parts[place] for place in order), strict=True)]
        together = made.get_image_features(*joined).pooler_output
    assert [len(pages) for pages in alone] == [1] * len(PICTURES) and len(together) == len(order)
    for place, tokens in zip(order, together, strict=True):
        torch.testing.assert_close(tokens, alone[place][0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("tiling", SMALL_TILINGS)
def test_the_rows_count_what_a_setting_of_the_request_leaves(tiling):
    which = ("average_pool", tiling)
    setting = {"adaptive": {"max_tiles": 1}, "uhd": {"max_slices": 1}, "native": {"max_pixels": 32 * 32}}[tiling]
    rows = [prepared(which, PICTURES[1:2], **more)["image_grid_thw"].prod() for more in ({}, setting)]
    assert rows[1] < rows[0]


def test_offsets_tell_what_stands_for_each_image():
    which = ("average_pool", "adaptive")
    inputs = prepared(which, PICTURES[:2])
    said = [entry["replacement"] for entry in inputs["text_replacement_offsets"][0]]
    ids = processor(*which).tokenizer("and ".join(said))["input_ids"]
    assert inputs["input_ids"][0] == ids
    assert "text_replacement_offsets" not in processor(*which)(images=PICTURES[:1], text=IMAGE)
