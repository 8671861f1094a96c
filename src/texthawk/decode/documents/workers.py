"""Pages of files in this process or in several; who reads them does not change what is read.

pdfium may be in one thread of a process at a time, so that pages are read in parallel by processes, each with a model of
its own and its share of the threads.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, NamedTuple, Protocol

from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.types import Page, PageError

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

Result = Page | PageError
CRASHES = 5  # of pages of one file, with none read between them, after which the rest of it is given up


class Job(NamedTuple):
    """A page to read: of the file at `path`, which is called `name` in results."""

    path: str
    name: str
    number: int


class Engine(Protocol):
    """Reads pages, of whatever files, in whatever order: is given them while it has room, and gives each back once."""

    @property
    def room(self) -> bool: ...

    def give(self, job: Job) -> None:
        """Begin with a page, or put it down to begin with; only where there is room."""

    def take(self) -> tuple[Job, Result]:
        """Wait for one of the pages that were given; ValueError for what concerns all, such as a model that is not there."""

    def close(self) -> None: ...


class OwnProcess:
    """Reads a page at a time, here, when it is waited for."""

    def __init__(self, settings: ReadingSettings) -> None:
        self._pages = PageReader(settings)
        self._given: Job | None = None

    @property
    def room(self) -> bool:
        return self._given is None

    def give(self, job: Job) -> None:
        assert self.room
        self._given = job

    def take(self) -> tuple[Job, Result]:
        job, self._given = self._given, None
        assert job is not None
        return job, self._pages.read(*job)

    def close(self) -> None:
        self._pages.close()

    @property
    def reader(self) -> "Reader":
        """The model, loaded now if it was not yet."""
        return self._pages.reader


class Workers:
    """Reads pages in `count` processes; one that crashes costs the page it was reading, and another takes its place."""

    def __init__(self, settings: ReadingSettings, count: int) -> None:
        if count < 1:
            raise ValueError(f"workers is {count}; at least 1 must read")
        self._settings, self._count = settings, count
        self.workers: list[_Worker] = []
        self._crashes = Counter[str]()  # by path, since a page of it was read
        self._given_up = deque[Job]()

    @property
    def room(self) -> bool:
        return not self._given_up and sum(worker.job is not None for worker in self.workers) < self._count

    def give(self, job: Job) -> None:
        assert self.room
        if self._crashes[job.path] >= CRASHES:
            self._given_up.append(job)
            return
        while True:
            worker = self._idle()
            try:
                worker.give(job)
                return
            except OSError:  # it ended while it had nothing to do
                self._buried(worker)

    def take(self) -> tuple[Job, Result]:
        if self._given_up:
            refused = self._given_up.popleft()
            return refused, PageError(refused.name, refused.number, _GIVEN_UP)
        by_connection = {worker.connection: worker for worker in self.workers if worker.job is not None}
        ready = wait(list(by_connection))[0]
        assert isinstance(ready, Connection)
        worker = by_connection[ready]
        job = worker.job
        assert job is not None
        try:
            result = worker.take()
        except (EOFError, OSError):
            self._crashes[job.path] += 1
            return job, PageError(job.name, job.number, _crashed(self._buried(worker)))
        if isinstance(result, str):
            raise ValueError(result)
        del self._crashes[job.path]
        return job, result

    def close(self) -> None:
        for worker in self.workers:
            worker.connection.close()  # a worker that waits ends by itself
            worker.process.terminate()
            worker.process.join()
        self.workers.clear()

    def _idle(self) -> "_Worker":
        for worker in self.workers:
            if worker.job is None:
                return worker
        self.workers.append(_Worker(self._settings, threads_of_each(self._count)))
        return self.workers[-1]

    def _buried(self, worker: "_Worker") -> int | None:
        """The exit status of a worker that has ended."""
        self.workers.remove(worker)
        return worker.ended()


class _Worker:
    """A process that reads a page at a time; `job` is the page that it has, None while it has none."""

    def __init__(self, settings: ReadingSettings, threads: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share pdfium's and torch's threads
        self.connection, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(other, settings, threads), daemon=True)
        with _deaf():
            self.process.start()
        other.close()
        self.job: Job | None = None

    def give(self, job: Job) -> None:
        self.connection.send(job)
        self.job = job

    def take(self) -> Result | str:
        """The page, or a message that concerns all pages; EOFError where the process has ended."""
        result: Result | str = self.connection.recv()
        self.job = None
        return result

    def ended(self) -> int | None:
        self.connection.close()
        self.process.join()
        return self.process.exitcode


def threads_of_each(workers: int) -> int:
    """This machine's threads, shared out; OMP_NUM_THREADS bounds them all together, as it does without workers."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    bound = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(bound) if bound.isdigit() and int(bound) else cores) // workers)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Processes started here never hear Ctrl-C, which reaches all processes of a terminal: the first one decides."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # it starts with a process, and lets interrupts through when it has
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, settings: ReadingSettings, threads: int) -> None:
    """A worker's life: it reads what it is given, until nobody is there to take it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in `_deaf`, which has no effect on Windows
    os.environ["OMP_NUM_THREADS"] = str(threads)  # torch is not imported yet
    pages = PageReader(settings)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job = connection.recv()
            try:
                result: Result | str = pages.read(*job)
            except ValueError as error:
                result = str(error)
            connection.send(result)


_GIVEN_UP = (
    f"not read, for {CRASHES} pages of this file in a row crashed their process; try fewer --workers or a --max-memory"
)


def _crashed(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        ended = f"was ended by {signal.Signals(-exit_code).name}"
    else:
        ended = f"ended with status {exit_code}"
    return (
        f"the process that read this page {ended}, perhaps for lack of memory; read the page again with fewer --workers"
    )
