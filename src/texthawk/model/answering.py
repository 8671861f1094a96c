"""A model that answers beside the one that reads: the same tower, other weights behind it, a fifth of their bytes.

A small model that learns to answer forgets some of how it reads. So its connector and language model are trained to answer by
themselves, and what ships beside the reading weights is how the answering ones differ from them, in whole steps that take some
three bits an entry: a difference bears rounding far better than weights do (Liu et al., 2024, BitDelta, keep one bit of each).

Shape letters:  R rows   C columns   n bytes
"""

import contextlib
import copy
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from texthawk.model.modeling import TextHawkForConditionalGeneration

FILE = "answers.safetensors"
STEP = 0.48
"""Root mean squares of a row's entries that are one step."""
FLAT = 0.2
"""A row's step is at least that of a row with so many root mean squares of the whole matrix: a far quieter one becomes nought."""
_MOST = 127
_CODED, _STEPS = ".coded", ".steps"
_TOLD = "answers"
"""The one entry of the file's metadata (safetensors writes several in any order): whose answers they are, what was learned."""
ASK, OUTLINE, FIND = "ask_text", "markdown", "find"
"""What can be learned: to answer questions about text, to tell the parts that lines play, and to point at what is described."""


def answers_in(folder: Path, model: TextHawkForConditionalGeneration) -> TextHawkForConditionalGeneration | None:
    """The model of a folder as it answers, its tower that of `model`; None where the folder has none such.

    Its config tells as `tasks` what it has learned. ValueError for a file that does not belong to the model.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    tower = model.model.vision_tower
    made = copy.deepcopy(model, {id(tower): tower})
    weights = answering_weights(made)
    try:
        with safe_open(file, "pt") as stored:
            kept = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            whose, *tasks = (stored.metadata() or {}).get(_TOLD, "").split() or [""]
        if not whose or any(name.endswith(".packed") for name in kept):
            raise ValueError("it was written by an earlier texthawk, in another form")
        names = {name.removesuffix(_CODED) for name in kept if not name.endswith(_STEPS)}
        if names != set(weights):
            raise ValueError(f"it has other weights than the model: {_named(names ^ set(weights))}")
        if whose != _signature(weights):
            raise ValueError("it was made for a model with other weights")
        with torch.no_grad():
            for name, weight in weights.items():
                weight.add_(_difference(name, kept, weight.shape).to(weight))
    except (ValueError, KeyError, SafetensorError, OSError) as error:
        raise ValueError(
            f"{file} does not fit the model beside it ({error}); train the answers again from this model, or remove the file, "
            "and the model reads without answering"
        ) from error
    made.config.tasks = tasks
    return made


def _difference(name: str, kept: dict[str, Tensor], shape: torch.Size) -> Tensor:
    """How a weight of this shape differs; ValueError where what is kept of it is damaged."""
    if name in kept or len(shape) != 2:
        return _checked(name, kept, torch.bfloat16, tuple(shape))
    rows, columns = shape
    coded = _checked(name + _CODED, kept, torch.uint8, (None,))
    steps = _checked(name + _STEPS, kept, torch.float16, (rows,))
    try:
        return unpacked(coded, steps, columns)
    except ValueError as error:
        raise ValueError(f"{name}{_CODED} is damaged, {error}") from error


def _checked(name: str, kept: dict[str, Tensor], dtype: torch.dtype, shape: tuple[int | None, ...]) -> Tensor:
    """What is kept under a name; ValueError unless it has this type and shape, whose None is any size."""
    if name not in kept:
        raise ValueError(f"it lacks {name}")
    found = kept[name]
    alike = found.ndim == len(shape) and all(own in (None, size) for own, size in zip(shape, found.shape, strict=True))
    if found.dtype != dtype or not alike:
        raise ValueError(f"{name} is {found.dtype} of the shape {tuple(found.shape)} and not {dtype} of {shape}")
    if not found.isfinite().all():
        raise ValueError(f"{name} holds what is no number")
    return found


def save_answers(
    folder: Path,
    reading: TextHawkForConditionalGeneration,
    answering: TextHawkForConditionalGeneration,
    tasks: Sequence[str] = (ASK,),
) -> None:
    """Write beside the reading model in `folder` how the answering one differs from it, which model that is and what the
    answering one has learned.

    Vectors stay as they are, in bfloat16; matrices have some three bits an entry, and a step for each row.
    """
    stored: dict[str, Tensor] = {}
    own = answering_weights(reading)
    for name, weight in answering_weights(answering).items():
        difference = weight.detach().float().cpu() - own[name].detach().float().cpu()
        if not difference.isfinite().all():
            raise ValueError(
                f"{name} holds what is no number, and nothing is written; go back to a checkpoint from before that"
            )
        if difference.ndim == 2:
            stored[name + _CODED], stored[name + _STEPS] = packed(difference)
        else:
            stored[name] = difference.to(torch.bfloat16)
    save_file(stored, folder / FILE, {_TOLD: " ".join([_signature(own), *tasks])})
    (folder / FILE).chmod(0o644)


@contextlib.contextmanager
def as_kept(model: TextHawkForConditionalGeneration, reading: Mapping[str, Tensor]) -> Iterator[None]:
    """Within it, the weights of a model that answers are what they would be if saved and loaded; behind it, as before.

    So gradients are those of the rounded weights, and the exact ones learn: straight through the rounding (Bengio et al., 2013,
    Estimating or propagating gradients through stochastic neurons, section 4). reading: `answering_weights` of the reading model.
    """
    weights = answering_weights(model)
    exact = {name: weight.detach().clone() for name, weight in weights.items()}
    with torch.no_grad():
        for name, weight in weights.items():
            own = reading[name].to(weight)
            difference = weight - own
            if difference.ndim == 2:
                whole_RC, steps_R = _in_steps(difference)
                weight.copy_(own + whole_RC * steps_R.float()[:, None])
            else:
                weight.copy_(own + difference.to(torch.bfloat16))
    try:
        yield
    finally:
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(exact[name])


def packed(matrix_RC: Tensor) -> tuple[Tensor, Tensor]:
    """Each entry in whole steps of its row, one byte each and all of them compressed (n,) uint8; and the float16 steps (R,)."""
    whole_RC, steps_R = _in_steps(matrix_RC)
    coder = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
    coded = coder.compress(whole_RC.to(torch.int8).numpy().tobytes()) + coder.flush()
    return torch.frombuffer(bytearray(coded), dtype=torch.uint8), steps_R


def _in_steps(matrix_RC: Tensor) -> tuple[Tensor, Tensor]:
    """Each entry as a number of whole steps of its row, and the float16 steps (R,)."""
    rms_R = matrix_RC.pow(2).mean(1).sqrt()
    steps_R = (STEP * rms_R.clamp(min=FLAT * float(matrix_RC.pow(2).mean().sqrt()))).half()
    sizes_R1 = torch.where(steps_R > 0, steps_R.float(), 1.0)[:, None]
    return (matrix_RC / sizes_R1).round().clamp(-_MOST, _MOST), steps_R


def unpacked(coded_n: Tensor, steps_R: Tensor, columns: int) -> Tensor:
    """The matrix (R, C) that was packed, each entry within half a step of its row, but for those over `_MOST` steps.

    ValueError where the bytes are not those of such a matrix.
    """
    count = len(steps_R) * columns
    decoder = zlib.decompressobj()
    try:
        entries = decoder.decompress(coded_n.numpy().tobytes(), count + 1)
    except zlib.error as error:
        raise ValueError(f"its bytes cannot be decompressed: {error}") from error
    if len(entries) != count or not decoder.eof or decoder.unused_data:
        raise ValueError(f"its bytes are not those of {count} entries")
    whole_RC = torch.frombuffer(bytearray(entries), dtype=torch.int8).view(len(steps_R), columns)
    return whole_RC.float() * steps_R.float()[:, None]


def answering_weights(model: TextHawkForConditionalGeneration) -> dict[str, nn.Parameter]:
    """What answering has its own of: connector and language model; the output layer where it is not tied to that.

    A detection head helps while it is trained and answers with nothing: it stays the reading model's.
    """
    found = dict(model.model.language_model.named_parameters())
    others = (("connector", model.model.connector), ("lm_head", model.lm_head))
    for part, module in others:
        for name, weight in module.named_parameters():
            if all(weight is not other for other in found.values()):
                found[f"{part}.{name}"] = weight
    return found


def _signature(weights: dict[str, nn.Parameter]) -> str:
    """Which weights these are: a hash of their signs, which no rounding to another type changes."""
    digest = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        digest.update(name.encode() + torch.signbit(weight.detach()).cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _named(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
