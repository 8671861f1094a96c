"""texthawk read: pages become text, or words with boxes and confidence."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from texthawk.image.selection import EVERY_PAGE, PageSelection, page_selection
from texthawk.types import COMPLETE, Document, Page, PageError

if TYPE_CHECKING:
    from texthawk.cli.output import Output
    from texthawk.cli.progress import Progress
    from texthawk.decode.budgets import Budget
    from texthawk.decode.reader import Reader
    from texthawk.image.pages import RawPage

FORMATS = ("text", "markdown", "json", "hocr", "alto", "pdf")
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def main(argv: list[str]) -> int:
    """0; 1 when some page could not be read (the others are written); 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _read(arguments)
    except ValueError as error:
        print(f"texthawk read: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="texthawk read", description=__doc__)
    made.add_argument("files", nargs="+", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("--format", choices=FORMATS, default="text", help="of the result (default: text)")
    made.add_argument("--pages", type=_selection, default=EVERY_PAGE, metavar="1-3,7", help="only these pages")
    made.add_argument(
        "--boxes",
        action="store_true",
        help="each line of text starts with its box on the page (all other formats but Markdown have them anyhow)",
    )
    made.add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
    made.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write NAME.txt, NAME.json, ... here, not to stdout; replaces older ones",
    )
    made.add_argument("--device", help="cpu or cuda (default: what the machine has)")
    made.add_argument("--dpi", type=_positive, default=200, metavar="N", help="of PDF pages (default: 200)")
    made.add_argument(
        "--max-visual-tokens", type=_positive, metavar="N", help="a page never becomes more visual tokens than this"
    )
    made.add_argument("--max-pixels", type=_positive, metavar="N", help="refuse larger pictures (default: 200 million)")
    made.add_argument(
        "--max-memory",
        type=_bytes,
        metavar="N",
        help="bytes that reading may take beside the model, for example 800M: PDF pages are drawn smaller, larger "
        "pictures refused, fewer lines read at once",
    )
    made.add_argument(
        "--rotate",
        type=_rotation,
        default="auto",
        metavar="auto|0|90|180|270",
        help="turn pages clockwise before they are read (default: auto, as their text lies); boxes stay the page's own",
    )
    made.add_argument(
        "--draw",
        type=Path,
        metavar="OUT.png",
        help="draw the boxes on the page; later pages are OUT-2.png, OUT-3.png, ...",
    )
    return made


def _selection(text: str) -> PageSelection:
    try:
        return page_selection(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory; write for example 800M or 2G")
    return int(float(match[1]) * _BYTES[match[2]])


def _rotation(text: str) -> str | int:
    if text not in ("auto", "0", "90", "180", "270"):
        raise argparse.ArgumentTypeError(f"{text!r} is no quarter turn; write auto, 0, 90, 180 or 270")
    return "auto" if text == "auto" else int(text)


def _read(arguments: argparse.Namespace) -> int:
    from texthawk.cli.output import Output
    from texthawk.cli.progress import Progress
    from texthawk.decode.budgets import Budget

    budget = Budget(arguments.max_visual_tokens, arguments.max_pixels, arguments.max_memory)
    output = Output(
        arguments.format,
        files=arguments.files,
        folder=arguments.out,
        model=arguments.model,
        boxes=arguments.boxes,
        draw=arguments.draw,
    )
    failed = False
    shown = not (output.streams and sys.stdout.isatty())  # on a terminal the text itself shows how far the reading is
    with Progress(len(arguments.files), shown=shown) as progress:
        model = _Model(arguments, budget, progress, output)
        for file in arguments.files:
            pages: list[Page] = []
            errors: list[PageError] = []
            for result in model.results(file):
                if isinstance(result, PageError):
                    errors.append(result)
                    place = "" if result.number is None else f"page {result.number}: "
                    _tell(f"{result.source}: {place}{result.message}")
                    continue
                pages.append(result)
                output.page(result)
                for remark in _remarks(result):
                    _tell(f"{file}: page {result.number}: {remark}")
                if output.streams:
                    output.stream(file, result)
            failed |= bool(errors)
            failed |= not output.finish(file, Document(tuple(pages), tuple(errors)))
    output.close()
    return int(failed)


def _remarks(page: Page) -> Iterator[str]:
    """What a reader of the text must know of a page."""
    if page.finish_reason not in COMPLETE:
        yield f"reading ended with {page.finish_reason!r}, so text may be missing"
    if page.rotation:
        yield f"was read turned clockwise by {page.rotation} degrees"
    if page.reason:
        yield page.reason


class _Model:
    """The reader, loaded once and only when there is a page to read."""

    def __init__(self, arguments: argparse.Namespace, budget: "Budget", progress: "Progress", output: "Output") -> None:
        self._arguments, self._budget, self._progress, self._output = arguments, budget, progress, output
        self._reader: Reader | None = None

    def results(self, file: str) -> Iterator[Page | PageError]:
        """What was read of each page of a file, one page at a time; the output sees each picture before its page."""
        from texthawk.image.pages import open_pages

        given = self._arguments
        opened = open_pages(file, dpi=given.dpi, limits=self._budget.limits(), selection=given.pages)
        pages = self._progress.watch(self._output.watch(opened))
        for page in pages:
            if isinstance(page, PageError):
                yield page
                continue
            yield from self._of_reader(file, chain([page], pages))
            return

    def _of_reader(self, file: str, pages: "Iterable[RawPage | PageError]") -> Iterator[Page | PageError]:
        from texthawk.decode.points import page_points

        if self._reader is None:
            import texthawk

            self._reader = texthawk.load(self._arguments.model, device=self._arguments.device)
        rotate = self._arguments.rotate
        return self._reader.read_pages(pages, rotate=rotate, budget=self._budget, points=page_points(file))


def _tell(line: str) -> None:
    print(f"texthawk: {line}", file=sys.stderr, flush=True)
