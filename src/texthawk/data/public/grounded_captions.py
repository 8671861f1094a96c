"""Captions whose phrases have boxes: GrIT (Kosmos-2), as img2dataset stores it."""

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import PLACE, TASKS, Example, ImageReference, Turn, UnitBox, unit_box
from texthawk.data.public.layout import one, text_of
from texthawk.data.public.refcoco import directed

PICTURES = (".jpg", ".jpeg", ".png", ".webp")

Record = tuple[str, ImageReference | None, bytes | None]
"""Name, picture and JSON of a sample; None for what is missing."""


def grit(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """GrIT; caption, caption with boxes, and each phrase in one of both directions.

        NNNNN.tar with NAME.jpg and NAME.json side by side, or folders NNNNN/ of the same files
            {"caption", "noun_chunks": [[start, end, x0, y0, x1, y1, score], ...], "ref_exps": [the same]}, boxes in [0, 1]

    Read strictly in order. A tar file that is cut short gives its whole samples and counts as one that was left out.
    """
    tars = sorted(folder.glob("*.tar"))
    folders = [path for path in sorted(folder.iterdir()) if path.is_dir() and any(path.glob("*.json"))]
    if not tars and not folders:
        raise ValueError(f"GrIT is missing: {folder} holds neither *.tar nor folders of .jpg and .json")
    records = (record for place in (tars or folders) for record in _samples(place, dropped))
    return dropped.use(((record[0], record) for record in records), _example)


def _samples(place: Path, dropped: Dropped) -> Iterator[Record]:
    if place.is_dir():
        for file in sorted(place.glob("*.json")):
            image = next((path for suffix in PICTURES if (path := file.with_suffix(suffix)).is_file()), None)
            yield f"{place.name}/{file.stem}", image, file.read_bytes()
        return
    name, parts = "", dict[str, bytes]()
    try:
        with tarfile.open(place, "r|") as archive:
            for member in archive:
                inside = PurePosixPath(member.name)
                if inside.stem != name and parts:
                    yield _record(place, name, parts)
                    parts = {}
                name = inside.stem
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None:
                    parts[inside.suffix.lower()] = stream.read()
    except (tarfile.ReadError, EOFError):
        dropped.seen += 1
        dropped.leave_out("its tar file is cut short", f"{place.name}/{name}")
        return
    if parts:
        yield _record(place, name, parts)


def _record(place: Path, name: str, parts: dict[str, bytes]) -> Record:
    image = next((parts[suffix] for suffix in PICTURES if suffix in parts), None)
    return f"{place.stem}/{name}", image, parts.get(".json")


def _example(record: Record) -> Example:
    name, image, written = record
    if image is None:
        raise Unusable("its picture is missing")
    if written is None:
        raise Unusable("its annotation is missing")
    row = json.loads(written)
    text_of(row["caption"])
    caption = row["caption"].replace(PLACE, " ")  # phrases are told by their places in it, so its length must stay
    spans = _spans(caption, [*_rows(row["ref_exps"]), *_rows(row["noun_chunks"])])
    if not spans:
        raise Unusable("no phrase of it has a box")
    text, end, boxes = "", 0, list[UnitBox]()
    for (_, last), found in spans.items():
        text += caption[end:last] + PLACE * len(found)
        end = last
        boxes += found
    turns = [
        Turn(TASKS["caption"], caption, "caption"),
        Turn(TASKS["grounded_caption"], text + caption[end:], "grounded_caption", tuple(boxes)),
    ]
    for (first, last), found in spans.items():
        if len(found) == 1:
            turns.append(directed(caption[first:last], found[0], f"{name}-{first}", both=True))
    return one("grit", name, image, turns, "en")


def _rows(value: Any) -> list[Sequence[float]]:
    return json.loads(value) if isinstance(value, str) else value


def _spans(caption: str, rows: list[Sequence[float]]) -> dict[tuple[int, int], list[UnitBox]]:
    """Boxes by phrase in the order of the caption; of phrases that overlap the longer one is kept."""
    by_span: dict[tuple[int, int], list[UnitBox]] = {}
    for first, last, *corners in rows:
        span = (int(first), int(last))
        if not 0 <= span[0] < span[1] <= len(caption):
            raise Unusable("a phrase lies outside its caption")
        box = unit_box(corners[:4], 1, 1)
        if box not in by_span.setdefault(span, []):
            by_span[span].append(box)
    kept: list[tuple[int, int]] = []
    for span in sorted(by_span, key=lambda span: (span[0] - span[1], span)):
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return {span: by_span[span] for span in sorted(kept)}
