"""Where the samples of a shard lie, beside it in a file, so that any of them can be read without the others.

The index of `NAME.tar` is `NAME.index`: a line with what the whole shard holds, then a line for each sample.
"""

import io
import json
import os
import tarfile
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image

from texthawk.data.dropped import Unusable
from texthawk.image.pages import one_page
from texthawk.image.pictures import DECODING_FAILURES, format_of
from texthawk.image.rgb import ON_ITS_SIDE, orientation_of

CUT_SHORT = "the shard is cut short"
NO_MEMBER = "what follows the last whole member is no member of a tar"
DOTTED = "a key holds a dot: keys end at the first one"
NO_SIZE = "the picture's head cannot be read"
PICTURES = ("png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "gif")
KINDS = {"json": "text", **dict.fromkeys(PICTURES, "picture")}
"""What a member is by its extension; others (.txt, .cls, .seg.png) belong to other readers of the shard."""


class Entry(NamedTuple):
    """A sample of a shard: bytes from `start` of picture and text, the upright picture's size in pixels (0 unknown)."""

    key: str
    picture_start: int
    picture_bytes: int
    text_start: int
    text_bytes: int
    height: int
    width: int


class ShardHead(NamedTuple):
    """samples: entries in the index. bytes: of the shard. left_out: members that make no sample, by reason."""

    samples: int
    bytes: int
    left_out: dict[str, int]


class StoredPicture(NamedTuple):
    """A picture inside a shard, read when it is drawn; `height` and `width` in pixels, upright, are known before."""

    shard: Path
    start: int
    bytes: int
    height: int
    width: int

    def draw(self) -> Image.Image:
        """The picture, upright and in RGB; Unusable where the shard is cut short or the picture damaged."""
        content = stored_bytes(self.shard, self.start, self.bytes)
        try:
            return one_page(content).image
        except ValueError as error:
            raise Unusable("the picture cannot be decoded") from error


@lru_cache(maxsize=16)
def _opened(shard: Path) -> BinaryIO:
    """Kept open, so that the system sees one reader that goes forward and reads ahead of it."""
    return shard.open("rb", buffering=0)


def stored_bytes(shard: Path, start: int, count: int) -> bytes:
    """Bytes of a shard; Unusable where it cannot be read or ends before them."""
    try:
        content = os.pread(_opened(shard).fileno(), count, start)
    except OSError as error:
        raise Unusable("the shard cannot be read") from error
    if len(content) != count:
        raise Unusable(CUT_SHORT)
    return content


def picture_size(content: bytes) -> tuple[int, int]:
    """(height, width) of a picture file once upright, from its head alone; Unusable where that is damaged."""
    reader = format_of(content[:16])
    if reader is None:
        raise Unusable(NO_SIZE)
    try:
        with reader(io.BytesIO(content)) as picture:
            width, height = picture.size
            return (width, height) if orientation_of(picture) in ON_ITS_SIDE else (height, width)
    except DECODING_FAILURES as error:
        raise Unusable(NO_SIZE) from error


def index_path(shard: Path) -> Path:
    return shard.with_suffix(".index")


def index_shard(shard: Path) -> ShardHead:
    """Write the index of a tar in WebDataset's layout: members with one key before the first dot make a sample.

    A sample has a picture and a .json; one without is left out and counted, as is what a tar that is cut short or damaged
    lost. A shard without samples gets no index. OSError where the shard cannot be read or the index not be written.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    left_out: Counter[str] = Counter()
    size, end = shard.stat().st_size, 0
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                end = member.offset_data + member.size
                if not member.isfile() or end > size:
                    continue
                folder, name = os.path.split(member.name)
                key, _, extension = name.partition(".")
                kind = KINDS.get(extension.lower())
                if kind is None:  # for other readers, unless its key has a dot
                    if KINDS.get(name.rpartition(".")[2].lower()) == "text":
                        left_out[DOTTED] += 1
                elif kind in (parts := found.setdefault(os.path.join(folder, key), {})):
                    left_out[f"a second {kind} under one key"] += 1
                else:
                    parts[kind] = (member.offset_data, member.size)
    except (tarfile.ReadError, EOFError):
        end = size
    end = -(-end // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    if size < end + tarfile.BLOCKSIZE:  # a whole tar ends in empty blocks
        left_out[CUT_SHORT] += 1
    elif _anything_after(shard, end):
        left_out[NO_MEMBER] += 1
    entries = []
    for key, parts in found.items():
        missing = {"picture", "text"} - set(parts)
        if missing:
            left_out[f"no {missing.pop()} beside it"] += 1
            continue
        height, width = _size(shard, *parts["picture"])
        entries.append(Entry(key, *parts["picture"], *parts["text"], height, width))
    head = ShardHead(len(entries), size, dict(left_out))
    if entries:
        lines = [json.dumps(head._asdict()), *(json.dumps(entry) for entry in entries)]
        part = index_path(shard).with_suffix(".index.part")
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        part.replace(index_path(shard))
    return head


def _anything_after(shard: Path, end: int) -> bool:
    """Whether a file goes on after a byte with anything but zeros: what a tar's reader takes for its end may be damage."""
    with shard.open("rb") as content:
        content.seek(end)
        return any(any(block) for block in iter(lambda: content.read(1 << 20), b""))


def read_head(shard: Path) -> ShardHead:
    """What the index of a shard says about the whole; ValueError where there is none."""
    try:
        with index_path(shard).open(encoding="utf-8") as lines:
            head = ShardHead(**json.loads(next(lines)))
        counts = [head.samples, head.bytes, *head.left_out.values()]
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise TypeError(f"counts {counts}")
        return head
    except FileNotFoundError as error:
        raise ValueError(
            f"shard {str(shard)!r} has no index; write one with texthawk index, or move the shard away if"
            " its writing was broken off"
        ) from error
    except (ValueError, TypeError, AttributeError, StopIteration) as error:
        raise ValueError(f"the index of shard {str(shard)!r} is damaged; write it again with texthawk index") from error


def read_entries(shard: Path) -> list[Entry]:
    """The entries of a shard's index, in the order of the shard."""
    _, *lines = index_path(shard).read_text(encoding="utf-8").splitlines()
    return [Entry(*json.loads(line)) for line in lines]


def _size(shard: Path, start: int, count: int) -> tuple[int, int]:
    try:
        return picture_size(stored_bytes(shard, start, count))
    except Unusable:
        return 0, 0
