"""Pages of a file in this process or in several; who reads them does not change what is read.

pdfium may be in one thread of a process at a time, so that pages are read in parallel by processes, each with a model of
its own and its share of the threads.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Protocol

from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.types import Page, PageError

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

Result = Page | PageError
CRASHES = 5  # in a row, after which the rest of a file is given up


class Engine(Protocol):
    """Reads pages of the file at `path`, which is called `name` in results, in whatever order; each result has its number.

    ValueError for what concerns all pages, such as a model that is not there.
    """

    def read(self, path: str, name: str, numbers: Sequence[int]) -> Iterator[Result]: ...

    def close(self) -> None: ...


class OwnProcess:
    """Reads pages one after another, here."""

    def __init__(self, settings: ReadingSettings) -> None:
        self._pages = PageReader(settings)

    def read(self, path: str, name: str, numbers: Sequence[int]) -> Iterator[Result]:
        return (self._pages.read(path, name, number) for number in numbers)

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

    def read(self, path: str, name: str, numbers: Sequence[int]) -> Iterator[Result]:
        waiting, crashes = deque(numbers), 0
        while waiting or any(worker.number is not None for worker in self.workers):
            self._hand_out(path, name, waiting)
            for worker in self._ready():
                number = worker.number
                try:
                    result = worker.take()
                except (EOFError, OSError):
                    self.workers.remove(worker)
                    exit_code = worker.ended()
                    if number is None:
                        continue
                    crashes += 1
                    result = PageError(name, number, _crashed(exit_code))
                else:
                    crashes = 0
                if isinstance(result, str):
                    raise ValueError(result)
                if crashes < CRASHES:
                    self._hand_out(path, name, waiting)
                yield result
            if crashes >= CRASHES:
                yield from self._given_up(name, waiting)
                return

    def close(self) -> None:
        for worker in self.workers:
            worker.connection.close()  # a worker that waits ends by itself
            worker.process.terminate()
            worker.process.join()
        self.workers.clear()

    def _hand_out(self, path: str, name: str, waiting: deque[int]) -> None:
        idle = [worker for worker in self.workers if worker.number is None]
        while waiting and (idle or len(self.workers) < self._count):
            if not idle:
                idle.append(_Worker(self._settings, threads_of_each(self._count)))
                self.workers.append(idle[0])
            worker = idle.pop()
            try:
                worker.give(path, name, waiting[0])
            except OSError:  # it ended while it had nothing to do
                self.workers.remove(worker)
                worker.ended()
                continue
            waiting.popleft()

    def _ready(self) -> list["_Worker"]:
        """Workers with a result, or that have ended, as soon as there is one."""
        by_connection = {worker.connection: worker for worker in self.workers}
        return [by_connection[ready] for ready in wait(list(by_connection)) if isinstance(ready, Connection)]

    def _given_up(self, name: str, waiting: deque[int]) -> Iterator[Result]:
        reason = f"not read, for {CRASHES} pages in a row crashed their process; try fewer --workers or a --max-memory"
        begun = [worker.number for worker in self.workers if worker.number is not None]
        self.close()
        for number in [*begun, *waiting]:
            yield PageError(name, number, reason)


class _Worker:
    """A process that reads a page at a time; `number` is the page that it has, None while it has none."""

    def __init__(self, settings: ReadingSettings, threads: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share pdfium's and torch's threads
        self.connection, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(other, settings, threads), daemon=True)
        self.process.start()
        other.close()
        self.number: int | None = None

    def give(self, path: str, name: str, number: int) -> None:
        self.connection.send((path, name, number))
        self.number = number

    def take(self) -> Result | str:
        """The page, or a message that concerns all pages; EOFError where the process has ended."""
        result: Result | str = self.connection.recv()
        self.number = None
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


def _work(connection: Connection, settings: ReadingSettings, threads: int) -> None:
    """A worker's life: it reads what it is given, until nobody is there to take it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one decides
    os.environ["OMP_NUM_THREADS"] = str(threads)  # torch is not imported yet
    pages = PageReader(settings)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            path, name, number = connection.recv()
            try:
                result: Result | str = pages.read(path, name, number)
            except ValueError as error:
                result = str(error)
            connection.send(result)


def _crashed(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        ended = f"was ended by {signal.Signals(-exit_code).name}"
    else:
        ended = f"ended with status {exit_code}"
    return (
        f"the process that read this page {ended}, perhaps for lack of memory; read the page again with fewer --workers"
    )
