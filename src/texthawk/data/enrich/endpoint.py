"""One request to an OpenAI-compatible chat endpoint, and what can go wrong with it, told apart by what helps."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from texthawk.data.enrich.completion import Completion, completion_of
from texthawk.data.enrich.pace import retry_after
from texthawk.data.enrich.schema import Malformed

MOST_BYTES = 16 * 2**20
"""Of a reply; more is no annotation."""
TOLD = 300
"""Characters of a server's complaint that are passed on."""

_LATER = (408, 409, 425, 429)
_HOPELESS = (401, 402, 403, 404, 405)


class Trouble(Exception):
    """The same request may do better later; the message is a reason that many requests may share.

    wait: seconds that the server asked for, if it did.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(ValueError):
    """The server does not take this request, and will not take it again."""


class Hopeless(ValueError):
    """The server takes no request of this run: wrong address, key or model."""


@dataclass(frozen=True)
class Endpoint:
    """Where to ask. url: up to and with "/v1". key: sent as a bearer token and told nowhere. seconds: for a whole request."""

    url: str
    key: str | None = field(default=None, repr=False)
    seconds: float = 180.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            httpx2.URL(self.url)
        except (ValueError, httpx2.InvalidURL):  # what they say would repeat the address, and what it may hold
            usable = False
        if not usable:
            raise ValueError("the endpoint is no http or https address; give one as in http://localhost:8000/v1")
        if parts.username is not None or parts.password is not None or parts.query:
            raise ValueError("the endpoint's address holds more than host and path; keys go into a variable")
        if self.key is not None and not (
            self.key and self.key.isascii() and self.key.isprintable() and self.key.strip() == self.key
        ):
            raise ValueError("the API key holds characters that no key has; check the variable that it comes from")
        if not self.seconds > 0:
            raise ValueError(f"{self.seconds} seconds for a request are none; give a number above 0")

    @property
    def in_clear(self) -> bool:
        """Whether a key would travel readable for others."""
        parts = urlsplit(self.url)
        return (
            self.key is not None and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")
        )

    def client(self, connections: int) -> httpx2.AsyncClient:
        """A client to ask with; as many requests at a time as there are connections."""
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        return httpx2.AsyncClient(headers=headers, limits=limits, timeout=self.seconds, follow_redirects=False)

    async def ask(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> Completion:
        """Send one request. Raises Trouble, Refused, Hopeless, or Malformed where a 200 brings no chat completion."""
        try:
            async with asyncio.timeout(self.seconds):
                status, headers, content = await self._post(client, body)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise Trouble("no whole reply in time") from error
        except httpx2.ConnectError as error:
            raise Trouble("the server cannot be reached") from error
        except httpx2.HTTPError as error:
            raise Trouble(f"the connection broke ({type(error).__name__})") from error
        if status == 200:
            return completion_of(content)
        if status in _LATER or status >= 500:
            raise Trouble(f"status {status}", retry_after(headers.get("retry-after")))
        complaint = f"status {status}: {self._complaint(content)}"
        if status in _HOPELESS:
            raise Hopeless(
                f"the endpoint takes no request ({complaint}); check its address, the key and the model's name"
            )
        if status < 400:
            raise Hopeless(f"the endpoint sends elsewhere ({complaint}); give the address that answers itself")
        raise Refused(complaint)

    async def _post(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> tuple[int, httpx2.Headers, bytes]:
        url = self.url.rstrip("/") + "/chat/completions"
        async with client.stream("POST", url, json=body) as response:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise Malformed("the reply is larger than any annotation")
            return response.status_code, response.headers, bytes(content)

    def _complaint(self, content: bytes) -> str:
        """What a server says is wrong, without the key, which some servers repeat."""
        said = content.decode("utf-8", "replace")
        try:
            error = json.loads(content)["error"]
            said = error["message"] if isinstance(error, dict) else error
        except (ValueError, KeyError, TypeError):
            pass
        told = " ".join(str(said).split())
        if self.key:
            told = told.replace(self.key, "***")
        return told[:TOLD] or "no reason given"
