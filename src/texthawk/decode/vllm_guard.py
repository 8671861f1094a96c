"""The loop guard in the shape of vLLM's batch logits processors, without importing vLLM.

vLLM asks for a subclass of its own `LogitsProcessor` (vllm.v1.sample.logits_processor), so what registers it there is

    class TextHawkLoopGuard(VllmLoopGuard, LogitsProcessor): ...

and everything else stands here. It is told of requests by their row in the batch and of each request's growing list of
output tokens.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from texthawk.decode.guard import Allowance, LoopGuard


class BatchChange(Protocol):
    """What vLLM tells before each step: rows that end, begin (row, parameters, prompt, output tokens) and move."""

    @property
    def removed(self) -> Sequence[int]: ...

    @property
    def added(self) -> Sequence[tuple[int, Any, Any, list[int]]]: ...

    @property
    def moved(self) -> Sequence[tuple[int, int, Any]]: ...


class _Request:
    """One answer: its tokens, which vLLM keeps adding to, and how far they were looked at."""

    def __init__(self, tokens: list[int], guard: LoopGuard) -> None:
        self._tokens, self._guard, self._seen, self._over = tokens, guard, 0, False

    def over(self) -> bool:
        fresh = self._tokens[self._seen :]
        if not self._over:
            self._over = self._guard.extend(token for token in fresh if token >= 0) is not None
        self._seen += len(fresh)
        return self._over


class VllmLoopGuard:
    """Ends an answer that loops: its row of logits leaves the end token alone."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        from transformers import AutoTokenizer

        model = vllm_config.model_config
        tokenizer = AutoTokenizer.from_pretrained(model.tokenizer or model.model)
        self._prepare(lambda tokens: tokenizer.decode(list(tokens)), [tokenizer.eos_token_id])

    @classmethod
    def of(cls, text_of: Callable[[Sequence[int]], str], ends: Sequence[int]) -> "VllmLoopGuard":
        """A guard without vLLM's configuration; `ends` are the tokens that end an answer."""
        made = cls.__new__(cls)
        made._prepare(text_of, ends)
        return made

    def _prepare(self, text_of: Callable[[Sequence[int]], str], ends: Sequence[int]) -> None:
        self._text_of, self._ends = text_of, list(ends)
        self._requests: dict[int, _Request] = {}

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Any will do."""

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchChange | None) -> None:
        """Rows are removed, then added, then moved; a move that is a swap exchanges two."""
        if batch_update is None:
            return
        for row in batch_update.removed:
            self._requests.pop(row, None)
        for row, _, _, tokens in batch_update.added:
            self._requests[row] = _Request(tokens, LoopGuard(self._text_of, Allowance()))
        for source, target, direction in batch_update.moved:
            moving, other = self._requests.pop(source, None), self._requests.pop(target, None)
            if moving is not None:
                self._requests[target] = moving
            if other is not None and str(getattr(direction, "name", direction)) == "SWAP":
                self._requests[source] = other

    def apply(self, logits: Tensor) -> Tensor:
        """logits: (requests, vocabulary), changed in place."""
        over = [row for row, request in self._requests.items() if request.over()]
        if over:
            logits[over] = -torch.inf
            logits[over, self._ends[0]] = 0.0
        return logits
