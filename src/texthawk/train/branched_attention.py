"""Attention of a page's text and of the questions behind it, none of which sees another: no work between questions.

With one mask for all, attention computes what it then hides, and between a dozen questions that is half of it. transformers calls
this in place of its own where a model's attention is set to `BRANCHED`.

Shape letters:  B pages   H heads   L tokens   d width of a head   S tokens of some questions   T tokens of a text
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from texthawk.model.modeling import TextHawkForConditionalGeneration

BRANCHED = "texthawk_branched"
SHARED = 192
"""Tokens, at least, of questions that are worked through together."""


class Branches(NamedTuple):
    """Where a page's text ends, and where each question ends with its answer; the first begins where the text ends."""

    text: int
    ends: tuple[int, ...]

    def together(self) -> list[tuple[int, int]]:
        """Where neighbouring questions begin and end that are worked through together."""
        found: list[tuple[int, int]] = []
        begin = self.text
        for end in self.ends:
            if end - begin >= SHARED or end == self.ends[-1]:
                found.append((begin, end))
                begin = end
        return found


class Part(NamedTuple):
    """Some questions of a page: where they begin and end, and what is added to their scores (S, T + S)."""

    begin: int
    end: int
    mask: Tensor


def masks_of(pages: Sequence[Branches], device: torch.device) -> list[tuple[int, list[Part]]]:
    """Of each page its text's length, and its questions; each question sees the text and itself up to where it is."""
    made = []
    for page in pages:
        parts = []
        for begin, end in page.together():
            starts = [place for place in (page.text, *page.ends) if begin <= place < end]
            own = torch.bucketize(torch.arange(begin, end), torch.tensor(starts), right=True)
            sees = (own[:, None] == own).tril()
            mask = torch.zeros(end - begin, page.text + end - begin)
            mask[:, page.text :].masked_fill_(~sees, -torch.inf)
            parts.append(Part(begin, end, mask.to(device)))
        made.append((page.text, parts))
    return made


def branched_attention(
    module: nn.Module,
    query_BHLd: Tensor,
    key_BHLd: Tensor,
    value_BHLd: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    branches: list[tuple[int, list[Part]]] | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each text, and of each question to the text and itself; (B, L, H, d) as transformers wants it.

    What stands behind the last question of a page is padding, and gets nothing.
    """
    assert branches is not None and attention_mask is None, "a batch says where its questions begin, and needs no mask"
    grouped = key_BHLd.shape[1] != query_BHLd.shape[1]
    rows = []
    for (text, parts), *page in zip(branches, query_BHLd, key_BHLd, value_BHLd, strict=True):
        query, key, value = (tensor[None] for tensor in page)
        attend = partial(scaled_dot_product_attention, dropout_p=dropout, scale=scaling, enable_gqa=grouped)
        made = [attend(query[:, :, :text], key[:, :, :text], value[:, :, :text], is_causal=True)]
        for begin, end, mask in parts:
            keys, values = (torch.cat([tensor[:, :, :text], tensor[:, :, begin:end]], dim=2) for tensor in (key, value))
            made.append(attend(query[:, :, begin:end], keys, values, attn_mask=mask[None, None].to(query.dtype)))
        last = parts[-1].end if parts else text
        made.append(torch.zeros_like(query[:, :, last:]))
        rows.append(torch.cat(made, dim=2))
    return torch.cat(rows).transpose(1, 2).contiguous(), None


def attend_in_branches(model: TextHawkForConditionalGeneration) -> None:
    """Let a model's language part attend so; every call of it must then be given `branches`."""
    AttentionInterface.register(BRANCHED, branched_attention)
    model.model.language_model.set_attn_implementation(BRANCHED)
