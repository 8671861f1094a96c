"""Released weights under their authors' names: which there are, and how they become ours and theirs again.

A loader takes a state dict with the published names and returns ours, to be given to `load_state_dict` of a model of the
recipe's config. It takes whole checkpoints and the file of the projector alone that a first stage leaves
(`mm_projector.bin`). Names it does not know or does not find are a ValueError which lists them. Weights that were saved
and that nothing reads are left out by name: a second copy of the tower and a norm inside the up-sampler, queries and
projections of older projectors, and the last layer of the tower, whose output the authors throw away.

How deep tower and language model are, a file cannot say of itself, for layers that it lacks leave no trace: give the config
of the whole model to be sure. Without it only a gap between layers is seen, not layers that are missing after the last.

The way there and back changes no bit of what is read; `unread` gives what is left out, for who wants a whole file again.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, CLIPVisionModel

from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.uhd1 import Uhd1Config
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.published import (
    State,
    check_names,
    check_shapes,
    hiwin_from_published,
    hiwin_to_published,
    pyramid_from_published,
    pyramid_to_published,
    uhd1_from_published,
    uhd1_to_published,
)

PROJECTOR, TOWER, LANGUAGE, HEAD = (
    "model.mm_projector.",
    "model.vision_tower.vision_tower.vision_model.",
    "model.",
    "lm_head.",
)
OUR_PROJECTOR, OUR_TOWER, OUR_LANGUAGE = "model.connector.", "model.vision_tower.model.", "model.language_model."

Connector = TypeVar("Connector", HiwinConfig, Uhd1Config)

PYRAMID = "upsampler."
_BESIDE_PYRAMID = re.compile(r"(model|validation_model)\.|(downsampler|scale_net)(_2x)?\.")

_PARTS = {
    "attention": "k_proj v_proj q_proj out_proj",
    "tower_layer": "layer_norm1 layer_norm2 mlp.fc1 mlp.fc2",
    "language_layer": "self_attn.q_proj self_attn.k_proj self_attn.v_proj self_attn.o_proj "
    "mlp.gate_proj mlp.up_proj mlp.down_proj input_layernorm post_attention_layernorm",
}


def llava_uhd2(state: Mapping[str, Tensor], config: HiwinConfig | TextHawkConfig | None = None) -> State:
    """Our names and shapes for a checkpoint of LLaVA-UHD v2, or for its projector alone.

    config: of the model that is to be filled, which fixes the depths of tower and language model, or of its connector;
    without it, the connector of the released 7B model.
    """
    connector = _connector(config, HiwinConfig)
    return _ours(
        state, lambda projector: hiwin_from_published(projector, connector, prefix=PROJECTOR), "LLaVA-UHD v2", config
    )


def llava_uhd2_published(state: Mapping[str, Tensor], config: HiwinConfig | TextHawkConfig | None = None) -> State:
    """The inverse of `llava_uhd2`, without what it leaves out."""
    connector = _connector(config, HiwinConfig)
    return _theirs(state, lambda weights: hiwin_to_published(weights, connector))


def llava_uhd1(state: Mapping[str, Tensor], config: Uhd1Config | TextHawkConfig | None = None) -> State:
    """Our names and shapes for a checkpoint of LLaVA-UHD v1 (or v2's ablations with its resampler), or its projector."""
    connector = _connector(config, Uhd1Config)
    return _ours(
        state, lambda projector: uhd1_from_published(projector, connector, prefix=PROJECTOR), "LLaVA-UHD v1", config
    )


def llava_uhd1_published(state: Mapping[str, Tensor], config: Uhd1Config | TextHawkConfig | None = None) -> State:
    """The inverse of `llava_uhd1`, without what it leaves out."""
    connector = _connector(config, Uhd1Config)
    return _theirs(state, lambda weights: uhd1_to_published(weights, connector))


def vdim(state: Mapping[str, Tensor], *, stages: int = 2) -> State:
    """Weights of `vision.pyramid.Pyramid` from a pyramid's own checkpoint, the "state_dict" of its file.

    Left out by name: the frozen tower (twice), and the down-samplers and error scales, which exist in training only.
    """
    live = {name: tensor for name, tensor in state.items() if not _BESIDE_PYRAMID.match(name)}
    unknown = sorted(name for name in live if not name.startswith(PYRAMID))
    if unknown:
        raise ValueError(f"the state dict is not one of a pyramid (VDIM); unknown: {', '.join(unknown)}")
    inner = {name.removeprefix(PYRAMID): tensor for name, tensor in live.items()}
    return pyramid_from_published(inner, stages=stages, prefix=PYRAMID)


def vdim_published(state: Mapping[str, Tensor], *, stages: int = 2) -> State:
    """The inverse of `vdim`, without what it leaves out."""
    return {PYRAMID + name: tensor for name, tensor in pyramid_to_published(state, stages=stages).items()}


def unread(state: Mapping[str, Tensor], published: Mapping[str, Tensor]) -> State:
    """What a checkpoint holds beside `published`, which came back from ours: together they are the whole file again."""
    return {name: tensor for name, tensor in state.items() if name not in published}


def _connector(config: Connector | TextHawkConfig | None, kind: type[Connector]) -> Connector:
    """The connector's config, out of the model's where that is given."""
    found = config.compressor_config if isinstance(config, TextHawkConfig) else config or kind()
    if not isinstance(found, kind):
        raise ValueError(
            f"this loader fills a connector of {kind.__name__}, the config's is a {type(found).__name__}; "
            "take the other loader or the recipe that belongs to the checkpoint"
        )
    return found


def _ours(
    state: Mapping[str, Tensor], projector: Callable[[Mapping[str, Tensor]], State], model: str, config: object
) -> State:
    beside = [name for name in state if not name.startswith(PROJECTOR)]
    if beside:
        shapes: dict[str, tuple[int, ...]] = {}
        if isinstance(config, TextHawkConfig):
            shapes = {name: shape for name, shape in published_shapes(config).items() if not name.startswith(PROJECTOR)}
            read, layers = max(config.feature_layers), config.text_config.num_hidden_layers
        else:
            read, layers = _tower_depth(beside) - 1, _language_depth(beside)
        dead = _tower_tail(read)
        known = {**_tower_names(read), **_language_names(shapes or beside, layers)}
        check_names(dict.fromkeys(set(beside) - dead), known, f"{model} (tower and language model)")
        check_shapes(state, {name: torch.empty(shapes[name], device="meta") for name in known if name in shapes})
    inner = {name.removeprefix(PROJECTOR): tensor for name, tensor in state.items() if name.startswith(PROJECTOR)}
    ours = {OUR_PROJECTOR + name: tensor for name, tensor in projector(inner).items()}
    return ours | ({new: state[old] for old, new in known.items()} if beside else {})


def _theirs(state: Mapping[str, Tensor], projector: Callable[[Mapping[str, Tensor]], State]) -> State:
    def below(start: str) -> State:
        return {name.removeprefix(start): tensor for name, tensor in state.items() if name.startswith(start)}

    theirs = {PROJECTOR + name: tensor.contiguous() for name, tensor in projector(below(OUR_PROJECTOR)).items()}
    theirs |= {TOWER + name: tensor for name, tensor in below(OUR_TOWER).items()}
    theirs |= {LANGUAGE + name: tensor for name, tensor in below(OUR_LANGUAGE).items()}
    return theirs | {HEAD + name: tensor for name, tensor in below(HEAD).items()}


def _numbers(names: Iterable[str], layers: str) -> list[int]:
    """Which layers `names` tell of, where a layer's names begin with `layers` and its number."""
    found = (re.match(re.escape(layers) + r"(\d+)\.", name) for name in names)
    return sorted({int(match[1]) for match in found if match})


def _language_depth(names: Iterable[str]) -> int:
    """How many layers the language model has; ValueError for none and for gaps."""
    numbers = _numbers(names, f"{LANGUAGE}layers.")
    if not numbers:
        raise ValueError(f"the state dict has no layer of a language model; {LANGUAGE}layers.0 and on are expected")
    gaps = sorted(set(range(numbers[-1])) - set(numbers))
    if gaps:
        raise ValueError(
            f"the state dict lacks {LANGUAGE}layers.{gaps[0]} below {LANGUAGE}layers.{numbers[-1]}; layers are expected "
            "without gaps from 0, so load all files of the checkpoint"
        )
    return numbers[-1] + 1


def _tower_depth(names: Iterable[str]) -> int:
    """How many layers the tower has; ValueError for fewer than two, of which the last is not read, and for gaps."""
    numbers = _numbers(names, f"{TOWER}encoder.layers.")
    if len(numbers) < 2 or numbers != list(range(len(numbers))):
        raise ValueError(
            f"the state dict has {len(numbers)} layers of {TOWER}encoder.layers, expected all from 0 on (24 in the "
            "released models), of which the last is not read; load all files of the checkpoint"
        )
    return len(numbers)


def _with_ends(names: str, ends: Iterable[str] = ("weight", "bias")) -> list[str]:
    return [f"{name}.{end}" for name in names.split() for end in ends]


def _layer_names(layer: int) -> list[str]:
    """A layer of CLIP, as named within the tower."""
    parts = [f"self_attn.{name}" for name in _PARTS["attention"].split()] + _PARTS["tower_layer"].split()
    return [f"encoder.layers.{layer}.{name}" for name in _with_ends(" ".join(parts))]


def _tower_tail(read: int) -> set[str]:
    """The tower's last layer, after the `read` ones, and last norm, which are run (or not even that) and never read."""
    return {TOWER + name for name in (*_layer_names(read), *_with_ends("post_layernorm"))}


def _tower_names(read: int) -> dict[str, str]:
    """Published name -> ours of a CLIP's first `read` layers."""
    inner = [
        "embeddings.class_embedding",
        *_with_ends("embeddings.patch_embedding embeddings.position_embedding", ["weight"]),
    ]
    inner += _with_ends("pre_layrnorm")
    for layer in range(read):
        inner += _layer_names(layer)
    return {TOWER + name: OUR_TOWER + name for name in inner}


def _language_names(names: Iterable[str], layers: int) -> dict[str, str]:
    """Published name -> ours of a LLaMA with so many layers, or of a Qwen2, which has biases on q, k and v."""
    inner = ["embed_tokens.weight", "norm.weight"]
    biases = [f"self_attn.{name}_proj.bias" for name in "qkv"]
    biases = biases if any(name.endswith(biases[0]) and not name.startswith(TOWER) for name in names) else []
    for layer in range(layers):
        inner += [f"layers.{layer}.{name}" for name in (*_with_ends(_PARTS["language_layer"], ["weight"]), *biases)]
    head = f"{HEAD}weight"
    return {LANGUAGE + name: OUR_LANGUAGE + name for name in inner} | {head: head}


def published_shapes(config: TextHawkConfig) -> dict[str, tuple[int, ...]]:
    """The names and shapes in the authors' file of a model of this config, dead weights included.

    Names that begin with `PROJECTOR` are those of `mm_projector.bin`. ValueError for a connector that is not LLaVA-UHD's.
    """
    connector, width = config.compressor_config, config.vision_config.hidden_size
    hidden = config.text_config.hidden_size
    with torch.device("meta"):
        projector: Any = connector.build(encoder_width=width, language_width=hidden)
        tower = CLIPVisionModel(config.vision_config).state_dict()
        language = AutoModelForCausalLM.from_config(config.text_config).state_dict()
        if isinstance(connector, HiwinConfig):
            inside = hiwin_to_published(projector.state_dict(), connector)
        elif isinstance(connector, Uhd1Config):
            inside = uhd1_to_published(projector.state_dict(), connector)
        else:
            raise ValueError(f"compressor {config.compressor['type']!r} is not LLaVA-UHD's; take hiwin or uhd1")
    inner = {name.removeprefix("vision_model."): tuple(weight.shape) for name, weight in tower.items()}
    shapes = {PROJECTOR + name: tuple(weight.shape) for name, weight in inside.items()}
    shapes |= {TOWER + name: shape for name, shape in inner.items()}
    shapes |= {name: tuple(weight.shape) for name, weight in language.items()}
    if isinstance(connector, HiwinConfig):
        copies = {f"upsampler.model.0.vision_tower.vision_model.{name}": shape for name, shape in inner.items()}
        dead = _dead_shapes(connector.grid**2, width, hidden) | copies
        shapes = {PROJECTOR + name: shape for name, shape in dead.items()} | shapes
    return shapes


def _dead_shapes(windows: int, width: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """What Hiwin projectors hold whatever their levels, some of it never read."""
    shapes: dict[str, tuple[int, ...]] = {"query": (windows, hidden), "kv_proj.weight": (hidden, width)}
    for scale in (1, 2, 4, 8):
        projector = f"features_{scale}x_projector"
        shapes |= {f"{projector}.weight": (hidden, width), f"{projector}.bias": (hidden,)}
        shapes[f"feature_{scale}x_embedding"] = (1, 1, hidden)
    return shapes | {f"upsampler.model.1.norm.{end}": (width,) for end in ("weight", "bias")}
