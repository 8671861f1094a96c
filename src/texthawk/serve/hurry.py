"""Clients that begin a request and do not go on with it: their connection is closed after a time, not kept for ever.

uvicorn bounds the time between requests alone. The body of a request that is being answered has its own bound
(`serve/gate.py`); here is one for everything before and after: headers that do not end, a connection on which nothing is
ever said, the rest of a body that nobody reads because the answer is out already.
"""

import asyncio
import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from texthawk.serve.errors import Refusal

LOG = logging.getLogger("texthawk.serve")


def hurried(seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol with `seconds` for a client to complete what it has begun."""

    class Hurried(H11Protocol):
        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _watch(self) -> None:
            """The clock goes on while the client owes something; more of it does not set it back."""
            if not self._owes():
                self._stop()
            elif self._clock is None:
                self._clock = self.loop.call_later(seconds, self._late)

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
            if self.conn.our_state is h11.IDLE:
                answer = Refusal(408, "the request took too long to arrive", code="too_slow").response()
                headers = [*answer.raw_headers, (b"connection", b"close")]
                for event in (
                    h11.Response(status_code=408, headers=headers, reason=b"Request Timeout"),
                    h11.Data(data=bytes(answer.body)),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Hurried
