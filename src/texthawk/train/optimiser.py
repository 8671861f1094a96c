"""Muon for the matrices inside the layers, AdamW for everything else, behind one step."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon

BETAS = (0.9, 0.95)


class Optimiser:
    """Two optimisers over a stage's trained parts, with one learning rate schedule.

    Muon takes two-dimensional weights of linear layers; embeddings, output layers, norms, biases, convolutions and
    single vectors go to AdamW (betas as in TextHawk2's table 2). `rate` scales every group by its part's factor.
    """

    def __init__(self, parts: dict[str, tuple[Iterable[nn.Module], float]], *, weight_decay: float) -> None:
        muon: list[dict[str, Any]] = []
        adam: list[dict[str, Any]] = []
        seen: set[int] = set()
        for modules, factor in parts.values():
            matrices: list[nn.Parameter] = []
            others: list[nn.Parameter] = []
            for module in modules:
                for owner_name, owner in module.named_modules():
                    for name, parameter in owner.named_parameters(recurse=False):
                        if id(parameter) in seen or not parameter.requires_grad:
                            continue
                        seen.add(id(parameter))
                        inner = isinstance(owner, nn.Linear) and name == "weight" and owner.weight.shape[0] > 1
                        is_output = owner_name.split(".")[-1] in ("out", "lm_head") and "attention" not in owner_name
                        (matrices if inner and not is_output else others).append(parameter)
            muon.append({"params": matrices, "factor": factor})
            decayed = [p for p in others if p.ndim > 1]
            plain = [p for p in others if p.ndim <= 1]
            adam.append({"params": decayed, "factor": factor, "weight_decay": weight_decay})
            adam.append({"params": plain, "factor": factor, "weight_decay": 0.0})
        self.parameters = [p for group in [*muon, *adam] for p in group["params"]]
        muon = [group for group in muon if group["params"]]
        adam = [group for group in adam if group["params"]]
        self.optimisers: list[torch.optim.Optimizer] = []
        if muon:
            self.optimisers.append(Muon(muon, lr=1.0, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
        if adam:
            self.optimisers.append(AdamW(adam, lr=1.0, betas=BETAS, fused=True))

    def rate(self, rate: float) -> None:
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * group["factor"]

    def clip(self, bound: float) -> float:
        """Scale the gradients down to a global norm; returns the norm before."""
        return float(nn.utils.clip_grad_norm_(self.parameters, bound))

    def step(self) -> None:
        """Update, and forget the gradients."""
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict]:
        return [optimiser.state_dict() for optimiser in self.optimisers]

    def load_state_dict(self, states: list[dict]) -> None:
        for optimiser, state in zip(self.optimisers, states, strict=True):
            optimiser.load_state_dict(state)
