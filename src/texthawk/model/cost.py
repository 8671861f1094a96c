"""Operations of a model, counted by running it without numbers."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from texthawk.image.tilings import layout_to_row
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.types import TileLayout
from texthawk.vision.views import pixel_rows


def operations(config: TextHawkConfig) -> Callable[[TileLayout, int], int]:
    """A count of the operations that read a page: (layout, tokens of its prompt) -> number.

    Tower, connector and one pass of the language model over the page's tokens, up to the first word of the answer.
    The model stands on the meta device, where tensors have shapes but no content, so the count is that of the code
    which runs, takes a moment for a model of any size, and cannot drift from it. A multiply and an add are two.
    """
    with torch.device("meta"):
        model = TextHawkForConditionalGeneration(config).eval()
    known: dict[tuple[int, int, tuple[tuple[int, int], ...], int], int] = {}
    width, patch = config.text_config.hidden_size, config.tiling_config.patch

    def count(layout: TileLayout, tokens: int) -> int:
        key = (layout.rows, layout.columns, layout.views, tokens)
        if key not in known:
            side = layout.tile if patch is None else patch
            pixels = torch.empty(pixel_rows(layout, patch), 3, side, side, device="meta", dtype=model.dtype)
            grids = torch.tensor([layout_to_row(layout)])
            embeddings = torch.empty(1, tokens, width, device="meta", dtype=model.dtype)
            # A mask that is there already: to make one, transformers would look into the positions.
            mask = torch.empty(1, 1, tokens, tokens, device="meta", dtype=torch.bool)
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                model.get_image_features(pixels, grids)
                answer = model.model.language_model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False)
                model.lm_head(answer.last_hidden_state[:, -1:])
            known[key] = int(counter.get_total_flops())
        return known[key]

    return count
