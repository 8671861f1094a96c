"""Where a run is carried out by many devices: the `Engine` of a mesh of pipeline stages, data groups and matrix groups.

Each process drives one device. Processes are those of `torchrun`; the order of the mesh puts the devices that share
matrices, which talk most, side by side, those with packs of their own next, and the stages of the pipeline outermost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial

from texthawk.data.packs import Pack
from texthawk.data.samples import IGNORED
from texthawk.image.tilings import layout_to_row
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.global_step import StepLosses, counts_of, evaluation, global_step, summary
from texthawk.train.packed_attention import attend_in_samples
from texthawk.train.parallel.checkpoints import load_shards, save_shards
from texthawk.train.parallel.data import shard_weights
from texthawk.train.parallel.depth import StageOfPacks, depth_of, keep_stage, run_packs
from texthawk.train.parallel.layout import ParallelLayout
from texthawk.train.parallel.matrices import cut_matrices
from texthawk.train.parallel.split import check_heads, tied_names
from texthawk.train.parts import trained
from texthawk.vision.views import pixel_rows

ROUND = 64
"""Tokens that packs are rounded up to, for each of the devices that share them."""


class ManyDevices:
    """The engine of one process among `layout.devices`; process groups must have been started.

    bf16: as in `OneProcess`. ValueError where the layout and the number of processes differ.
    """

    def __init__(self, layout: ParallelLayout, device: str = "cpu", *, bf16: bool = False) -> None:
        if dist.get_world_size() != layout.devices:
            raise ValueError(
                f"layout {layout} is for {layout.devices} processes and there are {dist.get_world_size()}; start it with "
                f"torchrun --nproc-per-node so that nodes times processes is {layout.devices}"
            )
        self.layout, self.device, self.bf16 = layout, torch.device(device), bf16
        self.mesh = init_device_mesh(
            self.device.type, (layout.pp, layout.dp, layout.tp), mesh_dim_names=("pp", "dp", "tp")
        )
        self.rank, self.ranks = self.mesh["dp"].get_local_rank(), layout.dp
        self.main = dist.get_rank() == 0
        self.stage = self.mesh["pp"].get_local_rank()
        self.last = self.stage == layout.pp - 1
        self._ends = self._group_of_ends()
        self._twice: frozenset[str] = frozenset()

    def place(self, model: TextHawkForConditionalGeneration) -> nn.Module:
        check_heads(model.config, self.layout.tp)
        attend_in_samples(model)
        keep = self.bf16 and self.device.type != "cpu"
        self._twice = tied_names(model)
        if self.layout.pp > 1:
            keep_stage(model, self.stage, depth_of(model, self.layout.pp))
        model = model.to(self.device) if keep else model.to(self.device, torch.float32)
        if self.layout.tp > 1:
            cut_matrices(model, self.mesh["tp"])
        if self.layout.dp > 1:
            shard_weights(model, self.mesh["dp"], bf16=keep)
        return model

    def step(self, model: nn.Module, packs: Sequence[Pack], config: TextHawkConfig) -> StepLosses:
        packs = alike(packs, config, self.layout)
        if self.layout.pp > 1:
            found = self._through_stages(model, packs, config, learn=True)
        else:
            # FSDP takes the mean over the devices, and their shares of the loss are to be added up.
            found = global_step(
                model, packs, config, device=self.device, bf16=self.bf16, reduce=self._over_data, scale=self.ranks
            )
        self._settle(model)
        return found

    def evaluate(self, model: nn.Module, packs: Iterable[Pack], config: TextHawkConfig) -> StepLosses:
        """Every device makes as many forwards as the one with most packs: weights are gathered by all of them."""
        own = list(packs)
        most = torch.tensor(len(own), device=self.device)
        dist.all_reduce(most, dist.ReduceOp.MAX, group=self.mesh["dp"].get_group())
        own = alike([*own, *[blank(config)] * (int(most) - len(own))], config, self.layout)
        if self.layout.pp > 1:
            return self._through_stages(model, own, config, learn=False)
        return evaluation(model, own, config, device=self.device, bf16=self.bf16, reduce=self._over_data)

    def clip(self, model: nn.Module, bound: float) -> float:
        norm = self._norm(model)
        if norm > bound:
            for parameter in trained(model).values():
                if parameter.grad is not None:
                    parameter.grad.mul_(bound / (norm + 1e-6))
        return norm

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        whole = {name: _whole(parameter.detach()).cpu() for name, parameter in trained(model).items()}
        if self.layout.pp == 1:
            return whole if self.main else {}
        return self._gathered(whole)

    def save(self, place: Path, model: nn.Module, optimiser: torch.optim.Optimizer, extra: dict[str, Any]) -> None:
        save_shards(place, model, optimiser, extra)

    def load(self, place: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any] | None:
        if place.is_file():
            raise ValueError(
                f"{place} was kept by one process, which cannot be shared out; go on with one, or begin in another folder"
            )
        return load_shards(place, model, optimiser) if place.exists() else None

    def agree(self, said: bool) -> bool:
        """What the main process says, in every process: clocks differ, and all must do the same."""
        told = torch.tensor(int(said), device=self.device)
        dist.broadcast(told, 0)
        return bool(told)

    def _through_stages(
        self, model: nn.Module, packs: Sequence[Pack], config: TextHawkConfig, *, learn: bool
    ) -> StepLosses:
        counts = counts_of(packs, config, self._over_data)
        stage = StageOfPacks(model, packs, config, last=self.last, device=self.device, bf16=self.bf16)
        group = self.mesh["pp"].get_group()
        table = run_packs(
            stage,
            self.stage,
            self.layout.pp,
            group,
            counts=counts if learn else None,
            scale=float(self.ranks),
            dtype=torch.bfloat16 if self.bf16 and self.device.type != "cpu" else torch.float32,
        )
        if table is None:
            table = torch.zeros(len(packs), 3, device=self.device)
        dist.broadcast(table, group=group, group_src=self.layout.pp - 1)
        return summary(table.cpu().double(), counts, config, self._over_data)

    def _over_data(self, value: Tensor) -> Tensor:
        """The sum over the devices that have packs of their own, the same on all that share them."""
        total = value.to(self.device)
        dist.all_reduce(total, group=self.mesh["dp"].get_group())
        return total.cpu()

    @torch.no_grad()
    def _settle(self, model: nn.Module) -> None:
        """Bring gradients to what one process would have: sums where devices saw parts, and one value where all saw all."""
        tensor, tp = self.mesh["tp"].get_group(), self.layout.tp
        for name, parameter in trained(model).items():
            grad = parameter.grad
            if grad is None:
                continue
            if isinstance(grad, DTensor) and any(isinstance(place, Partial) for place in grad.placements):
                assert isinstance(parameter, DTensor)
                grad = parameter.grad = grad.redistribute(placements=parameter.placements)
            local = _local(grad)
            if tp > 1 and "tp" not in _axes(
                grad
            ):  # computed by all of them; on some devices no two runs are quite alike
                dist.all_reduce(local, group=tensor)
                local.div_(tp)
            if self._ends is not None and name in self._twice:
                dist.all_reduce(local, group=self._ends)

    def _norm(self, model: nn.Module) -> float:
        """Of the whole gradient: squares are added up over the axes that a gradient is shared out on, and no others."""
        squares = torch.zeros(2, 2, dtype=torch.float64, device=self.device)
        for name, parameter in trained(model).items():
            grad = parameter.grad
            if grad is None or (name in self._twice and self._ends is not None and self.last):
                continue
            axes = _axes(grad, shared_only=True)
            squares[int("dp" in axes), int("tp" in axes)] += _local(grad).double().square().sum()
        for axis, index in (("dp", (1,)), ("tp", (slice(None), 1))):
            part = squares[index].contiguous()
            dist.all_reduce(part, group=self.mesh[axis].get_group())
            squares[index] = part
        total = squares.sum()
        dist.all_reduce(total, group=self.mesh["pp"].get_group())
        return float(total.sqrt())

    def _gathered(self, whole: dict[str, Tensor]) -> dict[str, Tensor]:
        """All stages' weights in the main process, one tensor at a time."""
        first_of_stage = self.rank == 0 and self.mesh["tp"].get_local_rank() == 0
        names: list[Any] = [None] * self.layout.pp
        group = self.mesh["pp"].get_group()
        dist.all_gather_object(names, {name: (value.shape, value.dtype) for name, value in whole.items()}, group=group)
        found: dict[str, Tensor] = dict(whole) if self.main else {}
        for stage, kept in enumerate(names):
            if stage == 0 or not first_of_stage:
                continue
            for name, (shape, dtype) in kept.items():
                if self.stage == stage:
                    dist.send(whole[name].to(self.device), group=group, group_dst=0)
                elif self.main:
                    value = torch.empty(shape, dtype=dtype, device=self.device)
                    dist.recv(value, group=group, group_src=stage)
                    found[name] = value.cpu()
        return found

    def _group_of_ends(self) -> dist.ProcessGroup | None:
        """The first and the last stage of this process's pipeline, which both hold embeddings that are tied."""
        if self.layout.pp == 1:
            return None
        own = None
        for column in self.mesh.mesh.flatten(1).T.tolist():
            group = dist.new_group([column[0], column[-1]])
            if dist.get_rank() in (column[0], column[-1]):
                own = group
        return own


def alike(packs: Sequence[Pack], config: TextHawkConfig, layout: ParallelLayout) -> list[Pack]:
    """Packs that all devices can take together: none without a picture, and of one length where they go through stages.

    A length is a multiple of the devices that share its tokens, and there are few of them: for each, DTensor has to find
    out anew how to calculate. Nothing that is added is learned from.
    """
    packs = [blank(config) if pack.pixel_values is None else pack for pack in packs]
    if layout.tp == layout.pp == 1:
        return packs
    step = ROUND * layout.tp
    lengths = [-(-pack.input_ids.shape[1] // step) * step for pack in packs]
    if layout.pp > 1:
        lengths = [max(lengths)] * len(packs)
    return [lengthened(pack, length, config) for pack, length in zip(packs, lengths, strict=True)]


def lengthened(pack: Pack, length: int, config: TextHawkConfig) -> Pack:
    """A pack with so much padding behind it, as if it were one more sample."""
    more = length - pack.input_ids.shape[1]
    if not more:
        return pack

    def behind(tensor: Tensor, value: float) -> Tensor:
        return torch.cat([tensor, torch.full((1, more), value, dtype=tensor.dtype)], dim=1)

    return replace(
        pack,
        input_ids=behind(pack.input_ids, _filler(config)),
        labels=behind(pack.labels, IGNORED),
        coordinates=behind(pack.coordinates, torch.nan),
        position_ids=torch.cat([pack.position_ids, torch.arange(more)[None]], dim=1),
        lengths=(*pack.lengths, more),
    )


def blank(config: TextHawkConfig) -> Pack:
    """An empty picture and nothing to learn: what a device without packs runs, so that all gather the same weights."""
    tiling = config.tiling_config
    layout = tiling.layout(tiling.tile, tiling.tile)
    side = tiling.tile if tiling.patch is None else tiling.patch
    tokens = config.visual_tokens(layout) - sum(
        place < 0 for place in config.compressor_config.separators(layout) or ()
    )
    ids = torch.tensor([[config.image_token_id] * tokens + [_filler(config)]])
    return Pack(
        ids,
        torch.full_like(ids, IGNORED),
        torch.full(ids.shape, torch.nan),
        torch.arange(ids.shape[1])[None],
        torch.zeros(pixel_rows(layout, tiling.patch), 3, side, side),
        torch.tensor([layout_to_row(layout)]),
        (ids.shape[1],),
        (),
    )


def _filler(config: TextHawkConfig) -> int:
    return 0 if config.image_token_id else 1


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _whole(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _axes(tensor: Tensor, *, shared_only: bool = False) -> set[str]:
    """The axes of the mesh that a tensor lies on; shared_only: those over which it is cut."""
    if not isinstance(tensor, DTensor):
        return set()
    names = tensor.device_mesh.mesh_dim_names or ()
    return {
        name for name, place in zip(names, tensor.placements, strict=True) if not (shared_only and place.is_replicate())
    }
