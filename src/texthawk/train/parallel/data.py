"""Sharded data parallelism (FSDP2): devices with packs of their own, each keeping its share of every weight."""

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.parallel.split import tied_names


def shard_weights(model: TextHawkForConditionalGeneration, mesh: DeviceMesh, *, bf16: bool) -> None:
    """Shard a model, or a pipeline stage, over the devices of a mesh of one axis; a layer is whole while it runs.

    bf16: weights travel and are multiplied in bfloat16, gradients are added up in float32. Where a page's views have
    several sizes, the tower is called once for each and how often differs between devices; it is then gathered as one.
    """
    policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32) if bf16 else MixedPrecisionPolicy()
    core = model.model
    units: list[nn.Module] = [*core.language_model.layers]
    if model.config.tiling_config.patch is None and isinstance(getattr(core.vision_tower, "model", None), nn.Module):
        units += core.vision_tower.model.encoder.layers
    units += [core.vision_tower, core.connector]
    if not tied_names(model):
        units += [core.language_model.embed_tokens, model.lm_head]
    for unit in units:
        if any(True for _ in unit.parameters()):
            fully_shard(unit, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
