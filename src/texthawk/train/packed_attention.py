"""Attention of a pack as that of each of its samples alone: no mask, and no work between samples.

With a mask, attention computes what it then hides, which for a pack of many samples is most of it. transformers calls this
in place of its own where a model's attention is set to `PACKED`.

Shape letters:  B rows of a pack (1)   H heads   L tokens   d width of a head
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from texthawk.model.modeling import TextHawkForConditionalGeneration

PACKED = "texthawk_packed"


def packed_attention(
    module: nn.Module,
    query_BHLd: Tensor,
    key_BHLd: Tensor,
    value_BHLd: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    sample_lengths: tuple[int, ...] | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each of the samples, whose lengths add up to L; (B, L, H, d) as transformers wants it."""
    assert sample_lengths is not None and attention_mask is None, (
        "a pack says where its samples begin, and needs no mask"
    )
    grouped = key_BHLd.shape[1] != query_BHLd.shape[1]
    samples = [
        scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, is_causal=True, scale=scaling, enable_gqa=grouped
        )
        for query, key, value in zip(
            *(tensor.split(list(sample_lengths), dim=2) for tensor in (query_BHLd, key_BHLd, value_BHLd)), strict=True
        )
    ]
    return torch.cat(samples, dim=2).transpose(1, 2).contiguous(), None


def attend_in_samples(model: TextHawkForConditionalGeneration) -> None:
    """Let a model's language part attend so; every call of it must then be given `sample_lengths`."""
    AttentionInterface.register(PACKED, packed_attention)
    model.model.language_model.set_attn_implementation(PACKED)
