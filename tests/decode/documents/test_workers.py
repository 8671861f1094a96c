"""Several processes read what one reads, and one that dies costs its page and no other."""

import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator

import pytest

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import CRASHES, Engine, Job, OwnProcess, Result, Workers, threads_of_each
from texthawk.types import Page, PageError

LAYER = ReadingSettings(text_layer="always", dpi=60)


@pytest.fixture
def book(tmp_path):
    return printed(tmp_path / "book.pdf", 40)


def printed(path, pages: int) -> str:
    path.write_bytes(printed_pdf([lines_of(f"This is page {k}.", "It has two lines.") for k in range(1, pages + 1)]))
    return str(path)


def jobs_of(path: str, numbers: Iterable[int]) -> list[Job]:
    return [Job(path, os.path.basename(path), number) for number in numbers]


def results_of(engine: Engine, jobs: Iterable[Job]) -> Iterator[tuple[Job, Result]]:
    waiting, given = deque(jobs), 0
    while waiting or given:
        while waiting and engine.room:
            engine.give(waiting.popleft())
            given += 1
        given -= 1
        yield engine.take()


@pytest.fixture
def two():
    engine = Workers(LAYER, 2)
    yield engine
    engine.close()


def test_several_processes_read_what_one_reads(book, two):
    alone, jobs = OwnProcess(LAYER), jobs_of(book, [5, 1, 9, 2, 30])
    expected, found = list(results_of(alone, jobs)), list(results_of(two, jobs))
    alone.close()
    assert [job for job, _ in expected] == jobs and len(found) == len(jobs)
    assert dict(found) == dict(expected)
    for job, page in found:
        assert isinstance(page, Page) and page.text.startswith(f"This is page {job.number}.")


def test_pages_of_different_files_are_read_in_different_processes_at_the_same_time(tmp_path, two):
    jobs = [Job(printed(tmp_path / name, 1), name, 1) for name in ("a.pdf", "b.pdf")]
    for job in jobs:
        assert two.room
        two.give(job)
    assert not two.room
    assert {worker.job: worker.process.is_alive() for worker in two.workers} == dict.fromkeys(jobs, True)
    assert len({worker.process.pid for worker in two.workers} | {os.getpid()}) == 3
    assert {two.take()[0] for _ in jobs} == set(jobs) and two.room


def test_a_process_that_is_killed_costs_its_page_and_no_other(book, two):
    results = results_of(two, jobs_of(book, range(1, 41)))
    found = [next(results)]
    victim = next(worker for worker in two.workers if worker.job is not None)
    lost = victim.job
    os.kill(victim.process.pid, signal.SIGKILL)
    found += results
    assert sorted(job.number for job, _ in found) == list(range(1, 41))
    errors = [(job, result) for job, result in found if isinstance(result, PageError)]
    assert [job for job, _ in errors] == [lost] and "SIGKILL" in errors[0][1].message


def test_a_process_that_is_killed_while_it_has_nothing_to_do_costs_nothing(book, two):
    (first,) = results_of(two, jobs_of(book, [1]))
    os.kill(two.workers[0].process.pid, signal.SIGKILL)
    two.workers[0].process.join()
    (second,) = results_of(two, jobs_of(book, [2]))
    assert isinstance(first[1], Page) and isinstance(second[1], Page)


def test_a_file_whose_pages_all_crash_is_given_up_with_a_reason_and_costs_no_other_file(book, tmp_path):
    engine, other = Workers(LAYER, 1), jobs_of(printed(tmp_path / "other.pdf", 2), [1, 2])
    found = []
    try:
        for job in jobs_of(book, range(1, 21)):
            engine.give(job)
            for worker in engine.workers:
                os.kill(worker.process.pid, signal.SIGKILL)
            found.append(engine.take())
        rest = list(results_of(engine, other))
    finally:
        engine.close()
    assert [job.number for job, _ in found] == list(range(1, 21))
    reasons = [result.message for _, result in found if isinstance(result, PageError)]
    assert len(reasons) == 20 and all("SIGKILL" in reason for reason in reasons[:CRASHES])
    assert all("crashed their process" in reason for reason in reasons[CRASHES:])
    assert [isinstance(page, Page) for _, page in rest] == [True, True]


def test_a_file_that_is_cut_short_while_it_is_read_costs_the_pages_that_are_left(book):
    engine = OwnProcess(LAYER)
    results = results_of(engine, jobs_of(book, [1, 20, 30, 40]))
    _, first = next(results)
    os.truncate(book, os.path.getsize(book) // 4)
    rest = [result for _, result in results]
    engine.close()
    assert isinstance(first, Page) and len(rest) == 3
    assert any(isinstance(result, PageError) and "damaged" in result.message for result in rest)


def test_threads_are_shared_out(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads_of_each(1) == threads_of_each(3) == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_of_each(1) >= threads_of_each(2) >= threads_of_each(1000) == 1


def test_no_processes_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Workers(LAYER, 0)
