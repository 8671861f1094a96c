"""A language model that answers beside the one that reads: the same tower and connector, other weights, a sixth of their bytes.

A small model that learns to answer forgets some of how it reads. So its language model is trained to answer by itself, and
what ships beside the reading weights is how the answering ones differ from them, in 4 bits: a difference bears rounding far
better than weights do (Liu et al., 2024, BitDelta, keep one bit of each).

Shape letters:  R rows   C columns   G groups of columns
"""

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from texthawk.model.modeling import TextHawkForConditionalGeneration

FILE = "answers.safetensors"
GROUP = 128
"""Columns of a matrix that share a scale."""
_LEVELS = 7
_PACKED, _SCALES = ".packed", ".scales"
_READING, _TASKS = "reading", "tasks"
"""Whose answers they are and what was learned, in the file's metadata."""
ASK, OUTLINE = "ask_text", "markdown"
"""What can be learned: to answer questions about text, and to tell the parts that lines play."""


def answers_in(folder: Path, model: TextHawkForConditionalGeneration) -> TextHawkForConditionalGeneration | None:
    """The model of a folder as it answers, its tower and connector those of `model`; None where the folder has none such.

    Its config tells as `tasks` what it has learned. ValueError for a file that does not belong to the model.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    shared = [model.model.vision_tower, model.model.connector]
    made = copy.deepcopy(model, {id(module): module for module in shared})
    weights = _weights(made)
    try:
        with safe_open(file, "pt") as stored:
            kept = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            told = stored.metadata() or {}
        names = {name.removesuffix(_PACKED) for name in kept if not name.endswith(_SCALES)}
        if names != set(weights):
            raise ValueError(f"it has other weights than the model: {_named(names ^ set(weights))}")
        if told.get(_READING) != _signature(weights):
            raise ValueError("it was made for a model with other weights")
        with torch.no_grad():
            for name, weight in weights.items():
                weight.add_(_difference(name, kept, weight.shape).to(weight))
    except (ValueError, KeyError, SafetensorError, OSError) as error:
        raise ValueError(
            f"{file} does not fit the model beside it ({error}); train the answers again from this model, or remove the file, "
            "and the model reads without answering"
        ) from error
    made.config.tasks = told.get(_TASKS, ASK).split()
    return made


def _difference(name: str, kept: dict[str, Tensor], shape: torch.Size) -> Tensor:
    """How a weight of this shape differs; ValueError where what is kept of it is damaged."""
    parts: dict[str, tuple[torch.dtype, tuple[int, ...]]] = {name: (torch.bfloat16, tuple(shape))}
    if name not in kept:
        rows, columns = shape
        parts = {
            name + _PACKED: (torch.uint8, (rows, columns // 2)),
            name + _SCALES: (torch.float16, (rows, columns // GROUP)),
        }
    for part, (dtype, size) in parts.items():
        if part not in kept:
            raise ValueError(f"it lacks {part}")
        if (kept[part].dtype, tuple(kept[part].shape)) != (dtype, size):
            raise ValueError(
                f"{part} is {kept[part].dtype} of the shape {tuple(kept[part].shape)} and not {dtype} of {size}"
            )
        if not kept[part].isfinite().all():
            raise ValueError(f"{part} holds what is no number")
    return unpacked(kept[name + _PACKED], kept[name + _SCALES]) if name not in kept else kept[name]


def save_answers(
    folder: Path,
    reading: TextHawkForConditionalGeneration,
    answering: TextHawkForConditionalGeneration,
    tasks: Sequence[str] = (ASK,),
) -> None:
    """Write beside the reading model in `folder` how the answering one differs from it, which model that is and what the
    answering one has learned.

    Vectors stay as they are, in bfloat16; matrices have 4 bits an entry and a scale for each 128 columns.
    """
    stored: dict[str, Tensor] = {}
    own = _weights(reading)
    for name, weight in _weights(answering).items():
        difference = weight.detach().float().cpu() - own[name].detach().float().cpu()
        if difference.ndim == 2 and difference.shape[1] % GROUP == 0:
            stored[name + _PACKED], stored[name + _SCALES] = packed(difference)
        else:
            stored[name] = difference.to(torch.bfloat16)
    save_file(stored, folder / FILE, {"format": "pt", _READING: _signature(own), _TASKS: " ".join(tasks)})
    (folder / FILE).chmod(0o644)


def packed(matrix_RC: Tensor) -> tuple[Tensor, Tensor]:
    """Entries in 4 bits (R, C / 2), of two neighbours the first in the lower bits, and float16 scales (R, G)."""
    groups_RGc = matrix_RC.unflatten(1, (-1, GROUP))
    scales_RG = (groups_RGc.abs().amax(-1) / _LEVELS).half()
    steps = torch.where(scales_RG > 0, scales_RG.float(), 1.0)[..., None]
    levels = ((groups_RGc / steps).round().clamp(-_LEVELS, _LEVELS) + _LEVELS + 1).to(torch.uint8).flatten(1)
    return levels[:, ::2] | (levels[:, 1::2] << 4), scales_RG


def unpacked(packed_Rc: Tensor, scales_RG: Tensor) -> Tensor:
    """The matrix (R, C) that was packed, each entry within half a step of its scale."""
    levels_RC = torch.stack([packed_Rc & 15, packed_Rc >> 4], dim=-1).flatten(1)
    groups_RGc = levels_RC.float().unflatten(1, (scales_RG.shape[1], -1)) - (_LEVELS + 1)
    return (groups_RGc * scales_RG.float()[..., None]).flatten(1)


def _weights(model: TextHawkForConditionalGeneration) -> dict[str, nn.Parameter]:
    """What answering has its own of: the weights of the language model; the output layer's too where it is not tied to them."""
    found = dict(model.model.language_model.named_parameters())
    head = {f"lm_head.{name}": weight for name, weight in model.lm_head.named_parameters()}
    return found | {
        name: weight for name, weight in head.items() if all(weight is not other for other in found.values())
    }


def _signature(weights: dict[str, nn.Parameter]) -> str:
    """Which weights these are: a hash of their signs, which no rounding to another type changes."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(name.encode() + torch.signbit(weight.detach()).cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _named(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
