"""Documents that were uploaded: a bounded number of them, read page by page, kept for a while, then forgotten."""

import asyncio
import contextlib
import logging
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from texthawk.decode.points import page_points
from texthawk.decode.reader import Reader
from texthawk.image.pages import Limits, RawPage, open_pages
from texthawk.image.selection import EVERY_PAGE, PageSelection
from texthawk.serve.asker import EngineAsker, ReadingCancelled, ReadingFailed, reading_with
from texthawk.serve.engine import EngineClosed
from texthawk.serve.results import Results
from texthawk.serve.settings import Settings
from texthawk.types import Document, PageError

LOG = logging.getLogger("texthawk.serve")
DPI = 200
QUEUED, READING, DONE, FAILED, CANCELLED = "queued", "reading", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)


class TooManyJobs(Exception):
    """As many documents wait as may."""


@dataclass(frozen=True)
class Upload:
    """A file of a document: its name as the client gave it, where it lies now, how many pages it has."""

    name: str
    path: Path
    pages: int


@dataclass
class Job:
    """A document on its way. `places` tells for each entry of `results` the upload and the page in it.

    Written by the job's thread; read by the routes, who wait for `changed` to be told of something new. writing: held by who
    writes a result of it.
    """

    id: str
    uploads: tuple[Upload, ...]
    selection: PageSelection
    folder: Path
    results: Results
    total: int
    created: float
    status: str = QUEUED
    message: str = ""
    ended: float | None = None
    collected: bool = False
    places: list[tuple[int, int]] = field(default_factory=list)
    asker: EngineAsker | None = None
    waiters: set[asyncio.Event] = field(default_factory=set)
    writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def document(self) -> Document:
        return Document(self.results.pages, self.results.errors)

    @property
    def name(self) -> str:
        return self.uploads[0].name

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job has changed; it belongs to the loop that waits for it."""
        event = asyncio.Event()
        self.waiters.add(event)
        try:
            yield event
        finally:
            self.waiters.discard(event)


class Jobs:
    """All documents of a server. `open` and `close` belong to the server's event loop."""

    def __init__(self, settings: Settings, reader: Reader, make_asker: Callable[[], EngineAsker]) -> None:
        self._settings, self._reader, self._make_asker = settings, reader, make_asker
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.read = 0

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._folder = Path(tempfile.mkdtemp(prefix="texthawk-serve-"))
        self._pool = ThreadPoolExecutor(self._settings.document_workers, thread_name_prefix="texthawk-document")

    def close(self) -> None:
        """Give up what is not done, and remove every file."""
        for job in self.all():
            self.remove(job)
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def all(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def get(self, id: str) -> Job | None:
        return self._jobs.get(id)

    @property
    def unfinished(self) -> list[Job]:
        return [job for job in self.all() if job.status not in ENDED]

    @property
    def waiting(self) -> int:
        return sum(job.status == QUEUED for job in self.all())

    def full(self) -> bool:
        return len(self.unfinished) >= self._settings.document_workers + self._settings.document_queue

    def new_folder(self) -> Path:
        """Where the files of one upload go; the caller removes it if nothing becomes of the upload."""
        assert self._folder is not None
        return Path(tempfile.mkdtemp(dir=self._folder))

    def add(self, uploads: list[Upload], selection: PageSelection, folder: Path) -> Job:
        """Accept a document; raises TooManyJobs."""
        total = sum(len(list(selection.of(upload.pages))) for upload in uploads)
        job = Job(secrets.token_urlsafe(16), tuple(uploads), selection, folder, Results(folder), total, time.time())
        with self._lock:
            unfinished = [other for other in self._jobs.values() if other.status not in ENDED]
            if len(unfinished) >= self._settings.document_workers + self._settings.document_queue:
                raise TooManyJobs
            self._jobs[job.id] = job
        self.forget_old()
        assert self._pool is not None
        self._pool.submit(self._read, job)
        return job

    def remove(self, job: Job) -> None:
        """Stop reading a document and forget it."""
        with self._lock:
            self._jobs.pop(job.id, None)
        if job.status not in ENDED:
            self._end(job, CANCELLED, "the document was deleted")
        if job.asker is not None:
            job.asker.cancel()
        shutil.rmtree(job.folder, ignore_errors=True)

    def forget_old(self) -> None:
        """Remove what is past its time, and the oldest of what is done when there is too much of it."""
        ended = sorted((job for job in self.all() if job.ended is not None), key=lambda job: job.ended or 0.0)
        excess = len(self.all()) - self._settings.max_documents
        for number, job in enumerate(ended):
            if number < excess or time.time() - (job.ended or 0.0) > self._settings.document_seconds:
                self.remove(job)

    def _read(self, job: Job) -> None:
        if job.status != QUEUED:
            return
        job.asker = self._make_asker()
        job.status = READING
        self._tell(job)
        try:
            reader = reading_with(self._reader, job.asker)
            for number, upload in enumerate(job.uploads):
                self._read_upload(job, reader, number, upload)
        except ReadingCancelled:
            self._end(job, CANCELLED, "the document was deleted")
        except (ReadingFailed, EngineClosed) as error:
            self._end(job, FAILED, str(error) or "the server is shutting down")
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            LOG.exception("a document could not be read")
            self._end(job, FAILED, f"reading failed ({type(error).__name__}); the server's log says more")
        else:
            self._end(job, DONE, "")
        finally:
            if job.status not in ENDED:  # a mistake of ours: those who wait must hear of it, and so must the log
                LOG.error("a document could not be read", exc_info=True)
                self._end(job, FAILED, "reading failed; the server's log says more")
            job.asker = None

    def _read_upload(self, job: Job, reader: Reader, number: int, upload: Upload) -> None:
        limits = Limits(max_pixels=self._settings.max_pixels)
        opened = open_pages(upload.path, name=upload.name, dpi=DPI, limits=limits, selection=job.selection)
        for result in reader.read_pages(opened, points=page_points(upload.path)):
            if job.status != READING:
                raise ReadingCancelled
            job.places.append((number, result.number or 1))
            job.results.append(result)
            self.read += 1
            self._tell(job)

    def _end(self, job: Job, status: str, message: str) -> None:
        if job.status in ENDED:
            return
        job.message, job.ended = message, time.time()
        job.status = status
        self._tell(job)

    def _tell(self, job: Job) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_set_all, job)


def picture_of(job: Job, place: tuple[int, int], settings: Settings, dpi: float) -> RawPage | PageError:
    """A page of a document as an image; `place` is an upload's number and a page in it. Blocks."""
    upload = job.uploads[place[0]]
    selection = PageSelection(((place[1], place[1]),)) if upload.pages > 1 else EVERY_PAGE
    limits = Limits(max_pixels=settings.max_pixels)
    return next(open_pages(upload.path, name=upload.name, dpi=dpi, limits=limits, selection=selection))


def _set_all(job: Job) -> None:
    for event in list(job.waiters):
        event.set()
