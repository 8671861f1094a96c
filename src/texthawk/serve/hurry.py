"""Clients that begin a request and do not go on with it, or do not take its answer: they are cut off after a time.

uvicorn bounds the time between requests alone. The body of a request that is being answered has its own bound
(`serve/gate.py`); here is one for everything before and after: headers that do not end, a connection on which nothing is
ever said, the rest of a body that nobody reads because the answer is out already, and an answer that nobody takes,
which uvicorn would hold for ever, even one that is complete.
"""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from texthawk.serve.errors import Refusal, too_busy
from texthawk.serve.settings import Settings

LOG = logging.getLogger("texthawk.serve")
LEAST = 64 * 1024  # bytes of an answer, or all that is left of it, that a client takes within its time
RETRY_SECONDS = 5


def hurried(settings: Settings) -> type[H11Protocol]:
    """uvicorn's protocol with `header_seconds` for a client to complete what it has begun.

    In `answer_seconds` it must take what it was sent, or LEAST bytes of it. Beyond `connections` open at a time, each
    further one is told to come back.
    """

    class Hurried(H11Protocol):
        _clock: asyncio.TimerHandle | None = None
        _answer_clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            # Writing is paused as soon as the system's own buffers are full, so that a pause is what is to be watched.
            transport.set_write_buffer_limits(high=0)
            if len(self.connections) > settings.connections:
                LOG.warning("too many connections")
                self.app = _come_back
            self._watch()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch_answer()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop_answer()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            self._stop_answer()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            """What is no HTTP is refused in the form that everything else is."""
            self._last_words(Refusal(400, msg, code="invalid_http"))

        def _watch_answer(self) -> None:
            self._stop_answer()
            size = self.transport.get_write_buffer_size()
            self._answer_clock = self.loop.call_later(settings.answer_seconds, self._untaken, size)

        def _untaken(self, before: int) -> None:
            """Nothing is written while there is something left, so that what is less was taken."""
            if before - self.transport.get_write_buffer_size() >= LEAST:
                self._watch_answer()
                return
            self._answer_clock = None
            LOG.info("a client does not take its answer")
            self.transport.abort()

        def _stop_answer(self) -> None:
            if self._answer_clock is not None:
                self._answer_clock.cancel()
                self._answer_clock = None

        def _watch(self) -> None:
            """The clock goes on while the client owes something; more of it does not set it back."""
            if not self._owes():
                self._stop()
            elif self._clock is None:
                self._clock = self.loop.call_later(settings.header_seconds, self._late)

        def _owes(self) -> bool:
            """Whether a request is not complete that nobody waits for; between requests uvicorn's own clock goes."""
            if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
                return False
            if self.conn.their_state is h11.IDLE:
                return self.timeout_keep_alive_task is None
            return self.conn.their_state is h11.SEND_BODY

        def _stop(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _late(self) -> None:
            self._clock = None
            if self.transport.is_closing():
                return
            LOG.info("a client was too slow")
            self._last_words(Refusal(408, "the request took too long to arrive", code="too_slow"))

        def _last_words(self, refusal: Refusal) -> None:
            """Say it, where an answer has not begun yet, and hang up."""
            if self.conn.our_state is h11.IDLE:
                answer = refusal.response()
                headers = [*answer.raw_headers, (b"connection", b"close")]
                for event in (
                    h11.Response(status_code=refusal.status, headers=headers, reason=HTTPStatus(refusal.status).phrase),
                    h11.Data(data=bytes(answer.body)),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Hurried


async def _come_back(scope: Any, receive: Any, send: Any) -> None:
    """Answers whatever is asked on a connection too many, and ends it."""
    answer = too_busy("there are too many connections", RETRY_SECONDS).response()
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
