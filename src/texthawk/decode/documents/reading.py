"""One file from beginning to end: what is in its ledger is not read again, and pages come in the file's order."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from texthawk.decode.documents.ledger import Ledger, content_of
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Engine
from texthawk.image.pages import missing_pages, opened_file
from texthawk.image.raw import UnreadablePage
from texthawk.image.selection import PageSelection
from texthawk.types import Page, PageError


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
    with contextlib.suppress(OSError, ValueError):  # told with the reason when the file is opened
        if path.is_fifo():
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy, path.open("rb") as pipe:
                while part := pipe.read(1 << 20):
                    copy.write(part)
            path = Path(copy.name)
    with contextlib.closing(opened_file(str(path), file, settings.dpi, settings.budget().limits())) as held:
        count = held.count
    missing = list(missing_pages(selection, count, file))
    return Opened(str(path), file, count, list(selection.of(count)), missing)


def ledger_of(file: Opened, settings: ReadingSettings, folder: Path) -> Ledger:
    """The file's ledger in a folder, under its name and a hash of its place; ValueError where it cannot be."""
    place = hashlib.sha256(os.fsencode(os.path.abspath(file.name))).hexdigest()[:8]
    try:
        content = content_of(file.path)
    except OSError as error:
        raise UnreadablePage(file.name, None, f"the file cannot be read; check its permissions ({error})") from error
    return Ledger(folder / f"{Path(file.name).name}-{place}.jsonl", content, settings.record())


def pages_in_order(file: Opened, ledger: Ledger, engine: Engine) -> Iterator[Page | PageError]:
    """Every wanted page, as soon as it and those before it were read; each is in the ledger before it comes out."""
    failed: dict[int, PageError] = {}
    coming = engine.read(file.path, file.name, [number for number in file.numbers if number not in ledger])
    for number in file.numbers:
        while number not in ledger and number not in failed:
            result = next(coming)
            if isinstance(result, Page):
                ledger.add(result)
            else:
                assert result.number is not None
                failed[result.number] = result
        yield ledger.page(number) if number in ledger else failed[number]
    yield from file.missing
