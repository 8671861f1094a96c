"""Pages of a file on the machines of a Ray cluster: the same job for each page, the same results.

The cluster is the one that RAY_ADDRESS names, else one on this machine alone. Each machine must see the file at the same
path and have this package and the model; results come back as plain data.
"""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.record import page_of, record_of
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.types import Page, PageError


class OnRay:
    """Reads pages by `count` processes of a Ray cluster, each with a model of its own; ValueError where there is no ray."""

    def __init__(self, settings: ReadingSettings, count: int) -> None:
        try:
            import ray.data
        except ImportError as error:
            raise ValueError(
                "--engine ray needs the package ray, which is not installed: pip install 'texthawk[ray]'"
            ) from error
        self._settings, self._count, self._ray = settings, count, ray
        self._ours = not ray.is_initialized()
        if self._ours:
            ray.init(log_to_driver=False, logging_level="warning")
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False

    def read(self, path: str, name: str, numbers: Sequence[int]) -> Iterator[Page | PageError]:
        """Results as they come; a page whose process dies is tried again by Ray."""
        if not numbers:
            return
        jobs = [{"path": os.path.abspath(path), "name": name, "number": number} for number in numbers]
        pages = self._ray.data.from_items(jobs, override_num_blocks=len(jobs)).map(
            _Job, fn_constructor_args=(self._settings,), compute=self._ray.data.ActorPoolStrategy(size=self._count)
        )
        for row in pages.iter_rows():
            yield _result(row["result"])

    def close(self) -> None:
        if self._ours:
            self._ray.shutdown()


class _Job:
    """Lives in a process of the cluster."""

    def __init__(self, settings: ReadingSettings) -> None:
        self._pages = PageReader(settings)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            read = self._pages.read(row["path"], row["name"], int(row["number"]))
        except ValueError as error:
            return {"result": json.dumps({"refused": str(error)})}
        if isinstance(read, PageError):
            return {"result": json.dumps({"error": [read.source, read.number, read.message]})}
        return {"result": json.dumps({"page": record_of(read)})}


def _result(text: str) -> Page | PageError:
    """What a job told; ValueError for what concerns all pages."""
    told = json.loads(text)
    if "refused" in told:
        raise ValueError(told["refused"])
    return PageError(*told["error"]) if "error" in told else page_of(told["page"])
