"""Connectors that transformers has too give what its own modules give, with weights carried over."""

import pytest
import torch
from transformers import (
    DeepseekOcr2VisionConfig,
    DeepseekOcr2VisionModel,
    Idefics3Config,
    Idefics3Model,
    InternVLConfig,
    InternVLModel,
    LlavaConfig,
    LlavaModel,
    Qwen2VLConfig,
    Qwen2VLModel,
)

from tests.compress.random_views import grouped, page
from texthawk.compress.conv16 import Conv16Config
from texthawk.compress.merge2x2 import Merge2x2Config
from texthawk.compress.mlp import MLPConfig
from texthawk.compress.pixel_shuffle import PixelShuffleConfig

WIDTH, LANGUAGE = 16, 24
VISION = {"hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
TEXT = {
    "hidden_size": LANGUAGE,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 32,
}


def features(h, w):
    torch.manual_seed(3)
    return torch.randn(h, w, WIDTH)


def ours(config, weights, maps):
    """Our connector's tokens of one view, its parameters filled in order with another module's."""
    module = config.build(encoder_width=WIDTH, language_width=LANGUAGE)
    own = dict(module.named_parameters())
    assert [tuple(each.shape) for each in own.values()] == [tuple(each.shape) for each in weights]
    layout = page(cut=maps.shape[:2])
    with torch.no_grad():
        for target, source in zip(own.values(), weights, strict=True):
            target.copy_(source)
        return module(grouped([layout], [[maps]]), [layout])[0]


def test_the_mlp_is_llavas():
    vision = {**VISION, "model_type": "clip_vision_model", "image_size": 28, "patch_size": 14, "projection_dim": 8}
    config = LlavaConfig(vision_config=vision, text_config={**TEXT, "model_type": "llama"}, vision_feature_layer=-2)
    theirs, maps = LlavaModel(config).multi_modal_projector, features(3, 5)
    with torch.no_grad():
        expected = theirs(maps.flatten(0, 1))
    torch.testing.assert_close(ours(MLPConfig(), list(theirs.parameters()), maps), expected)


def test_the_merge_is_qwen2_vls():
    vision = {"embed_dim": WIDTH, "hidden_size": LANGUAGE, "depth": 1, "num_heads": 2, "mlp_ratio": 1}
    theirs = Qwen2VLModel(Qwen2VLConfig(vision_config=vision, text_config=TEXT)).visual.merger
    randomise(theirs)
    maps = features(4, 6)
    # Qwen2-VL's tower keeps the four patches of a square one after another.
    squares = maps.view(2, 2, 3, 2, WIDTH).transpose(1, 2).reshape(-1, WIDTH)
    with torch.no_grad():
        expected = theirs(squares)
    torch.testing.assert_close(ours(Merge2x2Config(), list(theirs.parameters()), maps), expected)


def test_pixel_shuffle_is_internvls():
    vision = {**VISION, "image_size": 28, "patch_size": 14}
    model = InternVLModel(InternVLConfig(vision_config=vision, text_config={**TEXT, "model_type": "qwen2"}))
    theirs, maps = model.multi_modal_projector, features(4, 6)
    randomise(theirs)
    with torch.no_grad():
        expected = theirs(model.pixel_shuffle(maps[None], scale_factor=0.5).flatten(1, 2))[0]
    torch.testing.assert_close(ours(PixelShuffleConfig(), list(theirs.parameters()), maps), expected)


@pytest.mark.parametrize("scale", [2, 3])
def test_linear_pixel_shuffle_is_idefics3s(scale):
    vision = {**VISION, "image_size": 28, "patch_size": 14}
    text = {**TEXT, "model_type": "llama", "pad_token_id": 0}
    theirs = Idefics3Model(Idefics3Config(vision_config=vision, text_config=text, scale_factor=scale)).connector
    maps = features(6, 6)
    with torch.no_grad():
        expected = theirs(maps.flatten(0, 1)[None])[0]
    config = PixelShuffleConfig(scale=scale, projection="linear")
    torch.testing.assert_close(ours(config, list(theirs.parameters()), maps), expected)


@pytest.mark.parametrize("size", [(8, 8), (5, 7), (1, 6)], ids=str)
def test_conv16_is_deepseek_ocrs_compressor(size):
    sam = {**VISION, "output_channels": WIDTH, "downsample_channels": [10, 12], "image_size": 64, "patch_size": 16}
    encoder = {**TEXT, "hidden_size": 12}
    tower = DeepseekOcr2VisionModel(DeepseekOcr2VisionConfig(sam_config=sam, encoder_config=encoder))
    theirs, maps = tower.sam_encoder.proj, features(*size)
    torch.nn.init.normal_(theirs.conv1.weight)
    torch.nn.init.normal_(theirs.conv2.weight)
    project = torch.nn.Linear(12, LANGUAGE)
    with torch.no_grad():
        expected = project(theirs(maps.permute(2, 0, 1)[None]).flatten(2).transpose(1, 2))[0]
    weights = [*theirs.parameters(), *project.parameters()]
    torch.testing.assert_close(ours(Conv16Config(channels=(10, 12)), weights, maps), expected, rtol=1e-4, atol=1e-4)


def randomise(module):
    """Norms, too, get weights that are not one and zero."""
    for weight in module.parameters():
        torch.nn.init.normal_(weight)
