"""A ledger: a file with one line of JSON for each page that was read, so that a reading that was killed goes on.

The first line says of which file, by its content, and with which settings the pages were read. A line is written in one
piece and kept by the disk before the next page is begun. What a kill leaves behind at the end is cut off; a line that
was damaged is left out, and its page is read again. Pages that failed are not kept: the next reading tries them again.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, overload

from texthawk.decode.documents.record import page_of, record_of
from texthawk.types import Page

FORM = 1
_HEAD = "texthawk ledger"


class Ledger:
    """The pages of one file on disk, in order of their numbers; not more than one of them is in memory.

    content: what tells the file from another; settings: plain data. `remarks` says what of an older ledger in this place
    is another; that ledger is set aside as PATH.before. ValueError where the place cannot be written, or where another
    process writes there.
    """

    def __init__(self, path: Path, content: str, settings: dict[str, Any]) -> None:
        self.path, self.remarks = path, list[str]()
        self._places: dict[int, tuple[int, int]] = {}  # offset and length of a page's line
        head = {_HEAD: FORM, "content": content, "settings": settings}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._opened()
            self._end = self._read(head)
            if self._end == 0:
                self._append(head)
            else:
                self._file.truncate(self._end)
        except OSError as error:
            raise ValueError(f"the ledger {path} cannot be written; choose another folder ({error})") from error

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def numbers(self) -> list[int]:
        return sorted(self._places)

    def add(self, page: Page) -> None:
        """Keep a page; after this, no kill loses it."""
        start = self._end
        self._append({"page": record_of(page)})
        self._places[page.number] = start, self._end - start

    def page(self, number: int) -> Page:
        start, length = self._places[number]
        self._file.seek(start)
        return page_of(json.loads(self._file.read(length))["page"])

    def close(self) -> None:
        self._file.close()

    def _opened(self) -> Any:
        file = self.path.open("a+b", buffering=0)
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.close()
                raise ValueError(
                    f"another process is writing {self.path}; wait for it, or choose another folder"
                ) from error
        return file

    def _read(self, head: dict[str, Any]) -> int:
        """Find the pages of an older ledger; the length of what is worth keeping."""
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            first = lines.readline()
            if not first.endswith(b"\n"):
                self._file.truncate(0)
                return 0
            differences = _differences(_parsed(first), json.loads(json.dumps(head)))
            if differences:
                self.remarks = differences
                return self._set_aside()
            end = len(first)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                number = _number(line)
                if number is not None:
                    self._places[number] = end, len(line)
                end += len(line)
            return end

    def _set_aside(self) -> int:
        os.replace(self.path, self.path.with_name(self.path.name + ".before"))
        self._file.close()
        self._file = self._opened()
        return 0

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=True).encode() + b"\n"
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(self._end)
            raise OSError(f"only {written} of {len(line)} bytes were written")
        os.fsync(self._file.fileno())
        self._end += len(line)


class Shelf(Protocol):
    """What holds pages on disk and gives each by its number."""

    def page(self, number: int) -> Page: ...


class LedgerPages(Sequence[Page]):
    """Some pages of a ledger, or of another shelf, as a sequence, each read from disk when it is asked for."""

    def __init__(self, ledger: Shelf, numbers: Sequence[int]) -> None:
        self._ledger, self._numbers = ledger, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> "LedgerPages": ...
    def __getitem__(self, index: int | slice) -> "Page | LedgerPages":
        if isinstance(index, slice):
            return LedgerPages(self._ledger, self._numbers[index])
        return self._ledger.page(self._numbers[index])

    def __iter__(self) -> Iterator[Page]:
        return (self._ledger.page(number) for number in self._numbers)


def content_of(path: str | os.PathLike[str]) -> str:
    """What tells a file from another: its length and a hash of its bytes."""
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return f"{stream.tell()} bytes, sha256 {digest}"


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # also of what is no UTF-8
        return None


def _number(line: bytes) -> int | None:
    """Of the page that a line holds; None for a line that was damaged."""
    record = _parsed(line)
    try:
        return page_of(record["page"]).number
    except (KeyError, TypeError, ValueError):
        return None


def _differences(before: Any, now: dict[str, Any]) -> list[str]:
    """What makes an older ledger useless, for a person."""
    if not isinstance(before, dict) or before.get(_HEAD) != FORM or not isinstance(before.get("settings"), dict):
        return ["what was there is no ledger of this version"]
    found = []
    if before.get("content") != now["content"]:
        found.append("the file has changed since")
    old, new = before["settings"], now["settings"]
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            found.append(f"{name} was {old.get(name)!r} and is {new.get(name)!r}")
    return found
