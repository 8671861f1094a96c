"""A mixture's order is a function of its number alone, fair to weights, and complete."""

import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texthawk.data.example import Example, Turn
from texthawk.data.mixture import Mixture


@dataclass
class Numbers:
    """A source whose examples are called by their numbers."""

    name: str
    runs: Sequence[int]

    def example(self, index: int) -> Example:
        return Example(f"{self.name}/{index}", self.name, b"", (Turn("?", str(index), "vqa"),))


def mixture(seed: int = 0, window: int = 16) -> Mixture:
    return Mixture(
        [(Numbers("a", [100, 7, 50]), 5), (Numbers("b", [30] * 5), 1), (Numbers("c", [10**12]), 0.01)],
        seed=seed,
        window=window,
    )


def test_a_place_is_the_same_whatever_was_asked_before():
    forward = [mixture().place(number) for number in range(3000)]
    other = mixture()
    assert [other.place(number) for number in reversed(range(3000))] == forward[::-1]
    far = 10**12 + 12345
    assert mixture().place(far) == other.place(far) == pickle.loads(pickle.dumps(other)).place(far)


def test_seeds_give_different_orders_and_numbers_different_dice():
    one, two = mixture(0), mixture(1)
    assert [one.place(n) for n in range(500)] != [two.place(n) for n in range(500)]
    assert one.rng(3).random() == mixture(0).rng(3).random() != one.rng(4).random()
    assert one.rng(3).random() != two.rng(3).random()


@pytest.mark.parametrize("window", [1, 16, 1000])
def test_every_example_of_a_source_comes_once_before_any_comes_again(window):
    mixed, seen = mixture(window=window), {}
    for number in range(2500):
        place = mixed.place(number)
        seen.setdefault((place.source, place.epoch), []).append(place.item)
    for source, total in ((0, 157), (1, 150)):
        assert sorted(seen[source, 0]) == list(range(total))
    passes = [seen[0, epoch] for epoch in range(10)]
    assert all(sorted(indices) == list(range(157)) for indices in passes)
    assert len({tuple(indices) for indices in passes}) >= (10 if window > 1 else 3), "three shards have six orders"


def test_reading_goes_forward_within_a_shard_and_finishes_it_before_the_next():
    mixed = Mixture([(Numbers("a", [100, 64, 32]), 1)], seed=3, window=16)
    indices = [mixed.place(number).item for number in range(196)]
    shards = [sum(index >= start for start in (100, 164)) for index in indices]
    assert sum(a != b for a, b in zip(shards, shards[1:], strict=False)) == 2
    for shard in range(3):
        own = [index for index, at in zip(indices, shards, strict=True) if at == shard]
        assert all(abs(index - min(own) - turn) < 16 for turn, index in enumerate(own))
        assert own != sorted(own)
    stored = Mixture([(Numbers("a", [100]), 1)], seed=3, window=1)
    assert [stored.place(number).item for number in range(100)] == list(range(100))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=5), st.integers(0, 2**40))
def test_every_stretch_holds_the_sources_by_their_weights(weights, start):
    sources = [(Numbers(str(n), [1000]), weight) for n, weight in enumerate(weights)]
    mixed = Mixture(sources, seed=0)
    length = 4096
    counts = Counter(mixed.place(start + number).source for number in range(length))
    for source, weight in enumerate(weights):
        assert abs(counts[source] / length - weight / sum(weights)) < 0.03


def test_a_source_keeps_its_own_order_beside_others():
    def order(*sources):
        mixed = Mixture(sources, seed=9)
        places = [mixed.place(number) for number in range(4000)]
        name = [source.name for source, _ in sources].index("a")
        return [(place.epoch, place.item) for place in places if place.source == name][:300]

    a = Numbers("a", [40, 40, 40])
    assert order((a, 1)) == order((Numbers("b", [9]), 3), (a, 1))


def test_what_cannot_be_mixed_is_refused():
    a = Numbers("a", [3])
    for sources, words in (
        ([], "no sources"),
        ([(a, 0)], "weight 0"),
        ([(a, float("nan"))], "weight nan"),
        ([(Numbers("e", []), 1)], "no examples"),
        ([(Numbers("e", []), 0)], "no examples"),  # an empty folder weighs nothing unless its file says otherwise
        ([(a, 1), (Numbers("a", [5]), 1)], "two sources are called 'a'"),
    ):
        with pytest.raises(ValueError, match=words):
            Mixture(sources, seed=0)
