"""Pages of a file on the machines of a Ray cluster: the same job for each page, the same results.

The cluster is the one that RAY_ADDRESS names, else one on this machine alone. Each machine must see the file at the same
path and have this package and the model; results come back as plain data.
"""

import json
import os
from collections import deque
from collections.abc import Generator
from typing import Any

from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.record import page_of, record_of
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Job, Result
from texthawk.types import PageError

ROUND = 1000
"""Pages that are one data set at most; processes and their models last as long as a data set."""

TRIES = 3
"""How often a page is begun whose process dies; Ray would go on with it for ever."""

_DIED = (
    f"each of {TRIES} processes of the cluster that read this page ended, perhaps for lack of memory; read it again with a "
    "--max-memory (the cluster's own log may say more)"
)


class OnRay:
    """Reads pages by `count` processes of a Ray cluster, each with a model of its own; ValueError where there is no ray."""

    def __init__(self, settings: ReadingSettings, count: int) -> None:
        try:
            import ray.data
        except ImportError as error:
            raise ValueError(
                f"--engine ray needs the package ray with its data sets: pip install 'texthawk[ray]' ({error})"
            ) from error
        self._settings, self._count, self._ray = settings, count, ray
        self._given = deque[Job]()
        self._coming = self._read([])
        self._ours = not ray.is_initialized()
        if self._ours:
            ray.init(log_to_driver=False, logging_level="warning", include_dashboard=False)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1  # a page is a block, and one that cannot be read costs no other

    @property
    def room(self) -> bool:
        return len(self._given) < ROUND

    def give(self, job: Job) -> None:
        self._given.append(job)

    def take(self) -> tuple[Job, Result]:
        """A page as it comes; one whose process dies is tried again by Ray, TRIES times in all."""
        result = next(self._coming, None)
        if result is None:  # what was given meanwhile is the next data set
            self._coming = self._read([self._given.popleft() for _ in range(len(self._given))])
            result = next(self._coming)
        return result

    def _read(self, jobs: list[Job]) -> Generator[tuple[Job, Result], None, None]:
        if not jobs:
            return
        rows = [job._asdict() | {"place": os.path.abspath(job.path)} for job in jobs]
        pages = self._ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _Pages,
            fn_constructor_args=(self._settings,),
            compute=self._ray.data.ActorPoolStrategy(size=self._count),
            max_task_retries=TRIES - 1,
        )
        left = dict.fromkeys(jobs)
        for row in pages.iter_rows():
            job = Job(row["path"], row["name"], int(row["number"]))
            left.pop(job, None)
            yield job, _result(row["result"])
        for job in left:
            yield job, PageError(job.name, job.number, _DIED)

    def close(self) -> None:
        self._coming.close()  # what it holds belongs to the cluster
        if self._ours:
            self._ray.shutdown()


class _Pages:
    """Lives in a process of the cluster."""

    def __init__(self, settings: ReadingSettings) -> None:
        self._pages = PageReader(settings)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            read = self._pages.read(row["place"], row["name"], int(row["number"]))
        except ValueError as error:
            return row | {"result": json.dumps({"refused": str(error)})}
        if isinstance(read, PageError):
            return row | {"result": json.dumps({"error": [read.source, read.number, read.message]})}
        return row | {"result": json.dumps({"page": record_of(read)})}


def _result(text: str) -> Result:
    """What a job told; ValueError for what concerns all pages."""
    told = json.loads(text)
    if "refused" in told:
        raise ValueError(told["refused"])
    return PageError(*told["error"]) if "error" in told else page_of(told["page"])
