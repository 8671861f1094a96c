"""What `texthawk ask` and `texthawk find` share: options, and a document that was read and can be looked at again."""

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texthawk.cli.read import positive, selection
from texthawk.image.selection import EVERY_PAGE

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.documents.ledger import LedgerPages
    from texthawk.decode.reader import Reader


def add_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("--pages", type=selection, default=EVERY_PAGE, metavar="1-3,7", help="only these pages")
    made.add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
    made.add_argument("--device", help="cpu or cuda (default: what the machine has)")
    made.add_argument("--dpi", type=positive, default=200, metavar="N", help="of PDF pages (default: 200)")
    made.add_argument("--workers", type=positive, default=1, metavar="N", help="processes that read pages (default: 1)")
    made.add_argument(
        "--text-layer",
        choices=("auto", "never", "always"),
        default="auto",
        help="take a PDF's own text: where it agrees with what is seen (auto, the default), never, or wherever there is any",
    )


@dataclass(frozen=True)
class Consulted:
    """A file's pages as they were read, pictures of them, and the model, which is loaded when it is first asked for.

    failed: how many of its pages could not be read; each has been told of on stderr.
    """

    pages: "LedgerPages"
    picture: "Callable[[int], Image.Image]"
    reader: "Callable[[], Reader]"
    failed: int


@contextlib.contextmanager
def consulted(
    arguments: argparse.Namespace, check: "Callable[[Reader], object] | None" = None
) -> "Iterator[Consulted | None]":
    """Read the file; None where none of it can be read, which has been told on stderr.

    check: what may refuse the model, by a ValueError, before anything is read.
    """
    from texthawk.cli.reading import Pictures, processes, remarks
    from texthawk.cli.telling import message_of, tell
    from texthawk.decode.documents.ledger import LedgerPages
    from texthawk.decode.documents.reading import Pile
    from texthawk.decode.documents.settings import ReadingSettings
    from texthawk.decode.documents.workers import OwnProcess, Workers
    from texthawk.types import Page, PageError

    settings = ReadingSettings(arguments.model, arguments.device, arguments.dpi, text_layer=arguments.text_layer)
    settings.record()  # a model that is not there is told before anything is read
    own, count = OwnProcess(settings), processes(arguments.workers)
    engine = own if count == 1 else Workers(settings, count)
    with tempfile.TemporaryDirectory(prefix="texthawk-") as folder, contextlib.closing(engine):
        pile = Pile([arguments.file], settings, arguments.pages, engine, spool=Path(folder))
        with contextlib.closing(pile):
            reading = next(iter(pile))
            if isinstance(reading, PageError):
                tell(message_of(reading))
                yield None
                return
            if check is not None:
                check(own.reader)
            with contextlib.closing(Pictures(reading.file, settings)) as pictures:
                numbers, failed = [], 0
                for result in reading:
                    if isinstance(result, Page):
                        numbers.append(result.number)
                        for remark in remarks(result):
                            tell(f"{reading.file.name}: page {result.number}: {remark}")
                    else:
                        failed += 1
                        tell(message_of(result))
                if not numbers:
                    yield None
                    return
                yield Consulted(LedgerPages(reading.ledger, numbers), pictures.of, lambda: own.reader, failed)
