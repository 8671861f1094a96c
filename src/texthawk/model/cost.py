"""Operations of a model, counted by running it without numbers."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.types import TileLayout


def operations(config: TextHawkConfig) -> Callable[[TileLayout, int], int]:
    """A count of the operations that read a page: (layout, tokens of its prompt) -> number.

    Tower, connector and one pass of the language model over the page's tokens, up to the first word of the answer.
    The model stands on the meta device, where tensors have shapes but no content, so the count is that of the code
    which runs, takes a moment for a model of any size, and cannot drift from it. A multiply and an add are two.
    """
    with torch.device("meta"):
        model = TextHawkForConditionalGeneration(config).eval()
    known: dict[tuple[int, int, bool, int], int] = {}

    def count(layout: TileLayout, tokens: int) -> int:
        key = (layout.rows, layout.columns, layout.thumbnail, tokens)
        if key not in known:
            width = config.text_config.hidden_size
            pixels = torch.empty(layout.tiles, 3, layout.tile, layout.tile, device="meta", dtype=model.dtype)
            embeddings = torch.empty(1, tokens, width, device="meta", dtype=model.dtype)
            # A mask that is there already: to make one, transformers would look into the positions.
            mask = torch.empty(1, 1, tokens, tokens, device="meta", dtype=torch.bool)
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                model.model.connector(model.model.vision_tower.encode(pixels, [layout]), [layout])
                answer = model.model.language_model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False)
                model.lm_head(answer.last_hidden_state[:, -1:])
            known[key] = int(counter.get_total_flops())
        return known[key]

    return count
