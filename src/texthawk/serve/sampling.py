"""From a row of logits to the next token: greedy or sampled, within what a constraint allows, with log-probabilities.

Shape letters:  B rows of the running batch   V vocabulary
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from texthawk.decode.grammar import Constraint

_COLDEST = float(torch.finfo(torch.float32).tiny)


@dataclass(frozen=True)
class Sampling:
    """How one request wants its tokens.

    `temperature` 0 takes the likeliest token. `seed` makes a sampled answer repeatable whatever runs beside it; None
    takes a fresh one. `top_scores`: how many of the likeliest tokens are reported at each place.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_scores: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}; an answer needs at least 1")
        if not 0.0 <= self.temperature <= 2.0:
            raise ValueError(f"temperature is {self.temperature}; it lies between 0 and 2")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p is {self.top_p}; it lies above 0 and is at most 1")
        if not all(self.stop):
            raise ValueError("stop holds an empty text, which every answer would begin with; leave it out")
        if not 0 <= self.top_scores <= 20:
            raise ValueError(f"{self.top_scores} scores per token were asked for; there are 0 to 20")

    def generator(self) -> torch.Generator | None:
        """The request's own source of chance, or None when it needs none."""
        if self.temperature == 0.0:
            return None
        made = torch.Generator()
        if self.seed is None:
            made.seed()
        else:
            made.manual_seed(self.seed % 2**63)
        return made


@dataclass(frozen=True)
class Token:
    """A generated token, its log-probability before temperature and constraint, and the likeliest at its place."""

    id: int
    log_probability: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Choice:
    """What choosing the next token of one row needs."""

    sampling: Sampling
    generator: torch.Generator | None = None
    constraint: Constraint | None = None


@dataclass(frozen=True)
class Fault:
    """No token could be chosen for a row; an error that is a value, because the rows beside it go on."""

    error: Exception


def next_tokens(logits_BV: Tensor, choices: Sequence[Choice]) -> list[Token | Fault]:
    """The next token of every row; neither a row's token nor its fault depends on the rows beside it."""
    scores = logits_BV.float().log_softmax(-1)
    ids = scores.argmax(-1).tolist()
    faults: dict[int, Fault] = {}
    for row, choice in enumerate(choices):
        if choice.constraint is not None or choice.generator is not None:
            try:
                ids[row] = _chosen(scores[row].cpu(), choice)
            except (RuntimeError, ValueError) as error:
                faults[row] = Fault(error)
    picked = scores.gather(1, torch.tensor(ids, device=scores.device)[:, None])[:, 0].tolist()
    for row, value in enumerate(picked):
        if math.isnan(value):
            faults.setdefault(row, Fault(ValueError("the model's scores are no numbers")))
    return [
        faults.get(row) or Token(id, value, _top(scores[row], choice.sampling.top_scores))
        for row, (id, value, choice) in enumerate(zip(ids, picked, choices, strict=True))
    ]


def _chosen(scores_V: Tensor, choice: Choice) -> int:
    if choice.constraint is None:
        return _drawn(scores_V, choice)
    allowed = choice.constraint.allowed()
    token = _drawn(scores_V.masked_fill(~allowed[: len(scores_V)], -math.inf), choice)
    token = choice.constraint.settled(token)
    choice.constraint.accept(token)
    return token


def _drawn(scores_V: Tensor, choice: Choice) -> int:
    if choice.generator is None:
        return int(scores_V.argmax())
    # From the best score down, so that a temperature of almost nothing leaves the best one and not none at all.
    probabilities = ((scores_V - scores_V.max()) / max(choice.sampling.temperature, _COLDEST)).softmax(-1)
    if choice.sampling.top_p < 1.0:
        ordered, order = probabilities.sort(descending=True, stable=True)
        beyond = ordered.cumsum(-1) - ordered >= choice.sampling.top_p  # the token that reaches top_p stays
        probabilities = probabilities.index_fill(0, order[beyond], 0.0)
    return int(torch.multinomial(probabilities, 1, generator=choice.generator))


def _top(scores_V: Tensor, count: int) -> tuple[tuple[int, float], ...]:
    if not count:
        return ()
    values, ids = scores_V.topk(min(count, len(scores_V)))
    return tuple(zip(ids.tolist(), values.tolist(), strict=True))
