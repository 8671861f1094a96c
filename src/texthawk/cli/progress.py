"""A progress bar on stderr, for a person who waits for more than one page."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.progress


class Progress:
    """Counts pages as they come; shows nothing for a single page, or when stderr is no terminal."""

    def __init__(self, files: int, *, shown: bool) -> None:
        self._files = files
        self._shown = shown and sys.stderr.isatty()
        self._bar: rich.progress.Progress | None = None

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, source: str, number: int, count: int) -> None:
        """Page `number` of a file of `count` pages is done."""
        if not self._shown or (self._files == 1 and count == 1):
            return
        from texthawk.decode.formats.characters import printable_name

        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            # Results on stdout are no business of the bar: rich would send them to stderr.
            self._bar = Bar(console=Console(stderr=True), transient=True, redirect_stdout=False)
            self._bar.start()
            self._bar.add_task("")
        task = self._bar.task_ids[0]
        name = printable_name(source).replace("[", r"\[")  # or rich would take it for mark-up
        self._bar.update(task, description=name, completed=number, total=count)
