"""What the routes of one server share."""

import asyncio
from dataclasses import dataclass

from fastapi import Request

from texthawk.decode.asked import tasks_of
from texthawk.decode.grammar import Schemas
from texthawk.decode.reader import Reader
from texthawk.serve.engine import Engine
from texthawk.serve.jobs import Jobs
from texthawk.serve.metrics import Metrics
from texthawk.serve.prompts import Prompts
from texthawk.serve.settings import Settings


@dataclass
class Parts:
    """`pictures`: bounds the pages drawn at a time; `requests`: how many are being answered.

    `draining`: a signal came, and nothing new is accepted.
    """

    settings: Settings
    reader: Reader
    engine: Engine
    prompts: Prompts
    schemas: Schemas
    jobs: Jobs
    metrics: Metrics
    pictures: asyncio.Semaphore
    requests: int = 0
    draining: bool = False

    @property
    def tasks(self) -> list[str]:
        return tasks_of(self.reader)


def parts_of(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts
