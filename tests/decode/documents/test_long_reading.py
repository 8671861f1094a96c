"""Long documents from end to end: killed and resumed, in several processes, with files that are damaged on the way."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from texthawk.cli import main
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import CRASHES, OwnProcess, Workers, threads_of_each
from texthawk.types import Page, PageError

LAYER = ReadingSettings(text_layer="always", dpi=60)
COMMAND = "import sys; from texthawk.cli import main; sys.exit(main())"
READ = [sys.executable, "-c", COMMAND, "read", "--text-layer", "always", "--dpi", "60"]


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.pdf"
    path.write_bytes(printed_pdf([lines_of(f"This is page {k}.", "It has two lines.") for k in range(1, 41)]))
    return path


def read(*arguments: str) -> int:
    return main(["read", "--text-layer", "always", "--dpi", "60", *arguments])


def test_several_processes_read_what_one_reads(book):
    alone, together = OwnProcess(LAYER), Workers(LAYER, 2)
    numbers = [5, 1, 9, 2, 30]
    try:
        expected = {page.number: page for page in alone.read(str(book), "book", numbers)}
        found = list(together.read(str(book), "book", numbers))
    finally:
        alone.close()
        together.close()
    assert all(isinstance(page, Page) and page.text.startswith(f"This is page {page.number}.") for page in found)
    assert {page.number: page for page in found} == expected and len(found) == len(numbers)


def test_a_process_that_is_killed_costs_its_page_and_no_other(book):
    engine = Workers(LAYER, 2)
    results = engine.read(str(book), "book", range(1, 41))
    try:
        first = next(results)
        victim = next(worker for worker in engine.workers if worker.number is not None)
        lost = victim.number
        os.kill(victim.process.pid, signal.SIGKILL)
        rest = list(results)
    finally:
        engine.close()
    assert sorted(result.number for result in [first, *rest]) == list(range(1, 41))
    errors = [result for result in rest if isinstance(result, PageError)]
    assert [error.number for error in errors] == [lost] and "SIGKILL" in errors[0].message


def test_when_every_page_crashes_the_rest_is_given_up_with_a_reason(book):
    engine = Workers(LAYER, 1)
    results = engine.read(str(book), "book", range(1, 41))
    found = [next(results)]
    try:
        while len(found) < 40:
            for worker in engine.workers:
                os.kill(worker.process.pid, signal.SIGKILL)
            found.append(next(results))
            if len([result for result in found if isinstance(result, PageError)]) > CRASHES:
                found += list(results)
    finally:
        engine.close()
    assert sorted(result.number for result in found) == list(range(1, 41))
    assert "crashed their process" in found[-1].message


def test_threads_are_shared_out(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_of_each(1) == threads_of_each(3) == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_of_each(1) >= threads_of_each(2) >= threads_of_each(1000) == 1


def test_no_processes_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Workers(LAYER, 0)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reading_that_was_killed_goes_on_and_ends_as_if_nothing_had_been(book, tmp_path, workers, capsys):
    out, whole = tmp_path / "out", tmp_path / "whole"
    command = [*READ, str(book), "--format", "json", "--workers", workers]
    running = subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE)
    try:
        while running.poll() is None:  # until some pages are done, and not all
            ledgers = list(out.glob("ledger/*.jsonl"))
            if ledgers and ledgers[0].read_bytes().count(b"\n") > 4:
                running.send_signal(signal.SIGKILL)
                break
    finally:
        running.kill()
        running.communicate()
    (ledger,) = out.glob("ledger/*.jsonl")
    done = ledger.read_bytes().count(b"\n") - 1
    assert not (out / "book.json").exists() and 0 < done < 40, "the reading was killed too late to test anything"
    assert read(str(book), "--format", "json", "--out", str(out)) == 0
    told = re.search(r"(\d+) of 40 pages were read before", capsys.readouterr().err)
    assert told is not None and int(told[1]) >= done
    assert read(str(book), "--format", "json", "--out", str(whole)) == 0
    assert (out / "book.json").read_bytes() == (whole / "book.json").read_bytes()
    assert len(json.loads((out / "book.json").read_text())["documents"][0]["pages"]) == 40


def test_another_format_of_the_same_pages_takes_no_reading(book, tmp_path, capsys):
    assert read(str(book), "--out", str(tmp_path / "out"), "--pages", "1-3") == 0
    assert read(str(book), "--out", str(tmp_path / "out"), "--pages", "2-4", "--format", "markdown") == 0
    assert "2 of 3 pages were read before" in capsys.readouterr().err
    assert (tmp_path / "out" / "book.md").read_text().count("This is page") == 3


def test_a_changed_file_and_other_settings_are_named_and_read_again(book, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert read(str(book), "--out", out, "--pages", "1") == 0
    assert read(str(book), "--out", out, "--pages", "1", "--max-pixels", "100000") == 0
    assert "max_pixels was None and is 100000" in capsys.readouterr().err
    book.write_bytes(printed_pdf([lines_of("Other words.")]))
    assert read(str(book), "--out", out, "--max-pixels", "100000") == 0
    assert "the file has changed since" in capsys.readouterr().err
    assert (tmp_path / "out" / "book.txt").read_text() == "Other words.\n"


def test_a_file_that_is_cut_short_while_it_is_read_keeps_its_finished_pages(book, tmp_path, capsys):
    engine = OwnProcess(LAYER)
    results = engine.read(str(book), "book", range(1, 41))
    first = next(results)
    content = book.read_bytes()
    os.truncate(book, len(content) // 4)
    rest = list(results)
    engine.close()
    assert isinstance(first, Page) and len(rest) == 39
    assert any(isinstance(result, PageError) and "damaged" in result.message for result in rest)
    assert read(str(book), "--out", str(tmp_path / "out")) == 1
    assert "ends in the middle" in capsys.readouterr().err


def test_a_pipe_is_read_as_a_file_is(book, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeding = subprocess.Popen(["cp", str(book), str(pipe)])
    ended = subprocess.run([*READ, str(pipe), "--pages", "39-"], capture_output=True, text=True, timeout=100)
    feeding.wait()
    assert ended.stdout.startswith("This is page 39.") and ended.returncode == 0, ended.stderr


def test_json_on_stdout_holds_all_files_in_order(book, tmp_path, capsys):
    (tmp_path / "none.pdf").write_bytes(b"")
    assert read(str(book), str(tmp_path / "none.pdf"), "--format", "json", "--pages", "1-2") == 1
    documents = json.loads(capsys.readouterr().out)["documents"]
    assert [len(document["pages"]) for document in documents] == [2, 0]
    assert documents[1]["errors"] and documents[0]["pages"][0]["origin"] == "layer"
