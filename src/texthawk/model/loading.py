"""What can be wrong with a folder of a model or with a device, told before anything large is loaded."""

import json
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError

from texthawk.model.configuration import TextHawkConfig

FILES = ("tokenizer.json", "processor_config.json")
"""What reading needs beside the config and the weights."""
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


def config_in(folder: Path) -> TextHawkConfig:
    """The config of a saved TextHawk model; ValueError where there is none, or that of another kind of model.

    transformers would take any model's config, fill in what it does not know, and build a model of billions of parameters.
    """
    file = folder / "config.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read as JSON; save the model again ({error})") from error
    kind = content.get("model_type") if isinstance(content, dict) else None
    if kind != TextHawkConfig.model_type:
        raise ValueError(
            f"{file} is the config of a {kind or 'nameless'} model, not of a {TextHawkConfig.model_type}; give the folder "
            "of a TextHawk model, or join a tower and a language model with texthawk assemble"
        )
    try:
        return TextHawkConfig.from_pretrained(folder, local_files_only=True)
    except (ValueError, TypeError, KeyError, AttributeError, StrictDataclassError) as error:
        raise ValueError(f"{file} is damaged; save the model again ({_line(error)})") from error


def require_files(folder: Path) -> None:
    """Raise ValueError where a folder has no weights, or lacks what goes with them."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHTS):
        missing.append(WEIGHTS[0])
    if missing:
        raise ValueError(f"{folder} has no {' and no '.join(missing)}; save or copy the whole model again")


def usable_device(name: str | None) -> str:
    """The device of this name, or, for None, cuda where there is one and else cpu; ValueError where it cannot be used."""
    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is unknown; write cpu, cuda or cuda:1") from error
    if device.type == "cpu":
        return "cpu"
    if device.type != "cuda":
        raise ValueError(f"device {name!r} is none that texthawk runs on; write cpu, cuda or cuda:1")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        raise ValueError(f"device {name!r} cannot be used, for torch finds {count or 'no'} GPUs here; use cpu")
    return name


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
