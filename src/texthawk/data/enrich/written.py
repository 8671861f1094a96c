"""What becomes of the ledger: a folder of pictures and JSON lines that `read_set("folder", ...)` reads."""

import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from PIL import Image

from texthawk.data.enrich.asked import Asking, fingerprint, requests_of
from texthawk.data.enrich.kinds import Kind
from texthawk.data.enrich.ledger import Ledger
from texthawk.data.example import Example
from texthawk.data.shards import to_json

TOGETHER, APART = "annotations.jsonl", "conversations.jsonl"
"""Pages with their own turns and the new ones; turns that hang together, by themselves."""


@dataclass
class Written:
    """Examples and turns in the two files; `given` turns are those that the pages came with."""

    examples: int = 0
    conversations: int = 0
    given: int = 0
    turns: int = 0


def write(
    examples: Iterable[Example], kinds: Mapping[str, Kind], asking: Asking, ledger: Ledger, folder: Path
) -> Written:
    """Write every page that the ledger has a reply for to `folder`, its picture included; older files are replaced whole.

    A line has id, image, lang, source, turns and info; `info["enriched"]` says by which model and in which kinds, and
    `info["thoughts"]` has question, thought and answer.
    """
    written = Written()
    (folder / "images").mkdir(parents=True, exist_ok=True)
    parts = [folder / f"{name}.part" for name in (TOGETHER, APART)]
    with parts[0].open("w", encoding="utf-8") as together, parts[1].open("w", encoding="utf-8") as apart:
        for example in examples:
            try:
                requests = requests_of(example, kinds, asking)
            except (OSError, ValueError):
                continue  # the run has counted it
            answered = [(request, ledger.reply(request.key)) for request in requests if request.key in ledger]
            if not answered:
                continue
            image = _kept_picture(example, folder)
            for alone, file in ((False, together), (True, apart)):
                kept = [(request, reply) for request, reply in answered if request.kind.apart is alone]
                if not kept:
                    continue
                given = () if alone else example.turns
                new = [turn for request, reply in kept for turn in request.kind.turns(example, reply)]
                thoughts = [entry for request, reply in kept for entry in request.kind.thoughts(example, reply)]
                names = [request.name for request, _ in kept]
                info = dict(example.info) | {"enriched": {"model": asking.model, "kinds": names, "given": len(given)}}
                if thoughts:
                    info["thoughts"] = thoughts
                _line(file, replace(example, turns=(*given, *new), info=info), image)
                written.examples += not alone
                written.conversations += alone
                written.given += len(given)
                written.turns += len(new)
    for part in parts:
        os.replace(part, part.with_suffix(""))
    return written


def _line(file: TextIO, example: Example, image: str) -> None:
    file.write(json.dumps({"image": image} | to_json(example), ensure_ascii=False) + "\n")


def _kept_picture(example: Example, folder: Path) -> str:
    """Its place in the folder; written only where it is not there yet, in one piece."""
    stem = re.sub(r"[^\w.-]+", "_", example.id).strip("._")[-40:] or "page"
    if isinstance(example.image, Path):
        suffix = example.image.suffix.lower()
    elif isinstance(example.image, bytes):
        with Image.open(io.BytesIO(example.image)) as opened:
            suffix = f".{(opened.format or 'png').lower()}"
    else:
        suffix = ".png"
    name = f"images/{stem}-{_short(example.id + fingerprint(example))}{suffix}"
    path = folder / name
    if not path.exists():
        part = path.with_name(path.name + ".part")
        part.write_bytes(example.encoded())
        os.replace(part, path)
    return name


def _short(text: str) -> str:
    """A few characters that tell names of files apart which look alike, and a picture from an older one."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
