"""Sources mixed by weight into one endless order of examples, in which any number can be looked up at once.

Nothing is remembered: which example stands at a number follows from the seed, the weights and the sources' sizes.
"""

import zlib
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import numpy as np

from texthawk.data.example import Example

BLOCK = 1024
"""About how many examples the sources' shares are dealt out among at a time."""
_WEIGHT = 1 << 32
"""Weights are counted in parts of this, so that shares are exact however far the order goes."""


class Source(Protocol):
    """Examples by number. runs: how many of them are stored one after another, shard by shard."""

    @property
    def name(self) -> str: ...

    @property
    def runs(self) -> Sequence[int]: ...

    def example(self, index: int) -> Example: ...


class Place(NamedTuple):
    """Where an example of the order comes from: which source, in which pass over it, which of its examples."""

    source: int
    epoch: int
    item: int


class Mixture:
    """An endless order of the examples of weighted sources.

    Each source gives its share of every thousand or so examples, and each of its examples once before any comes again.
    In every pass its shards come in another order; within a shard, `window` examples that are stored side by side change
    places, so that reading goes forward (1: just as they are stored). ValueError for weights and names that mean nothing.
    """

    def __init__(self, sources: Sequence[tuple[Source, float]], *, seed: int, window: int = 256) -> None:
        if not sources:
            raise ValueError("a mixture of no sources; give at least one with its weight")
        if seed < 0 or window < 1:
            raise ValueError(f"a mixture's seed is {seed} and its window {window}; they begin at 0 and 1")
        for source, weight in sources:
            if sum(source.runs) < 1:
                raise ValueError(f"source {source.name!r} has no examples; leave it out")
            if not weight > 0 or weight == float("inf"):
                raise ValueError(f"source {source.name!r} has weight {weight}; give a positive number or leave it out")
        names = [source.name for source, _ in sources]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two sources are called {sorted(twice)[0]!r}, and their orders go by name; rename one")
        self._given = tuple(sources)
        self.sources = [source for source, _ in sources]
        self.seed, self.window = seed, window
        whole = sum(weight for _, weight in sources)
        self._weights = [max(1, round(weight / whole * _WEIGHT)) for _, weight in sources]
        self._whole = sum(self._weights)
        self._starts = [[0, *accumulate(source.runs)] for source in self.sources]
        self._keys = [zlib.crc32(name.encode()) for name in names]
        # One entry each is enough for reading in order; a few let several readers share a mixture.
        self._block = lru_cache(8)(self._deal)
        self._pass = lru_cache(8 * len(sources))(self._shard_order)
        self._places = lru_cache(8 * len(sources))(self._window_order)

    def __reduce__(self) -> tuple[Any, ...]:
        """A mixture goes to other processes without what it keeps at hand."""
        return partial(Mixture, seed=self.seed, window=self.window), (self._given,)

    def place(self, number: int) -> Place:
        """What stands at a number of the order, counted from 0."""
        block = number // BLOCK
        while self._start(block + 1) <= number:
            block += 1
        owners, ranks = self._block(block)
        offset = number - self._start(block)
        source = int(owners[offset])
        epoch, position = divmod(self._taken(source, block) + int(ranks[offset]), self._starts[source][-1])
        return Place(source, epoch, self._index(source, epoch, position))

    def example(self, number: int) -> Example:
        """The example at a number of the order; Unusable where it cannot be had."""
        place = self.place(number)
        return self.sources[place.source].example(place.item)

    def rng(self, number: int) -> np.random.Generator:
        """The dice for whatever is random about an example at a number: it falls the same whoever asks, and when."""
        return np.random.default_rng((self.seed, 49979687, number))

    def _taken(self, source: int, block: int) -> int:
        """How many of the examples before a block are a source's."""
        return self._weights[source] * block * BLOCK // self._whole

    def _start(self, block: int) -> int:
        """The number at which a block starts: the shares are rounded down, so it is at most `block * BLOCK`."""
        return sum(self._taken(source, block) for source in range(len(self.sources)))

    def _deal(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """For each example of a block its source, and how many of that source's stand before it in the block."""
        counts = [self._taken(source, block + 1) - self._taken(source, block) for source in range(len(self.sources))]
        owners = np.repeat(np.arange(len(counts)), counts)
        owners = np.random.default_rng((self.seed, 86028121, block)).permutation(owners)
        ranks = np.zeros(len(owners), dtype=np.int64)
        for source, count in enumerate(counts):
            ranks[owners == source] = np.arange(count)
        return owners, ranks

    def _index(self, source: int, epoch: int, position: int) -> int:
        order, ends = self._pass(source, epoch)
        turn = bisect_right(ends, position)
        run = order[turn]
        size = self.sources[source].runs[run]
        window, inside = divmod(position - (ends[turn] - size), self.window)
        places = self._places(source, epoch, run, window, min(self.window, size - window * self.window))
        return self._starts[source][run] + window * self.window + int(places[inside])

    def _shard_order(self, source: int, epoch: int) -> tuple[list[int], list[int]]:
        """The runs of a source in the order of a pass, and at which position of the pass each ends."""
        runs = self.sources[source].runs
        order = np.random.default_rng((self.seed, 67867979, self._keys[source], epoch)).permutation(len(runs)).tolist()
        return order, list(accumulate(runs[run] for run in order))

    def _window_order(self, source: int, epoch: int, run: int, window: int, size: int) -> np.ndarray:
        return np.random.default_rng((self.seed, 15487469, self._keys[source], epoch, run, window)).permutation(size)
