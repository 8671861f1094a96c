"""A teacher on loopback: a real HTTP server that annotates well, or misbehaves in the way that a test wants."""

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROMPT_TOKENS, COMPLETION_TOKENS = 100, 20
TABLE = "| year | tons |\n|---|---|\n| 1990 | 4 |\n| 1991 | 5 |"

Fault = Callable[["Handler", dict[str, Any]], None]


@dataclass
class Teacher:
    """faults: what happens to the next requests, one each; after them all is well. asked: (headers, body) of all that came."""

    url: str
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    together: threading.Barrier | None = None
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def words(self) -> list[str]:
        return [body["messages"][-1]["content"][1]["text"] for _, body in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    teacher: Teacher

    def do_POST(self) -> None:
        teacher = self.teacher
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with teacher.lock:
            teacher.asked.append((dict(self.headers), body))
            teacher.under_way += 1
            teacher.most_under_way = max(teacher.most_under_way, teacher.under_way)
            fault = teacher.faults.popleft() if teacher.faults else None
        if teacher.together is not None:
            teacher.together.wait(10)
        with teacher.lock:
            teacher.under_way -= 1
        if self.path != "/v1/chat/completions":
            self.send(404, b"{}")
        elif fault is not None:
            fault(self, body)
        else:
            self.say(json.dumps(good_reply(body)))

    def say(self, content: str | None, finish_reason: str | None = "stop", **other: Any) -> None:
        """A chat completion; other: fields that differ from the usual."""
        usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
        self.send(200, json.dumps({"choices": [choice], "usage": usage} | other).encode())

    def send(self, status: int, content: bytes, *, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def good_reply(body: dict[str, Any]) -> dict[str, Any]:
    """What a teacher who kept to the form would say; the kind shows in the form that the prompt gives."""
    prompt = body["messages"][-1]["content"][1]["text"]
    count = int(match[1]) if (match := re.search(r"exactly (\d+) questions", prompt)) else 0
    triples = [{"question": f"Item {i}?", "thought": f"Row {i}.", "answer": str(i)} for i in range(count)]
    if '"caption"' in prompt:
        return {"caption": "A receipt of a shop, 收据, with three items."}
    if '"thoughts"' in prompt:
        known = len(re.findall(r"^\d+\. Question: ", prompt, re.MULTILINE))
        return {"thoughts": [{"number": i, "thought": f"Line {i} says so."} for i in range(known, 0, -1)]}
    if '"table"' in prompt:
        return {"table": TABLE, "questions": triples}
    if '"questions"' in prompt:
        return {"questions": triples}
    return {"rounds": [{"junior": f"And {i}?", "senior": f"It is {i}."} for i in range(3)]}


def status(code: int, said: str = "no", **headers: str) -> Fault:
    return lambda handler, body: handler.send(code, json.dumps({"error": {"message": said}}).encode(), **headers)


def says(content: str | None, finish_reason: str | None = "stop", **other: Any) -> Fault:
    return lambda handler, body: handler.say(content, finish_reason, **other)


def sends(content: bytes) -> Fault:
    return lambda handler, body: handler.send(200, content)


def hangs(handler: Handler, body: dict[str, Any]) -> None:
    handler.teacher.closing.wait(20)
    handler.close_connection = True


def drips(handler: Handler, body: dict[str, Any]) -> None:
    """A byte now and then: no single read takes long, the whole would never end."""
    handler.send(200, b"{", length=10_000)
    with contextlib.suppress(OSError):
        while not handler.teacher.closing.wait(0.05):
            handler.wfile.write(b" ")
    handler.close_connection = True


def breaks_off(handler: Handler, body: dict[str, Any]) -> None:
    handler.send(200, b'{"choices": [', length=500)
    handler.close_connection = True


def hangs_up(handler: Handler, body: dict[str, Any]) -> None:
    handler.close_connection = True


@contextlib.contextmanager
def teaching() -> Iterator[Teacher]:
    class Bound(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    teacher = Bound.teacher = Teacher(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield teacher
    finally:
        teacher.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
