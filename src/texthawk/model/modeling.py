"""TextHawk for transformers: tower, connector, language model, LM head and detection head (TextHawk figure 2).

Shape letters:  B batch   L tokens   T tiles of the whole batch   D language width
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling, ModelOutput
from transformers.utils import can_return_tuple

from texthawk.compress.views import PerViewConnector
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.grounding import DetectionHead, box_loss, weighted_language_loss
from texthawk.types import TileLayout
from texthawk.vision.tower import Tower
from texthawk.vision.views import pixel_rows


@dataclass
class TextHawkOutput(ModelOutput):
    """`coordinates` (B, L): the detection head's value in [0, 1] for the token that follows each position."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    past_key_values: Any = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None
    coordinates: Tensor | None = None
    language_loss: Tensor | None = None
    box_loss: Tensor | None = None


class TextHawkPreTrainedModel(PreTrainedModel):
    config_class = TextHawkConfig
    config: TextHawkConfig
    base_model_prefix = "model"
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ["MLCALayer"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def _init_weights(self, module: nn.Module) -> None:
        """transformers' start for every module; a connector, visited after its parts, has the last word on its own."""
        super()._init_weights(module)
        if isinstance(module, PerViewConnector):
            module.reset_parameters()


class TextHawkModel(TextHawkPreTrainedModel):
    """Images and text to hidden states, without the heads."""

    _keys_to_ignore_on_load_unexpected = [r"^detection_head\."]  # vLLM builds this class from the whole model's weights

    def __init__(self, config: TextHawkConfig) -> None:
        super().__init__(config)
        self.vision_tower = Tower(config.vision_config, config.feature_layers)
        self.connector: nn.Module = config.compressor_config.build(
            encoder_width=config.vision_config.hidden_size, language_width=config.text_config.hidden_size
        )
        self.language_model = AutoModel.from_config(config.text_config)
        config.check_separators()
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.language_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def get_image_features(self, pixel_values: Tensor, image_grids: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        """Visual tokens of each image: `pooler_output` is a tuple of (tokens, D), one per image, separators in place.

        pixel_values and image_grids: as TextHawkImageProcessor gives them, (T, 3, tile, tile) and (images, 3), or the
        patches of all views and (images, 7). Views of one size go through the tower in one call.
        """
        layouts = self._layouts(image_grids, pixel_values.shape[0])
        groups = self.vision_tower.encode(pixel_values.to(self.dtype), layouts)
        pages = [
            self._separated(tokens, layout)
            for tokens, layout in zip(self.connector(groups, layouts), layouts, strict=True)
        ]
        return BaseModelOutputWithPooling(pooler_output=tuple(pages))

    def _layouts(self, image_grids: Tensor, entries: int) -> list[TileLayout]:
        """A layout for each image, also where an image's row stands there once for each of its entries of `pixel_values`.

        The latter is how vLLM needs it, and the only case in which there are as many rows as entries, unless they are
        the same.
        """
        layouts = self.config.layouts_of(image_grids)
        if len(layouts) != entries:
            return layouts
        images: list[TileLayout] = []
        first = 0
        while first < entries:
            images.append(layouts[first])
            first += pixel_rows(layouts[first], self.config.tiling_config.patch)
        return images

    def _separated(self, tokens_LD: Tensor, layout: TileLayout) -> Tensor:
        """A page's tokens with the language model's own newline and comma between them, where the connector wants them.

        LLaVA-UHD v2 section 3.3 and its code: separators are ordinary word embeddings, trained with the language model.
        """
        order = self.config.compressor_config.separators(layout)
        if order is None:
            return tokens_LD
        ids = torch.tensor(self.config.separator_token_ids, device=tokens_LD.device)
        comma_last = self.get_input_embeddings()(ids).to(tokens_LD.dtype).flip(0)  # -1 is the newline, -2 the comma
        places = torch.tensor(order, device=tokens_LD.device)
        return torch.cat([tokens_LD, comma_last])[places]

    def embedded(
        self, input_ids: Tensor, pixel_values: Tensor | None = None, image_grids: Tensor | None = None
    ) -> Tensor:
        """What the language model is given, (B, L, D): word embeddings, with visual tokens in the places of image tokens.

        Several prompts about the same images may come with these once: then each row holds the tokens of all of them.
        """
        if pixel_values is None:
            return self.get_input_embeddings()(input_ids)
        if image_grids is None:
            raise ValueError("pixel_values need image_grids beside them")
        places = input_ids == self.config.image_token_id
        # What is looked up for an image token is overwritten, and LLaVA's has no row of its own to look up.
        embeds_BLD = self.get_input_embeddings()(input_ids.masked_fill(places, 0))
        visual = torch.cat(self.get_image_features(pixel_values, image_grids).pooler_output)
        if len(places) > 1 and bool((places.sum(1) == visual.shape[0]).all()):
            visual = visual.repeat(len(places), 1)
        if int(places.sum()) != visual.shape[0]:
            raise ValueError(
                f"the prompt has {int(places.sum())} image tokens but the images give {visual.shape[0]} visual "
                "tokens; prepare both with the same TextHawkProcessor"
            )
        return embeds_BLD.masked_scatter(places[..., None].expand_as(embeds_BLD), visual.to(embeds_BLD.dtype))

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_grids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> ModelOutput:
        """`input_ids` holds one image token for each visual token; the visual tokens take their places in order."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give input_ids or inputs_embeds, and only one of them")
        if input_ids is not None:
            inputs_embeds = self.embedded(input_ids, pixel_values, image_grids)
        elif pixel_values is not None:
            raise ValueError("pixel_values need input_ids with image tokens beside them")
        return self.language_model(
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )


class TextHawkForConditionalGeneration(TextHawkPreTrainedModel, GenerationMixin):
    """The whole model: reads pages, answers in text, and gives coordinates through tokens and the detection head."""

    _tied_weights_keys = {"lm_head.weight": "model.language_model.embed_tokens.weight"}

    def __init__(self, config: TextHawkConfig) -> None:
        super().__init__(config)
        self.model = TextHawkModel(config)
        width = config.text_config.hidden_size
        self.lm_head: nn.Module = nn.Linear(width, config.text_config.vocab_size, bias=False)
        self.detection_head = DetectionHead(width) if config.coordinate_bins else None
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, value: nn.Module) -> None:
        self.lm_head = value

    def get_image_features(
        self, pixel_values: Tensor, image_grids: Tensor, **kwargs: Any
    ) -> BaseModelOutputWithPooling:
        """See TextHawkModel.get_image_features."""
        return self.model.get_image_features(pixel_values, image_grids, **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_grids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        coordinates: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> TextHawkOutput:
        """Loss (with `labels`, -100 left out): L_lm + λ L_box (TextHawk eq. 4, 5).

        coordinates: (B, L) exact coordinates in [0, 1] at coordinate tokens, NaN elsewhere, aligned with `labels`.
        logits_to_keep: how many last positions get logits and coordinates, 0 means all; or their numbers, (K,).
        """
        outputs = self.model(
            input_ids=input_ids,
            pixel_values=pixel_values,
            image_grids=image_grids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        hidden = outputs[0][:, kept]
        logits = self.lm_head(hidden)
        predicted = None if self.detection_head is None else self.detection_head(hidden)
        loss = language = box = None
        if labels is not None:
            language = weighted_language_loss(
                logits,
                labels,
                coordinate_start=self.config.coordinate_token_start,
                bins=self.config.coordinate_bins,
                coordinate_weight=self.config.coordinate_weight,
            )
            loss = language
            if coordinates is not None:
                if predicted is None:
                    raise ValueError("coordinates came to a model without coordinate_bins; leave them out")
                box = box_loss(predicted, coordinates)
                loss = language + self.config.box_weight * box
        return TextHawkOutput(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            coordinates=predicted,
            language_loss=language,
            box_loss=box,
        )

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None = None,
        image_grids: Tensor | None = None,
        is_first_iteration: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Images are needed for the first forward of a generation only: later ones find them in the cache."""
        inputs = super().prepare_inputs_for_generation(input_ids, is_first_iteration=is_first_iteration, **kwargs)
        if is_first_iteration or not kwargs.get("use_cache", True):
            inputs["pixel_values"] = pixel_values
            inputs["image_grids"] = image_grids
        return inputs

    def _expand_inputs_for_generation(
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: Tensor | None = None,
        **inputs: Any,
    ) -> tuple[Tensor, dict[str, Any]]:
        """Several answers per prompt (beams, samples): transformers would repeat tile by tile, we repeat a prompt's."""
        pixel_values, image_grids = inputs.get("pixel_values"), inputs.get("image_grids")
        if expand_size > 1 and input_ids is not None and pixel_values is not None and image_grids is not None:
            inputs |= {"pixel_values": None, "image_grids": None}
            pages, tiles = self._repeated(input_ids, image_grids, expand_size)
            images = {"pixel_values": pixel_values[tiles], "image_grids": image_grids[pages]}
        else:
            images = {}
        ids, expanded = super()._expand_inputs_for_generation(expand_size, is_encoder_decoder, input_ids, **inputs)
        return ids, expanded | images

    def _repeated(self, input_ids: Tensor, image_grids: Tensor, times: int) -> tuple[list[int], list[int]]:
        """Indices of images and of entries of `pixel_values` when each prompt, with its images, comes `times` times."""
        layouts = self.config.layouts_of(image_grids)
        counts = [pixel_rows(layout, self.config.tiling_config.patch) for layout in layouts]
        starts = [0, *accumulate(counts)]
        pages: list[int] = []
        page = 0
        for wanted in (input_ids == self.config.image_token_id).sum(1).tolist():
            own: list[int] = []
            while wanted > 0 and page < len(layouts):
                wanted -= self.config.visual_tokens(layouts[page])
                own.append(page)
                page += 1
            pages += own * times
        return pages, [starts[page] + entry for page in pages for entry in range(counts[page])]
