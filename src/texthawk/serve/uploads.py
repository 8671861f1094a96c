"""An upload becomes the files of a document, each within the limits."""

import shutil
import unicodedata
from pathlib import Path

from starlette.datastructures import UploadFile

from texthawk.image.pages import Limits, open_pages
from texthawk.serve.errors import Refusal
from texthawk.serve.images import check_pixels
from texthawk.serve.jobs import Upload
from texthawk.serve.settings import Settings
from texthawk.types import PageError

_HEADER = 2**16  # holds the size of a picture, wherever a format puts it
_LONGEST_NAME = 200


def stored(files: list[UploadFile], folder: Path, settings: Settings) -> list[Upload]:
    """Write the files into a folder and look at their first pages; raises Refusal. Blocks."""
    made = []
    for number, file in enumerate(files):
        name = _sayable(Path(file.filename or "").name)[:_LONGEST_NAME] or f"file {number + 1}"
        path = folder / f"{number:04d}"  # a client's name is never a path here
        with path.open("wb") as out:
            shutil.copyfileobj(file.file, out)
        with path.open("rb") as stored_file:
            check_pixels(stored_file.read(_HEADER), settings.max_pixels, "file")
        made.append(Upload(name, path, _pages(path, name, settings)))
    pages = sum(upload.pages for upload in made)
    if pages > settings.max_pages:
        raise Refusal(
            413,
            f"the document has {pages} pages, more than the limit of {settings.max_pages}; send it in parts",
            code="too_many_pages",
            param="file",
        )
    return made


def _sayable(name: str) -> str:
    """A client's name of a file without what no text may hold; a form may give it in any encoding."""
    return "".join("\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character for character in name)


def _pages(path: Path, name: str, settings: Settings) -> int:
    limits = Limits(max_pixels=settings.max_pixels)
    first = next(open_pages(path, name=name, dpi=10, limits=limits))
    if isinstance(first, PageError):
        if first.number is None:
            raise Refusal(400, f"{name}: {first.message}", code="invalid_file", param="file")
        return _pages_without_the_first(path, name, limits)
    return first.count


def _pages_without_the_first(path: Path, name: str, limits: Limits) -> int:
    """The count of pages where the first cannot be decoded; any other tells it."""
    for result in open_pages(path, name=name, dpi=10, limits=limits):
        if not isinstance(result, PageError):
            return result.count
    raise Refusal(400, f"{name}: none of its pages can be read", code="invalid_file", param="file")
