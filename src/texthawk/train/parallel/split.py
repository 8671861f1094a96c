"""Which linear layers tensor parallelism cuts, by their names in the model.

`columns`: a device has some rows of the weight, so some of the output (of an attention, whole heads). `rows`: it has the
columns that take that part of the output in, and the devices' results are added up.
"""

import re
from typing import Literal

from texthawk.compress.resa import ReSAConfig
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration

Cut = Literal["columns", "rows"]

CUTS: tuple[tuple[str, Cut], ...] = (
    (r"model\.vision_tower\.model\.encoder\.layers\.\d+\.self_attn\.[qkv]_proj", "columns"),
    (r"model\.vision_tower\.model\.encoder\.layers\.\d+\.self_attn\.out_proj", "rows"),
    (r"model\.vision_tower\.model\.encoder\.layers\.\d+\.mlp\.fc1", "columns"),
    (r"model\.vision_tower\.model\.encoder\.layers\.\d+\.mlp\.fc2", "rows"),
    (r"model\.connector\.layers\.\d+\.(self|cross)_attention\.[qkv]", "columns"),
    (r"model\.connector\.layers\.\d+\.(self|cross)_attention\.out", "rows"),
    (r"model\.connector\.layers\.\d+\.fc1", "columns"),
    (r"model\.connector\.layers\.\d+\.fc2", "rows"),
    (r"model\.connector\.proposal\.expand", "columns"),
    (r"model\.connector\.proposal\.mix", "rows"),
    (r"model\.language_model\.layers\.\d+\.self_attn\.[qkv]_proj", "columns"),
    (r"model\.language_model\.layers\.\d+\.self_attn\.o_proj", "rows"),
    (r"model\.language_model\.layers\.\d+\.mlp\.(gate|up)_proj", "columns"),
    (r"model\.language_model\.layers\.\d+\.mlp\.down_proj", "rows"),
    (r"lm_head(\.base)?", "columns"),
)
"""SigLIP or CLIP, ReSA, and a language model of the Llama family; every other part is whole on every device."""

_CUTS = tuple((re.compile(pattern), cut) for pattern, cut in CUTS)


def cut_of(module: str) -> Cut | None:
    """How the linear layer of a name is cut; None: it is whole everywhere.

    Beside a layer that is cut, LoRA's matrix that has the cut side is cut likewise and the small one is whole.
    """
    layer, beside, matrix = module.partition(".lora_")
    cut = next((cut for pattern, cut in _CUTS if pattern.fullmatch(layer.removesuffix(".base_layer"))), None)
    if not beside or cut is None:
        return cut
    return cut if matrix.startswith("B" if cut == "columns" else "A") else None


def is_cut(parameter: str) -> bool:
    """Whether a device has only its share of a parameter; the bias of a layer cut by rows is whole."""
    module, _, name = parameter.rpartition(".")
    cut = cut_of(module)
    return cut == "columns" or (cut == "rows" and name == "weight")


def tied_names(model: TextHawkForConditionalGeneration) -> frozenset[str]:
    """Parameters that embeddings and output layer share, by their names in the embeddings."""
    outputs = {id(parameter) for parameter in model.lm_head.parameters()}
    inputs = model.model.language_model.embed_tokens.named_parameters(prefix="model.language_model.embed_tokens")
    return frozenset(name for name, parameter in inputs if id(parameter) in outputs)


def heads_of(config: TextHawkConfig) -> tuple[tuple[str, int], ...]:
    """Heads of each part whose attention is cut."""
    found = [("tower", config.vision_config.num_attention_heads)]
    found.append(("language model", config.text_config.num_key_value_heads))
    compressor = config.compressor_config
    if isinstance(compressor, ReSAConfig):
        found.append(("connector", compressor.heads or max(1, config.vision_config.hidden_size // 64)))
    return tuple(found)


def check_heads(config: TextHawkConfig, tp: int) -> None:
    """ValueError where the heads of some part cannot be shared evenly by `tp` devices."""
    for part, count in heads_of(config):
        if count % tp:
            raise ValueError(f"tp{tp} does not divide the {count} heads of the {part}; choose a divisor of it")
