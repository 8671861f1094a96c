"""The recipes of LLaVA-UHD have the published sizes, part by part, to the last parameter."""

from dataclasses import replace

import pytest
import torch

from texthawk.compress import compressor_to_json
from texthawk.compress.hiwin import HiwinConfig
from texthawk.model.checkpoints import published_shapes
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes import RECIPES
from texthawk.recipes.llava_uhd2 import INSTRUCTION, PAPER_INSTRUCTION
from texthawk.train.conversation import CHATML, PLAIN, VICUNA
from texthawk.train.schedule import Learner

CLIP, PYRAMID = 303_507_456, 1_062_066
HIWIN = {  # all that a checkpoint holds, and what of it is never read with three levels
    "llava_uhd2": (175_591_424, 8_986_624),
    "llava_uhd2_13b": (266_675_200, 11_233_280),
    "llava_uhd2_qwen2": (137_127_424, 7_863_296),
}
VERSION_ONE = {"llava_uhd1": 89_300_992, "llava_uhd1_13b": 137_840_640}
UNREAD_TOWER = 12_596_224 + 2 * 1024  # the 24th layer and the norm after it
VICUNA_7B = 6_738_415_616


def sizes(config):
    with torch.device("meta"):
        model = TextHawkForConditionalGeneration(config)
    parts = {"tower": "model.vision_tower.", "pyramid": "model.connector.pyramid.", "connector": "model.connector."}
    counted = {
        part: sum(p.numel() for name, p in model.named_parameters() if name.startswith(start))
        for part, start in parts.items()
    }
    counted["connector"] -= counted["pyramid"]
    counted["language"] = sum(p.numel() for p in model.parameters()) - sum(counted.values())
    return counted


def three_levels(config):
    config.compressor = compressor_to_json(replace(config.compressor_config, levels=(1, 2, 4)))
    return config


@pytest.mark.parametrize("name", HIWIN)
def test_hiwin_has_the_published_size_and_reads_all_but_the_dead_weights(name):
    stored, dead = HIWIN[name]
    counted = sizes(three_levels(RECIPES[name]().model_config()))
    assert counted["connector"] == stored - dead and counted["pyramid"] == PYRAMID
    assert counted["tower"] == CLIP - UNREAD_TOWER


@pytest.mark.parametrize("name", VERSION_ONE)
def test_the_first_resampler_has_the_published_size(name):
    counted = sizes(RECIPES[name]().model_config())
    assert (counted["connector"], counted["pyramid"]) == (VERSION_ONE[name], 0)


@pytest.mark.parametrize("name", HIWIN)
def test_the_list_of_published_shapes_adds_up_to_the_published_table(name):
    listed = {n: torch.Size(shape).numel() for n, shape in published_shapes(RECIPES[name]().model_config()).items()}

    def total(start, without="//"):
        return sum(size for n, size in listed.items() if n.startswith(start) and not n.startswith(without))

    projector = "model.mm_projector."
    assert total("model.vision_tower.") == total(f"{projector}upsampler.model.0.") == CLIP
    assert total(f"{projector}upsampler.upsampler.") == PYRAMID
    assert total(projector, without=f"{projector}upsampler.") == HIWIN[name][0]
    assert total(f"{projector}upsampler.model.1.") == 2 * 1024


def test_the_released_model_fills_its_published_files():
    listed = published_shapes(RECIPES["llava_uhd2"]().model_config())
    total = sum(torch.Size(shape).numel() for shape in listed.values())
    assert round(total / 1e6) == 7522 and 15.04e9 < 2 * total < 15.05e9
    resampler = {
        n: s for n, s in published_shapes(RECIPES["llava_uhd1_13b"]().model_config()).items() if "mm_proj" in n
    }
    assert round(2 * sum(torch.Size(shape).numel() for shape in resampler.values()) / 1e5) == 2757


def test_the_default_is_the_released_model():
    config = RECIPES["llava_uhd2"]().model_config()
    assert config.compressor_config == HiwinConfig() and config.compressor_config.levels == (1, 2, 4)
    assert config.feature_layers == (23,) and config.separator_token_ids == (13, 29892)
    assert config.tiling_config.max_slices == 7 and not config.frame_images and config.coordinate_bins == 0
    assert sizes(config)["language"] == VICUNA_7B
    assert config.image_token_id == config.text_config.vocab_size == 32000  # no row of its own
    layout = config.tiling_config.layout(672, 1008)
    assert config.visual_tokens(layout) == 1033


def test_the_other_models_are_those_of_april():
    for name in ("llava_uhd2_13b", "llava_uhd2_qwen2"):
        config = RECIPES[name]().model_config()
        assert config.compressor_config == HiwinConfig(levels=(1, 4), token_layout="1d")
        assert config.visual_tokens(config.tiling_config.layout(672, 1008)) == 1014
    assert RECIPES["llava_uhd1"]().model_config().visual_tokens(config.tiling_config.layout(672, 1008)) == 1014


def test_the_papers_wording_differs_from_the_code_in_the_pyramids_output_alone():
    fixup = "model.connector.pyramid.correction.weight"
    assert INSTRUCTION.learner(fixup) == Learner("pyramid output", 2e-5) and PAPER_INSTRUCTION.learner(fixup) is None
    assert {*PAPER_INSTRUCTION.learners, Learner("pyramid output", 2e-5)} == set(INSTRUCTION.learners)


def test_each_stage_speaks_as_its_language_model_does():
    spoken = {name: [stage.conversation for stage in RECIPES[name]().paper_stages] for name in (*HIWIN, *VERSION_ONE)}
    assert spoken.pop("llava_uhd2_qwen2") == [CHATML, CHATML]
    assert all(conversations == [PLAIN, VICUNA] for conversations in spoken.values())
