"""texthawk enrich as a process: against a real server, killed and gone on with, without a key in any file."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.data.enrich.examples import png
from tests.data.enrich.teacher import says, status, teaching
from texthawk.cli import main

SCRIPT = "import sys; from texthawk.cli import main; sys.exit(main())"
KEY = "sk-secret-7"


@pytest.fixture
def teacher(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with teaching() as running:
        yield running


@pytest.fixture
def scans(tmp_path):
    place = tmp_path / "scans"
    place.mkdir()
    for i in range(6):
        (place / f"{i}.png").write_bytes(png(10 * i))
    return place


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def enrich(teacher, scans, tmp_path, capsys):
    def run(*arguments, place=scans):
        status = main(
            [
                "enrich",
                str(place),
                "--endpoint",
                teacher.url,
                "--model",
                "wise",
                "--out",
                str(tmp_path / "out"),
                *arguments,
            ]
        )
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_folder_is_annotated_and_the_cost_told(enrich, teacher, tmp_path):
    code, out, _ = enrich("--kinds", "caption,questions,conversation", "--questions", "3")
    assert code == 0
    assert "6 pages and 6 conversations" in out
    assert "1800 tokens of prompts and 360 of replies, 0 of them" in out
    records = lines(tmp_path / "out" / "annotations.jsonl")
    assert [record["id"] for record in records] == [f"scans/{i}.png" for i in range(6)]
    assert all(len(record["turns"]) == 4 for record in records)
    code, out, err = enrich("--kinds", "caption,questions,conversation", "--questions", "3")
    assert code == 0 and len(teacher.asked) == 18
    assert "0 annotations now, 18 there already" in out and "earlier runs into this folder spent 2160 tokens" in err


def test_failures_are_told_by_reason_and_give_status_1(enrich, teacher):
    teacher.faults += [says("no"), says("no"), status(400, "too large")]
    code, out, err = enrich("--kinds", "caption", "--retries", "1", "--concurrency", "1")
    assert code == 1 and "4 annotations now, 0 there already, 2 failed" in out
    assert "replies that could not be used: 2 x the reply is no JSON" in err
    assert "not annotated: 1 x no usable reply (first: scans/0.png)" in err
    assert "not annotated: 1 x refused with status 400: too large (first: scans/1.png)" in err
    assert "240 of them for replies" in out
    code, out, _ = enrich("--kinds", "caption")
    assert code == 0 and "2 annotations now, 4 there already, 0 failed" in out


def test_a_dry_run_needs_no_endpoint_asks_nothing_and_leaves_nothing(scans, tmp_path, capsys, enrich, teacher):
    assert main(["enrich", str(scans), "--model", "wise", "--dry-run", "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "6 pages, 12 requests: 6 x caption, 6 x questions" in out and "the first request (caption)" in out
    assert not (tmp_path / "out").exists() and not teacher.asked
    enrich("--kinds", "caption", "--limit", "2")
    _, out, _ = enrich("--dry-run")
    assert "6 pages, 10 requests: 6 x questions, 4 x caption" in out or "4 x caption, 6 x questions" in out


def test_a_folder_without_pages_is_wrong_usage(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["enrich", str(tmp_path / "empty"), "--model", "wise", "--dry-run"]) == 2
    assert "empty holds no file of pages (.png, " in capsys.readouterr().err


def test_the_key_comes_from_the_named_variable_and_gets_into_no_file_and_no_message(
    enrich, teacher, tmp_path, monkeypatch
):
    monkeypatch.setenv("TEACHER_KEY", KEY)
    teacher.faults += [status(400, f"your key {KEY} is fine, the picture is not")]
    code, out, err = enrich("--kinds", "caption", "--api-key-env", "TEACHER_KEY")
    assert code == 1 and {headers["Authorization"] for headers, _ in teacher.asked} == {f"Bearer {KEY}"}
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes()
    assert KEY not in out + err and "***" in err


def test_no_key_of_the_environment_is_sent_unasked(enrich, teacher, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    enrich("--kinds", "caption")
    assert not any("Authorization" in headers for headers, _ in teacher.asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--api-key-env", KEY], "not the key itself"),
        (["--api-key-env", "UNSET_VARIABLE"], "is not set"),
        (["--endpoint", f"http://me:{KEY}@127.0.0.1/v1"], "more than host and path"),
        (["--endpoint", "localhost:8000"], "no http or https address"),
        (["--endpoint", "http://127.0.0.1:99999/v1"], "no http or https address"),
        (["--kinds", "poems"], "kinds are"),
        (["--requests-per-minute", "0"], "not above 0"),
        (["--set", "folder"], "missing"),
        (["--set", "no-such-set"], "unknown"),
        (["--token-field", "tokens"], "max_completion_tokens"),
    ],
)
def test_wrong_usage_is_told_without_asking_anybody(enrich, teacher, arguments, said):
    code, out, err = enrich(*arguments)
    assert code == 2 and said in err and KEY not in out + err
    assert not teacher.asked


def test_a_refused_key_ends_the_run_with_what_was_done_kept(enrich, teacher, tmp_path):
    teacher.faults += [says('{"caption": "A bill"}'), status(401, "wrong key")]
    code, _, err = enrich("--kinds", "caption", "--concurrency", "1")
    assert code == 2 and "wrong key" in err and len(teacher.asked) == 2
    code, out, _ = enrich("--kinds", "caption")
    assert code == 0 and "5 annotations now, 1 there already" in out


def test_json_lines_with_questions_get_thoughts(enrich, tmp_path):
    place = tmp_path / "set"
    place.mkdir()
    (place / "a.png").write_bytes(png(3))
    row = {"image": "a.png", "question": "What is the total?", "answers": ["9.00"], "task": "docvqa"}
    (place / "dev.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    code, _, _ = enrich("--set", "folder", "--split", "dev", "--kinds", "thoughts", place=place)
    [record] = lines(tmp_path / "out" / "annotations.jsonl")
    assert code == 0 and [turn["answer"] for turn in record["turns"]] == ["9.00"]
    assert record["info"]["thoughts"] == [
        {"question": "What is the total?", "thought": "Line 1 says so.", "answer": "9.00"}
    ]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_goes_on_and_asks_nothing_twice(enrich, teacher, scans, tmp_path, kill):
    reached = threading.Event()

    def holds(handler, body):
        reached.set()
        handler.teacher.closing.wait(20)

    teacher.faults += [says('{"caption": "A bill"}')] * 3 + [holds]
    command = ["enrich", str(scans), "--endpoint", teacher.url, "--model", "wise", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *command, "--kinds", "caption", "--concurrency", "1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job's child is deaf to it
    )
    assert reached.wait(60)
    process.send_signal(kill)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if kill == signal.SIGINT else -signal.SIGKILL), err
    code, out, _ = enrich("--kinds", "caption")
    assert code == 0 and "3 annotations now, 3 there already" in out
    assert len(teacher.asked) == 4 + 3
    assert len(lines(tmp_path / "out" / "annotations.jsonl")) == 6


def test_help_imports_nothing_heavy():
    script = (
        "import sys\nfrom texthawk.cli import main\nstatus = main(['enrich', '--help'])\n"
        "heavy = {'torch', 'transformers', 'numpy', 'PIL', 'httpx2', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "--requests-per-minute" in done.stdout, done.stderr
