"""The ledger of an annotation: a file with a line of JSON for each request that came to an end, so that a killed run goes on.

A line is written in one piece and kept by the disk before the next. What a kill leaves at the end is cut off, a line that was
damaged is passed over and asked for again. Replies that cannot be used are counted here and never kept.
"""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

_HEAD = {"texthawk enrichment": 1}


@dataclass
class Spent:
    """What requests cost. unusable: tokens of both sorts that went into replies which cannot be used."""

    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unusable: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def add(self, other: "Spent") -> None:
        self.replies += other.replies
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.unusable += other.unusable


@dataclass(frozen=True)
class Entry:
    """A request that came to an end. key: of all that was asked. reply: None where it failed, for these reasons."""

    key: str
    id: str
    kind: str
    reply: dict[str, Any] | None
    spent: Spent
    reasons: dict[str, int] = field(default_factory=dict)


class Ledger:
    """Entries on disk; in memory are their keys and places only. `spent` is what all runs cost so far.

    ValueError where the file cannot be written, is another's, or another process writes to it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.spent = path, Spent()
        self._places: dict[str, int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise ValueError(f"{path} cannot be written; choose another folder ({error})") from error
        try:
            self._lock()
            self._end = self._read()
        except ValueError:
            self._file.close()
            raise
        self._file.truncate(self._end)
        if self._end == 0:
            self._append(_HEAD)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, key: str) -> bool:
        """Whether there is a reply; what failed is asked again by the next run."""
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def add(self, entry: Entry) -> None:
        """Keep an entry; after this, no kill loses it."""
        place = self._end
        self._append(_record(entry))
        self._count(entry, place)

    def reply(self, key: str) -> dict[str, Any]:
        self._file.seek(self._places[key])
        found = _entry(self._file.readline())
        assert found is not None and found.reply is not None
        return found.reply

    def _count(self, entry: Entry, place: int) -> None:
        self.spent.add(entry.spent)
        if entry.reply is not None:
            self._places[entry.key] = place

    def _lock(self) -> None:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f"another process is writing {self.path}; wait for it, or choose another folder"
                ) from error

    def _read(self) -> int:
        """Find what an older run left; the length of what is worth keeping."""
        end = 0
        self._file.seek(0)
        with open(self._file.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                if end == 0 and not _line(_HEAD).startswith(line):
                    raise ValueError(f"{self.path} is no ledger of this version; choose another folder")
                if not line.endswith(b"\n"):
                    break
                entry = _entry(line)
                if entry is not None:
                    self._count(entry, end)
                end += len(line)
        return end

    def _append(self, record: dict[str, Any]) -> None:
        line = _line(record)
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(self._end)
            raise OSError(f"{self.path}: only {written} of {len(line)} bytes were written")
        os.fsync(self._file.fileno())
        self._end += len(line)


def answered_keys(path: Path) -> set[str]:
    """Keys that the ledger in a place has replies to, if there is one; nothing is opened for writing."""
    if not path.exists():
        return set()
    with path.open("rb") as lines:
        entries = [_entry(line) for line in lines]
    return {entry.key for entry in entries if entry is not None and entry.reply is not None}


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"


def _record(entry: Entry) -> dict[str, Any]:
    record: dict[str, Any] = {"key": entry.key, "id": entry.id, "kind": entry.kind, "spent": vars(entry.spent)}
    if entry.reply is not None:
        record["reply"] = entry.reply
    if entry.reasons:
        record["reasons"] = entry.reasons
    return record


def _entry(line: bytes) -> Entry | None:
    record = _parsed(line)
    if not isinstance(record, dict):
        return None
    try:
        spent = Spent(**record["spent"])
        return Entry(record["key"], record["id"], record["kind"], record.get("reply"), spent, record.get("reasons", {}))
    except (KeyError, TypeError):
        return None


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # also of what is no UTF-8
        return None
