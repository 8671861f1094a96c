"""The command itself: it starts, answers, and after a signal finishes what it accepted within its time."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import httpx2
import pytest

from tests.serve.serving import make_reader, running
from tests.serve.test_documents import picture, written

SCRIPT = "import sys; from texthawk.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    reader = make_reader()
    reader.model.save_pretrained(folder)
    reader.processor.save_pretrained(folder)
    return str(folder)


class Command:
    """texthawk serve in a process of its own; its log is collected line by line."""

    def __init__(self, model, *arguments):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HF_HUB_OFFLINE": "1"}
        line = [sys.executable, "-c", SCRIPT, "serve", "--model", model, "--name", "tiny", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            line, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.log = []
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()
        deadline = time.monotonic() + 120
        while not (found := re.search(r"running on (http://[\d.:]+)", "\n".join(self.log))):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.1)
        self.url = found[1]

    def _collect(self):
        for line in self.process.stderr:
            self.log.append(line)

    def signal(self, kind=signal.SIGTERM):
        self.process.send_signal(kind)

    def end(self, seconds=30):
        status = self.process.wait(seconds)
        self._thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@pytest.fixture
def started(model):
    made = []

    def start(*arguments):
        made.append(Command(model, *arguments))
        return made[-1]

    yield start
    for command in made:
        if command.process.poll() is None:
            command.process.kill()
            command.end()


def chat(url, tokens, results):
    body = {"model": "tiny", "messages": [{"role": "user", "content": "fox"}], "max_tokens": tokens}
    results.append(httpx2.post(url + "/v1/chat/completions", json=body, timeout=200))


def test_after_a_signal_what_was_accepted_is_finished_and_nothing_new_begun(started):
    command = started("--max-tokens", "2000", "--max-batch", "4", "--shutdown-seconds", "300")
    pages = written([picture("fox dog")] * 3, "PDF")
    job = httpx2.post(command.url + "/v1/documents", files={"file": ("a.pdf", pages)}, timeout=200).json()
    answers = []
    threads = [threading.Thread(target=chat, args=(command.url, 200, answers)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while "texthawk_http_requests_open 4.0" not in httpx2.get(command.url + "/metrics", timeout=200).text:
        time.sleep(0.1)
    command.signal()
    while httpx2.get(command.url + "/healthz", timeout=200).json()["status"] != "draining":
        time.sleep(0.1)
    late = []
    chat(command.url, 5, late)
    assert late[0].status_code == 503 and int(late[0].headers["retry-after"]) > 0
    while (record := httpx2.get(command.url + job["url"], timeout=200).json())["status"] in ("queued", "reading"):
        time.sleep(0.1)
    result = httpx2.get(command.url + job["url"] + "/result", timeout=200)
    for thread in threads:
        thread.join(200)
    assert record["status"] == "done" and len(result.json()["documents"][0]["pages"]) == 3
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all(answer.json()["usage"]["completion_tokens"] == 200 for answer in answers)
    assert command.end(60) == 0
    entries = [json.loads(line) for line in command.log]
    assert all({"time", "level", "message"} <= set(entry) for entry in entries), "each line of the log is JSON"
    assert not [entry for entry in entries if entry["level"] in ("error", "critical")]


def test_what_takes_longer_than_its_time_is_told_so(reader):
    with running(reader, shutdown_seconds=0.2) as server:
        answers = []
        thread = threading.Thread(target=chat, args=(server.url, 1900, answers))
        thread.start()
        server.until(lambda: server.parts.engine.running)
        server.server.handle_exit(signal.SIGTERM, None)
        thread.join(60)
        assert answers[0].status_code == 503 and answers[0].json()["error"]["code"] == "shutting_down"
        server.until(lambda: server.server.should_exit)


def test_a_second_signal_makes_it_short(reader):
    with running(reader, shutdown_seconds=600) as server:
        stream = server.client().chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "fox"}], max_tokens=1900, stream=True
        )
        next(stream)
        server.server.handle_exit(signal.SIGINT, None)
        server.until(lambda: server.parts.draining)
        assert not server.server.should_exit
        server.server.handle_exit(signal.SIGINT, None)
        assert server.server.should_exit and server.server.force_exit
        stream.close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--max-batch", "0"], "at least 1"),
        (["--port", "x"], "no whole number"),
        (["--port", "65536"], "no port"),
        (["--model", "nowhere"], "neither shipped"),
        (["--api-key-file", "nowhere"], "cannot be read"),
        (["--shutdown-seconds", "soon"], "no number of seconds"),
    ],
)
def test_wrong_usage_has_status_2_and_says_why(capsys, arguments, reason):
    from texthawk.cli import main

    assert main(["serve", *arguments]) == 2
    assert reason in capsys.readouterr().err
