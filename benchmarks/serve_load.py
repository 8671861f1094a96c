"""How a server holds up: throughput with and without batching, then many clients at once, half of them rude.

    python benchmarks/serve_load.py --minutes 3            both parts, with the shipped model
    python benchmarks/serve_load.py --seconds 5 --minutes 0.1 --clients 10

Throughput: 1, 8 and 32 polite clients, each asking again as soon as it has its answer, once with a batch of 1 and once
with the server's own. Soak: polite clients check every answer against the one that the picture got alone; rude ones
send slowly, hang up in the middle, send what is malformed or too large, and do not read what they asked for. Now and then
a polite client has a document read instead. At the end nothing may be running, no polite answer may be wrong, and memory
must be flat (`flatness.py`): over the last two thirds, a fitted line grows by no more than --growth percent, and by no more
than that at the upper end of its 95 % interval. Five minutes are the least that can show it; where noise leaves it open the
verdict is "undecided" and the status 1, as where it grows. Prints one JSON object.
"""

import argparse
import base64
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2
from flatness import flatness
from PIL import Image, ImageDraw

PROMPT = "List the text content in the image"
PICTURES = 24
ANSWER = 24  # tokens at most
QUESTION = "/v1/chat/completions"
DOCUMENTS = "/v1/documents"
ANSWER_SECONDS = 5  # that a client may leave its answer, in the soak
PATIENCE = 600  # seconds that a polite client of the soak waits for a word, before it counts as not answered


class Server:
    """texthawk serve in a process of its own."""

    def __init__(self, model: str, *arguments: str) -> None:
        script = "import sys; from texthawk.cli import main; sys.exit(main())"
        line = [sys.executable, "-c", script, "serve", "--model", model, "--name", "m", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            line, stderr=subprocess.PIPE, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}
        )
        self.errors: list[str] = []
        self.not_taken = 0  # answers that were cut off because nobody took them
        self._ready = threading.Event()
        self.url = ""
        threading.Thread(target=self._collect, daemon=True).start()
        if not self._ready.wait(120):
            raise RuntimeError("the server did not start:\n" + "".join(self.errors))

    def _collect(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "running on " in line:
                self.url = line.split("running on ")[1].split()[0]
                self._ready.set()
            self.not_taken += "does not take its answer" in line
            if '"level": "error"' in line or not line.startswith("{"):
                self.errors.append(line)
        self._ready.set()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)

    @property
    def megabytes(self) -> float:
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:  # Linux
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def metrics(self) -> dict[str, float]:
        lines = httpx2.get(self.url + "/metrics", timeout=60).text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


def pictures() -> list[dict]:
    """Bodies of requests about pictures of different numbers, so that a wrong pairing shows."""
    dice = random.Random(0)
    made = []
    for _ in range(PICTURES):
        image = Image.new("RGB", (224, 56), "white")
        text = " ".join(str(dice.randrange(100, 1000)) for _ in range(4))
        ImageDraw.Draw(image).text((8, 16), text, fill="black", font_size=24)
        out = io.BytesIO()
        image.save(out, "PNG")
        url = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": PROMPT}]
        message = {"role": "user", "content": content}
        made.append({"model": "m", "messages": [message], "max_tokens": ANSWER, "logprobs": True})
    return made


def answer_of(response: httpx2.Response) -> str:
    choice = response.json()["choices"][0]
    return choice["message"]["content"]


def read_document(http: httpx2.Client, made: httpx2.Response) -> str:
    """The text of a document that was accepted."""
    url = made.raise_for_status().json()["url"]
    with http.stream("GET", f"{url}/stream") as pages:
        for _ in pages.iter_lines():
            pass
    return http.get(f"{url}/result", params={"format": "text"}).raise_for_status().text


def throughput(model: str, batch: int, clients: int, seconds: float, bodies: list[dict]) -> dict:
    server = Server(model, "--max-batch", str(batch), "--queue", "200")
    done: list[float] = []
    try:
        with httpx2.Client(base_url=server.url, timeout=300, limits=httpx2.Limits(max_connections=None)) as http:
            http.post(QUESTION, json=bodies[0])
            before, began = server.metrics(), time.monotonic()

            def client(number: int) -> None:
                dice = random.Random(number)
                while time.monotonic() - began < seconds:
                    asked = time.monotonic()
                    http.post(QUESTION, json=dice.choice(bodies)).raise_for_status()
                    done.append(time.monotonic() - asked)

            with ThreadPoolExecutor(clients) as pool:
                list(pool.map(client, range(clients)))
            elapsed, after = time.monotonic() - began, server.metrics()
    finally:
        server.stop()
    tokens = after["texthawk_generated_tokens_total"] - before["texthawk_generated_tokens_total"]
    steps = after["texthawk_engine_steps_total"] - before["texthawk_engine_steps_total"]
    rows = after["texthawk_engine_rows_total"] - before["texthawk_engine_rows_total"]
    return {
        "batching": batch > 1,
        "clients": clients,
        "answers_per_second": round(len(done) / elapsed, 2),
        "tokens_per_second": round(tokens / elapsed, 1),
        "mean_batch": round(rows / max(1.0, steps), 2),
        "median_seconds": round(sorted(done)[len(done) // 2], 3),
        "slowest_seconds": round(max(done), 3),
    }


@dataclass
class Soak:
    """What happened to all clients together."""

    server: Server
    bodies: list[dict]
    expected: list[str]
    document: bytes
    document_text: str
    until: float
    seen: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        with self._lock:
            self.seen[what] += 1

    def polite(self, number: int) -> None:
        """Asks, waits, checks; comes back later when it is told to."""
        dice = random.Random(number)
        with httpx2.Client(base_url=self.server.url, timeout=PATIENCE) as http:
            while time.monotonic() < self.until:
                try:
                    if dice.random() < 0.02:
                        self._document(http)
                    else:
                        self._chat(http, dice)
                except httpx2.HTTPError as error:
                    self.wrong.append(f"a polite client was not answered: {error!r}")

    def _chat(self, http: httpx2.Client, dice: random.Random) -> None:
        k = dice.randrange(len(self.bodies))
        response = http.post(QUESTION, json=self.bodies[k])
        if response.status_code == 429:
            self.note("told to come back")
            time.sleep(float(response.headers["retry-after"]) * dice.random())
        elif response.status_code != 200:
            self.wrong.append(f"status {response.status_code}: {response.text[:200]}")
        elif answer_of(response) != self.expected[k]:
            self.wrong.append(f"picture {k}: {answer_of(response)!r} is not {self.expected[k]!r}")
        else:
            self.note("right answers")

    def _document(self, http: httpx2.Client) -> None:
        """Has a document read, follows it, fetches its text, and checks that; every other one is left to be forgotten."""
        made = http.post(DOCUMENTS, files={"file": ("a.png", self.document)})
        if made.status_code == 429:
            self.note("told to come back")
            time.sleep(min(2.0, float(made.headers["retry-after"])))
            return
        text = read_document(http, made)
        if text != self.document_text:
            self.wrong.append(f"a document: {text!r} is not {self.document_text!r}")
            return
        self.note("right documents")
        if self.seen["right documents"] % 2:
            http.delete(made.json()["url"])

    def rude(self, number: int) -> None:
        dice = random.Random(number)
        kinds = (self.hang_up, self.cut_off, self.slow, self.malformed, self.oversized, self.does_not_read)
        kinds += (self.never_reads,) * (number % 10 == 0)
        while time.monotonic() < self.until:
            kind = dice.choice(kinds)
            try:
                kind(dice)
            except (OSError, httpx2.TransportError):
                self.note("connections lost")
            self.note(kind.__name__)

    def _line(self, body: bytes, path: str = QUESTION, length: int | None = None) -> socket.socket:
        line = socket.create_connection(self.server.address, timeout=60)
        size = len(body) if length is None else length
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
        line.sendall(head.encode() + body)
        return line

    def _body(self, dice: random.Random, **more: object) -> bytes:
        return json.dumps(dice.choice(self.bodies) | more).encode()

    def hang_up(self, dice: random.Random) -> None:
        """Asks for a long answer and goes."""
        with self._line(self._body(dice, max_tokens=1000, stream=dice.random() < 0.5)):
            time.sleep(dice.random())

    def cut_off(self, dice: random.Random) -> None:
        body = self._body(dice)
        with self._line(body[: len(body) // 2], length=len(body)):
            pass

    def slow(self, dice: random.Random) -> None:
        body = self._body(dice)
        with self._line(b"", length=len(body)) as line:
            for start in range(0, len(body), max(1, len(body) // 8)):
                line.sendall(body[start : start + max(1, len(body) // 8)])
                time.sleep(0.2)

    def malformed(self, dice: random.Random) -> None:
        path = dice.choice([QUESTION, "/v1/documents"])
        with self._line(dice.randbytes(dice.randrange(1, 2000)), path) as line:
            status = line.recv(100).split(b" ")[1:2]
            if status != [b"400"]:
                self.wrong.append(f"what is malformed was answered with {status}")

    def oversized(self, dice: random.Random) -> None:
        with self._line(b"x" * 65536, length=2**32) as line:
            status = line.recv(100).split(b" ")[1:2]
            if status != [b"413"]:
                self.wrong.append(f"what is too large was answered with {status}")

    def never_reads(self, dice: random.Random) -> None:
        """Asks for far more than any buffer holds and takes nothing; how many of these were cut off, the log tells."""
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.settimeout(PATIENCE)
            line.connect(self.server.address)
            line.sendall(b"GET /web/page.js HTTP/1.1\r\nHost: x\r\n\r\n" * 1500)
            time.sleep(4 * ANSWER_SECONDS)

    def does_not_read(self, dice: random.Random) -> None:
        with self._line(self._body(dice, stream=True)):
            time.sleep(2 * dice.random())


def soak(model: str, clients: int, seconds: float, bodies: list[dict], growth: float) -> dict:
    server = Server(model, "--max-batch", "16", "--queue", "64", "--answer-seconds", str(ANSWER_SECONDS))
    try:
        with httpx2.Client(base_url=server.url, timeout=300) as http:
            expected = [answer_of(http.post(QUESTION, json=body)) for body in bodies]
            document = base64.b64decode(bodies[0]["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2])
            text = read_document(http, http.post(DOCUMENTS, files={"file": ("a.png", document)}))
        began = time.monotonic()
        run = Soak(server, bodies, expected, document, text, began + seconds)
        memory: list[float] = []
        times: list[float] = []
        with ThreadPoolExecutor(clients) as pool:
            futures = [pool.submit(run.polite if k % 2 else run.rude, k) for k in range(clients)]
            while not all(future.done() for future in futures):
                memory.append(server.megabytes)
                times.append(time.monotonic() - began)
                time.sleep(min(1.0, seconds / 20))
            for future in futures:
                future.result()
        deadline = time.monotonic() + 90  # bodies that never arrived have their time
        while (left := server.metrics())["texthawk_http_requests_open"] > 1 and time.monotonic() < deadline:
            time.sleep(0.5)
        at_rest = server.megabytes
    finally:
        status = server.stop()
    measured = [(when, value) for when, value in zip(times, memory, strict=True) if when <= seconds]
    third = max(1, len(memory) // 3)
    return {
        "clients": clients,
        "seconds": seconds,
        "different_answers": len(set(expected)),
        "seen": dict(run.seen),
        "wrong": run.wrong[:10],
        "wrong_count": len(run.wrong),
        "running_at_the_end": left["texthawk_engine_running"] + left["texthawk_engine_waiting"],
        "open_at_the_end": left["texthawk_http_requests_open"] - 1,  # the question itself
        "answers_not_taken": server.not_taken,
        "cancelled": left["texthawk_answers_cancelled_total"],
        "flatness": flatness([when for when, _ in measured], [value for _, value in measured], growth).told(),
        "megabytes": {
            "first_third": round(sum(memory[:third]) / third),
            "last_third": round(sum(memory[-third:]) / third),
            "most": round(max(memory)),
            "at_rest": round(at_rest),
            "in_steps": [round(value) for value in memory[:: max(1, len(memory) // 20)]],
        },
        "errors_in_the_log": server.errors[:5],
        "exit_status": status,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--seconds", type=float, default=20, help="for each throughput (0 leaves that part out)")
    parser.add_argument("--minutes", type=float, default=3, help="of the soak (0 leaves it out)")
    parser.add_argument("--growth", type=float, default=3, help="percent over the last two thirds that are still flat")
    parser.add_argument("--clients", type=int, default=100, help="of the soak")
    arguments = parser.parse_args()
    bodies = pictures()
    result: dict = {"model": arguments.model, "cores": len(os.sched_getaffinity(0))}
    if arguments.seconds:
        result["throughput"] = [
            throughput(arguments.model, batch, clients, arguments.seconds, bodies)
            for batch in (1, 16)
            for clients in (1, 8, 32)
        ]
    if arguments.minutes:
        result["soak"] = soak(arguments.model, arguments.clients, 60 * arguments.minutes, bodies, arguments.growth)
    print(json.dumps(result, indent=1))
    return int(bool(arguments.minutes) and not held_up(result["soak"]))


def held_up(soaked: dict) -> bool:
    """Whether nothing went wrong; of runs too short to tell, memory is not asked for."""
    left = soaked["running_at_the_end"] + soaked["open_at_the_end"]
    flat = soaked["flatness"]["verdict"] in ("flat", "too short")
    return flat and not (soaked["wrong_count"] or left or soaked["exit_status"] or soaked["errors_in_the_log"])


if __name__ == "__main__":
    sys.exit(main())
