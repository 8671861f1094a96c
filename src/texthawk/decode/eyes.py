"""Tower and connector in bfloat16 beside the language model as it is, and which short numbers a CPU multiplies natively."""

import copy

import torch
from torch import nn

from texthawk.model.modeling import TextHawkModel


def multiplies_bfloat16() -> bool:
    """Whether this machine's CPU has instructions for it; without them bfloat16 is slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def multiplies_8_bits() -> bool:
    """Whether this machine's CPU adds up products of 8-bit numbers without overflow, several times as fast as float32."""
    return bool(torch.cpu._is_vnni_supported())


def with_short_eyes(model: TextHawkModel) -> TextHawkModel:
    """The same model with tower and connector of its own, rounded to bfloat16; all other parts are shared."""
    made = copy.copy(model)
    made._modules = dict(model._modules)
    made.vision_tower = copy.deepcopy(model.vision_tower).to(torch.bfloat16)
    made.connector = copy.deepcopy(model.connector).to(torch.bfloat16)
    return made


def eyes_of(model: TextHawkModel) -> list[nn.Parameter]:
    """The parameters that `with_short_eyes` copies."""
    return [*model.vision_tower.parameters(), *model.connector.parameters()]
