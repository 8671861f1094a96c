"""Rows of tokens that were added to a language model learn while all its other rows stay as they are.

Where a language model learns through LoRA, its tables of embeddings are frozen; the tokens that were added for pictures, boxes
and coordinates all start from one mean row, so they could never be told apart. The papers say nothing of it.

Shape letters:  B batch   L tokens   D language width   V vocabulary   K added tokens
"""

import torch
from torch import Tensor, nn

from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration


def added_tokens(config: TextHawkConfig) -> list[int]:
    """Ids of frame, box and coordinate tokens; the two box tokens stand before the coordinates (`extend_tokenizer`)."""
    frame = [config.vision_start_token_id, config.vision_end_token_id] if config.frame_images else []
    first = config.coordinate_token_start
    places = range(first - 2, first + config.coordinate_bins) if config.coordinate_bins else ()
    return sorted({*frame, *places})


class AddedEmbeddings(nn.Module):
    """Embeddings whose rows for `tokens` (K) are `rows` (K, D), and otherwise those of `base`."""

    place: Tensor

    def __init__(self, base: nn.Embedding, tokens: Tensor, rows: nn.Parameter) -> None:
        super().__init__()
        self.base, self.rows = base, rows
        place = torch.full((base.num_embeddings,), -1, device=tokens.device)
        place[tokens] = torch.arange(len(tokens), device=tokens.device)
        self.register_buffer("place", place, persistent=False)

    def forward(self, ids_BL: Tensor) -> Tensor:
        base_BLD, place_BL = self.base(ids_BL), self.place[ids_BL]
        own_BLD = self.rows[place_BL.clamp(min=0)].to(base_BLD.dtype)
        return torch.where((place_BL >= 0)[..., None], own_BLD, base_BLD)


class AddedOutputs(nn.Module):
    """An output layer whose logits of `tokens` (K) come from `rows` (K, D), and otherwise from `base`."""

    tokens: Tensor

    def __init__(self, base: nn.Linear, tokens: Tensor, rows: nn.Parameter) -> None:
        super().__init__()
        self.base, self.rows = base, rows
        self.register_buffer("tokens", tokens, persistent=False)

    def forward(self, hidden_BLD: Tensor) -> Tensor:
        logits_BLV = self.base(hidden_BLD)
        own_BLK = nn.functional.linear(hidden_BLD, self.rows.to(hidden_BLD.dtype))
        return logits_BLV.index_copy_(-1, self.tokens, own_BLK.to(logits_BLV.dtype))


def add_rows(model: TextHawkForConditionalGeneration) -> None:
    """Give a model rows of its own for its added tokens, in float32; embeddings that are tied share them."""
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    assert isinstance(inputs, nn.Embedding) and isinstance(outputs, nn.Linear), "rows are added once"
    tokens = torch.tensor(added_tokens(model.config), device=inputs.weight.device)
    if not len(tokens):
        return
    rows = nn.Parameter(inputs.weight.detach()[tokens].float())
    tied = outputs.weight is inputs.weight
    own = rows if tied else nn.Parameter(outputs.weight.detach()[tokens].float())
    model.set_input_embeddings(AddedEmbeddings(inputs, tokens, rows))
    model.set_output_embeddings(AddedOutputs(outputs, tokens, own))


@torch.no_grad()
def merge_rows(model: TextHawkForConditionalGeneration) -> None:
    """Write the rows into the tables that they were taken from, and put these back."""
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    if not isinstance(inputs, AddedEmbeddings):
        return
    assert isinstance(outputs, AddedOutputs)
    for table, rows in ((inputs.base.weight, inputs.rows), (outputs.base.weight, outputs.rows)):
        table[outputs.tokens] = rows.to(table.dtype)
    model.set_input_embeddings(inputs.base)
    model.set_output_embeddings(outputs.base)
