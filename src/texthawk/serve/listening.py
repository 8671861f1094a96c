"""Whether the client of a request still listens: what nobody waits for any more is not begun, and not gone on with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from fastapi import Request

Result = TypeVar("Result")


class Gone(Exception):
    """The client went away; it hears nothing of this, the log does."""


@contextlib.asynccontextmanager
async def listening(request: Request) -> AsyncIterator["asyncio.Task[None]"]:
    """A task that is done when the client has gone; its body must have been read before."""
    gone = asyncio.create_task(_disconnected(request))
    try:
        yield gone
    finally:
        gone.cancel()


async def unless(gone: "asyncio.Task[None]", work: Coroutine[Any, Any, Result]) -> Result:
    """The result of some work, which is broken off where the client goes first; raises Gone then, and what it raises."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((gone, task), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Gone
        return task.result()
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def turn(places: asyncio.Semaphore, gone: "asyncio.Task[None]") -> AsyncIterator[None]:
    """One of a bounded number of places; raises Gone where the client goes while it waits for it."""
    await unless(gone, places.acquire())
    try:
        if gone.done():
            raise Gone
        yield
    finally:
        places.release()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
