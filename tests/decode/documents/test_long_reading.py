"""A long document from end to end: killed and resumed, in several processes, damaged on the way."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from texthawk.cli import main

COMMAND = "import sys; from texthawk.cli import main; sys.exit(main())"
READ = [sys.executable, "-c", COMMAND, "read", "--text-layer", "always", "--dpi", "60"]


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.pdf"
    path.write_bytes(printed_pdf([lines_of(f"This is page {k}.", "It has two lines.") for k in range(1, 41)]))
    return path


def read(*arguments: str) -> int:
    return main(["read", "--text-layer", "always", "--dpi", "60", *arguments])


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


def test_a_file_that_is_cut_short_keeps_its_finished_pages(book, tmp_path, capsys):
    assert read(str(book), "--out", str(tmp_path / "out"), "--pages", "1-3") == 0
    os.truncate(book, len(book.read_bytes()) // 4)
    assert read(str(book), "--out", str(tmp_path / "out")) == 1
    assert "ends in the middle" in capsys.readouterr().err
    assert (tmp_path / "out" / "book.txt").read_text().count("This is page") == 3


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
