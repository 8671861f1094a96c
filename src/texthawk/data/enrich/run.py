"""The run: pages go out to the teacher a few at a time, usable replies go into the ledger, everything else is counted."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from texthawk.data.enrich.asked import (
    Asking,
    Picture,
    Request,
    body_of,
    picture_of,
    prompt_tokens,
    read_reply,
    requests_of,
)
from texthawk.data.enrich.completion import Completion
from texthawk.data.enrich.endpoint import Endpoint, Refused, Trouble
from texthawk.data.enrich.kinds import Kind, Reply
from texthawk.data.enrich.ledger import Entry, Ledger, Spent
from texthawk.data.enrich.pace import Pace, growing_wait
from texthawk.data.enrich.schema import Malformed
from texthawk.data.example import Example

NO_USABLE_REPLY = "no usable reply"


@dataclass(frozen=True)
class Patience:
    """How often and how long is tried.

    retries: of a request whose reply cannot be used. request_retries: of one that failed on the way. seconds: waited for one
    request all in all. stop_after: requests that came to nothing in a row, after which the run stops. budget: tokens of this
    run after which nothing more is asked; requests under way are let finish.
    """

    retries: int = 3
    request_retries: int = 6
    seconds: float = 900.0
    stop_after: int = 20
    budget: int | None = None


@dataclass
class Report:
    """What a run did. `unusable`, `troubles` and `failed` count replies, requests and annotations by reason."""

    pages: int = 0
    answered: int = 0
    there_already: int = 0
    no_occasion: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    first_failed: dict[str, str] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)
    without_usage: int = 0
    stopped: str = ""


class Enrichment:
    """Asks for everything that the ledger does not have yet. concurrency: requests under way at a time."""

    def __init__(
        self,
        endpoint: Endpoint,
        kinds: Mapping[str, Kind],
        asking: Asking,
        ledger: Ledger,
        pace: Pace,
        patience: Patience,
        *,
        concurrency: int = 4,
        chance: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        watch: Callable[[Report], None] = lambda report: None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"{concurrency} requests at a time are none; give 1 or more")
        self._endpoint, self._kinds, self._asking, self._ledger = endpoint, kinds, asking, ledger
        self._pace, self._patience, self._concurrency = pace, patience, concurrency
        self._chance, self._sleep, self._watch = chance or random.Random(), sleep, watch
        self._in_a_row = 0
        self.report = Report()

    async def run(self, examples: Iterable[Example]) -> Report:
        """Ask for all of them. Raises Hopeless where the endpoint takes nothing; what is in the ledger stays there."""
        async with self._endpoint.client(self._concurrency) as client:
            waiting = self._pending(examples)
            tasks = [asyncio.create_task(self._work(waiting, client)) for _ in range(self._concurrency)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return self.report

    def _pending(self, examples: Iterable[Example]) -> Iterator[tuple[Example, list[Request]]]:
        for example in examples:
            self.report.pages += 1
            try:
                requests = requests_of(example, self._kinds, self._asking)
            except (OSError, ValueError) as error:
                self._failed(f"the picture cannot be read ({type(error).__name__})", example, len(self._kinds))
                continue
            self.report.no_occasion += len(self._kinds) - len(requests)
            missing = [request for request in requests if request.key not in self._ledger]
            self.report.there_already += len(requests) - len(missing)
            if missing:
                yield example, missing

    async def _work(self, waiting: Iterator[tuple[Example, list[Request]]], client: httpx2.AsyncClient) -> None:
        while not self.report.stopped:
            example, requests = next(waiting, (None, []))
            if example is None:
                return
            try:
                picture = await asyncio.to_thread(picture_of, example, self._asking.max_side)
            except (OSError, ValueError) as error:
                self._failed(f"the picture cannot be read ({type(error).__name__})", example, len(requests))
                continue
            for request in requests:
                if not self._may_go_on():
                    return
                self._ledger.add(await self._asked(request, example, picture, client))
                self._watch(self.report)

    def _may_go_on(self) -> bool:
        budget = self._patience.budget
        if not self.report.stopped and budget is not None and self.report.spent.tokens >= budget:
            self.report.stopped = f"the budget of {budget} tokens is spent"
        return not self.report.stopped

    async def _asked(self, request: Request, example: Example, picture: Picture, client: httpx2.AsyncClient) -> Entry:
        """One request until it has a usable reply, has come to nothing, or the run stops."""
        spent, unusable, troubles = Spent(), Counter[str](), Counter[str]()
        waited, complaint = 0.0, ""

        def entry(reply: Reply | None) -> Entry:
            return Entry(request.key, example.id, request.name, reply, spent, dict(unusable + troubles))

        def came_to_nothing(reason: str) -> Entry:
            self._failed(reason, example)
            self._in_a_row += 1
            if self._in_a_row >= self._patience.stop_after and not self.report.stopped:
                self.report.stopped = f"{self._in_a_row} requests in a row came to nothing, the last one: {reason}"
            return entry(None)

        while True:
            body = body_of(request, example, picture, self._asking, complaint)
            try:
                completion = await self._sent(body, prompt_tokens(request, picture.pixels), client, spent)
                reply = read_reply(completion, request, example)
            except Refused as error:
                return came_to_nothing(f"refused with {error}")
            except Malformed as error:
                complaint = str(error)
                unusable[complaint] += 1
                self.report.unusable[complaint] += 1
                self.report.spent.unusable += spent.tokens - spent.unusable
                spent.unusable = spent.tokens
                if unusable.total() > self._patience.retries:
                    return came_to_nothing(NO_USABLE_REPLY)
            except Trouble as error:
                troubles[str(error)] += 1
                self.report.troubles[str(error)] += 1
                wait = growing_wait(troubles.total(), self._chance)
                if error.wait is not None:
                    if error.wait > self._patience.seconds:
                        self.report.stopped = f"the server wants to be left alone for {error.wait:.0f} s"
                    else:
                        self._pace.quiet(error.wait)
                        wait = max(wait, error.wait)
                waited += wait
                if troubles.total() > self._patience.request_retries or waited > self._patience.seconds:
                    return came_to_nothing(str(error))
                if not self.report.stopped:
                    await self._sleep(wait)
            else:
                self._in_a_row = 0
                self.report.answered += 1
                return entry(reply)
            if not self._may_go_on():
                return entry(None)

    async def _sent(self, body: dict[str, Any], prompt: int, client: httpx2.AsyncClient, spent: Spent) -> Completion:
        """Send when it is this request's turn, and count what it cost."""
        expected = prompt + self._asking.max_tokens
        await self._pace.turn(expected)
        try:
            completion = await self._endpoint.ask(client, body)
        except (Trouble, Refused):
            self._pace.settle(expected, 0)
            raise
        except Malformed:
            self._count(Spent(replies=1), spent)
            self.report.without_usage += 1
            raise
        if completion.prompt_tokens is None or completion.completion_tokens is None:
            self.report.without_usage += 1
        cost = Spent(1, completion.prompt_tokens or 0, completion.completion_tokens or 0)
        if cost.tokens:
            self._pace.settle(expected, cost.tokens)
        self._count(cost, spent)
        return completion

    def _count(self, cost: Spent, spent: Spent) -> None:
        spent.add(cost)
        self.report.spent.add(cost)

    def _failed(self, reason: str, example: Example, count: int = 1) -> None:
        self.report.failed[reason] += count
        self.report.first_failed.setdefault(reason, example.id)
