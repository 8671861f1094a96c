"""A Ray cluster of this machine reads what one process reads; skipped where ray is not installed."""

import importlib.util

import pytest

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from tests.decode.documents.test_workers import results_of
from texthawk.cli import main
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Job, OwnProcess
from texthawk.types import PageError

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


@pytest.mark.skipif(RAY, reason="ray is installed")
def test_without_ray_the_way_out_is_told(book, capsys):
    assert main(["read", str(book), "--engine", "ray"]) == 2
    assert "pip install 'texthawk[ray]'" in capsys.readouterr().err
