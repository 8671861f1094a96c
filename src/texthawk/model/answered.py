"""Places in an answer that `generate` gave: by the detection head, by the tokens, or by both (TextHawk section 3.3).

Shape letters:  B batch   L tokens of prompt and answer   P tokens of the prompt
"""

from typing import NamedTuple

import torch
from torch import Tensor

from texthawk.model.grounding import coordinate_centre
from texthawk.model.modeling import TextHawkForConditionalGeneration


class AnsweredPlaces(NamedTuple):
    """The coordinates of one answer in order, in [0, 1]: the centres of its tokens' bins, and what the head says there.

    Either goes with the answer's text into `parse_lines_with_boxes`; the paper takes the head's.
    """

    tokens: tuple[float, ...]
    head: tuple[float, ...]


@torch.no_grad()
def answered_places(
    model: TextHawkForConditionalGeneration,
    sequences_BL: Tensor,
    prompt_BP: Tensor,
    *,
    attention_mask: Tensor | None = None,
    pixel_values: Tensor | None = None,
    image_grids: Tensor | None = None,
) -> list[AnsweredPlaces]:
    """What each row of `generate`'s result says of places; the other arguments are those that `generate` was given.

    One more forward over prompt and answer, for `generate` keeps nothing but tokens of its steps. Raises ValueError for a
    model without a detection head.
    """
    config = model.config
    if model.detection_head is None:
        raise ValueError(
            "the model has no detection head (coordinate_bins is 0); its answers hold no coordinate tokens"
        )
    length = prompt_BP.shape[1]
    answer = sequences_BL[:, length:]
    mask = torch.ones_like(prompt_BP) if attention_mask is None else attention_mask
    predicted = model(
        input_ids=sequences_BL,
        attention_mask=torch.cat([mask, torch.ones_like(answer)], dim=1),
        pixel_values=pixel_values,
        image_grids=image_grids,
        use_cache=False,
        logits_to_keep=answer.shape[1] + 1,  # a position tells of the token behind it, so the prompt's last is needed
    ).coordinates
    bins = answer - config.coordinate_token_start
    placed = (bins >= 0) & (bins < config.coordinate_bins)
    return [
        AnsweredPlaces(
            tuple(coordinate_centre(number, config.coordinate_bins) for number in row[here].tolist()),
            tuple(head[:-1][here].float().tolist()),
        )
        for row, here, head in zip(bins, placed, predicted, strict=True)
    ]
