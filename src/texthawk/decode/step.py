"""One token more for every answer of a batch, on a CPU: the language model's decode step without what training needs.

A small model's step is bound by reading its weights and by the calls around them, so here weights lie in the order that
oneDNN reads them in, projections of one input are one matrix, the cache is written in place, and answers that are over
leave it.

Shape letters:  B answers   H heads of queries   K heads of keys and values   W width of a head   C tokens in the cache
                D width of the model   V vocabulary
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache

from texthawk.model.modeling import TextHawkForConditionalGeneration

FAMILIES = {"llama", "qwen2"}
"""Language models whose layers are the ones written down here."""
MOST_BYTES = 2**30  # of weights that are copied: a larger model's time goes into its products, whoever calls them
_BLOCK = 128  # a cache grows by at least so many tokens

Product = Callable[[Tensor], Tensor]


def can_step(model: TextHawkForConditionalGeneration) -> bool:
    """Whether the step is the model's own: its family, plain linear layers, plain rotation, full attention, on a CPU."""
    text = model.config.text_config
    language = model.model.language_model
    if text.model_type not in FAMILIES or text.hidden_act != "silu" or model.device.type != "cpu":
        return False
    rotation = text.rope_parameters or {}
    attention = set(text.to_dict().get("layer_types") or ["full_attention"])
    if rotation.get("rope_type", "default") != "default" or attention != {"full_attention"}:
        return False
    linears = [module for layer in language.layers for module in (*layer.self_attn.children(), *layer.mlp.children())]
    linears = [module for module in linears if any(True for _ in module.parameters())] + [model.lm_head]
    weights = language_weights(model)
    return (
        all(type(module) is nn.Linear for module in linears)
        and {weight.dtype for weight in weights} in ({torch.float32}, {torch.bfloat16})
        and not any(weight.is_inference() for weight in weights)
        and sum(weight.nbytes for weight in weights) <= MOST_BYTES
        and torch.backends.mkldnn.is_available()
    )


def language_weights(model: TextHawkForConditionalGeneration) -> list[nn.Parameter]:
    """The weights that a step has a copy of."""
    return [*model.model.language_model.parameters(), *model.lm_head.parameters()]


def stamp(weights: list[nn.Parameter]) -> tuple[tuple[int, int], ...]:
    """Changes whenever one of the weights does; a copy of them is good for the stamp that it was made under."""
    return tuple((weight.data_ptr(), weight._version) for weight in weights)


class Stepper:
    """The language model of `model`, for which `can_step` holds, as functions from one token to the next."""

    def __init__(self, model: TextHawkForConditionalGeneration) -> None:
        language = model.model.language_model
        text = model.config.text_config
        self._language, self._head = language, model.lm_head
        self._embeddings = language.embed_tokens.weight
        self._rotation = language.rotary_emb
        self._heads, self._key_heads = text.num_attention_heads, text.num_key_value_heads
        self._layers = [_Layer(layer, self._heads, self._key_heads) for layer in language.layers]
        self._norm = _norm(language.norm)
        head = model.lm_head
        assert isinstance(head, nn.Linear)
        self._logits = _product(head)

    @torch.inference_mode()
    def begin(self, embeds_BLD: Tensor, kept: Tensor, wanted: Tensor, more: int = 0) -> tuple[Tensor, "StepCache"]:
        """Read prompts; logits (N, V) of the `wanted` places, row by row, and the cache, which is to hold `more` tokens.

        kept, wanted: (B, L), 0 where a prompt is padded on its left, and True where logits are wanted.
        """
        hidden_BLD, filled = prefill(self._language, embeds_BLD, kept)
        return self._head(hidden_BLD[wanted]), StepCache(filled, kept, more)

    @torch.inference_mode()
    def step(self, tokens: Tensor, cache: "Held") -> Tensor:
        """tokens: (B,), the last of each answer. Their keys and values go into the cache; the logits (B, V) that follow."""
        hidden_BD = F.embedding(tokens, self._embeddings)
        cosines, sines = self._rotation(hidden_BD, cache.advance())
        half = sines.shape[-1] // 2
        signed = torch.cat([-sines[..., :half], sines[..., half:]], dim=-1)  # rotation swaps halves, one with its sign
        for number, layer in enumerate(self._layers):
            hidden_BD = layer(hidden_BD, cosines, signed, number, cache)
        return self._logits(self._norm(hidden_BD))


class _Layer:
    """One decoder layer: attention and gated MLP, each behind its norm and beside its residual."""

    def __init__(self, layer: Any, heads: int, key_heads: int) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._heads, self._key_heads, self._scale = heads, key_heads, attention.scaling
        self._before_attention = _norm(layer.input_layernorm)
        self._before_mlp = _norm(layer.post_attention_layernorm)
        self._queries_keys_values = _product(attention.q_proj, attention.k_proj, attention.v_proj)
        self._out = _product(attention.o_proj)
        self._gate_up = _product(mlp.gate_proj, mlp.up_proj)
        self._down = _product(mlp.down_proj)

    def __call__(self, hidden_BD: Tensor, cosines: Tensor, sines: Tensor, number: int, cache: "Held") -> Tensor:
        batch, heads, key_heads = hidden_BD.shape[0], self._heads, self._key_heads
        joint = self._queries_keys_values(self._before_attention(hidden_BD)).view(batch, heads + 2 * key_heads, -1)
        turned = joint[:, : heads + key_heads]
        turned = torch.addcmul(turned * cosines, turned.roll(turned.shape[-1] // 2, -1), sines)
        keys, values = cache.put(number, turned[:, heads:], joint[:, heads + key_heads :])
        # The queries that share a head of keys stand below each other: keys are read once for all of them.
        queries_BKGW = turned[:, :heads].unflatten(1, (key_heads, heads // key_heads))
        seen = F.scaled_dot_product_attention(queries_BKGW, keys, values, attn_mask=cache.mask, scale=self._scale)
        hidden_BD = hidden_BD + self._out(seen.reshape(batch, -1))
        gate, up = self._gate_up(self._before_mlp(hidden_BD)).chunk(2, dim=-1)
        return hidden_BD + self._down(F.silu(gate) * up)


class Held(Protocol):
    """What a step needs of a cache. mask: (B, 1, 1, C), by which each row sees its own tokens; None where all are seen."""

    @property
    def mask(self) -> Tensor | None: ...

    def advance(self) -> Tensor:
        """Make room for one more token; its positions (B, 1)."""

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write one token's keys and values, (B, K, W); all that the layer holds, that token included."""


class StepCache:
    """Keys and values of a batch, (B, K, C, W) a layer, with room for more tokens than it holds.

    Takes over what a prefill left in a DynamicCache. kept: (B, L), 0 where a prompt is padded on its left. more: tokens
    that room is made for at once when the first of them comes.
    """

    def __init__(self, prefill: DynamicCache, kept: Tensor, more: int = 0) -> None:
        self._held: list[tuple[Tensor, Tensor]] = []
        for layer in prefill.layers:
            assert layer.keys is not None and layer.values is not None
            self._held.append((layer.keys, layer.values))
        self._count = self._room = kept.shape[1]
        self._more = max(_BLOCK, more)
        self._positions = kept.sum(1, keepdim=True)
        self._kept = None if bool(kept.all()) else kept.bool()
        self.mask: Tensor | None = None

    def advance(self) -> Tensor:
        """Make room for one more token; its positions (B, 1)."""
        positions = self._positions
        self._positions = positions + 1
        self._count += 1
        if self._count > self._room:
            more, self._more = self._more, _BLOCK
            self._room += more
            self._held = [(F.pad(keys, (0, 0, 0, more)), F.pad(values, (0, 0, 0, more))) for keys, values in self._held]
        if self._kept is not None:
            self._kept = F.pad(self._kept, (0, 1), value=True)
            self.mask = self._kept[:, None, None]
        return positions

    def keep(self, rows: Tensor) -> None:
        """Let go of the answers that are over; rows: (B,), True for those that go on."""
        self._held = [(keys[rows], values[rows]) for keys, values in self._held]
        self._positions = self._positions[rows]
        self._kept = None if self._kept is None else self._kept[rows]

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write one token's keys and values, (B, K, W); all that the layer holds, that token included."""
        held_keys, held_values = self._held[layer]
        held_keys[:, :, self._count - 1] = keys
        held_values[:, :, self._count - 1] = values
        return held_keys[:, :, : self._count], held_values[:, :, : self._count]


def prefill(language: nn.Module, embeds_BLD: Tensor, kept: Tensor) -> tuple[Tensor, DynamicCache]:
    """Hidden states (B, L, D) of padded prompts, and their keys and values; positions count what is kept."""
    cache = DynamicCache()
    places = (kept.cumsum(1) - 1).clamp(min=0)
    made = language(
        inputs_embeds=embeds_BLD, attention_mask=kept, position_ids=places, past_key_values=cache, use_cache=True
    )
    return made[0], cache


def _norm(norm: Any) -> Product:
    weight, epsilon = norm.weight, norm.variance_epsilon
    return lambda hidden: F.rms_norm(hidden, weight.shape, weight, epsilon)


def _product(*linears: nn.Linear) -> Product:
    """Linear layers of one input as one product with packed weights."""
    weight = torch.cat([linear.weight.detach() for linear in linears])
    bias = joined_bias(linears)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight)
    apply = torch.ops.mkldnn._linear_pointwise
    return lambda hidden: apply(hidden, packed, bias, "none", [], "")


def joined_bias(linears: tuple[nn.Linear, ...]) -> Tensor | None:
    """The biases of linear layers one after another; None where none has any."""
    if all(linear.bias is None for linear in linears):
        return None
    return torch.cat(
        [
            linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias.detach()
            for linear in linears
        ]
    )
