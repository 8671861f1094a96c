"""Where a run is carried out: one process on one device. Many devices offer the same (`texthawk.train.parallel`)."""

import os
import pickle
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from texthawk.data.packs import Pack
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.global_step import StepLosses, evaluation, global_step
from texthawk.train.packed_attention import attend_in_samples
from texthawk.train.parallel.checkpoints import load_shards, whole_weights
from texthawk.train.parts import trained


class Engine(Protocol):
    """What a run needs of the devices that share it.

    rank, ranks: which of the groups that have packs of their own this process belongs to, and how many there are. main:
    whether this process writes logs and files for all.
    """

    rank: int
    ranks: int
    main: bool

    def place(self, model: TextHawkForConditionalGeneration) -> nn.Module:
        """The model where it is to be trained; called once a stage, when it is known what learns."""
        ...

    def step(self, model: nn.Module, packs: Sequence[Pack], config: TextHawkConfig) -> StepLosses:
        """Gradients of a global step from this process's packs."""
        ...

    def evaluate(self, model: nn.Module, packs: Iterable[Pack], config: TextHawkConfig) -> StepLosses:
        """Losses of packs without gradients."""
        ...

    def clip(self, model: nn.Module, bound: float) -> float:
        """Scale the gradients down to a norm; returns the norm before."""
        ...

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        """The parameters that learn, whole, on the CPU; every process must ask, the main one gets them."""
        ...

    def agree(self, said: bool) -> bool:
        """What the main process says of what others might see otherwise, as of time; all wait until it does."""
        ...

    def save(self, place: Path, model: nn.Module, optimiser: torch.optim.Optimizer, extra: dict[str, Any]) -> None:
        """Keep what is needed to go on; whole or not at all."""
        ...

    def load(self, place: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any] | None:
        """Go on from what was kept, None where nothing was; returns `extra`."""
        ...


class OneProcess:
    """A run in one process. bf16: whether matrices are multiplied in bfloat16, with weights that learn in float32.

    masked: attention over whole packs with a mask, and not within samples: compiled layers would be compiled again for the
    lengths of each pack.
    """

    rank, ranks, main = 0, 1, True

    def __init__(self, device: str = "cpu", *, bf16: bool = False, masked: bool = False) -> None:
        self.device, self.bf16, self.masked = torch.device(device), bf16, masked

    def place(self, model: TextHawkForConditionalGeneration) -> nn.Module:
        """On a CPU all is in float32: its layer norms take no mixture of types."""
        if not self.masked:
            attend_in_samples(model)
        keep = self.bf16 and self.device.type != "cpu"
        return model.to(self.device) if keep else model.to(self.device, torch.float32)

    def step(self, model: nn.Module, packs: Sequence[Pack], config: TextHawkConfig) -> StepLosses:
        return global_step(model, packs, config, device=self.device, bf16=self.bf16)

    def evaluate(self, model: nn.Module, packs: Iterable[Pack], config: TextHawkConfig) -> StepLosses:
        return evaluation(model, packs, config, device=self.device, bf16=self.bf16)

    def clip(self, model: nn.Module, bound: float) -> float:
        return float(nn.utils.clip_grad_norm_(trained(model).values(), bound))

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        return {name: parameter.detach().cpu().clone() for name, parameter in trained(model).items()}

    def agree(self, said: bool) -> bool:
        return said

    def save(self, place: Path, model: nn.Module, optimiser: torch.optim.Optimizer, extra: dict[str, Any]) -> None:
        weights = {name: parameter.detach() for name, parameter in trained(model).items()}
        write_whole(place, {"weights": weights, "optimiser": optimiser.state_dict(), "extra": extra})

    def load(self, place: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any] | None:
        if not place.exists():
            return None
        if place.is_dir():
            return load_shards(place, model, optimiser)
        saved = read_whole(place, self.device, holds=("weights", "optimiser", "extra"))
        put_weights(model, saved["weights"])
        optimiser.load_state_dict(saved["optimiser"])
        return saved["extra"]


def kept_weights(place: Path) -> dict[str, Tensor]:
    """The weights that an engine has kept in a place, whole, on the CPU."""
    return whole_weights(place) if place.is_dir() else read_whole(place)["weights"]


def write_whole(place: Path, content: Any) -> None:
    """Write beside the place and move: a file is whole or absent."""
    fresh = place.with_name(place.name + ".new")
    torch.save(content, fresh)
    os.replace(fresh, place)


def read_whole(
    place: Path, device: torch.device | str = "cpu", *, plain: bool = True, holds: Sequence[str] = ("weights",)
) -> Any:
    """What was written to a place, a dict with these keys; ValueError where it is damaged.

    plain: it holds tensors and plain values alone.
    """
    told, content = _damage(place), None
    if not told:
        try:
            content = torch.load(place, map_location=device, weights_only=plain)
        except (torch.OutOfMemoryError, torch.AcceleratorError):
            raise  # the device's fault, not the file's
        except (pickle.UnpicklingError, ValueError, KeyError, EOFError, RuntimeError) as error:
            told = str(error).split("\n")[0]
        else:
            lacks = [name for name in holds if not isinstance(content, dict) or name not in content]
            told = f"it holds no {lacks[0]}" if lacks else ""
    if told:
        raise ValueError(f"{place} is damaged, or no stage wrote it: {told}; put back what was there, or delete it")
    return content


def _damage(place: Path) -> str:
    """What is wrong with a file that torch wrote, which is a zip with checksums; nothing where all of it is as it was written."""
    try:
        with zipfile.ZipFile(place) as parts:
            damaged = parts.testzip()
    except PermissionError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        return "it is there in part, or not at all"
    return f"{damaged} in it is not what was written" if damaged else ""


@torch.no_grad()
def put_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Put weights in the place of the parameters that learn; every one of them must be there and none too many."""
    own = trained(model)
    assert own.keys() == weights.keys(), "what was kept is of another stage"
    for name, parameter in own.items():
        parameter.copy_(weights[name])
