"""How fast requests go out: a server's limits a minute, its wish to be left alone for a while, growing waits after failures."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MINUTE = 60.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


class Pace:
    """Spreads the starts of requests evenly over the minute, so that no minute has more of them than is allowed.

    requests, tokens: at most so many a minute; None: no limit. clock in seconds, sleep as asyncio's. A request that alone
    is larger than a minute's tokens goes out and is paid for by the wait of the next.
    """

    def __init__(
        self,
        requests: float | None,
        tokens: float | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        for name, limit in (("requests", requests), ("tokens", tokens)):
            if limit is not None and not limit > 0:
                raise ValueError(f"{limit} {name} a minute let nothing through; give a number above 0, or no limit")
        self._requests, self._tokens, self._clock, self._sleep = requests, tokens, clock, sleep
        self._requests_from = self._tokens_from = self._quiet_until = float("-inf")

    async def turn(self, tokens: int) -> None:
        """Wait until a request that will cost about so many tokens may start."""
        now = self._clock()
        start = max(now, self._requests_from, self._tokens_from)
        if self._requests is not None:
            self._requests_from = start + MINUTE / self._requests
        if self._tokens is not None:
            self._tokens_from = start + MINUTE * tokens / self._tokens
        while (wait := max(start, self._quiet_until) - self._clock()) > 0:
            await self._sleep(wait)

    def settle(self, expected: int, spent: int) -> None:
        """A request cost other than expected: those behind it may start earlier, or must later."""
        if self._tokens is not None:
            self._tokens_from += MINUTE * (spent - expected) / self._tokens

    def quiet(self, seconds: float) -> None:
        """No request starts for so long: the server asked for it."""
        self._quiet_until = max(self._quiet_until, self._clock() + seconds)


def growing_wait(failures: int, chance: random.Random) -> float:
    """Seconds after the n-th failure in a row: twice as many each time up to a minute, of which half is left to chance.

    So requests that failed together do not come back together.
    """
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 30))
    return whole * chance.uniform(0.5, 1.0)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, given in seconds or as a date; None where there is none to be read."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - datetime.now(UTC)).total_seconds()
    if not seconds < float("inf"):
        return None
    return max(0.0, seconds)
