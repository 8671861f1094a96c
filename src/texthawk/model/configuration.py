"""TextHawkConfig: one tower, one tiling, one compressor and one language model, and the token ids that join them."""

from dataclasses import asdict
from typing import Any

from transformers import AutoConfig, CLIPVisionConfig, PretrainedConfig, SiglipVisionConfig

from texthawk.compress import CompressorConfig, compressor_from_json, compressor_to_json
from texthawk.compress.resa import ReSAConfig
from texthawk.image.tiles import TilingConfig
from texthawk.types import TileLayout

TOWERS = {"siglip_vision_model": SiglipVisionConfig, "clip_vision_model": CLIPVisionConfig}


class TextHawkConfig(PretrainedConfig):
    """Everything that decides what a TextHawk model computes; saved as config.json.

    feature_layers: depths of the tower that are read, counted from 1 (TextHawk 3.1: 14, 18, 22, 26).
    tiling: the grids of tiles a page may take (TextHawk 3.1); compressor: what makes tiles into visual tokens.
    coordinate_token_start: id of `<0>`; the `coordinate_bins` ids from it are the coordinate tokens.
    coordinate_weight: α, weight of coordinate tokens in the language loss; box_weight: λ of the detection head's loss.
    """

    model_type = "texthawk"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vision_config: PretrainedConfig | dict[str, Any] | None = None,
        text_config: PretrainedConfig | dict[str, Any] | None = None,
        feature_layers: tuple[int, ...] = (14, 18, 22, 26),
        tiling: TilingConfig | dict[str, Any] | None = None,
        compressor: CompressorConfig | dict[str, Any] | None = None,
        image_token_id: int = 0,
        vision_start_token_id: int = 1,
        vision_end_token_id: int = 2,
        coordinate_token_start: int = 3,
        coordinate_bins: int = 1000,
        coordinate_weight: float = 0.25,
        box_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.vision_config = _tower_config(vision_config)
        self.text_config = _language_config(text_config)
        self.feature_layers = tuple(feature_layers)
        tiling = tiling or TilingConfig()
        self.tiling = asdict(tiling) if isinstance(tiling, TilingConfig) else dict(tiling)
        compressor = compressor or ReSAConfig()
        self.compressor = dict(compressor) if isinstance(compressor, dict) else compressor_to_json(compressor)
        self.image_token_id = image_token_id
        self.vision_start_token_id = vision_start_token_id
        self.vision_end_token_id = vision_end_token_id
        self.coordinate_token_start = coordinate_token_start
        self.coordinate_bins = coordinate_bins
        self.coordinate_weight = coordinate_weight
        self.box_weight = box_weight
        kwargs.setdefault("tie_word_embeddings", self.text_config.tie_word_embeddings)
        super().__init__(**kwargs)
        deepest = self.compressor_config.levels_needed - 1
        if deepest >= len(self.feature_layers):
            raise ValueError(
                f"the compressor reads level {deepest} but feature_layers {self.feature_layers} give only "
                f"{len(self.feature_layers)} levels; list more layers or lower the levels"
            )
        tile, patch = self.vision_config.image_size, self.vision_config.patch_size
        if self.tiling_config.tile != tile:
            raise ValueError(f"tiles of {self.tiling_config.tile} px do not fit a tower for {tile} px; set them equal")
        patches = getattr(self.compressor_config, "patches", tile // patch)
        if patches * patch != tile:
            raise ValueError(
                f"the compressor expects {patches} patches a side, the tower gives {tile // patch}; set patches"
            )

    @property
    def tiling_config(self) -> TilingConfig:
        return TilingConfig(**self.tiling)

    @property
    def compressor_config(self) -> CompressorConfig:
        return compressor_from_json(self.compressor)

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page, without the two tokens that frame them."""
        return self.compressor_config.visual_tokens(layout)


def _tower_config(config: PretrainedConfig | dict[str, Any] | None) -> PretrainedConfig:
    if config is None:
        return SiglipVisionConfig(
            hidden_size=1152,
            intermediate_size=4304,
            num_hidden_layers=27,
            num_attention_heads=16,
            image_size=224,
            patch_size=14,
            vision_use_head=False,
        )
    if isinstance(config, dict):
        name = config.get("model_type", "siglip_vision_model")
        if name not in TOWERS:
            raise ValueError(f"tower {name!r} is not supported; choose one of {', '.join(TOWERS)}")
        return TOWERS[name](**config)
    return config


def _language_config(config: PretrainedConfig | dict[str, Any] | None) -> PretrainedConfig:
    if config is None:
        return AutoConfig.for_model("qwen2")
    if isinstance(config, dict):
        settings = dict(config)
        return AutoConfig.for_model(settings.pop("model_type", "qwen2"), **settings)
    return config
