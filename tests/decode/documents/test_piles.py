"""Many files side by side: in order, as one by one, after a kill as before it, and none costs another."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_command import interruptible
from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from texthawk.cli import main
from texthawk.decode.documents import reading
from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.reading import Pile
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Job, Result
from texthawk.image.selection import EVERY_PAGE
from texthawk.types import Page, PageError

COMMAND = "import sys; from texthawk.cli import main; sys.exit(main())"
OPTIONS = ["--text-layer", "always", "--dpi", "60"]
LAYER = ReadingSettings(text_layer="always", dpi=60)


def printed(folder, name: str, pages: int = 1) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(printed_pdf([lines_of(f"This is page {k} of {name}.") for k in range(1, pages + 1)]))
    return str(path)


@pytest.fixture
def files(tmp_path):
    """The first is the longest, so that those behind it are done before it; some cannot be read at all."""
    names = [printed(tmp_path, "long.pdf", 9), str(tmp_path / "none.pdf")]
    names += [printed(tmp_path, f"{k}.pdf") for k in range(6)]
    (tmp_path / "empty.pdf").write_bytes(b"")
    return [*names, str(tmp_path / "empty.pdf"), str(tmp_path), printed(tmp_path, "last.pdf", 2)]


def read(*arguments: str) -> int:
    return main(["read", *OPTIONS, *arguments])


class LastFirst:
    """Has room for everything, and reads what it was given last."""

    room = True

    def __init__(self) -> None:
        self._pages = PageReader(LAYER)
        self._given: list[Job] = []
        self.order: list[Job] = []

    def give(self, job: Job) -> None:
        self._given.append(job)

    def take(self) -> tuple[Job, Result]:
        self.order.append(self._given.pop())
        return self.order[-1], self._pages.read(*self.order[-1])

    def close(self) -> None:
        self._pages.close()


def test_in_whatever_order_pages_are_read_they_come_in_the_order_of_files_and_pages(files, tmp_path):
    engine, found = LastFirst(), []
    pile = Pile(files, LAYER, EVERY_PAGE, engine, spool=tmp_path)
    for turn in pile:
        found += [(turn.source, None)] if isinstance(turn, PageError) else [(page.source, page.number) for page in turn]
    engine.close()
    pages = {files[0]: range(1, 10), files[-1]: (1, 2)} | dict.fromkeys((files[1], *files[-3:-1]), (None,))
    assert found == [(name, number) for name in files for number in pages.get(name, (1,))]
    assert engine.order[0].path == files[-1], "the engine was not given the files behind the first"


def test_files_are_open_no_further_ahead_than_the_limit_says_and_nothing_of_them_stays(files, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "AHEAD", 3)
    spool = tmp_path / "spool"
    engine, most, ahead = LastFirst(), 0, 0
    with_pages = [name for name in files if name.endswith(".pdf") and os.path.exists(name) and os.path.getsize(name)]
    pile = Pile(with_pages, LAYER, EVERY_PAGE, engine, spool=spool)
    for turn in pile:
        for page in turn:
            assert isinstance(page, Page)
            most = max(most, len(list(spool.glob("*.jsonl"))))
            ahead = max(ahead, max(with_pages.index(job.path) for job in engine.order) - with_pages.index(page.source))
    engine.close()
    assert (most, ahead) == (3, 2)
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_several_processes_print_what_one_prints(files, form, capsys):
    assert read(*files, "--format", form) == 1
    alone = capsys.readouterr()
    assert read(*files, "--format", form, "--workers", "3") == 1
    together = capsys.readouterr()
    assert alone.out == together.out and "This is page 2 of last.pdf." in alone.out
    assert [line for line in together.err.splitlines() if "cores" not in line] == alone.err.splitlines()
    assert len(alone.err.splitlines()) == 3


def test_a_reading_of_many_files_that_was_killed_goes_on_and_its_processes_end(files, tmp_path, capsys):
    out, whole = tmp_path / "out", tmp_path / "whole"
    command = [sys.executable, "-c", COMMAND, "read", *OPTIONS, *files, "--format", "json", "--workers", "2"]
    running = subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE)
    try:
        while kept(out) < 3:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.02)
        running.send_signal(signal.SIGKILL)
    finally:
        running.kill()
        running.communicate()  # ends when nobody holds stderr any more, so the readers have ended too
    done = kept(out)
    assert 3 <= done < 17 and not (out / "last.json").exists(), "the reading was killed too late to test anything"
    assert read(*files, "--format", "json", "--out", str(out), "--workers", "2") == 1
    told = [line.split(": ")[-1].split() for line in capsys.readouterr().err.splitlines() if "were read before" in line]
    assert sum(int(words[0]) for words in told) == done
    assert read(*files, "--format", "json", "--out", str(whole)) == 1
    names = sorted(path.name for path in whole.glob("*.json"))
    assert len(names) == 11 and names == sorted(path.name for path in out.glob("*.json"))
    assert all((out / name).read_bytes() == (whole / name).read_bytes() for name in names)


def kept(out) -> int:
    """Pages in ledgers."""
    return sum(max(0, path.read_bytes().count(b"\n") - 1) for path in out.glob("ledger/*.jsonl"))


@pytest.mark.skipif(sys.platform != "linux", reason="children are counted in /proc")
def test_an_interrupt_ends_all_processes_without_a_traceback_even_while_they_start(files):
    command = [sys.executable, "-c", COMMAND, "read", *OPTIONS, *files, "--workers", "2"]
    running = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=interruptible
    )
    while len(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()) < 3:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.02)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    assert running.communicate() == (None, "texthawk: interrupted\n") and running.returncode == 130


def test_more_processes_than_cores_are_not_started(files, capsys):
    assert read(files[0], "--workers", "1000", "--pages", "1-2") == 0
    told = capsys.readouterr()
    assert "--workers 1000 are more than" in told.err and told.out.count("This is page") == 2


def test_a_page_that_does_not_fit_into_memory_is_an_error_and_costs_no_other(files, tmp_path, monkeypatch):
    reader = PageReader(LAYER)
    monkeypatch.setattr(np, "stack", out_of_memory)
    failed = reader.read(files[0], "long.pdf", 3)
    monkeypatch.undo()
    assert isinstance(failed, PageError) and failed.number == 3 and "--max-memory" in failed.message
    assert isinstance(reader.read(files[0], "long.pdf", 4), Page)
    reader.close()


def out_of_memory(*_: object) -> None:
    raise MemoryError("no room")


def test_a_file_that_is_named_twice_is_read_once_and_written_twice(tmp_path, capsys):
    name, other = printed(tmp_path, "a.pdf", 2), printed(tmp_path, "b.pdf")
    again = os.path.join(str(tmp_path), ".", "a.pdf")
    assert read(name, other, again, "--out", str(tmp_path / "out"), "--workers", "2") == 0
    assert "2 of 2 pages were read before" in capsys.readouterr().err
    assert (tmp_path / "out" / "a.txt").read_bytes() == (tmp_path / "out" / "a-2.txt").read_bytes()
    assert "page 2 of a.pdf" in (tmp_path / "out" / "a.txt").read_text()


def test_two_files_of_one_name_keep_their_own_pages(tmp_path, capsys):
    names = [printed(tmp_path / "x", "a.pdf"), printed(tmp_path / "y", "a.pdf", 2)]
    assert read(*names, "--out", str(tmp_path / "out"), "--workers", "2") == 0
    assert f"{names[1]}: written as a-2.txt" in capsys.readouterr().err
    assert [(tmp_path / "out" / name).read_text().count("This is") for name in ("a.txt", "a-2.txt")] == [1, 2]


def test_a_ledger_that_another_process_writes_costs_its_file_and_no_other(tmp_path, capsys):
    names = [printed(tmp_path, f"{k}.pdf") for k in range(3)]
    assert read(*names, "--out", str(tmp_path / "out")) == 0
    capsys.readouterr()
    (ledger,) = (tmp_path / "out" / "ledger").glob("1.pdf-*")
    script = "import fcntl, sys; held = open(sys.argv[1], 'ab'); fcntl.flock(held, fcntl.LOCK_EX); print(flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    holder.stdout.readline()
    status = read(*names, "--out", str(tmp_path / "out"), "--format", "markdown")
    holder.communicate(b"\n")
    told = [line for line in capsys.readouterr().err.splitlines() if "were read before" not in line]
    assert status == 1 and len(told) == 1 and f"{names[1]}: another process is writing" in told[0]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.md")) == ["0.md", "2.md"]


def test_a_file_may_have_the_longest_name_that_there_can_be(tmp_path, capsys):
    name = printed(tmp_path, "ä" * 120 + "x" * 11 + ".pdf")
    assert len(os.fsencode(os.path.basename(name))) == 255
    assert read(name) == 0
    assert "This is page 1" in capsys.readouterr().out


def test_a_pipe_is_not_waited_for_while_files_before_it_are_read(tmp_path):
    first, pipe = printed(tmp_path, "a.pdf"), tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", COMMAND, "read", *OPTIONS, first, str(pipe), "--workers", "2"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert [running.stdout.readline() for _ in range(2)][1] == "This is page 1 of a.pdf.\n"
    pipe.write_bytes(printed_pdf([lines_of("From a pipe.")]))
    assert "From a pipe." in running.communicate()[0] and running.returncode == 0
