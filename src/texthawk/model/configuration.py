"""TextHawkConfig: one tower, one tiling, one compressor and one language model, and the token ids that join them."""

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any

from torch import Tensor
from transformers import AutoConfig, CLIPVisionConfig, PretrainedConfig, SiglipVisionConfig

from texthawk.compress import CompressorConfig, compressor_from_json, compressor_to_json
from texthawk.compress.resa import ReSAConfig
from texthawk.image.settings import annotations, check_value, tuples
from texthawk.image.tiles import TilingConfig
from texthawk.image.tilings import Tiling, layout_from_row, tiling_from_json, tiling_to_json
from texthawk.model.backbones import siglip_so400m
from texthawk.types import TileLayout

TOWERS = {"siglip_vision_model": SiglipVisionConfig, "clip_vision_model": CLIPVisionConfig}


class TextHawkConfig(PretrainedConfig):
    """Everything that decides what a TextHawk model computes; saved as config.json.

    feature_layers: depths of the tower that are read, counted from 1 (TextHawk 3.1: 14, 18, 22, 26).
    tiling: how a page is cut into views (TextHawk 3.1 or another of TILINGS); compressor: the connector, what makes
    views into visual tokens.
    frame_images: whether a start and an end token stand around a page; the processor has the same setting.
    separator_token_ids: ids of newline and comma, whose embeddings stand between visual tokens where the connector has
    separators (LLaVA-UHD; there 13 and 29892, which are LLaMA's, with every language model).
    coordinate_token_start: id of `<0>`; the `coordinate_bins` ids from it are the coordinate tokens. With 0 bins there
    are none, and no detection head.
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
        tiling: Tiling | dict[str, Any] | None = None,
        compressor: CompressorConfig | dict[str, Any] | None = None,
        image_token_id: int = 0,
        vision_start_token_id: int = 1,
        vision_end_token_id: int = 2,
        coordinate_token_start: int = 3,
        coordinate_bins: int = 1000,
        coordinate_weight: float = 0.25,
        box_weight: float = 1.0,
        separator_token_ids: tuple[int, int] | None = None,
        frame_images: bool = True,
        **kwargs: Any,
    ) -> None:
        self.vision_config = _tower_config(vision_config)
        self.text_config = _language_config(text_config)
        self.feature_layers = tuples(feature_layers)
        self.tiling = _as_data("tiling", tiling, TilingConfig(), tiling_to_json)
        self.compressor = _as_data("compressor", compressor, ReSAConfig(), compressor_to_json)
        self.image_token_id = image_token_id
        self.vision_start_token_id = vision_start_token_id
        self.vision_end_token_id = vision_end_token_id
        self.coordinate_token_start = coordinate_token_start
        self.coordinate_bins = coordinate_bins
        self.coordinate_weight = coordinate_weight
        self.box_weight = box_weight
        self.separator_token_ids = tuples(separator_token_ids)
        self.frame_images = frame_images
        self._check_values()
        kwargs.setdefault("tie_word_embeddings", self.text_config.tie_word_embeddings)
        super().__init__(**kwargs)
        self._check_parts()

    def to_dict(self) -> dict[str, Any]:
        """As config.json holds it, so that a config equals itself after it was saved and loaded."""
        return {name: _as_in_json(value) for name, value in super().to_dict().items()}

    def _check_values(self) -> None:
        """ValueError for a setting of this config itself that is not what `__init__` is annotated with."""
        kinds = annotations(TextHawkConfig.__init__)
        for name in set(kinds) - {"vision_config", "text_config", "tiling", "compressor", "kwargs", "return"}:
            check_value(name, getattr(self, name), kinds[name], least=1 if name == "feature_layers" else 0)
        rows = self.text_config.vocab_size
        if max(self.separator_token_ids or (0,)) >= rows:
            raise ValueError(
                f"separator_token_ids is {self.separator_token_ids}, but the language model's tokens end at {rows - 1}; "
                "give its ids of newline and comma (texthawk.model.tokens.extend_tokenizer does)"
            )

    def _check_parts(self) -> None:
        """ValueError for a tower, a tiling and a connector that do not go together, with the rule."""
        connector, tiling = self.compressor_config, self.tiling_config
        side, patch = self.vision_config.image_size, self.vision_config.patch_size
        deepest = connector.levels_needed - 1
        if deepest >= len(self.feature_layers):
            raise ValueError(
                f"the compressor reads level {deepest} but feature_layers {self.feature_layers} give only "
                f"{len(self.feature_layers)} levels; list more layers or lower the levels"
            )
        if tiling.patch is None and tiling.tile != side:
            raise ValueError(f"tiles of {tiling.tile} px do not fit a tower for {side} px; set them equal")
        if tiling.patch not in (None, patch):
            raise ValueError(
                f"the tiling counts patches of {tiling.patch} px, the tower's are {patch} px; set them equal"
            )
        if isinstance(connector, ReSAConfig):
            if connector.patches * patch != tiling.tile:
                raise ValueError(
                    f"the compressor expects {connector.patches} patches a side, the tower gives "
                    f"{tiling.tile // patch} to {tiling.tile} px; set patches"
                )
            if connector.positions == "absolute" and tiling.patch is not None:
                raise ValueError(
                    "positions='absolute' number the patches of square tiles, but this tiling's views have any size; "
                    "choose positions='scalable', or the adaptive tiling"
                )
        counted = asdict(connector).get("patch", patch)
        if counted != patch:
            raise ValueError(f"the compressor counts patches of {counted} px, the tower's are {patch} px; set patch")

    def check_separators(self) -> None:
        """ValueError where the connector has separators and nobody said which tokens they are."""
        layout = self.tiling_config.layout(2000, 3000)
        if self.separator_token_ids is None and self.compressor_config.separators(layout) is not None:
            raise ValueError(
                f"compressor {self.compressor['type']!r} puts newlines and commas between its tokens; set "
                "separator_token_ids to the language model's ids of both (texthawk.model.tokens.extend_tokenizer gives them)"
            )

    @property
    def tiling_config(self) -> Tiling:
        return tiling_from_json(self.tiling)

    @property
    def compressor_config(self) -> CompressorConfig:
        return compressor_from_json(self.compressor)

    @property
    def frame_tokens(self) -> int:
        """Tokens that stand around a page."""
        return 2 if self.frame_images else 0

    def layouts_of(self, image_grids: Tensor) -> list[TileLayout]:
        """Layouts from the rows of `image_grids`; page sizes are those of the grid."""
        tiling = self.tiling_config
        return [layout_from_row(row, tiling) for row in image_grids.tolist()]

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page, separators included, without the tokens that frame them."""
        return self.compressor_config.visual_tokens(layout)


def _as_in_json(value: Any) -> Any:
    """The value with lists for tuples, at any depth."""
    if isinstance(value, dict):
        return {name: _as_in_json(entry) for name, entry in value.items()}
    return [_as_in_json(entry) for entry in value] if isinstance(value, (tuple, list)) else value


def _as_data(name: str, settings: Any, usual: Any, write: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Settings as plain data, which they may be already."""
    if settings is not None and not isinstance(settings, dict) and not is_dataclass(settings):
        raise ValueError(f"{name} is {settings!r}; give one of its configs, or the settings of one by name")
    return dict(settings) if isinstance(settings, dict) else write(settings or usual)


def _tower_config(config: PretrainedConfig | dict[str, Any] | None) -> PretrainedConfig:
    if config is None:
        return siglip_so400m()
    if isinstance(config, dict):
        name = config.get("model_type", "siglip_vision_model")
        if name not in TOWERS:
            raise ValueError(f"tower {name!r} is not supported; choose one of {', '.join(TOWERS)}")
        return TOWERS[name](**config)
    return _checked("vision_config", config)


def _language_config(config: PretrainedConfig | dict[str, Any] | None) -> PretrainedConfig:
    if config is None:
        return AutoConfig.for_model("qwen2")
    if isinstance(config, dict):
        settings = dict(config)
        return AutoConfig.for_model(settings.pop("model_type", "qwen2"), **settings)
    return _checked("text_config", config)


def _checked(name: str, config: Any) -> PretrainedConfig:
    if not isinstance(config, PretrainedConfig):
        raise ValueError(f"{name} is {config!r}; give a config of transformers, or the settings of one by name")
    return config
