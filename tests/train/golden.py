"""Vectors made by running LLaVA-UHD v2's own modules, read from the folder beside the checkout that holds them."""

from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor

GOLDEN = Path(__file__).parents[3] / "shared" / "spec" / "golden"


def golden(name: str) -> dict[str, Tensor]:
    """The tensors of a file by name; a test that asks for a file that is not there is skipped."""
    file = GOLDEN / f"{name}.safetensors"
    if not file.is_file():
        pytest.skip(f"no golden vectors beside this checkout (../shared/spec/golden/{file.name})")
    return load_file(file)


def part(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
