"""Images from elsewhere: only from public addresses, however a URL hides where it leads."""

import contextlib
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from tests.model import tiny
from tests.serve.serving import png, running
from texthawk.serve import remote
from texthawk.serve.remote import Unfetchable, fetch, is_public

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_not_everybody_reaches_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]
)
def test_addresses_that_everybody_reaches_are_public(address):
    assert is_public(address)


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A web server on loopback that counts who asks."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        if self.path == "/drip":
            with contextlib.suppress(OSError):
                for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
                    self.wfile.write(bytes([letter]))
                    time.sleep(0.05)
            return
        content = {"/endless": b"x" * 300_000}.get(self.path, png(tiny.picture(60, 60, 1)))
        self.send_response(200 if self.path != "/gone" else 404)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    made.asked = []
    threading.Thread(target=made.serve_forever).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def public(elsewhere, monkeypatch):
    """A name that a resolver knows at a public address, where (for this test alone) the server on loopback is."""
    lead_to(elsewhere.server_port, monkeypatch)
    return f"http://public.example:{elsewhere.server_port}"


def lead_to(port, monkeypatch):
    address = "93.184.216.34"
    resolve, connect = socket.getaddrinfo, socket.create_connection

    def resolved(host, *arguments, **settings):
        return resolve(address if host.endswith(".example") else host, *arguments, **settings)

    def connected(place, *arguments, **settings):
        return connect(("127.0.0.1", port) if place[0] == address else place, *arguments, **settings)

    monkeypatch.setattr(remote.socket, "getaddrinfo", resolved)
    monkeypatch.setattr(remote.socket, "create_connection", connected)


def test_over_tls_the_certificate_must_be_of_the_name(elsewhere, tmp_path, monkeypatch):
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test, and is not here")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=public.example"]
    made += ["-addext", "subjectAltName=DNS:public.example"]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    elsewhere.socket = context.wrap_socket(elsewhere.socket, server_side=True)
    lead_to(elsewhere.server_port, monkeypatch)
    address = f"public.example:{elsewhere.server_port}/page.png"
    with pytest.raises(Unfetchable, match="SSLCertVerificationError"):
        fetch(f"https://{address}", limit=10**6, seconds=5)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch(f"https://{address}", limit=10**6, seconds=5) == png(tiny.picture(60, 60, 1))
    with pytest.raises(Unfetchable, match="SSLCertVerificationError"):
        fetch(f"https://other.{address.removeprefix('public.')}", limit=10**6, seconds=5)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "169.254.169.254",
        "user@127.0.0.1",
        "example.org@127.0.0.1",
        "127.0.0.1.",
        "１２７.0.0.1",
    ],
)
def test_no_way_of_writing_an_address_leads_to_this_machine(elsewhere, host):
    with pytest.raises(Unfetchable):
        fetch(f"http://{host}:{elsewhere.server_port}/page.png", limit=10**6, seconds=2)
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "gopher://example.org",
        "//x/y",
        "page.png",
        "http://",
        "http://[",
        "http://a:99999/",
    ],
)
def test_only_http_and_https_are_spoken(url):
    with pytest.raises(Unfetchable):
        fetch(url, limit=10**6, seconds=2)


def test_a_public_image_is_fetched_and_redirects_are_followed(public, elsewhere):
    assert fetch(f"{public}/page.png", limit=10**6, seconds=5) == png(tiny.picture(60, 60, 1))
    assert fetch(f"{public}/to?/page.png", limit=10**6, seconds=5) == png(tiny.picture(60, 60, 1))


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/page.png", "http://2130706433:{port}/", "file:///etc/passwd", "http://[::1]:{port}/"],
)
def test_a_redirect_leads_to_no_private_place(public, elsewhere, target):
    with pytest.raises(Unfetchable):
        fetch(f"{public}/to?{target.format(port=elsewhere.server_port)}", limit=10**6, seconds=5)
    assert len(elsewhere.asked) == 1


def test_redirects_without_end_sizes_without_end_and_errors_are_refused(public):
    with pytest.raises(Unfetchable, match="redirects"):
        fetch(f"{public}/to?{public}/to?{public}/to?{public}/to?{public}/page.png", limit=10**6, seconds=5)
    with pytest.raises(Unfetchable, match="larger than 1000 bytes") as refused:
        fetch(f"{public}/endless", limit=1000, seconds=5)
    assert refused.value.too_large
    with pytest.raises(Unfetchable, match="404"):
        fetch(f"{public}/gone", limit=10**6, seconds=5)


def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    silent = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(remote, "is_public", lambda address: True)
    with pytest.raises(Unfetchable):
        fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/", limit=1000, seconds=0.3)
    silent.close()


def test_a_server_that_drips_gains_no_time(public):
    began = time.monotonic()
    with pytest.raises(Unfetchable):
        fetch(f"{public}/drip", limit=10**6, seconds=0.5)
    assert time.monotonic() - began < 3


def test_a_name_server_that_does_not_answer_gains_no_time(monkeypatch):
    asked, over = [], threading.Event()

    def silent(*asked_for, **_):
        asked.append(asked_for)
        over.wait(20)
        raise socket.gaierror("nobody knows")

    monkeypatch.setattr(remote.socket, "getaddrinfo", silent)
    began = time.monotonic()
    try:
        with pytest.raises(Unfetchable, match="in time"):
            fetch("http://nowhere.example/", limit=1000, seconds=0.2)
        assert asked and time.monotonic() - began < 3
    finally:
        over.set()


def test_an_address_may_hold_any_letters(public, elsewhere):
    for path in ("/bild-ä.png", "/%41 b.png?q=ü&r=%20", "/\ud800"):
        assert fetch(f"{public}{path}", limit=10**6, seconds=5)
    assert elsewhere.asked == ["/bild-%C3%A4.png", "/%41%20b.png?q=%C3%BC&r=%20", "/?"]


def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(remote.socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(Unfetchable, match="not a public address"):
        fetch("http://both.example/", limit=1000, seconds=1)


def test_a_chat_may_use_a_public_image_only_where_the_server_allows_it(reader, public):
    messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"{public}/page.png"}}]}]
    with running(reader, remote_images=True) as server, server.http() as http:
        asked = {"model": "tiny", "messages": messages, "max_tokens": 3}
        answer = http.post("/v1/chat/completions", json=asked).json()
        assert answer["usage"]["prompt_tokens_details"]["image_tokens"] > 0
        messages[0]["content"][0]["image_url"]["url"] = server.url + "/healthz"
        refused = http.post("/v1/chat/completions", json=asked)
        assert refused.status_code == 400 and refused.json()["error"]["code"] == "invalid_image_url"
