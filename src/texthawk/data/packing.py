"""Samples of different lengths share packs of one length (TextHawk2 section 5.1).

Which samples share a pack is decided from their costs alone, before any picture is decoded: best fit among the samples
that stand next in the order. The packer's whole memory is a number and a short list of numbers (`PackState`), and what
follows from a state is the same whoever asks.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, islice
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

SHAPE_POWER = 16


class Cost(NamedTuple):
    """What a sample takes of a pack."""

    tokens: int
    tiles: int


class Costly(Protocol):
    """A sample by its number in the order, and what it costs."""

    @property
    def number(self) -> int: ...

    @property
    def cost(self) -> Cost: ...


Item = TypeVar("Item", bound=Costly)


@dataclass(frozen=True)
class PackLimits:
    """tokens and tiles (thumbnails among them) of a pack; `window` samples at most are looked at to fill one."""

    tokens: int = 4096
    tiles: int = 108
    window: int = 256

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"packs of {name} {value}; it must be at least 1")

    def hold(self, cost: Cost) -> bool:
        """Whether a sample fits into a pack at all."""
        return cost.tokens <= self.tokens and cost.tiles <= self.tiles


@dataclass(frozen=True)
class PackState:
    """Where packing stands before a step: the next number of the order, and the numbers that wait, oldest first."""

    step: int = 0
    cursor: int = 0
    waiting: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"step": self.step, "cursor": self.cursor, "waiting": list(self.waiting)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "PackState":
        return cls(data["step"], data["cursor"], tuple(data["waiting"]))


@dataclass(frozen=True)
class StepPlan(Generic[Item]):
    """The packs of a global step, and the state that packing is in after it."""

    step: int
    packs: tuple[tuple[Item, ...], ...]
    after: PackState


def plan_steps(
    read: Callable[[Iterable[int]], Iterator[tuple[int, Item | None]]],
    limits: PackLimits,
    packs: int,
    state: PackState | None = None,
) -> Iterator[StepPlan[Item]]:
    """The steps from a state on, `packs` packs each, without end.

    read: gives, for numbers of the order, each number and its sample, or None for one that is left out.
    """
    state = state or PackState()
    if packs < 1:
        raise ValueError(f"{packs} packs a step; it must be at least 1")
    coming = read(chain(state.waiting, count(state.cursor)))
    waiting: list[Item] = [item for _, item in islice(coming, len(state.waiting)) if item is not None]
    while True:
        step: list[tuple[Item, ...]] = []
        while len(step) < packs:
            while len(waiting) < limits.window:
                number, item = next(coming)
                state = replace(state, cursor=number + 1)
                if item is not None:
                    assert limits.hold(item.cost), "a sample that no pack can hold is left out when it is made"
                    waiting.append(item)
            chosen = best_fit([item.cost for item in waiting], limits)
            step.append(tuple(waiting[place] for place in chosen))
            taken = set(chosen)
            waiting = [item for place, item in enumerate(waiting) if place not in taken]
        yield StepPlan(state.step, tuple(step), state := replace(state, step=state.step + 1, waiting=_numbers(waiting)))


def best_fit(costs: list[Cost], limits: PackLimits) -> list[int]:
    """Which of the waiting samples make the next pack, in the order they wait.

    The oldest always goes, so that none waits forever. Then, one after another, that which suits best what is left, until
    nothing fits; then samples are exchanged for waiting ones, one for one, as long as that fills the pack better. An exchange
    may set tiles free, so it is looked again for what fits.
    """
    chosen = [0]
    tokens, tiles = limits.tokens - costs[0].tokens, limits.tiles - costs[0].tiles
    free = set(range(1, len(costs)))
    while tokens:
        fitting = [place for place in free if costs[place].tokens <= tokens and costs[place].tiles <= tiles]
        if fitting:
            best = max(fitting, key=lambda place: (_suits(costs[place], tokens, tiles, limits), -place))
            chosen.append(best)
            free.remove(best)
            tokens, tiles = tokens - costs[best].tokens, tiles - costs[best].tiles
            continue
        swap = _better(costs, chosen, free, tokens, tiles)
        if swap is None:
            break
        out, back = swap
        chosen[chosen.index(out)] = back
        free = (free - {back}) | {out}
        tokens += costs[out].tokens - costs[back].tokens
        tiles += costs[out].tiles - costs[back].tiles
    return sorted(chosen)


def _better(costs: list[Cost], chosen: list[int], free: set[int], tokens: int, tiles: int) -> tuple[int, int] | None:
    """The exchange of a chosen sample (never the oldest) for a free one that leaves the fewest tokens over."""
    best: tuple[int, int, int] | None = None
    for out in chosen[1:]:
        for back in free:
            more = costs[back].tokens - costs[out].tokens
            if 0 < more <= tokens and costs[back].tiles - costs[out].tiles <= tiles:
                if best is None or (-more, out, back) < best:
                    best = (-more, out, back)
    return None if best is None else best[1:]


def _suits(cost: Cost, tokens: int, tiles: int, limits: PackLimits) -> float:
    """How well a sample suits what is left: the larger and the more alike in shape (tiles to tokens), the better.

    Size alone would fill a pack with pages of many tiles and leave its tokens empty. The power was chosen by trying it.
    """
    wanted = (tokens / limits.tokens, tiles / limits.tiles)
    taken = (cost.tokens / limits.tokens, cost.tiles / limits.tiles)
    product = wanted[0] * taken[0] + wanted[1] * taken[1]
    cosine = product / (math.hypot(*wanted) * math.hypot(*taken))
    return product * cosine**SHAPE_POWER


def _numbers(items: Iterable[Costly]) -> tuple[int, ...]:
    return tuple(item.number for item in items)
