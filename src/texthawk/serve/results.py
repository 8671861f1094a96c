"""What was read of a document, in the order of reading: pages wait on disk, so that what is kept costs little memory."""

import json
import tempfile
import threading
import weakref
from pathlib import Path

from texthawk.decode.documents.ledger import LedgerPages
from texthawk.decode.documents.record import page_of, record_of
from texthawk.types import Page, PageError

_Place = tuple[int, int]  # offset and length in the file


class Results:
    """Pages, and errors in the places of those that could not be read. One thread appends, any may read.

    The file lies in `folder` without a name, so whoever still reads from it may go on when the document was deleted.
    """

    def __init__(self, folder: Path) -> None:
        self._entries: list[_Place | PageError] = []
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (it lives as long as this does)
        self._end = 0
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Page | PageError:
        entry = self._entries[index]
        return entry if isinstance(entry, PageError) else self.page(index)

    def is_page(self, index: int) -> bool:
        """Whether a page stands there, and no error; without taking it from disk."""
        return not isinstance(self._entries[index], PageError)

    @property
    def pages(self) -> LedgerPages:
        """The pages that could be read, so far."""
        return LedgerPages(self, [index for index in range(len(self)) if self.is_page(index)])

    @property
    def errors(self) -> tuple[PageError, ...]:
        return tuple(entry for entry in list(self._entries) if isinstance(entry, PageError))

    def append(self, result: Page | PageError) -> None:
        if isinstance(result, PageError):
            self._entries.append(result)
            return
        line = json.dumps(record_of(result)).encode()
        with self._lock:
            self._file.seek(self._end)
            self._file.write(line)
        self._entries.append((self._end, len(line)))
        self._end += len(line)

    def page(self, number: int) -> Page:
        """The page at this place, where one could be read."""
        entry = self._entries[number]
        assert not isinstance(entry, PageError)
        start, length = entry
        with self._lock:
            self._file.seek(start)
            line = self._file.read(length)
        return page_of(json.loads(line))
