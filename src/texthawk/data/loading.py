"""The packs of each step, made by any number of processes for any number of ranks, and always the same.

Texts are written down and packed first, by every rank for the whole global step; then each rank decodes the pictures of
its own packs alone.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from texthawk.data.dropped import ENOUGH, Dropped
from texthawk.data.mixture import Mixture
from texthawk.data.packing import PackState, StepPlan, plan_steps
from texthawk.data.packs import Pack, make_pack
from texthawk.data.samples import Sample, SampleMaker

TOGETHER = 16
"""Examples that one process writes down at a time: neighbours in a shard, mostly."""

Made = tuple[int, Sample | None, str, str]
"""A number of the order and its sample, or None, the reason and the record's name."""


@dataclass(frozen=True, eq=False)
class Step:
    """A rank's packs of a step. after: give it to `steps` to go on behind this step. tokens: of the global step's samples."""

    number: int
    packs: tuple[Pack, ...]
    after: PackState
    tokens: int


class PackLoader:
    """Packs of a mixture, `packs` for each global step, divided among the ranks.

    workers: processes that write texts down, and as many that decode pictures; 0 does both here. length: packs are
    padded to it, None leaves them as long as they are. Records that cannot be used are counted in `dropped`; more than 1%
    of them is a ValueError with the counts. ValueError where the packs cannot be divided evenly.
    """

    def __init__(
        self,
        mixture: Mixture,
        maker: SampleMaker,
        *,
        packs: int,
        rank: int = 0,
        ranks: int = 1,
        workers: int = 0,
        length: int | None = None,
    ) -> None:
        if packs < 1 or packs % ranks:
            raise ValueError(f"{packs} packs a step for {ranks} ranks; give a multiple of {ranks}")
        if not 0 <= rank < ranks:
            raise ValueError(f"rank {rank} of {ranks}; ranks count from 0")
        self.mixture, self.maker, self.packs, self.rank, self.ranks = mixture, maker, packs, rank, ranks
        self.workers, self.length = workers, length
        self.dropped = Dropped("the mixture")
        self._lost = 0

    def steps(self, state: PackState | None = None, *, end: int | None = None) -> Iterator[Step]:
        """The steps from a state (None: the first) up to step `end`, which is not among them; None goes on for ever."""
        state = state or PackState()
        plans: deque[StepPlan[Sample]] = deque()
        own = self.packs // self.ranks
        packs = iter(self._loader(_Packs(self.maker, self.length), self._wanted(state, end, plans)))
        while made := tuple(islice(packs, own)):
            plan = plans.popleft()
            for pack in made:
                for reason, name in pack.left_out:
                    self.dropped.leave_out(reason, name)
                self._lost += len(pack.left_out)
            if self.dropped.seen >= ENOUGH:
                self._check()
            tokens = sum(sample.cost.tokens for samples in plan.packs for sample in samples)
            yield Step(plan.step, made, plan.after, tokens)
        self._check()

    def _check(self) -> None:
        """Every rank sees all texts and its own pictures alone: the others' are taken to be as bad as its own."""
        self.dropped.check(elsewhere=self._lost * (self.ranks - 1))

    def plans(self, state: PackState | None = None) -> Iterator[StepPlan[Sample]]:
        """Which samples make the packs of each global step from a state on, before any picture is decoded."""
        return plan_steps(self._read, self.maker.limits, self.packs, state)

    def _wanted(
        self, state: PackState, end: int | None, plans: deque[StepPlan[Sample]]
    ) -> Iterator[tuple[Sample, ...]]:
        """This rank's packs as samples; what is planned for a step waits in `plans` until its pictures are decoded."""
        if end is not None and state.step >= end:
            return
        for plan in self.plans(state):
            plans.append(plan)
            yield from plan.packs[self.rank :: self.ranks]
            if plan.step + 1 == end:
                return

    def _read(self, numbers: Iterable[int]) -> Iterator[tuple[int, Sample | None]]:
        texts: Iterable[list[Made]] = self._loader(_Texts(self.mixture, self.maker), _chunks(numbers))
        for chunk in texts:
            for number, sample, reason, name in chunk:
                self.dropped.seen += 1
                if sample is None:
                    self.dropped.leave_out(reason, name)
                    if self.dropped.seen >= ENOUGH:
                        self.dropped.check()
                yield number, sample

    def _loader(self, dataset: Dataset, wanted: Iterator[Any]) -> DataLoader:
        # A generator of its own, or starting it would draw from the dice of whoever trains, and resuming would change them.
        return DataLoader(
            dataset,
            sampler=wanted,
            batch_size=None,
            num_workers=self.workers,
            generator=torch.Generator(),
            collate_fn=_as_it_is,
        )


class _Texts(Dataset):
    def __init__(self, mixture: Mixture, maker: SampleMaker) -> None:
        self.mixture, self.maker = mixture, maker

    def __getitem__(self, numbers: list[int]) -> list[Made]:
        return [self._made(number) for number in numbers]

    def _made(self, number: int) -> Made:
        place = self.mixture.place(number)
        name = f"{self.mixture.sources[place.source].name}/{place.item}"
        one = Dropped(name)
        sample = next(one.use([(name, number)], partial(_sample, self.mixture, self.maker)), None)
        return number, sample, next(iter(one.reasons), ""), name


class _Packs(Dataset):
    def __init__(self, maker: SampleMaker, length: int | None) -> None:
        self.maker, self.length = maker, length

    def __getitem__(self, samples: tuple[Sample, ...]) -> Pack:
        return make_pack(samples, self.maker, length=self.length)


def _sample(mixture: Mixture, maker: SampleMaker, number: int) -> Sample:
    return maker.sample(number, mixture.example(number), mixture.rng(number))


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    numbers = iter(numbers)
    while chunk := list(islice(numbers, TOGETHER)):
        yield chunk


def _as_it_is(made: Any) -> Any:
    return made
