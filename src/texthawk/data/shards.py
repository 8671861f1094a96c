"""Examples in WebDataset's layout: tar files with a picture and a .json for each sample, and an index beside each tar.

Whoever reads WebDataset's tars can read these; we read them through their index, front to back within a shard.
"""

import io
import json
import tarfile
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import Example, Turn
from texthawk.data.shard_index import (
    NO_SIZE,
    Entry,
    StoredPicture,
    index_shard,
    read_entries,
    read_head,
    stored_bytes,
)
from texthawk.image.pictures import format_of

EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}


class ShardWriter:
    """Writes examples to `FOLDER/NAME-000000.tar` and on, each shard with its index; the same examples give the same bytes.

    A shard appears under its name when it is whole. Examples are read in the order they are written, so shuffle them
    first. samples, most_bytes: a shard is closed with the sample that reaches either. ValueError where there are shards
    of that name already.
    """

    def __init__(self, folder: Path, *, name: str = "shard", samples: int = 1000, most_bytes: int = 1 << 30) -> None:
        if samples < 1 or most_bytes < 1:
            raise ValueError(f"{samples} samples and {most_bytes} bytes a shard; both must be at least 1")
        there = next(folder.glob(f"{name}-*.tar"), None)
        if there is not None:
            raise ValueError(f"{str(there)!r} is there already; give another folder or another name")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name, self.samples, self.most_bytes = folder, name, samples, most_bytes
        self.shards: list[Path] = []
        self.written = 0
        self._tar: tarfile.TarFile | None = None
        self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif self._tar is not None:  # what is half written stays behind as a .part that no reader takes
            self._tar.close()
            self._tar = None

    def write(self, example: Example) -> None:
        """Add an example; ValueError where its picture is none of the formats that are read."""
        content = example.encoded()
        reader = format_of(content[:16])
        if reader is None:
            raise ValueError(
                f"the picture of {example.id!r} is no PNG, JPEG, TIFF, WebP, GIF or BMP; convert it to one"
            )
        if self._tar is None:
            self._tar = tarfile.TarFile(self._part(), "w", format=tarfile.USTAR_FORMAT)
            self._held = 0
        key = f"{self.written:09d}"
        self._add(f"{key}.{EXTENSIONS[str(reader.format)]}", content)
        self._add(f"{key}.json", json.dumps(to_json(example), ensure_ascii=False).encode())
        self.written += 1
        self._held += 1
        if self._held >= self.samples or self._tar.offset >= self.most_bytes:
            self.close()

    def close(self) -> None:
        """Finish the shard that is being written; another example would begin the next one."""
        if self._tar is None:
            return
        self._tar.close()
        self._tar = None
        shard = self.folder / f"{self.name}-{len(self.shards):06d}.tar"
        self._part().replace(shard)
        index_shard(shard)
        self.shards.append(shard)

    def _part(self) -> Path:
        return self.folder / f"{self.name}-{len(self.shards):06d}.tar.part"

    def _add(self, name: str, content: bytes) -> None:
        assert self._tar is not None
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))


class ShardFolder:
    """The examples of the shards of a folder, by number; `runs` are how many each shard holds, in the order of names.

    ValueError where there are no shards, one has no index, or more than 1% of what is there makes no sample.
    """

    def __init__(self, folder: Path, *, name: str | None = None, pattern: str = "*.tar") -> None:
        self.name = name or folder.name
        self.shards = sorted(folder.glob(pattern))
        if not self.shards:
            raise ValueError(f"no shards in {str(folder)!r} with pattern {pattern!r}; write some with ShardWriter")
        heads = [read_head(shard) for shard in self.shards]
        self.runs: Sequence[int] = [head.samples for head in heads]
        self._ends = list(accumulate(self.runs))
        self.dropped = Dropped(self.name)
        self.dropped.seen = self._ends[-1] + sum(sum(head.left_out.values()) for head in heads)
        for shard, head in zip(self.shards, heads, strict=True):
            for reason, count in head.left_out.items():
                for _ in range(count):
                    self.dropped.leave_out(reason, shard.name)
        self.dropped.check()

    def __len__(self) -> int:
        return self._ends[-1]

    def example(self, index: int) -> Example:
        """An example whose picture is a StoredPicture, not yet read; Unusable where its text cannot be had."""
        shard = bisect_right(self._ends, index)
        path, entry = self.shards[shard], _entries(self.shards[shard])[index - self._ends[shard] + self.runs[shard]]
        if not entry.height:
            raise Unusable(NO_SIZE)
        try:
            record = json.loads(stored_bytes(path, entry.text_start, entry.text_bytes))
        except ValueError as error:
            raise error if isinstance(error, Unusable) else Unusable("the text is no JSON") from error
        picture = StoredPicture(path, entry.picture_start, entry.picture_bytes, entry.height, entry.width)
        return from_json(record, picture)


@lru_cache(maxsize=16)
def _entries(shard: Path) -> list[Entry]:
    return read_entries(shard)


def to_json(example: Example) -> dict[str, Any]:
    """All of an example but its picture."""
    turns = [
        {"question": turn.question, "answer": turn.answer, "task": turn.task}
        | ({"boxes": turn.boxes} if turn.boxes else {})
        | ({"accepted": turn.accepted} if turn.accepted else {})
        for turn in example.turns
    ]
    return {"id": example.id, "source": example.source, "lang": example.lang, "turns": turns, "info": example.info}


def from_json(record: dict[str, Any], picture: StoredPicture) -> Example:
    """The inverse of `to_json`; a record without `lang` or `info` is taken as it is."""
    turns = [
        Turn(
            turn["question"],
            turn["answer"],
            turn["task"],
            tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in turn.get("boxes", ())),
            tuple(turn.get("accepted", ())),
        )
        for turn in record["turns"]
    ]
    return Example(
        record["id"], record["source"], picture, tuple(turns), record.get("lang", ""), record.get("info", {})
    )
