"""What the routes of one server share."""

import asyncio
from dataclasses import dataclass

from fastapi import Request

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
        """What the model was trained for, as its config tells; one that tells nothing reads text."""
        return list(self.reader.model.config.to_dict().get("tasks", ["text"]))


def parts_of(request: Request) -> Parts:
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts
