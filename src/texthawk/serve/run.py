"""Runs the application under uvicorn until a signal, then finishes what was accepted."""

import asyncio
import logging
import logging.config
import signal
import time
from types import FrameType

import uvicorn

from texthawk.decode.reader import Reader
from texthawk.serve.app import make_app, make_parts
from texthawk.serve.hurry import hurried
from texthawk.serve.jobs import Job
from texthawk.serve.logs import fields, log_settings
from texthawk.serve.parts import Parts
from texthawk.serve.settings import Settings

LOG = logging.getLogger("texthawk.serve")
LOOK_SECONDS = 0.1
COLLECT_SECONDS = 10.0
TELL_SECONDS = 2.0


def serve(reader: Reader, settings: Settings, *, host: str, port: int, log_level: str = "info") -> None:
    """Serve until SIGTERM or SIGINT; ValueError when the address cannot be used or the model cannot be served."""
    logging.config.dictConfig(log_settings(log_level))
    logging.captureWarnings(True)  # or what libraries warn of would be no JSON
    make_server(reader, settings, host=host, port=port).run()


def make_server(reader: Reader, settings: Settings, *, host: str, port: int) -> "Server":
    parts = make_parts(reader, settings)
    config = uvicorn.Config(
        make_app(parts),
        host=host,
        port=port,
        http=hurried(settings),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return Server(config, parts)


class Server(uvicorn.Server):
    """A server that stays reachable while it finishes: new work is refused, results can be fetched, /healthz says so."""

    def __init__(self, config: uvicorn.Config, parts: Parts) -> None:
        super().__init__(config)
        self.parts = parts
        self._finishing: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the end, the second one makes it short."""
        if self.parts.draining:
            self.should_exit = self.force_exit = True
        else:
            self.parts.draining = True
            LOG.info("shutting down", extra=fields(signal=signal.Signals(sig).name))

    async def on_tick(self, counter: int) -> bool:
        if self.parts.draining and self._finishing is None:
            self._finishing = asyncio.create_task(self._finish())
        return await super().on_tick(counter)

    async def _finish(self) -> None:
        """Wait for all that runs, then for what became ready meanwhile to be fetched; both have their time."""
        parts, began = self.parts, time.monotonic()
        accepted = parts.jobs.unfinished
        deadline = began + parts.settings.shutdown_seconds
        while time.monotonic() < deadline and (parts.jobs.unfinished or parts.unfinished):
            await asyncio.sleep(LOOK_SECONDS)
        left = len(parts.jobs.unfinished) + parts.unfinished
        if left:
            for engine in parts.engines:
                await asyncio.to_thread(engine.close, 0.0)  # tells those who wait that they wait in vain
        deadline = min(max(deadline, time.monotonic() + TELL_SECONDS), time.monotonic() + COLLECT_SECONDS)
        while time.monotonic() < deadline and (parts.requests or not all(_collected(job, parts) for job in accepted)):
            await asyncio.sleep(LOOK_SECONDS)
        LOG.info("finished", extra=fields(seconds=round(time.monotonic() - began, 2), left=left))
        self.should_exit = True


def _collected(job: Job, parts: Parts) -> bool:
    return job.collected or parts.jobs.get(job.id) is None
