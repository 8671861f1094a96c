"""The language model on ONNX Runtime: prompts and steps of a batch, with the cache of each row at its own length.

Its attention reads the cache at the speed of memory, which is what bounds a small model's step; packages `onnxruntime`
and `onnx` come with `pip install 'texthawk[onnx]'`.

Shape letters:  B answers   L tokens of the prompts   D width   V vocabulary   K, C, W as in onnx_graph.py
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from texthawk.decode.step import can_step
from texthawk.model.modeling import TextHawkForConditionalGeneration

if TYPE_CHECKING:
    from onnxruntime import IOBinding

    from texthawk.decode.onnx_graph import Precision

_BLOCK = 128  # a cache grows by at least so many tokens
_HEAD = 8  # ONNX Runtime turns heads whose width is a multiple of this
_KINDS = {torch.float32: np.float32, torch.int32: np.int32, torch.int64: np.int64}


def can_run_onnx(model: TextHawkForConditionalGeneration) -> bool:
    """Whether the packages are there and the graph can be written: what `can_step` asks for, in float32."""
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        return False
    if not can_step(model) or model.dtype != torch.float32:
        return False
    keys = model.model.language_model.layers[0].self_attn.k_proj.out_features
    return (keys // model.config.text_config.num_key_value_heads) % _HEAD == 0


class OnnxStepper:
    """The language model of `model`, for which `can_run_onnx` holds, on `threads` threads."""

    def __init__(
        self, model: TextHawkForConditionalGeneration, *, threads: int, precision: "Precision" = "float32"
    ) -> None:
        import onnxruntime

        from texthawk.decode.onnx_graph import language_graph

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        content = language_graph(model, precision).SerializeToString()
        self._session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
        text = model.config.text_config
        self._embeddings = model.model.language_model.embed_tokens.weight
        self._vocabulary, self._layers = text.vocab_size, text.num_hidden_layers
        self._key_heads = text.num_key_value_heads
        self._width = model.model.language_model.layers[0].self_attn.k_proj.out_features // self._key_heads

    @torch.inference_mode()
    def begin(self, embeds_BLD: Tensor, kept: Tensor, wanted: Tensor, more: int = 0) -> tuple[Tensor, "OnnxCache"]:
        """Read prompts; logits (N, V) of the `wanted` places, row by row, and the cache, with room for `more` tokens.

        kept, wanted: (B, L), 0 where a prompt is padded, on whichever side, and True where logits are wanted.
        """
        kept = kept.bool()
        lengths = kept.sum(1)
        # Rows stand at the beginning of the cache, so padding goes behind them.
        order = (~kept).to(torch.uint8).argsort(dim=1, stable=True)
        moved = embeds_BLD.gather(1, order[..., None].expand_as(embeds_BLD))
        rows, places = wanted.nonzero(as_tuple=True)
        places = rows * kept.shape[1] + (kept.cumsum(1) - 1).clamp(min=0)[rows, places]
        shape = (len(kept), self._key_heads, kept.shape[1] + more, self._width)
        held = [torch.empty(shape) for _ in range(2 * self._layers)]  # a row is read up to its own end
        cache = OnnxCache(held, lengths)
        logits = torch.empty(len(places), self._vocabulary)
        binding = self._session.io_binding()
        self._bind(binding, moved.contiguous(), cache.ends, cache.total, places.contiguous(), logits, held)
        self._session.run_with_iobinding(binding)
        return logits, cache

    @torch.inference_mode()
    def step(self, tokens: Tensor, cache: "OnnxCache") -> Tensor:
        """tokens: (B,), the last of each answer. Their keys and values go into the cache; the logits (B, V) that follow."""
        if cache.advance() or cache.bound is None:
            embeds = torch.empty(len(tokens), 1, self._embeddings.shape[1])
            logits, places = torch.empty(len(tokens), self._vocabulary), torch.arange(len(tokens))
            binding = self._session.io_binding()
            self._bind(binding, embeds, cache.ends, cache.total, places, logits, cache.held)
            cache.bound = _Bound(binding, embeds, logits, places)
        bound = cache.bound
        bound.embeds[:, 0] = self._embeddings[tokens]
        self._session.run_with_iobinding(bound.binding)
        return bound.logits.clone()

    def _bind(
        self,
        binding: "IOBinding",
        embeds: Tensor,
        ends: Tensor,
        total: Tensor,
        wanted: Tensor,
        logits: Tensor,
        held: list[Tensor],
    ) -> None:
        """Say where inputs and outputs lie; the tensors must live as long as the binding is used."""
        inputs = {"embeds": embeds, "ends": ends, "total": total, "wanted": wanted}
        inputs |= {name: tensor for tensor, name in zip(held, self._names(), strict=True)}
        outputs = {"logits": logits} | {f"{name}.after": inputs[name] for name in self._names()}
        for name, tensor in inputs.items():
            binding.bind_input(name, "cpu", 0, _KINDS[tensor.dtype], list(tensor.shape), tensor.data_ptr())
        for name, tensor in outputs.items():
            binding.bind_output(name, "cpu", 0, _KINDS[tensor.dtype], list(tensor.shape), tensor.data_ptr())

    def _names(self) -> list[str]:
        return [f"{kind}.{layer}" for layer in range(self._layers) for kind in ("keys", "values")]


class _Bound:
    """A binding with the tensors that it points to."""

    def __init__(self, binding: "IOBinding", embeds: Tensor, logits: Tensor, places: Tensor) -> None:
        self.binding, self.embeds, self.logits, self.places = binding, embeds, logits, places


class OnnxCache:
    """Keys and values of a batch, `held` (B, K, C, W) for each in each layer, rows of their own `lengths` (B,)."""

    def __init__(self, held: list[Tensor], lengths: Tensor) -> None:
        self.held = held
        self.ends = (lengths - 1).to(torch.int32)
        self.total = (self.ends.max() + 1).to(torch.int32)
        self.bound: _Bound | None = None

    def advance(self) -> bool:
        """Make room for one more token in each row; whether the cache lies elsewhere since."""
        self.ends += 1
        self.total.copy_(self.ends.max() + 1)
        room = self.held[0].shape[2]
        if int(self.total) <= room:
            return False
        more = max(_BLOCK, room // 2)
        self.held = [torch.nn.functional.pad(tensor, (0, 0, 0, more)) for tensor in self.held]
        self.bound = None
        return True

    def keep(self, rows: Tensor) -> None:
        """Let go of the answers that are over; rows: (B,), True for those that go on."""
        used, going = int(self.total), rows.nonzero()[:, 0].tolist()
        for tensor in self.held:
            for place, row in enumerate(going):
                if place != row:  # rows only ever move up, to where none is needed
                    tensor[place, :, :used] = tensor[row, :, :used]
        self.held = [tensor[: len(going)] for tensor in self.held]
        self.ends = self.ends[rows]
        self.bound = None
