"""Images from elsewhere, when a server allows them at all: public addresses only, at every step of the way."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
_CHUNK = 64 * 1024


class Unfetchable(ValueError):
    """The image cannot or must not be fetched; `too_large` when its size is the reason."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


def fetch(url: str, *, limit: int, seconds: float) -> bytes:
    """The bytes behind an http or https URL, at most `limit` of them, within `seconds` all in all.

    A name is resolved once, every address it has must be public, and the connection goes to an address that was
    looked at: a name server that changes its mind in between gains nothing. Redirects are followed by the same rules;
    proxies of the environment are not used. Raises Unfetchable.
    """
    deadline = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        parts = _checked(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        assert parts.hostname is not None
        address = public_address(parts.hostname, port, max(0.0, deadline - time.monotonic()))
        try:
            status, location, content = _get(parts, address, port, limit, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise Unfetchable(f"{parts.hostname} did not give the image ({type(error).__name__})") from error
        if location is None:
            if status != http.HTTPStatus.OK:
                raise Unfetchable(f"{parts.hostname} answered {status} where an image was asked for")
            return content
        url = urljoin(url, location)
    raise Unfetchable(f"the image is behind more than {REDIRECTS} redirects; give its own address")


def public_address(host: str, port: int, seconds: float) -> str:
    """An address of a host, all of whose addresses are public, found in so many seconds; raises Unfetchable."""
    try:
        found = _looked_up(host, port, seconds)
    except TimeoutError as error:
        raise Unfetchable(f"no name server told in time where {host!r} is; try again") from error
    except (OSError, UnicodeError) as error:
        raise Unfetchable(f"the host {host!r} is unknown") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Unfetchable(f"the host {host!r} is not a public address; send the image as a data URL")
    return addresses[0]


def _looked_up(host: str, port: int, seconds: float) -> list[Any]:
    """What the system's resolver says; TimeoutError where it takes longer, for it can be given no time itself."""
    found: Future[list[Any]] = Future()

    def look() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.set_exception(error)

    threading.Thread(target=look, name="texthawk-look-up", daemon=True).start()
    return found.result(seconds)


def is_public(address: str) -> bool:
    """Whether an address can be reached by anybody; one that wraps an IPv4 address is as public as that is."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if parsed in ipaddress.ip_network("64:ff9b::/96"):  # NAT64: the IPv4 address is at the end
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        if parsed in ipaddress.ip_network("64:ff9b:1::/48") or parsed.is_site_local:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Unfetchable("the image's URL cannot be understood") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unfetchable(f"images come from http, https or data URLs, not from {parts.scheme or 'nothing'!r}")
    if parts.username is not None or parts.password is not None:
        raise Unfetchable("the image's URL holds a user name; leave it out")
    return parts


def _get(parts: SplitResult, address: str, port: int, limit: int, deadline: float) -> tuple[int, str | None, bytes]:
    """Status, where it points to if it is a redirect, and the content."""
    assert parts.hostname is not None
    pinned = _PinnedTls if parts.scheme == "https" else _Pinned
    connection = pinned(parts.hostname, port, address, _left(deadline))
    try:
        connection.connect()
        line = connection.sock  # the connection lets go of it when the answer ends with it
        with _ended(line, deadline):
            if isinstance(line, ssl.SSLSocket):
                line.do_handshake()
            return _answer(connection, line, parts, limit, deadline)
    finally:
        connection.close()


def _answer(
    connection: http.client.HTTPConnection, line: socket.socket, parts: SplitResult, limit: int, deadline: float
) -> tuple[int, str | None, bytes]:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # What is no ASCII goes as browsers send it; what is escaped already stays as it is.
    target = quote(target, safe="%/?:@!$&'()*+,;=~", errors="replace")
    connection.request("GET", target, headers={"Accept": "image/*", "User-Agent": "texthawk"})
    response = connection.getresponse()
    if response.status in _MOVED and response.headers["Location"]:
        return response.status, response.headers["Location"], b""
    content = bytearray()
    while chunk := response.read1(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise Unfetchable(f"the image is larger than {limit} bytes", too_large=True)
        line.settimeout(_left(deadline))
    _left(deadline)
    return response.status, None, bytes(content)


@contextlib.contextmanager
def _ended(line: socket.socket, deadline: float) -> Iterator[None]:
    """End a connection at its time: a server that drips a byte now and then would never run into a timeout."""
    # Of the socket below any TLS, whose own state belongs to the thread that reads.
    timer = threading.Timer(_left(deadline), _hang_up, (line,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may have ended by itself
        socket.socket.shutdown(line, socket.SHUT_RDWR)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the image took too long")
    return left


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever its name resolves to by now."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _PinnedTls(_Pinned):
    """The same with TLS, its handshake yet to be made; the certificate must be of the name."""

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
