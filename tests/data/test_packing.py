"""Packs are full, hold no more than they may, lose nobody, and follow from the order alone."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from texthawk.data.packing import Cost, PackLimits, PackState, best_fit, plan_steps


@dataclass(frozen=True)
class Numbered:
    number: int
    cost: Cost


def costs(number: int) -> Cost:
    """Costs like a mixture's: one tile and a caption, a few tiles and questions, a page of many tiles and its text."""
    rng = np.random.default_rng(number)
    kind = rng.random()
    if kind < 0.5:
        tiles, text = 1, rng.integers(30, 200)
    elif kind < 0.8:
        tiles, text = rng.integers(5, 10), rng.integers(50, 400)
    else:
        tiles, text = rng.integers(13, 38), rng.integers(300, 1800)
    return Cost(int(text + 18 * tiles), int(tiles))


def read(numbers, lost=()):
    return ((number, None if number in lost else Numbered(number, costs(number))) for number in numbers)


def plans(count, packs=4, limits=PackLimits(), state=None, lost=()):  # noqa: B008
    return list(islice(plan_steps(lambda numbers: read(numbers, lost), limits, packs, state), count))


def test_packs_of_a_mixture_are_full():
    packs = [pack for plan in plans(40) for pack in plan.packs]
    fill = sum(item.cost.tokens for pack in packs for item in pack) / (4096 * len(packs))
    assert fill >= 0.97


def page(number: int) -> Cost:
    """Pages of all sizes with little text, and one in eight with much: only together can they fill packs."""
    rng = np.random.default_rng(number)
    tiles = int(rng.integers(5, 38))
    text = rng.integers(2500, 3700) - 18 * tiles if rng.random() < 0.12 else rng.integers(50, 350)
    return Cost(int(18 * tiles + text), tiles)


def test_pages_of_many_tiles_share_packs_with_those_of_much_text():
    def mixed(numbers):
        return ((number, Numbered(number, page(number))) for number in numbers)

    packs = [plan.packs[0] for plan in islice(plan_steps(mixed, PackLimits(), 1), 150)]
    fill = sum(item.cost.tokens for pack in packs for item in pack) / (4096 * len(packs))
    assert fill >= 0.9, "0.88 where the largest that fits is taken, whatever its shape"


def test_packs_keep_both_limits_and_every_sample_is_used_once_and_soon():
    limits = PackLimits(tokens=2500, tiles=40, window=64)
    planned = plans(60, limits=limits)
    packs = [pack for plan in planned for pack in plan.packs]
    for pack in packs:
        assert sum(item.cost.tokens for item in pack) <= 2500 and sum(item.cost.tiles for item in pack) <= 40
        assert max(item.number for item in pack) - min(item.number for item in pack) < 64 * 64
    used = [item.number for pack in packs for item in pack]
    after = planned[-1].after
    assert sorted([*used, *after.waiting]) == list(range(after.cursor))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4096), st.integers(0, 108)), min_size=1, max_size=40))
@example([(1, 0), (1, 7), (360, 102), (1710, 7)])  # an exchange sets tiles free
def test_no_pack_leaves_room_for_what_waits(given_costs):
    waiting, limits = [Cost(*cost) for cost in given_costs], PackLimits()
    chosen = best_fit(waiting, limits)
    assert chosen[0] == 0 and chosen == sorted(set(chosen)), "the oldest always goes"
    tokens = 4096 - sum(waiting[place].tokens for place in chosen)
    tiles = 108 - sum(waiting[place].tiles for place in chosen)
    assert tokens >= 0 and tiles >= 0
    left = [cost for place, cost in enumerate(waiting) if place not in chosen]
    assert not any(cost.tokens <= tokens and cost.tiles <= tiles for cost in left)


def test_each_state_leads_to_the_steps_that_followed_it():
    whole = plans(12, packs=3)
    for number in (0, 5, 10):
        state = PackState.from_json(whole[number].after.to_json())
        assert plans(11 - number, packs=3, state=state) == whole[number + 1 :]


def test_what_is_left_out_is_passed_over_and_changes_no_other_number():
    lost = set(range(0, 500, 7))
    planned = plans(8, lost=lost)
    used = {item.number for plan in planned for pack in plan.packs for item in pack}
    after = planned[-1].after
    assert used | set(after.waiting) == set(range(after.cursor)) - lost


def test_limits_that_hold_nothing_are_refused():
    with pytest.raises(ValueError, match="tiles 0"):
        PackLimits(tiles=0)
    with pytest.raises(ValueError, match="0 packs a step"):
        plans(1, packs=0)
