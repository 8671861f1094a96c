"""A Ray cluster of this machine reads what one process reads; skipped where ray is not installed."""

import contextlib
import importlib.util
import os
import signal
import threading
from pathlib import Path

import pytest

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from tests.decode.documents.test_workers import results_of
from texthawk.cli import main
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Job, OwnProcess
from texthawk.types import Page, PageError

RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not RAY, reason="ray is not installed: pip install 'texthawk[ray]'")


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.pdf"
    path.write_bytes(printed_pdf([lines_of(f"This is page {k}.", "It has two lines.") for k in range(1, 9)]))
    return path


@pytest.mark.slow
@needs_ray
def test_a_cluster_reads_what_one_process_reads(book, tmp_path, capsys):
    command = ["read", str(book), "--text-layer", "always", "--dpi", "60", "--format", "json", "--pages", "1-8,12"]
    assert main([*command, "--engine", "ray", "--workers", "1", "--out", str(tmp_path / "ray")]) == 1
    assert "page 12: there is no such page" in capsys.readouterr().err
    assert main([*command, "--out", str(tmp_path / "here")]) == 1
    assert (tmp_path / "ray" / "book.json").read_bytes() == (tmp_path / "here" / "book.json").read_bytes()


@pytest.mark.slow
@needs_ray
def test_pages_that_cannot_be_read_come_back_as_errors(book):
    from texthawk.decode.documents.on_ray import OnRay

    settings, jobs = ReadingSettings(text_layer="always", dpi=60), [Job("none.pdf", "none.pdf", k) for k in (1, 2)]
    engine, alone = OnRay(settings, 1), OwnProcess(settings)
    try:
        found = dict(results_of(engine, jobs))
    finally:
        engine.close()
    assert found == dict(results_of(alone, jobs)) and list(map(type, found.values())) == [PageError, PageError]


@pytest.mark.slow
@needs_ray
def test_a_cluster_reads_a_pile_of_files_as_one_process_does(book, tmp_path, capsys):
    names = [str(book), str(tmp_path / "none.pdf")]
    for k in range(5):
        names.append(str(tmp_path / f"{k}.pdf"))
        (tmp_path / f"{k}.pdf").write_bytes(printed_pdf([lines_of(f"This is file {k}.")]))
    command = ["read", *names, "--text-layer", "always", "--dpi", "60", "--format", "json"]
    assert main([*command, "--engine", "ray", "--workers", "2"]) == 1
    found = capsys.readouterr().out
    assert main(command) == 1
    assert found == capsys.readouterr().out and "This is file 4." in found


@pytest.mark.slow
@needs_ray
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")
def test_a_page_whose_processes_always_die_costs_no_other(book, tmp_path):
    from texthawk.decode.documents.on_ray import TRIES, OnRay

    pipe = tmp_path / "pipe.pdf"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)  # so that whoever reads it waits, and is found
    done, killed = threading.Event(), set()

    def kill() -> None:
        while not done.wait(0.05):
            for process in who_reads(pipe) - killed:
                killed.add(process)
                os.kill(process, signal.SIGKILL)

    engine = OnRay(ReadingSettings(text_layer="always", dpi=60), 1)
    deadly, other = Job(str(pipe), "pipe.pdf", 1), Job(str(book), "book.pdf", 1)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = dict(results_of(engine, [deadly, other]))
    finally:
        done.set()
        killer.join()
        os.close(held)
        engine.close()
    assert isinstance(found[deadly], PageError) and isinstance(found[other], Page)
    assert len(killed) == TRIES


def who_reads(pipe: Path) -> set[int]:
    """Other processes that have a file open."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(entry) == str(pipe):
                found.add(int(entry.parts[2]))
    return found - {os.getpid()}


@pytest.mark.skipif(RAY, reason="ray is installed")
def test_without_ray_the_way_out_is_told(book, capsys):
    assert main(["read", str(book), "--engine", "ray"]) == 2
    assert "pip install 'texthawk[ray]'" in capsys.readouterr().err
