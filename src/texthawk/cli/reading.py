"""What `texthawk read` does once it knows what is wanted: files are read page by page and their results written."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from PIL import Image

from texthawk.cli.options import settings_of
from texthawk.cli.output import Output
from texthawk.cli.progress import Progress
from texthawk.cli.telling import message_of, tell
from texthawk.decode.documents.ledger import LedgerPages
from texthawk.decode.documents.page_reader import PageReader
from texthawk.decode.documents.reading import Opened, Pile, Reading
from texthawk.decode.documents.settings import ReadingSettings
from texthawk.decode.documents.workers import Engine, OwnProcess, Workers
from texthawk.image.pages import OpenedFile, UnreadablePage, opened_file
from texthawk.types import COMPLETE, Document, Page, PageError

LEDGERS = "ledger"  # the folder in --out


class Pictures:
    """The pages of a file as pictures, drawn when somebody wants to see one."""

    def __init__(self, file: Opened, settings: ReadingSettings) -> None:
        self._file, self._settings = file, settings
        self._opened: OpenedFile | None = None

    def of(self, number: int) -> Image.Image:
        """Raises UnreadablePage."""
        if self._opened is None:
            limits = self._settings.budget().limits()
            self._opened = opened_file(self._file.path, self._file.name, self._settings.dpi, limits)
        return self._opened.page(number).image

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


def read_files(arguments: argparse.Namespace) -> int:
    """The exit status; ValueError for wrong usage."""
    settings = settings_of(ReadingSettings, arguments)
    settings.record()  # a model that is not there is told before anything is written
    with tempfile.TemporaryDirectory(prefix="texthawk-") as spool, closing(_engine(arguments, settings)) as engine:
        return _read_all(arguments, settings, engine, Path(spool))


def _read_all(arguments: argparse.Namespace, settings: ReadingSettings, engine: Engine, spool: Path) -> int:
    output = Output(
        arguments.format,
        files=arguments.files,
        folder=arguments.out,
        model=arguments.model,
        boxes=arguments.boxes,
        draw=arguments.draw,
        spool=spool,
        outline=_outline(settings, engine),
    )
    ledgers = None if arguments.out is None else _made(arguments.out / LEDGERS)
    failed = False
    shown = not (output.streams and sys.stdout.isatty())  # on a terminal the text itself shows how far the reading is
    pile = Pile(arguments.files, settings, arguments.pages, engine, spool=spool, ledgers=ledgers)
    with Progress(len(arguments.files), shown=shown) as progress, closing(pile):
        for turn in pile:
            if isinstance(turn, PageError):
                tell(message_of(turn))
                failed = True
                output.finish(turn.source, Document((), (turn,)))
                continue
            with closing(Pictures(turn.file, settings)) as pictures:
                failed |= not _read_file(turn, output, progress, pictures)
    output.close()
    return int(failed)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out: {folder} cannot be made; choose another folder ({error})") from error
    return folder


def _read_file(reading: Reading, output: Output, progress: Progress, pictures: Pictures) -> bool:
    """Whether all pages were read, and the result and what was to be drawn were written."""
    numbers: list[int] = []
    errors: list[PageError] = []
    drawn = True
    file, ledger = reading.file, reading.ledger
    for remark in ledger.remarks:
        tell(f"{file.name}: all pages are read again, for {remark} ({ledger.path.name})")
    if reading.before:
        tell(f"{file.name}: {reading.before} of {len(file.numbers)} pages were read before")
    for result in reading:
        try:
            if isinstance(result, Page):
                drawn &= output.page(result, partial(pictures.of, result.number))
        except UnreadablePage as error:  # the file was changed while it was read
            result = error.as_value()
        if isinstance(result, PageError):
            errors.append(result)
            tell(message_of(result))
            continue
        numbers.append(result.number)
        progress.show(file.name, result.number, file.count)
        for remark in remarks(result):
            tell(f"{file.name}: page {result.number}: {remark}")
        if output.streams:
            output.stream(file.name, result)
    written = output.finish(file.name, Document(LedgerPages(ledger, numbers), tuple(errors)))
    return written and drawn and not errors


def _outline(settings: ReadingSettings, engine: Engine) -> Callable[[Page], Page]:
    """The model's word on what the lines of a page are; rules tell it where a PDF's text is taken without looking at a page.

    The model is loaded when the first page needs it.
    """
    pages = engine if isinstance(engine, OwnProcess) else PageReader(settings)
    layers = settings.text_layer == "always"
    return lambda page: page if not page.lines or (layers and page.origin == "layer") else pages.reader.outlined(page)


def _engine(arguments: argparse.Namespace, settings: ReadingSettings) -> Engine:
    if arguments.engine == "ray":
        from texthawk.decode.documents.on_ray import OnRay

        return OnRay(settings, arguments.workers)
    count = processes(arguments.workers)
    return OwnProcess(settings) if count == 1 else Workers(settings, count)


def processes(wanted: int) -> int:
    """How many read: no more than there are cores, for each holds a model, and more of them are no faster."""
    cores = os.cpu_count() or 1
    if wanted > cores:
        tell(f"--workers {wanted} are more than this machine has cores, so {cores} read")
    return min(wanted, cores)


def remarks(page: Page) -> Iterator[str]:
    """What a reader of the text must know of a page."""
    if page.finish_reason not in COMPLETE:
        yield f"reading ended with {page.finish_reason!r}, so text may be missing"
    if page.rotation:
        yield f"was read turned clockwise by {page.rotation} degrees"
    if page.reason:
        yield page.reason
