"""What of a model learns in a stage of a paper, and how fast at a step."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor
from torch.optim import AdamW

from texthawk.train.lora import is_adapter
from texthawk.train.schedule import Learner, PaperStage


@dataclass(frozen=True)
class Group:
    """Parameters that learn alike: `learner` says how fast; decayed: weight decay pulls at them (matrices alone)."""

    learner: Learner
    decayed: bool
    names: tuple[str, ...]


def choose(model: nn.Module, stage: PaperStage) -> list[Group]:
    """Freeze what does not learn in a stage, bring what does to float32, and say how it is grouped.

    Of a part that learns through LoRA the adapters learn, and nothing else.
    """
    groups: dict[tuple[Learner, bool], list[str]] = {}
    for name, parameter in model.named_parameters():
        learner = stage.learner(name)
        learns = learner is not None and (not learner.lora or is_adapter(name))
        parameter.requires_grad_(learns)
        if learns and learner is not None:
            parameter.data = parameter.data.float()
            groups.setdefault((learner, parameter.ndim > 1), []).append(name)
    if not groups:
        raise ValueError(f"nothing learns in stage {stage.name!r}; name parts of the model in its learners")
    return [Group(learner, decayed, tuple(names)) for (learner, decayed), names in groups.items()]


def divided(groups: Iterable[Group], model: nn.Module) -> list[Group]:
    """Groups of those parameters that a process has, each of one kind: an optimiser takes no mixture of shards and plain
    tensors, or of shards over several meshes."""
    parameters = dict(model.named_parameters())
    found: list[Group] = []
    for group in groups:
        kinds: dict[DeviceMesh | None, list[str]] = {}
        for name in group.names:
            if name in parameters:
                kinds.setdefault(_mesh(parameters[name]), []).append(name)
        found += [replace(group, names=tuple(names)) for names in kinds.values()]
    return found


def _mesh(parameter: Tensor) -> DeviceMesh | None:
    return parameter.device_mesh if isinstance(parameter, DTensor) else None


def adamw(model: nn.Module, groups: Iterable[Group], stage: PaperStage) -> AdamW:
    """The stage's optimiser over what `choose` grouped; fused where torch has it for the parameters' device."""
    parameters = dict(model.named_parameters())
    chosen = [
        {
            "params": [parameters[name] for name in group.names],
            "weight_decay": stage.weight_decay if group.decayed else 0.0,
        }
        for group in groups
    ]
    kind = next(iter(parameters.values())).device.type
    return AdamW(chosen, lr=0.0, betas=stage.betas, eps=stage.epsilon, fused=kind in ("cpu", "cuda") or None)


def set_rates(optimiser: torch.optim.Optimizer, groups: Iterable[Group], stage: PaperStage, step: int, of: int) -> None:
    """Give each group its learning rate at a step, counted from 0, of `of`."""
    for entry, group in zip(optimiser.param_groups, groups, strict=True):
        entry["lr"] = stage.rate(group.learner, step, of)


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
