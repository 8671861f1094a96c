"""The judgement of a load test on memory: it sees a leak beside noise, and says where it cannot tell."""

import json
import random

import pytest
from benchmarks.flatness import flatness

SECONDS = [float(second) for second in range(720)]


def measured(leak: float, noise: float, seed: int) -> list[float]:
    """A server of 800 MB that has started after two minutes, loses `leak` MB a minute, and strays for seconds at a time."""
    dice = random.Random(seed)
    made, stray = [], 0.0
    for second in SECONDS:
        stray = 0.9 * stray + dice.gauss(0, noise)
        made.append(min(800.0, 500 + 3 * second) + leak * second / 60 + stray)
    return made


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_is_seen_and_noise_is_none(seed):
    assert flatness(SECONDS, measured(0, 3, seed), bound=3).verdict == "flat"
    leaking = flatness(SECONDS, measured(15, 3, seed), bound=3)
    assert leaking.verdict == "grows"
    assert leaking.growth == pytest.approx(100 * 15 * 8 / 950, abs=2) and leaking.minutes == pytest.approx(8, abs=0.1)


def test_what_noise_hides_is_not_called_flat():
    found = {flatness(SECONDS, measured(0, 60, seed), bound=3).verdict for seed in range(20)}
    assert "undecided" in found and "grows" not in found


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    held = 0
    for seed in range(200):
        found = flatness(SECONDS, measured(5, 10, seed), bound=3)
        held += found.at_least <= 100 * 5 * 8 / found.mean_megabytes <= found.at_most
    assert 170 <= held < 200


def test_a_run_of_a_minute_says_nothing():
    found = flatness(SECONDS[:60], measured(0, 1, 0)[:60], bound=3)
    assert found.verdict == "too short" and json.loads(json.dumps(found.told()))["growth"] is None
    assert flatness([], [], bound=3).verdict == "too short"
