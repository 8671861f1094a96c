"""A server on loopback with the tiny model, in a thread of the test, and what its tests send."""

import base64
import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import httpx2
import torch
from openai import OpenAI
from PIL import Image

from tests.model import tiny
from texthawk.decode.reader import Reader
from texthawk.serve.parts import Parts
from texthawk.serve.run import Server, make_server
from texthawk.serve.settings import Settings

SETTINGS = Settings(model_name="tiny", max_batch=8, queue=32, max_tokens=2000, document_workers=1, loop_guard=False)
LONG = 1500  # tokens that take the tiny model seconds


def make_reader() -> Reader:
    """A reader whose model never ends an answer by itself within some dozens of tokens, and depends on its picture."""
    return Reader(tiny.model(), tiny.processor())


@dataclass
class Running:
    """A server that answers."""

    url: str
    parts: Parts
    server: Server
    reader: Reader
    clients: dict[tuple, OpenAI] = field(default_factory=dict)

    def client(self, **settings) -> OpenAI:
        """One for each kind of settings; making one takes longer than most of what is asked with it."""
        settings = {"api_key": "none", "max_retries": 0, "timeout": 200} | settings
        key = (self.url, *sorted(settings.items()))
        if key not in self.clients:
            self.clients[key] = OpenAI(base_url=self.url + "/v1", **settings)
        return self.clients[key]

    def http(self, **settings) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=200, **settings)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    def until(self, holds, seconds: float = 60.0) -> None:
        """Wait for a condition; the engine's counts change in another thread."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold"
            time.sleep(0.01)


@contextlib.contextmanager
def running(reader: Reader, **changes) -> Iterator[Running]:
    torch.set_num_threads(1)
    server = make_server(reader, replace(SETTINGS, **changes), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Running(f"http://127.0.0.1:{port}", server.parts, server, reader)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def data_url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def about(image: Image.Image, question: str = "What is this?") -> list[dict]:
    """Messages with a picture and a question."""
    picture = {"type": "image_url", "image_url": {"url": data_url(png(image))}}
    return [{"role": "user", "content": [picture, {"type": "text", "text": question}]}]


def alone(reader: Reader, image: Image.Image, question: str, tokens: int) -> list[int]:
    """What transformers' own generation gives for the same question, by itself."""
    content = [{"type": "image"}, {"type": "text", "text": question}]
    text = reader.processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = reader.processor(images=[image], text=[text], return_tensors="pt")
    out = reader.model.generate(
        **inputs, max_new_tokens=tokens, do_sample=False, eos_token_id=reader.ends, pad_token_id=0
    )
    ids = out[0, inputs["input_ids"].shape[1] :].tolist()
    return ids[: next((place for place, id in enumerate(ids) if id in reader.ends), len(ids))]


def connected(server: Running) -> socket.socket:
    line = socket.create_connection(server.address)
    line.settimeout(20)
    return line


def said_until_the_end(line: socket.socket) -> bytes:
    """What the server says before it hangs up; a timeout where it does not."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while part := line.recv(4096):
            said += part
    return said
