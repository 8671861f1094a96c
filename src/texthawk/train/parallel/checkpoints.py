"""Distributed checkpoints: each device writes its share, and any other layout, one process too, goes on from them.

A checkpoint is a folder of torch.distributed.checkpoint that a link of the checkpoint's name points at, so it is whole or not
there. Entries go by the names of parameters in the model: `weights/NAME`, `exp_avg/NAME`, `exp_avg_sq/NAME`, `step/NAME`.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from texthawk.train.parts import trained

MOMENTS = ("exp_avg", "exp_avg_sq")


def save_shards(place: Path, model: nn.Module, optimiser: torch.optim.Optimizer, extra: dict[str, Any]) -> None:
    """Write what is needed to go on, `extra` as JSON; every process of the run must call it."""
    state: dict[str, Any] = {"extra": json.dumps(extra)}
    for name, parameter in trained(model).items():
        state[f"weights/{name}"] = parameter.detach()
        kept = optimiser.state.get(parameter, {})
        state |= {f"{kind}/{name}": kept[kind] for kind in (*MOMENTS, "step") if kind in kept}
    fresh = place.with_name(f"{place.name}-{_stamp()}")
    save(state, checkpoint_id=fresh)
    if dist.get_rank() == 0:
        link = place.with_name(place.name + ".new")
        link.unlink(missing_ok=True)
        link.symlink_to(fresh.name)
        os.replace(link, place)
        for other in place.parent.glob(f"{place.name}-*"):
            if other != fresh:
                shutil.rmtree(other)
    dist.barrier()


def load_shards(place: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Put a checkpoint of any layout into a model and its optimiser, as they are sharded here; returns `extra`.

    In a run every process must call it; without one it reads everything.
    """
    own = trained(model)
    known = FileSystemReader(place).read_metadata().state_dict_metadata
    state: dict[str, Any] = {"extra": ""}
    for name, parameter in own.items():
        assert f"weights/{name}" in known, "what was kept is of another stage"
        state[f"weights/{name}"] = parameter.detach()
        if f"{MOMENTS[0]}/{name}" in known:
            state |= {f"{kind}/{name}": torch.zeros_like(parameter.detach()) for kind in MOMENTS}
            state[f"step/{name}"] = torch.zeros(())
    load(state, checkpoint_id=place, no_dist=not dist.is_initialized())
    for name, parameter in own.items():
        if f"step/{name}" in state:
            optimiser.state[parameter] = {kind: state[f"{kind}/{name}"] for kind in ("step", *MOMENTS)}
    return json.loads(state["extra"])


def whole_weights(place: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint, whole, read by one process."""
    known = FileSystemReader(place).read_metadata().state_dict_metadata
    state = {
        key: torch.empty(entry.size, dtype=entry.properties.dtype)
        for key, entry in known.items()
        if key.startswith("weights/") and isinstance(entry, TensorStorageMetadata)
    }
    load(state, checkpoint_id=place, no_dist=True)
    return {key.removeprefix("weights/"): value for key, value in state.items()}


def forget(place: Path) -> None:
    """Remove a checkpoint, of one process or of many, where there is one."""
    place.unlink(missing_ok=True)
    for folder in place.parent.glob(f"{place.name}-*"):
        shutil.rmtree(folder)


def _stamp() -> str:
    """A name for this checkpoint's folder, the same in every process and another one the next time."""
    drawn = [os.urandom(6).hex()]
    dist.broadcast_object_list(drawn)
    return drawn[0]
