"""The processes that torchrun starts, as the engine of a run.

`torchrun --nproc-per-node 4 --no-python texthawk train texthawk2 ... --parallel dp2,tp2`. On several machines, the folders of
--model, --data and --out lie on a disk that all of them see.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texthawk.train.parallel.engine import ManyDevices

_RANK, _RANKS, _ON_MACHINE = "RANK", "WORLD_SIZE", "LOCAL_RANK"
"""What torchrun tells its processes by their environment."""


def processes() -> int:
    """How many processes torchrun has started; 1 where it has not."""
    return int(os.environ.get(_RANKS, "1"))


def joined(parallel: str | None, device: str, *, bf16: bool) -> "ManyDevices":
    """This process's engine; all data by default. ValueError for a layout of other than the started processes."""
    import torch
    import torch.distributed as dist

    from texthawk.train.parallel.engine import ManyDevices
    from texthawk.train.parallel.layout import ParallelLayout

    layout = ParallelLayout.from_text(parallel) if parallel else ParallelLayout(dp=processes())
    if layout.devices != processes():
        raise ValueError(
            f"layout {layout} is for {layout.devices} processes and this is one of {processes()}; start it with torchrun "
            f"--nproc-per-node {layout.devices}, or on several machines with as many together"
        )
    if _RANK not in os.environ:
        raise ValueError(f"layout {layout} of one process needs no --parallel; leave it out")
    if device.startswith("cuda"):
        device = f"cuda:{os.environ.get(_ON_MACHINE, '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return ManyDevices(layout, device, bf16=bf16)


def parted() -> None:
    """Leave the group that was joined, where one was."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
