"""What every request passes before a route sees it: who it is from, how large it may be, and that it is counted."""

import asyncio
import hmac
import http
import ipaddress
import logging
import secrets
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from texthawk.serve.errors import Refusal, too_busy
from texthawk.serve.logs import fields
from texthawk.serve.parts import Parts

SPILL_SECONDS, SPILL_BYTES = 2.0, 2**28
BODIES = 8  # of the largest size, that are in memory at a time
RETRY_SECONDS = 5
LOG = logging.getLogger("texthawk.serve")
OPEN_TO_ALL = ("/healthz", "/", "/web/page.js", "/web/style.css")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_METHODS = frozenset(method.value for method in http.HTTPMethod)
_ALWAYS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Gate:
    """Wraps the application. Refuses by key, origin and size, bounds the time a body may take, logs and counts."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app, self._parts = app, parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, number = time.monotonic(), secrets.token_hex(8)
        status, sent, gone = 0, 0, False

        async def watched_send(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = number
                for name, value in _ALWAYS.items():
                    headers[name] = value
            else:
                sent += len(message.get("body", b""))
            await send(message)

        async def watched_receive() -> Message:
            nonlocal gone
            message = await body.receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        body = _Body(receive, self._parts)
        self._parts.requests += 1
        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                if "expect" not in Headers(scope=scope):  # whoever expects leave to send has not sent anything yet
                    await body.spill()
                await refusal.response()(scope, receive, watched_send)
            else:
                await self._app(scope, watched_receive, watched_send)
        finally:
            self._parts.requests -= 1
            self._parts.held -= body.size
            seconds = time.monotonic() - began
            self._count(scope, status, seconds)
            LOG.info(
                "request",
                extra=fields(
                    request=number,
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    seconds=round(seconds, 4),
                    bytes=sent,
                    client=(scope.get("client") or ("",))[0],
                    **({"disconnected": True} if gone and not status else {}),
                ),
            )

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if not self._is_own_page(headers):
            return Refusal(
                403,
                "requests come from programs or from this server's own page; where it is reached by a name or through a "
                "proxy, start it with --origin and the address that browsers show",
                code="foreign_origin",
            )
        if scope["path"] not in OPEN_TO_ALL and not self._knows_key(headers):
            return Refusal(401, "the API key is missing or wrong; send it as a bearer token", code="invalid_api_key")
        if self._parts.draining and scope["method"] == "POST":
            return Refusal(503, "the server is shutting down", code="shutting_down", retry_after=10)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._parts.settings.max_upload:
            return too_large(self._parts.settings.max_upload)
        return None

    def _is_own_page(self, headers: Headers) -> bool:
        """Whether a request is a program's, or comes from a page of this server.

        A page of another site could otherwise make a visitor's browser use a server on that visitor's machine. Such a
        site may also have its own name lead there; so without a key that only its users know, a name is believed only
        where nobody else can own it.
        """
        origin, settings = headers.get("origin"), self._parts.settings
        if origin is None or origin in settings.origins:
            return True
        try:
            parts = urlsplit(origin)
            host = parts.hostname or ""
        except ValueError:
            return False
        return parts.netloc == headers.get("host") and (settings.api_key is not None or _is_nobodys(host))

    def _knows_key(self, headers: Headers) -> bool:
        key = self._parts.settings.api_key
        if key is None:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return hmac.compare_digest(given.strip().encode(), key.encode()) and scheme.lower() == "bearer"

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        name = route.path if route is not None else "none"
        # Of names that a client could make up, each would be a metric, and kept for ever.
        method = scope["method"] if route is not None and scope["method"] in _METHODS else "other"
        self._parts.metrics.requests.labels(method, name, str(status)).inc()
        self._parts.metrics.seconds.labels(name).observe(seconds)


class _Body:
    """Passes a request's body on as long as it keeps its size and its time; raises Refusal when it does not."""

    def __init__(self, receive: Receive, parts: Parts) -> None:
        self._receive, self._parts = receive, parts
        self._limit = parts.settings.max_upload
        self._deadline = time.monotonic() + parts.settings.body_seconds
        self.size, self._complete = 0, False

    async def receive(self) -> Message:
        if self._complete:  # what comes now is the end of the connection, for which one may wait as long as it takes
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._deadline - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(408, "the request took too long to arrive", code="too_slow") from None
        size = len(message.get("body", b""))
        self.size += size
        self._parts.held += size
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        if self.size > self._limit:
            await self.spill()
            raise too_large(self._limit)
        if self._parts.held > BODIES * self._limit:
            await self.spill()
            raise too_busy("too much is being sent at once", RETRY_SECONDS)
        return message

    async def spill(self) -> None:
        """Let the rest of the body run out for a moment: a client that is cut off while it sends reads no answer."""
        spilt = 0
        try:
            async with asyncio.timeout(SPILL_SECONDS):
                while not self._complete and spilt < SPILL_BYTES:
                    message = await self._receive()
                    spilt += len(message.get("body", b""))
                    self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        except TimeoutError:
            pass


def too_large(limit: int) -> Refusal:
    return Refusal(413, f"the request is larger than the limit of {limit} bytes", code="request_too_large")


def _is_nobodys(host: str) -> bool:
    """Whether no name server of somebody else's can say what a host is: an address, or a name without a domain."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(".localhost")
    return True
