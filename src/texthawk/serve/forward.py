"""The model as a running batch needs it: prompts of several requests at once, then one token of each at a time.

Shape letters:  B prompts   L tokens of the longest prompt   R rows of the running batch   D language width   V vocabulary
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from texthawk.decode.step import Stepper, can_step
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.serve.rows import RowsCache


@dataclass(frozen=True)
class Prompt:
    """Token ids of one request, and what its processor made of its images (tensors whose first axis is joined)."""

    ids: list[int]
    images: dict[str, Tensor] = field(default_factory=dict)
    image_tokens: int = 0


class Rows:
    """The rows of the running batch and the model that moves them on. One thread only.

    A small model on a CPU takes the step that reading takes; it has a copy of the weights, which must not change here.
    """

    def __init__(self, model: TextHawkForConditionalGeneration) -> None:
        text = model.config.text_config.to_dict()
        other = set(text.get("layer_types") or ()) - {"full_attention"}
        if other:
            raise ValueError(
                f"the language model has layers of {', '.join(sorted(other))}; the running batch knows full attention "
                "only, so read with texthawk read, or serve it with vLLM"
            )
        self.model = model
        self.context = int(model.config.text_config.max_position_embeddings)
        self._layers = int(model.config.text_config.num_hidden_layers)
        self._stepper = Stepper(model) if can_step(model) else None
        self.clear()

    def clear(self) -> None:
        self.cache = RowsCache(self._layers)

    def __len__(self) -> int:
        return len(self.cache.lengths)

    @torch.inference_mode()
    def join(self, prompts: list[Prompt]) -> Tensor:
        """Add a row for each prompt; the logits (B, V) of its first token."""
        device = self.model.device
        lengths = [len(prompt.ids) for prompt in prompts]
        # Padding on the right: a causal model's real tokens never see it, and positions count from 0 by themselves.
        ids = torch.zeros(len(prompts), max(lengths), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, : lengths[row]] = torch.tensor(prompt.ids)
        images: dict[str, list[Tensor]] = {}
        for prompt in prompts:
            for name, value in prompt.images.items():
                images.setdefault(name, []).append(value)
        cache = DynamicCache()
        hidden_BLD = self.model.model(
            input_ids=ids.to(device),
            past_key_values=cache,
            use_cache=True,
            **{name: torch.cat(values).to(device) for name, values in images.items()},
        )[0]
        last = torch.tensor(lengths, device=device) - 1
        logits_BV = self.model.lm_head(hidden_BLD[torch.arange(len(prompts), device=device), last])
        self.cache.join(cache, lengths)
        return logits_BV

    @torch.inference_mode()
    def step(self, tokens: list[int]) -> Tensor:
        """Give every row its token; the logits (R, V) of the next one."""
        device = self.model.device
        positions, mask = self.cache.step(device, self.model.dtype)
        if self._stepper is None:
            hidden = self.model.model(
                input_ids=torch.tensor(tokens, device=device)[:, None],
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self.cache,
                use_cache=True,
            )[0]
            logits_RV = self.model.lm_head(hidden[:, -1])
        else:
            logits_RV = self._stepper.step(torch.tensor(tokens), _Stepped(self.cache, positions, mask))
        self.cache.advance()
        return logits_RV

    @torch.inference_mode()
    def leave(self, row: int) -> None:
        """Free a row; the last one takes its number."""
        self.cache.leave(row)


@dataclass(frozen=True)
class _Stepped:
    """The running batch's cache as the step of `decode/step.py` writes to it."""

    cache: RowsCache
    positions: Tensor
    mask: Tensor

    def advance(self) -> Tensor:
        return self.positions

    def put(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """keys, values: (R, H, W)."""
        return self.cache.layers[layer].update(keys[:, :, None], values[:, :, None])
