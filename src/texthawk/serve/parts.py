"""What the routes of one server share."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request

from texthawk.decode.asked import tasks_of
from texthawk.decode.grammar import Schemas
from texthawk.decode.reader import Reader
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
    or wait. `draining`: a signal came, and nothing new is accepted.
    """

    settings: Settings
    reader: Reader
    engine: Engine
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
    def tasks(self) -> list[str]:
        return tasks_of(self.reader)


def parts_of(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts
