"""The pages to annotate: files and folders of pages, shards, or any set that `data/public` reads, JSON lines among them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from texthawk.data.dropped import Dropped
from texthawk.data.example import Example
from texthawk.data.public import read_set
from texthawk.data.shard_index import StoredPicture, stored_bytes
from texthawk.data.shards import ShardFolder
from texthawk.image.pages import Limits, UnreadablePage, one_page, opened_file

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".pdf")
"""Of what is looked at in a folder; a file that is named is looked at whatever its name."""
SHARDS = "shards"


@dataclass(frozen=True)
class PageOfFile:
    """A page of a file with several, or of a PDF; drawn when it is wanted."""

    path: Path
    number: int
    dpi: float

    def draw(self) -> Image.Image:
        return one_page(self.path, self.number, dpi=self.dpi).image


def pages(places: Sequence[Path], dropped: Dropped, *, dpi: float = 150) -> Iterator[Example]:
    """All pages of files and folders, folders in order of names with all inside; files that cannot be opened are counted.

    An id is the file's path from the folder that was named, with the page's number behind # where there are several.
    ValueError before the first page where a place is not there or a folder holds no file of pages.
    """
    files = {place: _files(place) for place in places}
    for place in places:
        for path in files[place]:
            name = path.relative_to(place).as_posix() if place.is_dir() else path.name
            dropped.seen += 1
            try:
                with closing(opened_file(path, name, dpi, Limits())) as file:
                    count = file.count
            except UnreadablePage:
                dropped.leave_out("it is no file of pages, or a damaged one", str(path))
                continue
            yield from _examples(path, f"{place.name}/{name}" if place.is_dir() else name, place.stem, count, dpi)


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise ValueError(f"there is no {place}; check the spelling")
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ValueError(f"{place} holds no file of pages ({', '.join(SUFFIXES)}); name a folder that does")
    return found


def examples_of_set(name: str, place: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """The examples of a set that `data/public` reads; name "shards": of all shards in a folder, in their order."""
    if name != SHARDS:
        return read_set(name, place, split, dropped)
    folder = ShardFolder(place)
    for reason, count in folder.dropped.reasons.items():
        for _ in range(count):
            dropped.leave_out(reason, folder.dropped.first[reason])
    return dropped.use(
        ((f"{place.name} sample {i}", i) for i in range(len(folder))), lambda i: _whole(folder.example(i))
    )


def _whole(example: Example) -> Example:
    """With the bytes of its picture, so that the picture's file goes on as it is."""
    assert isinstance(example.image, StoredPicture)
    return replace(example, image=stored_bytes(example.image.shard, example.image.start, example.image.bytes))


def _examples(path: Path, name: str, source: str, count: int, dpi: float) -> Iterator[Example]:
    if count == 1 and path.suffix.lower() != ".pdf":
        yield Example(name, source, path, ())
        return
    for number in range(1, count + 1):
        yield Example(name if count == 1 else f"{name}#{number}", source, PageOfFile(path, number, dpi), ())
