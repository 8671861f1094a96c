"""The language model of a reader written down as an ONNX graph, from its weights as they are now.

One graph serves prompts and steps: each row appends its tokens to its own end of the cache, wherever that is.

Inputs: `embeds` (B, L, D); `ends` (B,), the place of each row's last token in the cache; `total`, tokens of the longest
row; `wanted` (N,), which of the B * L places get logits; `keys.0`, `values.0`, ... (B, K, C, W). Outputs: `logits` (N, V),
and the cache, which ONNX Runtime writes in place where it is bound to the same memory.

Shape letters:  B rows   L tokens given   D width   K heads of keys   C room of the cache   W width of a head   V vocabulary
"""

from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from texthawk.decode.step import joined_bias
from texthawk.model.modeling import TextHawkForConditionalGeneration

Precision = Literal["float32", "int8"]
"""Of the products with weights: exact, or whole numbers of 8 bits, scaled by output channel and by token."""

_CONTRIB = "com.microsoft"
_LEVELS = 127
_ZERO = 128  # activations are unsigned with this for 0: what the instructions of CPUs multiply with signed weights


def language_graph(model: TextHawkForConditionalGeneration, precision: Precision = "float32") -> onnx.ModelProto:
    """The graph of a model for which `decode.step.can_step` holds."""
    text, language = model.config.text_config, model.model.language_model
    graph = _Graph(precision)
    first = language.layers[0].self_attn
    key_heads = text.num_key_value_heads
    width = first.k_proj.out_features // key_heads
    places = torch.arange(text.max_position_embeddings, device=language.embed_tokens.weight.device)[None]
    cosines, sines = language.rotary_emb(language.embed_tokens.weight[:1], places)
    turns = [graph.constant(name, table[0, :, : width // 2]) for name, table in (("cos", cosines), ("sin", sines))]

    graph.takes("embeds", TensorProto.FLOAT, ["B", "L", text.hidden_size])
    graph.takes("ends", TensorProto.INT32, ["B"])
    graph.takes("total", TensorProto.INT32, [])
    graph.takes("wanted", TensorProto.INT64, ["N"])
    graph.gives("logits", TensorProto.FLOAT, ["N", text.vocab_size])
    hidden, added = "embeds", None
    for number, layer in enumerate(language.layers):
        attention, mlp = layer.self_attn, layer.mlp
        cache = [f"keys.{number}", f"values.{number}"]
        for name in cache:
            shape: list[str | int] = ["B", key_heads, "C", width]
            graph.takes(name, TensorProto.FLOAT, shape)
            graph.gives(f"{name}.after", TensorProto.FLOAT, shape)
        normed, hidden = graph.norm(hidden, added, layer.input_layernorm)
        joint = graph.linear(normed, attention.q_proj, attention.k_proj, attention.v_proj)
        seen = graph.node(
            "GroupQueryAttention",
            [joint, "", "", *cache, "ends", "total", *turns],
            also=[f"{name}.after" for name in cache],
            domain=_CONTRIB,
            num_heads=text.num_attention_heads,
            kv_num_heads=key_heads,
            do_rotary=1,
            scale=attention.scaling,
        )
        normed, hidden = graph.norm(hidden, graph.linear(seen, attention.o_proj), layer.post_attention_layernorm)
        up = graph.new("up")
        gate = graph.node(
            "Split", [graph.linear(normed, mlp.gate_proj, mlp.up_proj)], also=[up], axis=-1, num_outputs=2
        )
        gated = graph.node("Mul", [graph.node("QuickGelu", [gate], domain=_CONTRIB, alpha=1.0), up])
        added = graph.linear(gated, mlp.down_proj)
    assert added is not None
    flat = graph.node("Reshape", [graph.node("Add", [hidden, added]), graph.integers([-1, text.hidden_size])])
    normed, _ = graph.norm(graph.node("Gather", [flat, "wanted"], axis=0), None, language.norm)
    assert isinstance(model.lm_head, nn.Linear)
    graph.node("Identity", [graph.linear(normed, model.lm_head)], name="logits")
    return graph.model()


class _Graph:
    """Nodes, constants, inputs and outputs of a graph that is being written."""

    def __init__(self, precision: Precision) -> None:
        self._precision = precision
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._rounded: dict[str, tuple[str, str]] = {}  # of an input in 8 bits: its name and that of its scales
        self._count = 0

    def new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}.{self._count}"

    def takes(self, name: str, kind: int, shape: list[str | int]) -> None:
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))

    def gives(self, name: str, kind: int, shape: list[str | int]) -> None:
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, name: str, values: Tensor | np.ndarray) -> str:
        if isinstance(values, Tensor):
            values = values.detach().float().cpu().numpy()
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def number(self, value: float, kind: type[np.generic] = np.float32) -> str:
        return self.constant(self.new("number"), np.array(value, dtype=kind))

    def integers(self, values: list[int]) -> str:
        return self.constant(self.new("integers"), np.array(values, dtype=np.int64))

    def node(
        self,
        kind: str,
        inputs: list[str],
        *,
        also: list[str] | None = None,
        name: str = "",
        domain: str = "",
        **rest: Any,
    ) -> str:
        """Add a node; its first output. `also` names the other outputs."""
        name = name or self.new(kind)
        self._nodes.append(helper.make_node(kind, inputs, [name, *(also or [])], domain=domain, **rest))
        return name

    def norm(self, hidden: str, added: str | None, norm: Any) -> tuple[str, str]:
        """The norm of `hidden` + `added`, and that sum."""
        weight, epsilon = self.constant(self.new("norm"), norm.weight), norm.variance_epsilon
        if added is None:
            return self.node("SimplifiedLayerNormalization", [hidden, weight], axis=-1, epsilon=epsilon), hidden
        total = self.new("sum")
        also = ["", "", total]
        inputs = [hidden, added, weight]
        normed = self.node("SkipSimplifiedLayerNormalization", inputs, also=also, domain=_CONTRIB, epsilon=epsilon)
        return normed, total

    def linear(self, given: str, *linears: nn.Linear) -> str:
        """Linear layers of one input, their outputs beside each other."""
        weight = torch.cat([linear.weight.detach() for linear in linears]).T
        made = self._product(given, weight.float().cpu().numpy())
        bias = joined_bias(linears)
        return made if bias is None else self.node("Add", [made, self.constant(self.new("bias"), bias)])

    def _product(self, given: str, weight: np.ndarray) -> str:
        """given: (..., in); weight: (in, out)."""
        if self._precision == "float32":
            return self.node("MatMul", [given, self.constant(self.new("weight"), weight)])
        scales = np.maximum(np.abs(weight).max(axis=0), 1e-12) / _LEVELS
        rounded = self.constant(self.new("weight"), np.round(weight / scales).astype(np.int8))
        tokens, sizes = self._in_8_bits(given)
        whole = self.node("MatMulInteger", [tokens, rounded, self.number(_ZERO, np.uint8)])
        product = self.node("Cast", [whole], to=TensorProto.FLOAT)
        product = self.node("Mul", [product, self.constant(self.new("scales"), scales.astype(np.float32))])
        return self.node("Mul", [product, sizes])

    def _in_8_bits(self, given: str) -> tuple[str, str]:
        """A scale for each token, so that no token's rounding depends on what stands beside it."""
        if given not in self._rounded:
            most = self.node("ReduceMax", [self.node("Abs", [given]), self.integers([-1])], keepdims=1)
            sizes = self.node("Mul", [self.node("Max", [most, self.number(1e-12)]), self.number(1 / _LEVELS)])
            rounded = self.node("Round", [self.node("Div", [given, sizes])])
            shifted = self.node("Add", [rounded, self.number(_ZERO)])
            self._rounded[given] = self.node("Cast", [shifted], to=TensorProto.UINT8), sizes
        return self._rounded[given]

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(self._nodes, "language", self._inputs, self._outputs, self._constants)
        sets = [helper.make_opsetid("", 21), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=sets, ir_version=10)
