"""Where the results of `texthawk read` go: stdout, files in a folder, and pictures with boxes drawn on them."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texthawk.cli.telling import check_drawing, tell
from texthawk.types import Document, Page

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.formats.text import TextFlow

JPEG_QUALITY = 85


class Output:
    """One run's results in one format: text goes to stdout page by page, all others file by file.

    spool: a folder for what need not be in memory. outline: gives the lines of a page their roles, for formats that tell them.

    Raises ValueError for what cannot be: a folder that cannot be made, several files of a format that holds one, a PDF on
    a terminal.
    """

    def __init__(
        self,
        kind: str,
        *,
        files: Sequence[str],
        folder: Path | None,
        model: str,
        boxes: bool,
        draw: Path | None,
        spool: Path,
        outline: Callable[[Page], Page] | None = None,
    ) -> None:
        from texthawk.decode.formats import FORMATS

        self._kind, self._format = kind, FORMATS[kind]
        self._files, self._folder, self._model, self._boxes, self._draw = files, folder, model, boxes, draw
        self._spool, self._outline, self._begun = spool, outline, False
        self._printed = self._headed = False
        self._taken: dict[str, str] = {}
        self._read = {os.path.realpath(file) for file in files}
        self._pictures = _Pictures()
        self._drawn = 0
        self._flow: TextFlow | None = None
        self.streams = kind == "text" and folder is None
        self._check()

    def page(self, page: Page, picture: "Callable[[], Image.Image]") -> bool:
        """A page was read: keep what the format needs of its picture, draw its boxes; False where these cannot be written."""
        if self._draw is None and not self._format.needs_pictures:
            return True
        image = picture()
        if self._format.needs_pictures:
            path = self._spool / f"{len(self._pictures):06d}.jpg"
            image.save(path, "JPEG", quality=JPEG_QUALITY)
            self._pictures.paths.append(path)
        if self._draw is not None:
            from texthawk.decode.overlay import drawn

            self._drawn += 1
            number = "" if self._drawn == 1 else f"-{self._drawn}"
            path = self._draw.with_name(f"{self._draw.stem}{number}{self._draw.suffix}")
            try:
                drawn(image, page).save(path)
            except OSError as error:
                tell(f"--draw {path} cannot be written; choose another place ({error})")
                return False
        return True

    def stream(self, file: str, page: Page) -> None:
        """Print a page's text as far as it is settled; a line with the name precedes each of several files."""
        if self._flow is None:
            from texthawk.decode.formats.text import TextFlow

            if self._printed:
                print()
            self._head(file)
            self._flow, self._printed = TextFlow(boxes=self._boxes), True
        print(self._flow.add(page), end="", flush=True)

    def finish(self, file: str, document: Document) -> bool:
        """A file is done; False when its result could not be written."""
        pictures, self._pictures, self._headed = self._pictures, _Pictures(), False
        if self._flow is not None:
            print(self._flow.end(), end="", flush=True)
            self._flow = None
        if self._kind == "json" and self._folder is None:
            self._print_json(file, document)
            return True
        if self.streams or not (document.pages or self._kind == "json"):
            return True  # printed already, or nothing was read and why has been told
        from texthawk.decode.formats import Setting

        parts = self._format.pieces(document, Setting(file, self._model, self._boxes, pictures, self._outline))
        if self._folder is not None:
            return self._save(file, parts)
        if self._printed:
            print()
        self._head(file)
        self._printed = True
        sys.stdout.flush()
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return True

    def close(self) -> None:
        if self._kind == "json" and self._folder is None:
            from texthawk.decode.formats.json import END, beginning

            print(END if self._begun else beginning(self._model) + END, end="")

    def _print_json(self, file: str, document: Document) -> None:
        from texthawk.decode.formats.json import beginning, document_parts

        sys.stdout.write("," if self._begun else beginning(self._model))
        self._begun = True
        for part in document_parts(file, document):
            sys.stdout.write(part)
        sys.stdout.flush()

    def _check(self) -> None:
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ValueError(
                    f"--out {self._folder}: no folder can be made there; choose another ({error})"
                ) from error
        elif self._kind in ("hocr", "alto", "pdf") and len(self._files) > 1:
            raise ValueError(
                f"{len(self._files)} files do not fit into one {self._kind} on stdout; name a folder with --out"
            )
        elif self._kind == "pdf" and sys.stdout.isatty():
            raise ValueError("a PDF is nothing for a terminal; name a folder with --out, or send stdout to a file")
        if self._draw is not None:
            check_drawing(self._draw, self._files)

    def _head(self, file: str) -> None:
        from texthawk.decode.formats.characters import printable_name

        if len(self._files) > 1 and not self._headed:
            print(f"==> {printable_name(file)} <==")
        self._headed = True

    def _save(self, file: str, parts: Iterable[bytes]) -> bool:
        """The whole file or none: it takes its name when it is complete."""
        path = self._path_for(file)
        unfinished = path.with_name(path.name + ".part")
        try:
            with unfinished.open("wb") as stream:
                stream.writelines(parts)
            unfinished.replace(path)
        except OSError as error:
            tell(f"{file}: {path} cannot be written ({error})")
            return False
        return True

    def _path_for(self, file: str) -> Path:
        """NAME.txt, or NAME-2.txt when another input of this run has that name, whatever the case of its letters.

        A file that is read is never written over: a PDF that becomes a searchable one beside itself gets a number, too.
        """
        assert self._folder is not None
        stem, suffix = Path(file).stem, self._format.suffix
        name, again = stem + suffix, 1
        while name.casefold() in self._taken or os.path.realpath(self._folder / name) in self._read:
            again += 1
            name = f"{stem}-{again}{suffix}"
        self._taken[name.casefold()] = file
        if again > 1:
            other = self._taken.get((stem + suffix).casefold(), "a file that is read")
            tell(f"{file}: written as {name}, for {other} has {stem}{suffix}")
        return self._folder / name


class _Pictures(Sequence[bytes]):
    """Files of pictures, each in memory while somebody looks at it."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: Any) -> Any:
        return self.paths[number].read_bytes()
