"""What the routes of one server share."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request

from texthawk.decode.asked import tasks_of
from texthawk.decode.grammar import Schemas
from texthawk.decode.reader import Reader
from texthawk.serve.asker import EngineAsker, reading_with
from texthawk.serve.engine import Engine
from texthawk.serve.jobs import Jobs
from texthawk.serve.metrics import Metrics
from texthawk.serve.prompts import Prompts
from texthawk.serve.settings import Settings

PICTURES, PREPARING, FETCHING, CONSULTING = 4, 4, 8, 4


@dataclass
class Parts:
    """What is done at a time is bounded: `pictures` pages are drawn, `preparing` chats have their prompts made, `fetching`
    images are fetched, `consulting` questions about pages are answered.

    `requests`: how many are being answered; `held`: bytes of their bodies; `consultations`: questions that are answered
    or wait. `draining`: a signal came, and nothing new is accepted. `answering`: runs the model that answers and
    points, `engine` itself where that is the one that reads.
    """

    settings: Settings
    reader: Reader
    engine: Engine
    answering: Engine
    prompts: Prompts
    schemas: Schemas
    jobs: Jobs
    metrics: Metrics
    pictures: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PICTURES))
    preparing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PREPARING))
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHING))
    consulting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONSULTING))
    requests: int = 0
    consultations: int = 0
    held: int = 0
    draining: bool = False

    @property
    def engines(self) -> tuple[Engine, ...]:
        return (self.engine,) if self.answering is self.engine else (self.engine, self.answering)

    @property
    def unfinished(self) -> int:
        """Answers that are generated or wait for it."""
        return sum(engine.running + engine.waiting for engine in self.engines)

    def consulted(self, gone: "asyncio.Task[None]") -> Reader:
        """The reader as one request asks it, through the engines; it is cancelled when nobody listens any more."""
        asker = EngineAsker(self.reader, self.engine, self.prompts)
        answers = EngineAsker(self.reader.answers or self.reader, self.answering, self.prompts)
        gone.add_done_callback(lambda _: asker.cancel())
        gone.add_done_callback(lambda _: answers.cancel())
        return reading_with(self.reader, asker, answers)

    @property
    def tasks(self) -> list[str]:
        return tasks_of(self.reader)


def parts_of(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts
