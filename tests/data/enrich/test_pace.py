"""Starts of requests keep a server's limits, on a clock that the test moves."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texthawk.data.enrich.pace import MINUTE, Pace, growing_wait, retry_after


class Clock:
    def __init__(self):
        self.now = 0.0

    async def sleep(self, seconds):
        self.now += seconds

    def pace(self, requests=None, tokens=None):
        return Pace(requests, tokens, clock=lambda: self.now, sleep=self.sleep)


def starts(costs, requests=None, tokens=None, after=lambda pace, i: None):
    clock, found = Clock(), []
    pace = clock.pace(requests, tokens)

    async def go():
        for i, cost in enumerate(costs):
            await pace.turn(cost)
            found.append(clock.now)
            after(pace, i)

    asyncio.run(go())
    return found


@given(st.integers(1, 50), st.integers(2, 120))
def test_no_minute_has_more_starts_than_allowed(limit, count):
    times = starts([1] * count, requests=limit)
    for start in times:
        assert sum(start <= time < start + MINUTE - 1e-6 for time in times) <= limit


@given(st.lists(st.integers(1, 500), min_size=2, max_size=60))
def test_no_minute_has_more_tokens_than_allowed_but_for_its_last_request(costs):
    times = starts(costs, tokens=1000)
    for i, start in enumerate(times):
        inside = [cost for time, cost in zip(times[i:], costs[i:], strict=True) if time < start + MINUTE - 1e-6]
        assert sum(inside[:-1]) <= 1000


def test_without_limits_nobody_waits():
    assert starts([10**9] * 5) == [0.0] * 5


def test_a_limit_is_used_up():
    assert starts([1] * 61, requests=60)[-1] == pytest.approx(60)
    assert starts([50] * 21, tokens=1000)[-1] == pytest.approx(60)


def test_a_request_that_cost_less_or_more_moves_those_behind_it():
    assert starts([100, 100], tokens=1000)[1] == pytest.approx(6)
    assert starts([100, 100], tokens=1000, after=lambda pace, i: pace.settle(100, 50))[1] == pytest.approx(3)
    assert starts([100, 100], tokens=1000, after=lambda pace, i: pace.settle(100, 200))[1] == pytest.approx(12)


def test_a_request_larger_than_a_minute_goes_out_and_the_next_pays():
    assert starts([3000, 1], tokens=1000) == pytest.approx([0, 180])


def test_quiet_holds_for_requests_that_wait_already():
    clock = Clock()
    pace = clock.pace(requests=60)

    async def sleep(seconds):  # while the second request waits, the server asks to be left alone
        clock.now += seconds
        if clock.now < 2:
            pace.quiet(10)

    pace = Pace(60, None, clock=lambda: clock.now, sleep=sleep)

    async def go():
        await pace.turn(1)
        await pace.turn(1)

    asyncio.run(go())
    assert clock.now == pytest.approx(11)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_that_lets_nothing_through_is_refused(limit):
    with pytest.raises(ValueError, match="let nothing through"):
        Pace(limit, None, clock=lambda: 0.0)


def test_waits_double_up_to_a_minute_and_differ():
    chance = random.Random(0)
    for failures, whole in ((1, 1), (2, 2), (4, 8), (7, 60), (10_000, 60)):
        waits = [growing_wait(failures, chance) for _ in range(50)]
        assert all(whole / 2 <= wait <= whole for wait in waits)
        assert len(set(waits)) == 50


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7), ("0.5", 0.5), ("-3", 0), ("soon", None), ("", None), ("nan", None), ("inf", None)],
)
def test_retry_after_in_seconds(value, seconds):
    assert retry_after(value) == seconds


def test_retry_after_as_a_date():
    later = datetime.now(UTC) + timedelta(seconds=100)
    assert 95 < retry_after(format_datetime(later, usegmt=True)) <= 100
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
