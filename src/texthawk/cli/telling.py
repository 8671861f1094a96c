"""What a command says on stderr while it works, a line at a time."""

import sys
from collections.abc import Sequence
from pathlib import Path

from texthawk.decode.formats.characters import printable_name
from texthawk.types import PageError


def tell(line: str) -> None:
    """Names of files stand in it as they may be shown: a terminal would obey some of the characters that they may hold."""
    print(f"texthawk: {printable_name(line)}", file=sys.stderr, flush=True)


def message_of(error: PageError) -> str:
    place = "" if error.number is None else f"page {error.number}: "
    return f"{error.source}: {place}{error.message}"


def check_drawing(path: Path, files: Sequence[str]) -> None:
    """ValueError for a place of --draw at which no picture can be written, or where one of the files that are read may lie.

    Later pages are drawn at NAME-2, NAME-3, ... beside it.
    """
    from PIL import Image

    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise ValueError(f"--draw {path}: {path.suffix!r} is no picture's ending; write .png")
    if not path.parent.is_dir():
        raise ValueError(f"--draw {path}: there is no such folder; choose another")
    folder = path.parent.resolve()
    for file in map(Path, files):
        first, _, number = file.stem.rpartition("-")
        drawn = file.stem == path.stem or (first == path.stem and number.isdecimal())
        if drawn and file.suffix == path.suffix and file.parent.resolve() == folder:
            raise ValueError(f"--draw {path}: a picture there would replace {file}, which is read; choose another name")
