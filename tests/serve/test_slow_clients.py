"""Clients that take their time: to say what they want, or to take what they were given."""

import asyncio
import contextlib
import socket
import time
from dataclasses import replace

import pytest

from tests.model import tiny
from tests.serve.serving import LONG, about, connected, png, running, said_until_the_end
from texthawk.serve.admission import begun
from texthawk.serve.chat import Answer, Stream
from texthawk.serve.chat_request import ChatRequest
from texthawk.serve.generation import Generation
from texthawk.serve.parts import Parts

IMAGE = tiny.picture(60, 60, 1)
ASKED = {"model": "tiny", "messages": about(IMAGE), "max_tokens": 4}


@pytest.fixture(scope="module")
def slow_server(reader):
    """A server that gives its clients half a second to say what they want."""
    with running(reader, header_seconds=0.5) as made:
        yield made


@pytest.mark.parametrize(
    "begun", [b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nX: " + b"x" * 5000]
)
def test_a_client_whose_headers_do_not_end_is_cut_off(slow_server, begun):
    with connected(slow_server) as line:
        line.sendall(begun)
        began = time.monotonic()
        said = said_until_the_end(line)
    assert said.startswith(b"HTTP/1.1 408") and b"too_slow" in said
    assert 0.4 < time.monotonic() - began < 15


def test_a_client_that_drips_its_headers_gains_no_time(slow_server):
    with connected(slow_server) as line:
        line.sendall(b"GET / HTTP/1.1\r\n")
        dripped, began, said = 0, time.monotonic(), b""
        line.settimeout(0.05)
        while not said and time.monotonic() - began < 15:
            with contextlib.suppress(TimeoutError):
                said = line.recv(100)
            with contextlib.suppress(OSError):
                line.sendall(b"X-Drip: 1\r\n")
                dripped += 1
    assert said.startswith(b"HTTP/1.1 408") and dripped > 2


def test_the_second_request_of_a_connection_is_bounded_as_the_first_is(slow_server):
    with connected(slow_server) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        while b'"ok"' not in said:
            said += line.recv(1000)
        line.sendall(b"GET /healthz HT")
        assert said_until_the_end(line).startswith(b"HTTP/1.1 408")


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for(slow_server):
    with connected(slow_server) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        said, began = b"", time.monotonic()
        line.settimeout(0.05)
        while time.monotonic() - began < 15:  # a drip now and then keeps uvicorn's own clock from ending it
            with contextlib.suppress(TimeoutError):
                part = line.recv(1000)
                said += part
                if not part:
                    break
            try:
                line.sendall(b"x")
            except OSError:
                break
    assert said.startswith(b"HTTP/1.1 200") and time.monotonic() - began < 15


@pytest.fixture
def unread(reader):
    """A server that leaves its answers half a second, and the address of one that no buffer of the system holds."""
    with running(reader, answer_seconds=0.5) as server, server.http() as http:
        made = http.post("/v1/documents", files={"file": png(IMAGE)}).json()
        server.until(lambda: not server.parts.jobs.unfinished)
        job = server.parts.jobs.get(made["id"])
        for _ in range(400):
            job.places.append(job.places[0])
            job.results.append(replace(job.results[0], text="x" * 50_000))
        yield server, f"{made['url']}/pages"


def test_a_client_that_does_not_take_its_answer_is_cut_off(unread):
    server, path = unread
    with connected(server) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        server.until(lambda: server.parts.requests == 1)
        server.until(lambda: server.parts.requests == 0, seconds=20)
        server.until(lambda: not server.server.server_state.connections)


def test_the_rest_of_an_answer_that_is_complete_is_not_kept_for_ever(reader):
    with running(reader, answer_seconds=0.5) as server, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(server.address)
        connections, done = server.server.server_state.connections, server.server.server_state
        held = 0
        while not held:  # one answer after another, until one of them does not fit into what the system holds
            before = done.total_requests
            line.sendall(b"GET /web/page.js HTTP/1.1\r\nHost: x\r\n\r\n")
            server.until(lambda before=before: done.total_requests > before)
            held = sum(connection.transport.get_write_buffer_size() for connection in connections)
        server.until(lambda: server.parts.requests == 0)
        server.until(lambda: not connections, seconds=20)


def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(unread):
    server, path = unread
    with connected(server) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        said, began = 0, time.monotonic()
        while part := line.recv(2**19):
            said += len(part)
            time.sleep(0.05)
        assert said > 400 * 50_000 and time.monotonic() - began > 1


def test_clients_that_take_their_time_within_the_bound_are_answered(slow_server):
    with connected(slow_server) as line:
        for part in (b"GET /hea", b"lthz HTTP/1.1\r\n", b"Host: x\r\nConnection: close\r\n\r\n"):
            line.sendall(part)
            time.sleep(0.02)
        assert b'"ok"' in said_until_the_end(line)
    began = time.monotonic()
    with slow_server.client().chat.completions.create(**ASKED | {"max_tokens": LONG}, stream=True) as stream:
        assert any(time.monotonic() > began + 0.8 for _ in stream), "an answer may take longer than the headers"


def test_a_stream_whose_client_goes_before_its_first_word_costs_nothing(reader):
    async def goes() -> dict:
        return {"type": "http.disconnect"}

    async def takes(message: dict) -> None:
        await asyncio.sleep(0.1)

    async def streamed(parts: Parts) -> Generation:
        asked = ChatRequest.model_validate(ASKED | {"max_tokens": LONG, "stream": True})
        listener = asyncio.create_task(asyncio.sleep(60))
        queued = await begun(asked, parts, listener)
        scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}}
        await Stream(Answer(asked, parts, queued))(scope, goes, takes)
        listener.cancel()
        return queued.generation

    with running(reader) as server:
        assert asyncio.run(streamed(server.parts)).cancelled
        server.until(lambda: not server.parts.engine.running)
        assert server.parts.engine.counts.tokens < LONG
