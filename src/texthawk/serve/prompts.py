"""Messages and pictures become a prompt of the model; the tokenizer is used by one thread at a time."""

import threading
from collections.abc import Sequence
from typing import Any

from PIL import Image

from texthawk.decode.asked import check_text, reserved_tokens
from texthawk.decode.reader import Reader
from texthawk.image.budget import tiling_within
from texthawk.image.tilings import tiling_to_json
from texthawk.serve.forward import Prompt

_BESIDE_IMAGES = ("input_ids", "attention_mask")


class Prompts:
    """Makes prompts with the processor of a reader."""

    def __init__(self, reader: Reader) -> None:
        self._processor = reader.processor
        self._lock = threading.Lock()
        self._reserved = reserved_tokens(reader.processor.tokenizer)

    def check(self, text: str) -> None:
        """ValueError when a text would be taken for the frame of a conversation or for a picture."""
        check_text(text, self._reserved)

    def chat(
        self, messages: list[dict[str, Any]], images: Sequence[Image.Image], max_visual_tokens: int | None = None
    ) -> Prompt:
        """A conversation, as the model's template sets it, that the model is to continue; see `prompt`."""
        with self._lock:
            text = self._processor.apply_chat_template(messages, add_generation_prompt=True)
        return self.prompt(text, images, max_visual_tokens)

    def prompt(self, text: str, images: Sequence[Image.Image], max_visual_tokens: int | None = None) -> Prompt:
        """`text` holds an image token for each picture.

        max_visual_tokens: of all pictures together; ValueError where they cannot be made so small.
        """
        tiling = {}
        if max_visual_tokens is not None and images:
            sizes = [(image.height, image.width) for image in images]
            usual = self._processor.image_processor.tiling_for()
            made = tiling_within(sizes, usual, self._processor.visual_tokens, max_visual_tokens)
            tiling = {name: value for name, value in tiling_to_json(made).items() if name != "type"}
        with self._lock:
            inputs = self._processor(images=list(images) or None, text=[text], return_tensors="pt", **tiling)
        ids = inputs["input_ids"][0].tolist()
        tensors = {name: value for name, value in inputs.items() if name not in _BESIDE_IMAGES}
        return Prompt(ids, tensors, image_tokens=ids.count(self._processor.image_token_id))
