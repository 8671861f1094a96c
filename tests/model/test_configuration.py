"""A model's config: what it says of itself is checked when it is made, whoever makes it."""

import json

import pytest

from texthawk.model.configuration import TextHawkConfig
from texthawk.model.loading import config_in
from texthawk.recipes import RECIPES


def tiny(**changes):
    return {**RECIPES["tiny"]().model_config().to_dict(), **changes}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feature_layers", "1234"),
        ("feature_layers", [0, 1, 2, 3]),
        ("feature_layers", [1.5, 2, 3, 4]),
        ("tiling", "adaptive"),
        ("compressor", 5),
        ("image_token_id", -1),
        ("coordinate_bins", "many"),
        ("coordinate_weight", float("nan")),
        ("separator_token_ids", [13]),
        ("separator_token_ids", [13, 10**6]),
        ("frame_images", None),
        ("vision_config", "siglip"),
        ("text_config", 5),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(name, value):
    with pytest.raises(ValueError, match=f"^{name} is "):
        TextHawkConfig(**tiny(**{name: value}))


def test_a_config_that_was_saved_is_the_same_again(tmp_path):
    config = RECIPES["tiny"]().model_config()
    config.save_pretrained(tmp_path)
    assert config_in(tmp_path).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    "damage",
    [
        {"vision_config": {"model_type": "siglip_vision_model", "hidden_size": "wide"}},
        {"text_config": {"model_type": "qwen2", "num_hidden_layers": None}},
        {"compressor": {"type": "resa", "levels": 3}},
        {"tiling": ["adaptive"]},
    ],
)
def test_a_damaged_config_is_told_with_its_file(tmp_path, damage):
    (tmp_path / "config.json").write_text(json.dumps(tiny(**damage)), encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json is damaged; save the model again \("):
        config_in(tmp_path)
