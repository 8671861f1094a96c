"""What one part of a model costs in a training step, by running it without numbers: operations and bytes.

Operations are counted on the meta device, so the count is that of the code that runs; a multiply and an add are two.
Bytes are those of fake tensors of a CPU, whose attention does not store its scores, as that of a GPU does not.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from transformers.initialization import no_init_weights

Runnable = tuple[nn.Module, Callable[[], Tensor]]
"""A module and what runs it to an output."""


@dataclass(frozen=True)
class PartCost:
    """forward, backward: operations. kept: bytes that a forward leaves for its backward, output included; peak: the most
    bytes in either. boundary: of the output alone, which is what is kept of a layer that is computed again.
    """

    forward: int
    backward: int
    kept: int
    peak: int
    boundary: int


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors that come into being while it is on, as long as they live; `known` are not counted."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._see(tensor.untyped_storage())
        return made

    def _see(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._seen:
            return
        size = storage.nbytes()
        self._seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def weigh(part: Callable[[], Runnable], *, fused: bool = True) -> PartCost:
    """Run a part, which is made on the default device, forward and, where its output has a gradient, backward.

    Gradients of weights are not kept here: they are counted with the weights. Made twice, for operations and for bytes.
    fused: bytes without attention's scores; a part that looks into tensors cannot be run that way.
    """
    with torch.device("meta"), _half():
        module, run = part()
        with FlopCounterMode(display=False) as counter:
            out = run()
            forward = counter.get_total_flops()
            if out.requires_grad:
                out.backward(torch.empty_like(out))
        backward = counter.get_total_flops() - forward
    with contextlib.ExitStack() as stack:
        if fused:
            stack.enter_context(FakeTensorMode())
        stack.enter_context(torch.device("cpu" if fused else "meta"))
        stack.enter_context(_half())
        stack.enter_context(no_init_weights())
        module, run = part()
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(_forget)
        with LiveBytes([*module.parameters(), *module.buffers()]) as live:
            out = run()
            kept, boundary = live.now, out.untyped_storage().nbytes()
            if out.requires_grad:
                out.backward(torch.empty_like(out))
    return PartCost(forward, backward, kept, live.peak, boundary)


def _forget(parameter: Tensor) -> None:
    parameter.grad = None


@contextlib.contextmanager
def _half() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
