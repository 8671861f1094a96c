"""A model folder from public backbones: any SigLIP or CLIP tower, any Qwen2 or Llama-like language model.

Both come as folders that transformers wrote or that were downloaded from a hub; nothing here asks the network. Tower
and language model keep their weights, the connector and the detection head are new and must be trained.

Shape letters:  V rows of the embeddings   D language width
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from tokenizers import AddedToken
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    CLIPConfig,
    CLIPVisionConfig,
    GenerationConfig,
    PretrainedConfig,
    SiglipConfig,
    SiglipVisionConfig,
)

from texthawk.compress.per_view import PerViewConfig
from texthawk.compress.resa import ReSAConfig
from texthawk.image.tiles import TilingConfig
from texthawk.image.tilings import NativeTilingConfig, Tiling, UhdTilingConfig
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.grounding import DetectionHead
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import CHAT_TEMPLATE, IMAGE, TextHawkProcessor
from texthawk.model.tokens import TURN_END, TURN_START, extend_tokenizer
from texthawk.vision.tower import Tower

ROWS = 64
"""The embeddings' rows are rounded up to a multiple of this, which suits matrix units and tensor parallelism."""

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
"""Normalisation of CLIP's pixels, for a folder that has the weights alone."""

FLATTEN = (
    "{%- set texthawk = namespace(messages=[]) -%}"
    "{%- for message in messages -%}"
    "{%- set parts = message['content'] -%}"
    "{%- if parts is iterable and parts is not string and parts is not mapping -%}"
    "{%- set flat = namespace(text='') -%}"
    "{%- for part in parts -%}"
    "{%- if part['type'] == 'image' -%}{%- set flat.text = flat.text + '" + IMAGE + "' -%}"
    "{%- elif part['type'] == 'text' -%}{%- set flat.text = flat.text + part['text'] -%}{%- endif -%}"
    "{%- endfor -%}"
    "{%- set texthawk.messages = texthawk.messages + [dict(message, content=flat.text)] -%}"
    "{%- else -%}{%- set texthawk.messages = texthawk.messages + [message] -%}{%- endif -%}"
    "{%- endfor -%}"
    "{%- set messages = texthawk.messages -%}"
)
"""Put before a language model's own chat template: messages of image and text parts become messages of text."""


def assemble(
    vision: Path,
    language: Path,
    out: Path,
    config: TextHawkConfig,
    *,
    feature_layers: Sequence[int] | None = None,
    dtype: torch.dtype | None = None,
    chat_template: str | None = None,
) -> TextHawkConfig:
    """Join two local checkpoints into the folder `out`, with tiling, compressor and losses of `config` (a recipe's).

    feature_layers: depths of the tower to read, from 1; without them the recipe's, scaled to the tower's depth. dtype:
    of the weights; without it, that of the language model's folder. chat_template: without it the language model's own.
    Returns the config of what was written. `out` appears when it is whole or not at all. Raises ValueError for folders
    and shapes that do not fit.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not an empty folder; choose another place or remove it")
    _check_folder(vision, "vision")
    _check_folder(language, "language")
    tower_config, text_config = _tower_config(vision), _text_config(language)
    tokenizer = _tokenizer(language)
    known = max(tokenizer.get_vocab().values()) + 1
    template = chat_template or _chat_template(tokenizer)
    ids = extend_tokenizer(tokenizer, config.coordinate_bins, frame=config.frame_images)
    tokenizer.chat_template = template

    joined = _join(config, tower_config, text_config, feature_layers, ids)
    causal = _load(AutoModelForCausalLM, language, text_config, "language", dtype or "auto")
    _resize(causal, joined, known, max(tokenizer.get_vocab().values()) + 1)
    model = _model(joined, causal, _tower(vision, joined.vision_config, joined.feature_layers).to(causal.dtype))
    model.generation_config = _generation_config(causal.generation_config, tokenizer)
    mean, std = _normalisation(vision, tower_config)
    processor = TextHawkProcessor(
        TextHawkImageProcessor(joined.tiling_config, mean, std),
        tokenizer,
        joined.compressor_config,
        chat_template=template,
        frame_images=joined.frame_images,
    )
    save_folder(out, model, processor)
    return joined


def _check_folder(folder: Path, name: str) -> None:
    if not folder.is_dir():
        raise ValueError(f"{name} folder {str(folder)!r} does not exist; download the checkpoint and give its folder")
    if not (folder / "config.json").is_file():
        raise ValueError(f"{name} folder {str(folder)!r} has no config.json; give a folder in transformers' format")
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        raise ValueError(f"{name} folder {str(folder)!r} has no weights (*.safetensors); download them as well")


def _config(folder: Path, name: str) -> PretrainedConfig:
    try:
        return AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, TypeError, KeyError, StrictDataclassError) as error:
        raise ValueError(f"the config.json in {name} folder {str(folder)!r} cannot be read: {_line(error)}") from error


def _tower_config(folder: Path) -> PretrainedConfig:
    """The tower's config from a folder of the tower alone or of a dual encoder."""
    config = _config(folder, "vision")
    if isinstance(config, (SiglipConfig, CLIPConfig)):
        config = config.vision_config
    if not isinstance(config, (SiglipVisionConfig, CLIPVisionConfig)):
        raise ValueError(f"the model in {str(folder)!r} is a {config.model_type}; a tower must be a SigLIP or a CLIP")
    if isinstance(config, SiglipVisionConfig):
        config.vision_use_head = False  # its pooling head: nothing reads it
    return config


def _text_config(folder: Path) -> PretrainedConfig:
    config = _config(folder, "language")
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ValueError(f"the model in {str(folder)!r} is a {config.model_type}; take a Qwen2 or Llama-like one")
    return config


def _tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in TOKENIZERS):  # transformers would make an empty one
        raise ValueError(f"language folder {str(folder)!r} has no tokenizer; download its {' or '.join(TOKENIZERS)}")
    try:
        return AutoTokenizer.from_pretrained(folder, padding_side="left")  # set later, it would not be saved
    except (OSError, ValueError) as error:
        raise ValueError(f"the tokenizer in {str(folder)!r} cannot be read: {_line(error)}") from error


def _chat_template(tokenizer: Any) -> str:
    """The language model's template, taught to take image parts; ours (and its turn tokens) where it has none."""
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default", next(iter(template.values())))
    if template:
        return template if IMAGE in template else FLATTEN + template
    turns = [AddedToken(token, normalized=False, special=True) for token in (TURN_START, TURN_END)]
    tokenizer.add_tokens(turns, special_tokens=True)
    return CHAT_TEMPLATE


def _load(kind: Any, folder: Path, config: PretrainedConfig, name: str, dtype: torch.dtype | str) -> Any:
    """A model whose every weight is in its folder."""
    try:
        model, report = kind.from_pretrained(
            folder, config=config, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(f"the {name} model in {str(folder)!r} cannot be read: {_line(error)}") from error
    if report["mismatched_keys"]:
        weight, found, wanted = sorted(report["mismatched_keys"])[0]
        raise ValueError(
            f"{name} folder {str(folder)!r}: {weight} has the shape {tuple(found)}, but its config.json says "
            f"{tuple(wanted)}; download weights and config of one model"
        )
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise ValueError(f"{name} folder {str(folder)!r} lacks {len(missing)} weights, the first {missing[:3]}")
    return model


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _join(
    config: TextHawkConfig,
    vision: PretrainedConfig,
    text: PretrainedConfig,
    feature_layers: Sequence[int] | None,
    ids: dict[str, Any],
) -> TextHawkConfig:
    """The recipe's config with these backbones: places, heads and widths follow the tower."""
    if vision.image_size % vision.patch_size:
        raise ValueError(
            f"the tower's {vision.image_size} px are not a multiple of its patch of {vision.patch_size} px, so tiles "
            "would lose a border; take a tower whose image size is one"
        )
    compressor: Any = config.compressor_config
    if isinstance(compressor, PerViewConfig):
        compressor = replace(compressor, patch=vision.patch_size)
    if isinstance(compressor, ReSAConfig):
        changes: dict[str, Any] = {"patches": vision.image_size // vision.patch_size}
        if vision.hidden_size != config.vision_config.hidden_size:  # TextHawk 3.2: heads and MLP as the encoder's
            changes |= {"heads": vision.num_attention_heads, "intermediate": vision.intermediate_size}
        try:
            compressor = replace(compressor, **changes)
        except ValueError as error:
            raise ValueError(
                f"a tower with {changes['patches']}x{changes['patches']} patches does not suit the recipe: {error}; "
                "take one with 16 or 24 patches a side (224 px or 336 px with patch 14, 256 px with patch 16)"
            ) from error
    return TextHawkConfig(
        vision_config=vision,
        text_config=text,
        feature_layers=_feature_layers(config, vision.num_hidden_layers, feature_layers),
        tiling=_tiling(config.tiling_config, vision),
        compressor=compressor,
        coordinate_bins=config.coordinate_bins,
        coordinate_weight=config.coordinate_weight,
        box_weight=config.box_weight,
        frame_images=config.frame_images,
        **ids,
    )


def _tiling(tiling: Tiling, vision: PretrainedConfig) -> Tiling:
    """The recipe's tiling for the tower's size and patches."""
    if isinstance(tiling, UhdTilingConfig):
        return replace(tiling, scale=vision.image_size, patch=vision.patch_size)
    if isinstance(tiling, NativeTilingConfig):
        return replace(tiling, tile=vision.image_size, patch=vision.patch_size)
    assert isinstance(tiling, TilingConfig)
    return replace(tiling, tile=vision.image_size)


def _feature_layers(config: TextHawkConfig, depth: int, given: Sequence[int] | None) -> tuple[int, ...]:
    """The layers asked for, or the recipe's at the same part of the tower's depth."""
    levels = len(config.feature_layers)
    if not given:
        return _layers_of_depth(config, depth)
    layers = tuple(given)
    rising = all(low < high for low, high in pairwise((0, *layers, depth + 1)))
    if not rising or len(layers) != levels:
        raise ValueError(
            f"feature layers {layers} do not fit: the recipe needs {levels} layers, each deeper than the one before, "
            f"from 1 to {depth}, the tower's depth; choose them with --feature-layers"
        )
    return layers


def _layers_of_depth(config: TextHawkConfig, depth: int) -> tuple[int, ...]:
    """The recipe's layers for a tower of another depth, moved apart where a shallow one would have two of them meet.

    A tower of fewer layers than the recipe has levels gives the same layer to several.
    """
    theirs = config.vision_config.num_hidden_layers
    if config.feature_layers == (theirs - 1,):
        return (depth - 1,)  # the last but one, however deep the tower
    levels = len(config.feature_layers)
    layers: list[int] = []
    for done, layer in enumerate(config.feature_layers, start=1):
        place = max(1, round(layer * depth / theirs))
        if depth >= levels:
            above = layers[-1] if layers else 0
            place = max(above + 1, min(place, depth - (levels - done)))
        layers.append(place)
    return tuple(layers)


def _resize(causal: Any, config: TextHawkConfig, known: int, tokens: int) -> None:
    """Grow input and output embeddings for `tokens` ids; each from `known` on starts at the mean of those before."""
    rows = -(-max(tokens, config.text_config.vocab_size) // ROWS) * ROWS
    if "embed_tokens" not in dict(causal.base_model.named_children()):
        raise ValueError(f"the language model is a {causal.config.model_type}; take a Qwen2 or Llama-like one")
    inputs, outputs = causal.get_input_embeddings(), causal.get_output_embeddings()
    if not isinstance(outputs, nn.Linear) or outputs.bias is not None:
        raise ValueError("the language model's output layer is not a plain matrix; take a Qwen2 or Llama-like model")
    known = min(known, inputs.num_embeddings)
    tied = outputs.weight is inputs.weight
    inputs.weight = nn.Parameter(_grown(inputs.weight, known, rows))
    inputs.num_embeddings = rows
    outputs.weight = inputs.weight if tied else nn.Parameter(_grown(outputs.weight, known, rows))
    outputs.out_features = rows
    causal.config.vocab_size = config.text_config.vocab_size = rows


def _grown(weight_VD: Tensor, known: int, rows: int) -> Tensor:
    old = weight_VD.detach()[:known]
    mean = old.float().mean(0).to(old.dtype)
    return torch.cat([old, mean.expand(rows - known, -1)])


def load_tower(folder: Path, layers: tuple[int, ...] | None = None) -> Tower:
    """The SigLIP or CLIP of a folder, read after `layers`, from 1; without them after the last layer but one."""
    _check_folder(folder, "vision")
    config = _tower_config(folder)
    if layers is None and config.num_hidden_layers < 2:
        raise ValueError(f"the tower in {str(folder)!r} has no last layer but one, only {config.num_hidden_layers}")
    return _tower(folder, config, layers or (config.num_hidden_layers - 1,))


def _tower(folder: Path, config: PretrainedConfig, layers: tuple[int, ...]) -> Tower:
    """The part of the tower that is read, with the folder's weights in float32."""
    original = _load(AutoModel, folder, AutoConfig.from_pretrained(folder), "vision", torch.float32)
    state = {name.removeprefix("vision_model."): weight for name, weight in original.state_dict().items()}
    tower = Tower(config, layers)
    wanted = tower.model.state_dict()
    missing = sorted(set(wanted) - set(state))
    if missing:
        raise ValueError(f"the tower in {str(folder)!r} lacks {', '.join(missing[:3])}; is it a SigLIP or a CLIP?")
    tower.model.load_state_dict({name: state[name] for name in wanted})
    return tower


def _model(config: TextHawkConfig, causal: Any, tower: Tower) -> TextHawkForConditionalGeneration:
    """Our model around parts that have their weights already; only connector and detection head are started here."""
    with torch.device("meta"):
        model = TextHawkForConditionalGeneration(config)
    kind, given = type(model.model.language_model), causal.base_model
    if not isinstance(given, kind):
        raise ValueError(f"the language model is a {type(given).__name__}, not a {kind.__name__}; take another one")
    connector = config.compressor_config.build(
        encoder_width=config.vision_config.hidden_size, language_width=config.text_config.hidden_size
    )
    head = DetectionHead(config.text_config.hidden_size) if config.coordinate_bins else None
    for part in (connector, head):
        if part is not None:
            part.apply(model._init_weights)
    model.model.vision_tower, model.model.language_model = tower, given
    model.model.connector = connector.to(causal.dtype)
    model.detection_head = None if head is None else head.to(causal.dtype)
    model.lm_head = causal.get_output_embeddings()
    return model


def _generation_config(of: GenerationConfig, tokenizer: Any) -> GenerationConfig:
    """Greedy, ending where the language model ends its turn; its sampling settings suit chats, not documents."""
    ends = of.eos_token_id if isinstance(of.eos_token_id, list) else [of.eos_token_id]
    turn_end = tokenizer.get_vocab().get(TURN_END)
    ends = [end for end in dict.fromkeys([*ends, tokenizer.eos_token_id, turn_end]) if end is not None]
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return GenerationConfig(bos_token_id=of.bos_token_id, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)


def _normalisation(folder: Path, tower: PretrainedConfig) -> tuple[list[float], list[float]]:
    file = folder / "preprocessor_config.json"
    try:
        settings = dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{file} cannot be read as JSON; download it again ({_line(error)})") from error
    clip = isinstance(tower, CLIPVisionConfig)
    mean, std = (CLIP_MEAN, CLIP_STD) if clip else ([0.5] * 3, [0.5] * 3)
    return settings.get("image_mean", mean), settings.get("image_std", std)


def save_folder(out: Path, model: TextHawkForConditionalGeneration, processor: TextHawkProcessor) -> None:
    """Write beside the place and move: the folder, which may be there if it is empty, is whole or absent."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    try:
        model.save_pretrained(fresh)
        processor.save_pretrained(fresh)
        for file in fresh.iterdir():
            file.chmod(0o644)
        if out.exists():
            out.rmdir()
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
