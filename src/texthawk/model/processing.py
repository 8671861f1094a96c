"""Prompts with images to model inputs: each `<image>` becomes exactly the visual tokens its page costs."""

from typing import Any

import torch
from transformers import BatchFeature, ProcessorMixin
from transformers.processing_utils import MultiModalData

from texthawk.compress import CompressorConfig, compressor_from_json, compressor_to_json
from texthawk.compress.resa import ReSAConfig
from texthawk.image.tilings import layout_from_row, tiling_from_json
from texthawk.model.image_processor import TextHawkImageProcessor, flatten_images
from texthawk.types import TileLayout
from texthawk.vision.views import pixel_rows

IMAGE, VISION_START, VISION_END = "<image>", "<|vision_start|>", "<|vision_end|>"

PROMPTS = {
    "text": "List the text content in the image",
    "boxes": "List the text content along with their bounding boxes in the image",
}
"""Tasks of TextHawk by name, in the paper's words (section 4.1)."""

GROUNDING = "Where is {}? Answer with its bounding box"
"""What a model is asked to point at something."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}<|im_start|>{{ message['role'] + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}{%- else -%}"
    "{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' -%}" + IMAGE + "{%- elif part['type'] == 'text' -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>\n{% endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant\n{% endif -%}"
)


class TextHawkProcessor(ProcessorMixin):
    """Tokenizer, image processor and the compressor's token count under one roof.

    Text holds `<image>` where a page belongs; it becomes `<|vision_start|>`, one `<image>` per visual token and
    `<|vision_end|>`. frame_images: False leaves the two tokens around the page out (LLaVA-UHD).
    """

    attributes = ["image_processor", "tokenizer"]
    image_processor_class = "TextHawkImageProcessor"
    tokenizer_class = "AutoTokenizer"

    def __init__(
        self,
        image_processor: TextHawkImageProcessor | None = None,
        tokenizer: Any = None,
        compressor: CompressorConfig | dict[str, Any] | None = None,
        frame_images: bool = True,
        chat_template: str | None = None,
        **kwargs: Any,
    ) -> None:
        compressor = compressor or ReSAConfig()
        self.compressor = dict(compressor) if isinstance(compressor, dict) else compressor_to_json(compressor)
        self.frame_images = frame_images
        self.image_token = IMAGE
        if tokenizer is not None and IMAGE not in tokenizer.get_vocab():
            raise ValueError(
                f"the tokenizer has no {IMAGE} token; add ours with texthawk.model.tokens.extend_tokenizer"
            )
        self.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE) if tokenizer is not None else None
        super().__init__(image_processor, tokenizer, chat_template=chat_template or CHAT_TEMPLATE, **kwargs)

    @property
    def image_token_ids(self) -> list[int | None]:
        return [self.image_token_id]

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page, without the frame."""
        return compressor_from_json(self.compressor).visual_tokens(layout)

    def image_text(self, layout: TileLayout) -> str:
        """What stands in the prompt for a page: start token, one image token per visual token, end token."""
        page = IMAGE * self.visual_tokens(layout)
        return VISION_START + page + VISION_END if self.frame_images else page

    def replace_image_token(self, image_inputs: dict[str, Any], image_idx: int, **_: Any) -> str:
        """The text of the image_idx-th image of a batch; transformers and vLLM ask this way."""
        row = [int(value) for value in image_inputs["image_grids"][image_idx]]
        return self.image_text(layout_from_row(row, tiling_from_json(self.image_processor.tiling)))

    def __call__(self, images: Any = None, text: Any = None, **kwargs: Any) -> BatchFeature:
        """Prepare prompts and their images (flat or one list per prompt, in prompt order) for the model.

        Tokenizer settings (padding, truncation, ...) and tiling settings (max_tiles, ...) pass through; with padding,
        prompts are padded on the tokenizer's side, left by default, so that generation starts where prompts end.
        """
        if text is None:
            raise ValueError("texthawk's processor needs text; put <image> where each page belongs")
        prompts = [text] if isinstance(text, str) else list(text)
        return_tensors = kwargs.pop("return_tensors", None)
        for name in ("text_kwargs", "images_kwargs", "common_kwargs"):
            kwargs.update(kwargs.pop(name, None) or {})
        return_tensors = kwargs.pop("return_tensors", return_tensors)
        tiling = {name: kwargs.pop(name) for name in list(kwargs) if name in self.image_processor.tiling_settings}
        data: dict[str, Any] = {}
        flat = flatten_images(images) if images is not None else []
        wanted = [prompt.count(IMAGE) for prompt in prompts]
        if sum(wanted) != len(flat):
            raise ValueError(
                f"the prompts hold {sum(wanted)} {IMAGE} tokens but {len(flat)} images came; give one each"
            )
        if flat and isinstance(images, (list, tuple)) and isinstance(images[0], (list, tuple)):
            given = [len(flatten_images(entry)) for entry in images]
            if given != wanted:
                raise ValueError(
                    f"the prompts hold {wanted} {IMAGE} tokens but their lists {given} images; give one each"
                )
        kwargs.pop("return_mm_token_type_ids", None)
        places = kwargs.pop("return_text_replacement_offsets", False)
        if flat:
            image_inputs = self.image_processor(flat, **tiling)
            texts = [self.replace_image_token(image_inputs, number) for number in range(len(flat))]
            prompts, offsets = self.get_text_with_replacements(prompts, texts)
            data.update(self._by_entries(image_inputs) if places else image_inputs)
            if places:
                data["text_replacement_offsets"] = offsets
        data.update(self.tokenizer(prompts, **kwargs))
        data.pop("token_type_ids", None)
        return BatchFeature(data, tensor_type=return_tensors, skip_tensor_conversion=["text_replacement_offsets"])

    def _by_entries(self, image_inputs: dict[str, Any]) -> dict[str, Any]:
        """Image inputs that vLLM can divide among images.

        It takes as many entries of every tensor for an image as the product of the image's row of `image_grid_thw` says.
        Its other way, to ask `_get_num_multimodal_tokens`, does not hear of tiling settings that came with a request.
        """
        tiling = tiling_from_json(self.image_processor.tiling)
        grids = image_inputs["image_grids"]
        counts = torch.tensor([pixel_rows(layout_from_row(row, tiling), tiling.patch) for row in grids.tolist()])
        return {
            "pixel_values": image_inputs["pixel_values"],
            "image_grids": grids.repeat_interleave(counts, dim=0),
            "image_grid_thw": torch.stack([counts, *[torch.ones_like(counts)] * 2], dim=1),
        }

    def _get_num_multimodal_tokens(self, image_sizes: list[tuple[int, int]] | None = None, **kwargs: Any) -> Any:
        """Tokens (frame included) and entries of `pixel_values` of images of (height, width); vLLM's budgets need them."""
        if image_sizes is None:
            return MultiModalData()
        tiling = self.image_processor.tiling_for(**kwargs)
        layouts = [tiling.layout(height, width) for height, width in image_sizes]
        frame = 2 * self.frame_images
        return MultiModalData(
            num_image_tokens=[self.visual_tokens(layout) + frame for layout in layouts],
            num_image_patches=[pixel_rows(layout, tiling.patch) for layout in layouts],
        )

    @property
    def model_input_names(self) -> list[str]:
        return ["input_ids", "attention_mask", *self.image_processor.model_input_names]
