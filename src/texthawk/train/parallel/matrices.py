"""Tensor and sequence parallelism: every device of a group has its share of each matrix and sees the same packs.

Tower, ReSA and language model are cut as `split` says. Between the language model's matrices each device has its share of a
pack's tokens (sequence parallelism), so norms and residuals are not computed twice; tower and connector have many small
views there and are whole.

Shape letters:  B packs (1)   L tokens   D language width
"""

from typing import Any

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    PrepareModuleInput,
    PrepareModuleOutput,
    RowwiseParallel,
    SequenceParallel,
    parallelize_module,
)

from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.parallel.split import cut_of, tied_names

LANGUAGE = "model.language_model."
TOKENS = Shard(1)
"""How what lies between the language model's matrices, (B, L, D), is shared."""


def cut_matrices(model: TextHawkForConditionalGeneration, mesh: DeviceMesh) -> None:
    """Share a model's matrices among the devices of a mesh of one axis; tokens come in whole and go out whole.

    A pack's tokens must be a multiple of the devices. Works on a pipeline stage as well.
    """
    learns = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    tied = bool(tied_names(model))  # then the output layer stays whole, as the embeddings are
    for name, module in list(model.named_modules()):
        cut = cut_of(name) if isinstance(module, nn.Linear) else None
        if cut and not (tied and name.startswith("lm_head")):
            parallelize_module(module, mesh, _style(name, cut))
        if name.startswith(LANGUAGE) and ".lora_B." in name and cut is None and isinstance(module, nn.Linear):
            parallelize_module(module, mesh, _outputs(Replicate(), TOKENS))
    _share_tokens(model.model.language_model, mesh)
    for name, parameter in model.named_parameters():  # what was frozen is not when torch has shared it out
        parameter.requires_grad_(learns[name])


def _style(name: str, cut: str) -> ParallelStyle:
    if cut == "columns":
        return ColwiseParallel(output_layouts=Replicate() if name.startswith("lm_head") else Shard(-1))
    # LoRA's small matrix beside a layer cut by rows hands on a whole result to the matrix after it.
    shared = name.startswith(LANGUAGE) and ".lora_A." not in name
    return RowwiseParallel(output_layouts=TOKENS if shared else Replicate())


def _share_tokens(language: Any, mesh: DeviceMesh) -> None:
    """Share the tokens between the layers that a device has, first to last; before and behind them they are whole."""
    layers = [layer for layer in language.layers if any(True for _ in layer.parameters())]
    for layer in layers:
        # Inside, a DTensor saves a sum over devices; LoRA's whole matrices take plain tensors only.
        plain = any(".lora_" in name for name, _ in layer.named_modules())
        plan: dict[str, ParallelStyle] = {
            "input_layernorm": SequenceParallel(),
            "self_attn": PrepareModuleInput(
                input_kwarg_layouts={"hidden_states": TOKENS},
                desired_input_kwarg_layouts={"hidden_states": Replicate()},
                use_local_output=plain,
            ),
            "post_attention_layernorm": SequenceParallel(),
            "mlp": PrepareModuleInput(
                input_layouts=(TOKENS,), desired_input_layouts=(Replicate(),), use_local_output=plain
            ),
        }
        parallelize_module(layer, mesh, plan)
    share = PrepareModuleInput(input_layouts=(Replicate(),), desired_input_layouts=(TOKENS,), use_local_output=True)
    parallelize_module(layers[0], mesh, share)
    if any(True for _ in language.norm.parameters()):
        parallelize_module(language.norm, mesh, SequenceParallel())
    parallelize_module(language.norm, mesh, _outputs(TOKENS, Replicate()))


def _outputs(given: Shard | Replicate, wanted: Shard | Replicate) -> PrepareModuleOutput:
    return PrepareModuleOutput(output_layouts=given, desired_output_layouts=wanted, use_local_output=True)
