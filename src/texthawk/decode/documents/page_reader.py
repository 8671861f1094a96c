"""Reads single pages of files by number, as each process of a long reading does; the model is loaded when it is needed."""

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from texthawk.decode.documents.settings import ReadingSettings
from texthawk.image.pages import OpenedFile, opened_file
from texthawk.image.pdf import PdfFile
from texthawk.image.raw import RawPage, UnreadablePage
from texthawk.types import Page, PageError

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

AT_A_TIME = 100
"""Pages after which a file is opened anew: pdfium keeps something of each page until its document is closed."""


class PageReader:
    """Holds one file open at a time, and the model from the first page on that needs it."""

    def __init__(self, settings: ReadingSettings) -> None:
        self.settings = settings
        self._budget = settings.budget()
        self._reader: Reader | None = None
        self._opened: tuple[str, OpenedFile] | None = None
        self._taken = 0  # pages of it

    def read(self, path: str, name: str, number: int) -> Page | PageError:
        """One page of the file at `path`, which is called `name` in results; ValueError for a model that is not there."""
        try:
            file = self._file(path, name)
            raw = file.page(number)
            if not isinstance(file, PdfFile):
                return self._seen(raw, None)
            return self._of_layer(file, raw) or self._seen(raw, file)
        except UnreadablePage as error:
            return PageError(error.source, number if error.number is None else error.number, error.message)
        except MemoryError as error:
            return PageError(
                name, number, f"out of memory; read this page with a --max-memory or a smaller --dpi ({error})"
            )

    def close(self) -> None:
        if self._opened is not None:
            self._opened[1].close()
        self._opened = None

    @property
    def reader(self) -> "Reader":
        if self._reader is None:
            with _nothing_collected():
                from texthawk.decode.reader import load

                self._reader = load(
                    self.settings.model, device=self.settings.device, whole_page=self.settings.whole_page
                )
        return self._reader

    def _of_layer(self, file: PdfFile, raw: RawPage) -> Page | None:
        """The page as the PDF's own text tells it, where that may be taken."""
        if self.settings.text_layer == "never" or self.settings.rotate not in ("auto", 0):
            return None
        from texthawk.decode.documents.layer_page import page_of_layer
        from texthawk.decode.documents.trust import TURNED, plausible, seen_alike

        layer = file.layer(raw)
        if layer is None or not layer.text.strip() or layer.turned > TURNED * len(layer.text):
            return None
        if self.settings.text_layer == "auto":
            found = plausible(layer, raw)
            if found is None or not seen_alike(found, raw, self.reader):
                return None
            layer = found.layer
        return replace(page_of_layer(layer, raw), points=file.points(raw.number))

    def _seen(self, raw: RawPage, file: PdfFile | None) -> Page | PageError:
        (page,) = self.reader.read_pages([raw], rotate=self.settings.rotate, budget=self._budget)
        if isinstance(page, PageError) or file is None:
            return page
        return replace(page, points=file.points(raw.number))

    def _file(self, path: str, name: str) -> OpenedFile:
        if self._opened is None or self._opened[0] != path or self._taken == AT_A_TIME:
            self.close()
            self._taken = 0
            opened = opened_file(path, name, self.settings.dpi, self._budget.limits())
            self._opened = path, opened
        self._taken += 1
        return self._opened[1]


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """What is imported and loaded here stays as long as the process: to look for garbage in it was a sixth of the start."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
