"""Reference vectors made by running the authors' own modules; they lie in the folder shared beside this checkout."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import Tensor

FOLDER = Path(__file__).parents[3] / "shared" / "spec" / "golden"


def tensors(name: str) -> dict[str, Tensor]:
    """All tensors of `name`.safetensors; the test is skipped where the folder is absent."""
    return load_file(_found(f"{name}.safetensors"))


def rows(name: str) -> Any:
    """What `name`.json holds; the test is skipped where the folder is absent."""
    return json.loads(_found(f"{name}.json").read_text(encoding="utf-8"))


def below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _found(name: str) -> Path:
    if not FOLDER.is_dir():
        pytest.skip("no reference vectors beside this checkout (../shared/spec/golden)")
    return FOLDER / name
