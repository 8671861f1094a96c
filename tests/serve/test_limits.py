"""What a client may not do: too much, too large, too slow, without a key, or from a foreign page."""

import contextlib
import json
import socket
import struct
import zlib

import openai
import pytest

from tests.model import tiny
from tests.serve.serving import LONG, about, connected, data_url, png, running, said_until_the_end
from texthawk.serve.parts import PREPARING
from texthawk.serve.settings import Settings

IMAGE = tiny.picture(60, 60, 1)
ASKED = {"model": "tiny", "messages": about(IMAGE), "max_tokens": 4}


def huge_png(width, height):
    """The header of a picture that would have this size; nobody must get as far as its pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def error_of(response):
    return response.status_code, response.json()["error"]["code"]


def test_a_full_queue_says_when_to_come_back(reader):
    with running(reader, max_batch=1, queue=1) as server:
        streams = []
        for _ in range(2):
            streams.append(server.client().chat.completions.create(**ASKED | {"max_tokens": LONG}, stream=True))
            next(streams[-1])
            server.until(lambda: server.parts.engine.running)
        with pytest.raises(openai.RateLimitError) as refused:
            server.client().chat.completions.create(**ASKED)
        assert int(refused.value.response.headers["retry-after"]) > 0 and refused.value.code == "queue_full"
        for stream in streams:
            stream.close()
        server.until(lambda: not server.parts.engine.running and not server.parts.engine.waiting)
        assert server.client().chat.completions.create(**ASKED).choices


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_stops_costing(reader, stream):
    with running(reader, max_batch=1) as server:
        engine = server.parts.engine
        body = json.dumps(ASKED | {"max_tokens": LONG, "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        line = socket.create_connection(server.url.removeprefix("http://").split(":"))
        line.sendall(head.encode() + body)
        server.until(lambda: engine.running and engine.counts.tokens > 3)
        line.close()
        server.until(lambda: not engine.running, seconds=5)
        assert engine.counts.cancelled == 1 and engine.counts.tokens < LONG
        server.until(lambda: server.parts.requests == 0, seconds=5)


def asked_by_line(server):
    """A connection on which a chat was asked."""
    body = json.dumps(ASKED).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    line = connected(server)
    line.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
    return line


def test_a_client_that_goes_before_its_prompt_is_made_costs_nothing(reader):
    with running(reader) as server:
        parts = server.parts
        lines = []
        with parts.prompts._lock:  # whoever makes a prompt waits here, as on a machine that is too busy
            for _ in range(PREPARING + 3):
                lines.append(asked_by_line(server))
                server.until(lambda: parts.requests == len(lines))
            server.until(parts.preparing.locked)
            for line in lines[PREPARING:]:
                line.close()
            server.until(lambda: parts.requests == PREPARING and parts.engine.waiting == PREPARING)
        for line in lines[:PREPARING]:
            assert line.recv(1000).startswith(b"HTTP/1.1 200")
            line.close()
        # an answer is counted a moment after its last word has left
        server.until(lambda: parts.requests == 0 and parts.engine.counts.finished >= PREPARING)
        assert parts.engine.counts.finished == PREPARING, "nothing was done for those who had gone"


def test_the_queue_is_full_before_prompts_are_made(reader):
    with running(reader, max_batch=1, queue=2) as server, contextlib.ExitStack() as lines:
        with server.parts.prompts._lock:
            for _ in range(3):
                lines.enter_context(asked_by_line(server))
            server.until(lambda: server.parts.engine.waiting == 3)
            with pytest.raises(openai.RateLimitError):
                server.client().chat.completions.create(**ASKED)
        server.until(lambda: server.parts.requests == 0)
        assert server.client().chat.completions.create(**ASKED).choices


def test_a_client_that_waits_for_its_turn_can_go_away_too(reader):
    with running(reader, max_batch=1) as server:
        engine = server.parts.engine
        first = server.client().chat.completions.create(**ASKED | {"max_tokens": LONG}, stream=True)
        next(first)
        with contextlib.suppress(openai.APITimeoutError):
            server.client(timeout=0.3).chat.completions.create(**ASKED)
        server.until(lambda: engine.counts.cancelled == 1, seconds=5)
        assert engine.running == 1 and engine.waiting == 0
        first.close()


def test_a_connection_too_many_is_told_to_come_back(reader):
    with running(reader, connections=2) as server, connected(server) as first, connected(server) as second:
        server.until(lambda: len(server.server.server_state.connections) == 2)
        with server.http() as http:
            refused = http.get("/healthz")
            assert error_of(refused) == (429, "queue_full") and int(refused.headers["retry-after"]) > 0
            assert first.fileno() > 0 and second.fileno() > 0
            second.close()
            server.until(lambda: len(server.server.server_state.connections) < 2)
            assert http.get("/healthz").status_code == 200


def test_a_request_that_is_too_large_is_refused_before_and_while_it_is_read(reader):
    with running(reader, max_upload=200_000) as server, server.http() as http:
        large = b"x" * 300_000
        assert error_of(http.post("/v1/chat/completions", content=large)) == (413, "request_too_large")
        pieces = (b"x" * 50_000 for _ in range(6))
        assert error_of(http.post("/v1/chat/completions", content=pieces)) == (413, "request_too_large")
        assert error_of(http.post("/v1/documents", files={"file": large})) == (413, "request_too_large")
        assert server.client().chat.completions.create(**ASKED).choices


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(reader):
    with running(reader, max_pixels=10_000) as server, server.http() as http:
        bomb = huge_png(60_000, 60_000)
        for content in (bomb, png(tiny.picture(101, 100))):
            parts = [{"type": "image_url", "image_url": {"url": data_url(content)}}]
            with pytest.raises(openai.APIStatusError) as refused:
                server.client().chat.completions.create(**ASKED | {"messages": [{"role": "user", "content": parts}]})
            assert (refused.value.status_code, refused.value.code) == (413, "image_too_large")
            assert error_of(http.post("/v1/documents", files={"file": content})) == (413, "image_too_large")
        assert server.client().chat.completions.create(**ASKED).choices


def test_all_pictures_of_a_request_share_the_limit_of_pixels(reader):
    with running(reader, max_pixels=10_000) as server:
        parts = 2 * about(IMAGE)[0]["content"][:1]
        ask = server.client().chat.completions.create
        assert ask(**ASKED | {"messages": [{"role": "user", "content": parts}]}).choices
        with pytest.raises(openai.APIStatusError, match="before it 7200") as refused:
            ask(**ASKED | {"messages": [{"role": "user", "content": 2 * parts}]})
        assert (refused.value.status_code, refused.value.code) == (413, "image_too_large")


def test_what_arrives_at_once_is_bounded(reader):
    with running(reader, max_upload=100_000) as server, contextlib.ExitStack() as lines, server.http() as http:
        begun = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + b" " * 90_000
        for _ in range(8):
            lines.enter_context(connected(server)).sendall(begun)
        server.until(lambda: server.parts.held == 8 * 90_000)
        refused = http.post("/v1/chat/completions", content=b" " * 90_000)
        assert error_of(refused) == (429, "queue_full") and int(refused.headers["retry-after"]) > 0
        lines.close()
        server.until(lambda: server.parts.held == 0)
        assert server.client().chat.completions.create(**ASKED).choices


def test_too_many_pictures_in_a_request_are_refused(reader):
    with running(reader, max_images=2) as server, pytest.raises(openai.APIStatusError) as refused:
        parts = 3 * about(IMAGE)[0]["content"]
        server.client().chat.completions.create(**ASKED | {"messages": [{"role": "user", "content": parts}]})
    assert (refused.value.status_code, refused.value.code) == (413, "too_many_images")


def test_with_a_key_nobody_enters_without_it(reader):
    with running(reader, api_key="open sesame") as server, server.http() as http:
        assert server.client(api_key="open sesame").chat.completions.create(**ASKED).choices
        for wrong in ("open sesam", "open sesame!", "x", "ö"):
            headers = {"Authorization": f"Bearer {wrong}".encode()}
            assert error_of(http.get("/v1/models", headers=headers)) == (401, "invalid_api_key")
        for headers in ({}, {"Authorization": "Basic open sesame"}, {"Authorization": "Bearer"}):
            assert error_of(http.post("/v1/documents", headers=headers, content=b"")) == (401, "invalid_api_key")
            assert error_of(http.get("/metrics", headers=headers)) == (401, "invalid_api_key")
        assert http.get("/healthz").status_code == http.get("/").status_code == 200


def test_a_name_that_somebody_leads_here_is_not_this_server(reader):
    rebound = {"Host": "evil.example:80", "Origin": "http://evil.example:80"}
    with running(reader) as server, server.http() as http:
        assert error_of(http.get("/v1/models", headers=rebound)) == (403, "foreign_origin")
        for own in ("localhost:8000", "[::1]:8000", "machine:8000", "192.0.2.7"):
            assert http.get("/v1/models", headers={"Host": own, "Origin": f"http://{own}"}).status_code == 200
        for odd in ("null", "http://[", "http://"):
            assert http.get("/v1/models", headers={"Origin": odd}).status_code == 403
    with running(reader, origins=("http://evil.example:80",)) as server, server.http() as http:
        assert http.get("/v1/models", headers=rebound).status_code == 200
    with running(reader, api_key="open sesame") as server, server.http() as http:
        assert http.get("/v1/models", headers=rebound | {"Authorization": "Bearer open sesame"}).status_code == 200


def test_a_page_of_another_site_cannot_use_the_server(server):
    with server.http() as http:
        foreign = {"Origin": "https://example.org"}
        assert error_of(http.post("/v1/documents", headers=foreign, files={"file": png(IMAGE)}))[0] == 403
        assert http.get("/v1/models", headers={"Origin": server.url}).status_code == 200


MALFORMED = [
    ("application/json", b"{"),
    ("application/json", b"[1, 2]"),
    ("application/json", b"\xff\xfe\x00"),
    ("application/json", b'{"model": "tiny", "messages": "hello"}'),
    ("application/json", b"[" * 100_000),
    ("application/json", b'{"model":"tiny","messages":[{"role":"user","content":"\\ud800"}]}'),
    ("text/plain", b"hello"),
    ("multipart/form-data", b"hello"),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx"),
    ("multipart/form-data; boundary=b", b"--b\r\n\r\n\r\n--b--\r\n"),
    (
        "multipart/form-data; boundary=b",
        b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nno file\r\n--b--\r\n",
    ),
    ("multipart/form-data; boundary=b", b""),
]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/documents"])
@pytest.mark.parametrize(("kind", "content"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_request_is_refused_in_the_same_form(server, path, kind, content):
    with server.http() as http:
        response = http.post(path, content=content, headers={"Content-Type": kind})
    assert response.status_code in (400, 415, 422) and response.json()["error"]["message"]


def test_unknown_places_and_methods_are_answered_in_the_same_form(server):
    with server.http() as http:
        assert http.get("/v2/nothing").json()["error"]["type"] == "not_found_error"
        wrong = http.get("/v1/chat/completions")
        assert wrong.status_code == 405 and wrong.json()["error"]["message"]
        assert error_of(http.get("/v1/documents/../../etc/passwd"))[0] == 404


def test_a_body_that_never_arrives_is_given_up(reader):
    with running(reader, body_seconds=0.5) as server:
        line = socket.create_connection(server.url.removeprefix("http://").split(":"))
        line.settimeout(20)
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert line.recv(100).startswith(b"HTTP/1.1 408")
        line.close()
        server.until(lambda: server.parts.requests == 0, seconds=5)


def test_clients_that_vanish_while_they_send_leave_nothing_behind(server):
    address = server.url.removeprefix("http://").split(":")
    for cut in (
        b"POST /v1/doc",
        b"POST /v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nabc",
        b"\0\xff" * 500,
    ):
        for _ in range(5):
            with socket.create_connection(address) as line:
                line.sendall(cut)
    server.until(lambda: server.parts.requests == 0, seconds=10)
    assert server.client().chat.completions.create(**ASKED).choices and not server.parts.jobs.unfinished


def test_health_and_metrics_tell_what_was_done(reader):
    with running(reader) as server, server.http() as http:
        assert http.get("/healthz").json() == {"status": "ok"}
        server.client().chat.completions.create(**ASKED)
        http.get("/no/such/place")
        lines = http.get("/metrics").text.splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        assert float(values["texthawk_generated_tokens_total"]) == 4
        assert float(values["texthawk_image_tokens_total"]) > 0
        done = 'texthawk_http_requests_total{method="POST",route="/v1/chat/completions",status="200"}'
        assert float(values[done]) == 1
        assert float(values['texthawk_http_requests_total{method="other",route="none",status="404"}']) == 1
        assert not any("no/such" in line for line in lines), "a client could make metrics without end"


def test_names_that_a_client_makes_up_are_no_metrics(server):
    with server.http() as http:
        for made_up in ("FOO", "BAR"):
            assert http.request(made_up, "/healthz").status_code == 405
        text = http.get("/metrics").text
    assert "FOO" not in text and 'method="other",route="/healthz",status="405"' in text


def test_metrics_are_in_the_form_that_prometheus_reads(server):
    from prometheus_client.parser import text_string_to_metric_families

    server.client().chat.completions.create(**ASKED)
    with server.http() as http:
        response = http.get("/metrics")
        families = {family.name: family for family in text_string_to_metric_families(response.text)}
        assert http.head("/healthz").status_code == 200
    assert "version=0.0.4" in response.headers["content-type"]
    assert (
        families["texthawk_generated_tokens"].type == "counter" and families["texthawk_engine_running"].type == "gauge"
    )
    buckets = [
        sample for sample in families["texthawk_http_request_seconds"].samples if sample.name.endswith("_bucket")
    ]
    assert buckets and all(family.documentation for family in families.values())


def test_what_is_no_http_is_refused_in_the_same_form(server):
    with connected(server) as line:
        line.sendall(b"hello there\r\n\r\n")
        said = said_until_the_end(line)
    assert said.startswith(b"HTTP/1.1 400") and b'"invalid_http"' in said


def test_a_dead_engine_shows_in_the_health(reader):
    with running(reader) as server, server.http() as http:
        server.parts.engine.close(5)
        assert http.get("/healthz").status_code == 503
        with pytest.raises(openai.InternalServerError):
            server.client().chat.completions.create(**ASKED)


def test_logs_are_json_lines_without_keys_or_texts(reader, caplog):
    from texthawk.serve.logs import JsonLines

    with running(reader, api_key="open sesame") as server, caplog.at_level("INFO", logger="texthawk.serve"):
        asked = ASKED | {"messages": about(IMAGE, "a secret question")}
        server.client(api_key="open sesame").chat.completions.create(**asked)
        server.until(lambda: server.parts.requests == 0)
        server.until(lambda: any(record.message == "request" for record in caplog.records))
    lines = [JsonLines().format(record) for record in caplog.records]
    (entry,) = [json.loads(line) for line in lines if '"request"' in line]
    assert entry["path"] == "/v1/chat/completions" and entry["status"] == 200 and entry["seconds"] > 0
    assert not any("secret" in line or "sesame" in line for line in lines)


def test_limits_that_make_no_sense_are_refused():
    for wrong in (
        {"max_batch": 0},
        {"body_seconds": -1.0},
        {"max_pixels": 0},
        {"api_key": "short"},
        {"api_key": "open sesame "},
        {"api_key": "öffne dich"},
        {"header_seconds": 0.0},
        {"answer_seconds": 0.0},
        {"origins": ("read.example.org",)},
    ):
        with pytest.raises(ValueError):
            Settings(**wrong)
