"""Files from beginning to end: their pages come in order, and what is in a ledger is not read again.

Pages of files whose turn has not come are read meanwhile where an engine has room for them, so that many small files keep
several processes as busy as a long one does. What was read waits on disk, in the ledgers.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texthawk.decode.documents.ledger import Ledger, content_of
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Engine, Job, Result
from texthawk.image.pages import missing_pages, opened_file
from texthawk.image.raw import UnreadablePage
from texthawk.image.selection import PageSelection
from texthawk.types import Page, PageError

AHEAD = 64
"""Files that are open at once: the one whose turn it is, and those behind it."""

_LONGEST = 60  # characters of a file's name in its ledger's, for a name has an end at 255 bytes


@dataclass(frozen=True)
class Opened:
    """A file that can be read: where it lies, what it is called, its wanted pages, and errors for those it has not."""

    path: str
    name: str
    count: int
    numbers: list[int]
    missing: list[PageError]


def opened(file: str, settings: ReadingSettings, selection: PageSelection, folder: Path) -> Opened:
    """Look at a file; raises UnreadablePage. What can be read only once, such as a pipe, is copied to `folder` first."""
    path = Path(file)
    if _is_pipe(path):
        try:
            with path.open("rb") as pipe, tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
                shutil.copyfileobj(pipe, copy)
        except OSError as error:
            raise UnreadablePage(
                file, None, f"the pipe cannot be read or copied; use a file instead ({error})"
            ) from error
        path = Path(copy.name)
    with contextlib.closing(opened_file(str(path), file, settings.dpi, settings.budget().limits())) as held:
        count = held.count
    missing = list(missing_pages(selection, count, file))
    return Opened(str(path), file, count, list(selection.of(count)), missing)


class Reading:
    """A file's wanted pages in order, each as soon as it and those before it were read, and is in the ledger.

    before: how many of them the ledger had at the beginning; advance: waits until one more page was read, of any file.
    """

    def __init__(self, file: Opened, ledger: Ledger, advance: Callable[[], None]) -> None:
        self.file, self.ledger = file, ledger
        self.waiting = deque(number for number in file.numbers if number not in ledger)
        self.before = len(file.numbers) - len(self.waiting)
        self._failed: dict[int, PageError] = {}
        self._advance = advance

    def keep(self, result: Result) -> None:
        if isinstance(result, Page):
            self.ledger.add(result)
        else:
            assert result.number is not None
            self._failed[result.number] = result

    def __iter__(self) -> Iterator[Result]:
        for number in self.file.numbers:
            while number not in self.ledger and number not in self._failed:
                self._advance()
            yield self.ledger.page(number) if number in self.ledger else self._failed[number]
        yield from self.file.missing


class Pile:
    """Files in the order of their names, each a `Reading` or why it cannot be read; one is to be read to its end before the next.

    spool: a folder for copies of what can be read only once, and for the ledgers of files that are done with, where no
    folder is named for those.
    """

    def __init__(
        self,
        names: Iterable[str],
        settings: ReadingSettings,
        selection: PageSelection,
        engine: Engine,
        *,
        spool: Path,
        ledgers: Path | None = None,
    ) -> None:
        self._names, self._settings, self._selection, self._engine = deque(names), settings, selection, engine
        self._record = settings.record()
        self._spool, self._kept = spool, ledgers is not None
        self._ledgers = spool if ledgers is None else ledgers
        self._open = deque[Reading | PageError]()
        self._given: dict[Job, Reading] = {}

    def __iter__(self) -> Iterator[Reading | PageError]:
        while self._open or self._names:
            if not self._open:
                self._begin()
            yield self._open[0]
            self._end(self._open.popleft())

    def close(self) -> None:
        while self._open:
            self._end(self._open.popleft())

    def _begin(self) -> None:
        name = self._names.popleft()
        try:
            file = opened(name, self._settings, self._selection, self._spool)
            ledger = _ledger_of(file, ledger_path(name, self._ledgers), self._record)
        except UnreadablePage as error:
            self._open.append(error.as_value())
        else:
            self._open.append(Reading(file, ledger, self._advance))

    def _end(self, turn: Reading | PageError) -> None:
        if isinstance(turn, Reading):
            turn.ledger.close()
            if not self._kept:
                turn.ledger.path.unlink()

    def _advance(self) -> None:
        """Wait for a page that was read, and keep it."""
        self._give()
        job, result = self._engine.take()
        self._give()  # before the disk is waited for
        self._given.pop(job).keep(result)

    def _give(self) -> None:
        while self._engine.room and (job := self._next()) is not None:
            self._engine.give(job)

    def _next(self) -> Job | None:
        """The next page that nobody reads; None where there is none for now."""
        while True:
            last = self._open[-1]
            if isinstance(last, Reading) and last.waiting:
                job = Job(last.file.path, last.file.name, last.waiting.popleft())
                self._given[job] = last
                return job
            if not self._names or len(self._open) >= AHEAD or self._has_its_turn_first(self._names[0]):
                return None
            self._begin()

    def _has_its_turn_first(self, name: str) -> bool:
        """Whether a file is not opened ahead: a pipe may keep us waiting, and a ledger is open once at a time."""
        path = ledger_path(name, self._ledgers)
        return _is_pipe(Path(name)) or any(
            isinstance(turn, Reading) and turn.ledger.path == path for turn in self._open
        )


def ledger_path(name: str, folder: Path) -> Path:
    """Where in a folder the ledger of a file lies: under its name and a hash of its place."""
    place = hashlib.sha256(os.fsencode(os.path.abspath(name))).hexdigest()[:8]
    return folder / f"{Path(name).name[:_LONGEST]}-{place}.jsonl"


def _ledger_of(file: Opened, path: Path, record: dict[str, Any]) -> Ledger:
    """Raises UnreadablePage."""
    try:
        content = content_of(file.path)
    except OSError as error:
        raise UnreadablePage(file.name, None, f"the file cannot be read; check its permissions ({error})") from error
    try:
        return Ledger(path, content, record)
    except ValueError as error:
        raise UnreadablePage(file.name, None, str(error)) from error


def _is_pipe(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):  # told with the reason when the file is opened
        return path.is_fifo()
    return False
