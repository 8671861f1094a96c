"""Watches a batch of answers while transformers generates them: loops, lengths, probabilities of what was chosen.

Shape letters:  B answers   L tokens of prompt and answer so far   V vocabulary
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor

from texthawk.decode.grammar import Constraint
from texthawk.decode.guard import Loop, LoopGuard, without_loop

STOP, LENGTH, REPETITION = "stop", "length", "repetition"


class Watch(LogitsProcessor):
    """A logits processor for one greedy `generate`: an answer that loops or grows too long is made to end.

    Each row has a guard and a limit of its own, so what happens to an answer does not depend on its neighbours. Of the
    logits only those of the last step are kept; of each step stay the log-probability of the chosen token and the
    entropy. Not for beam search, which swaps rows.

    guard: makes a guard for one answer. limits: tokens that each answer may have. seeds: None for the likeliest token;
    else one per row, and tokens are drawn at `temperature`, each row with its own random numbers. constraints: one per
    row where the answers must keep a form; such an answer may repeat itself, and its form ends it within its limit.
    """

    def __init__(
        self,
        guard: Callable[[], LoopGuard],
        limits: Sequence[int],
        ends: Sequence[int],
        *,
        seeds: Sequence[int] | None = None,
        temperature: float = 0.5,
        constraints: Sequence[Constraint] | None = None,
    ) -> None:
        self._guards = [guard() for _ in limits]
        self._limits, self._ends, self._temperature = list(limits), list(ends), temperature
        self._dice = None if seeds is None else [torch.Generator().manual_seed(seed) for seed in seeds]
        self._constraints = constraints
        self._prompt: int | None = None
        self._last: Tensor | None = None  # log-probabilities of the step before, (B, V)
        self._entropy: Tensor | None = None
        self.tokens: list[list[int]] = [[] for _ in limits]
        self.log_probabilities: list[list[float]] = [[] for _ in limits]
        self.entropies: list[list[float]] = [[] for _ in limits]
        self.reasons: list[str | None] = [None for _ in limits]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """input_ids: (B, L). scores: (B, V) logits; returned with the end alone left for answers that are over."""
        if self._prompt is None:
            self._prompt = input_ids.shape[1]
        else:
            self._take(input_ids[:, -1])
        self._last = scores.float().log_softmax(-1)
        self._entropy = -(self._last.exp() * self._last).nan_to_num().sum(-1)
        scores = self._drawn(scores) if self._dice is not None else scores.clone()
        over = [row for row, reason in enumerate(self.reasons) if reason is not None]
        scores[over] = -torch.inf
        scores[over, self._ends[0]] = 0.0
        if self._constraints is not None:
            for row in range(len(scores)):
                if self.reasons[row] is None:
                    self._constrain(scores[row], self._constraints[row])
        return scores

    def finish(self, sequences: Tensor) -> None:
        """Take the last tokens, which no step after them has shown; `sequences` is what `generate` returned."""
        if self._prompt is not None and sequences.shape[1] > self._prompt + len(max(self.tokens, key=len, default=[])):
            self._take(sequences[:, -1])
        for row, reason in enumerate(self.reasons):
            self.reasons[row] = reason or LENGTH

    def _take(self, chosen: Tensor) -> None:
        """chosen: (B,) the tokens of the step before."""
        assert self._last is not None and self._entropy is not None
        values = self._last.gather(1, chosen[:, None])[:, 0].tolist()
        entropies = self._entropy.tolist()
        for row, token in enumerate(chosen.tolist()):
            if self.reasons[row] is not None:
                continue
            if token in self._ends:
                self.reasons[row] = STOP
                continue
            self.tokens[row].append(token)
            self.log_probabilities[row].append(values[row])
            self.entropies[row].append(entropies[row])
            loop = self._guards[row].add(token) if self._constraints is None else None
            if loop is not None:
                self._cut(row, loop)
            elif len(self.tokens[row]) >= self._limits[row]:
                self.reasons[row] = LENGTH

    def _constrain(self, scores_V: Tensor, constraint: Constraint) -> None:
        """Leave the one token that the form allows and that is likeliest under it."""
        allowed = constraint.allowed()[: len(scores_V)].to(scores_V.device)
        token = constraint.settled(int(scores_V.masked_fill(~allowed, -torch.inf).argmax()))
        constraint.accept(token)
        scores_V.fill_(-torch.inf)
        scores_V[token] = 0.0

    def _cut(self, row: int, loop: Loop) -> None:
        left = without_loop(self.tokens[row], loop)
        for kept in (self.tokens, self.log_probabilities, self.entropies):
            del kept[row][left:]
        self.reasons[row] = REPETITION

    def _drawn(self, scores: Tensor) -> Tensor:
        """Logits whose largest is a draw at the temperature: Gumbel noise, from each row's own dice."""
        assert self._dice is not None
        noise = torch.stack([torch.rand(scores.shape[1], generator=dice) for dice in self._dice]).to(scores.device)
        return scores.float() / self._temperature - (-noise.clamp(1e-20, 1 - 1e-7).log()).log()
