"""What a training run is given to learn from: folders of shards, of public sets or of one's own, or a file that mixes them.

A file of a mixture is JSON, its paths relative to the file:

    {"sources": [{"path": "docs"}, {"path": "chartqa", "set": "chartqa", "split": "train", "name": "ChartQA", "weight": 2}]}

set: a name in DATASETS; without it, shards where the folder has .tar files, else one's own folder of pictures and JSON
lines. name: the folder's by default. weight: how much of what is drawn; by default as much as its examples are of all.

    {"path": "texts", "set": "factory", "settings": {"seed": 2, "families": {"table": 2, "bar_chart": 1}, "height": [800, 1200]}}

prints documents of the factory while training, in fonts of this machine: path has texts by language, settings are those of
`Factory`, and hold_out has names of families of fonts that are kept for evaluation, as some seeds are.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped
from texthawk.data.example import Example
from texthawk.data.factory.factory import HELD_OUT_SEEDS, Factory
from texthawk.data.factory.texts import Texts
from texthawk.data.mixture import Source
from texthawk.data.public import read_set
from texthawk.data.shards import ShardFolder
from texthawk.data.synth import hold_out as without_fonts
from texthawk.data.synth import system_fonts

Weighted = list[tuple[Source, float]]
FIELDS = {"path", "set", "split", "name", "weight", "settings"}
FACTORY = "factory"
_SETTINGS = {"seed", "hold_out", "languages", "families", "damage", "height", "tasks", "documents"}

HELD_OUT_PART, HELD_OUT_MOST = 50, 200
"""One example in so many is held out of each source, and no more than this."""


@dataclass(frozen=True)
class Listed:
    """Examples in memory."""

    name: str
    examples: tuple[Example, ...]

    @property
    def runs(self) -> Sequence[int]:
        return (len(self.examples),)

    def example(self, index: int) -> Example:
        return self.examples[index]


@dataclass(frozen=True)
class Stretch:
    """The examples of a source from `start` to `end`, which is not among them."""

    source: Source
    start: int
    end: int

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def runs(self) -> Sequence[int]:
        ends = [min(max(end, self.start), self.end) for end in accumulate(self.source.runs)]
        return [end - start for start, end in zip([self.start, *ends], ends, strict=False) if end > start]

    def example(self, index: int) -> Example:
        return self.source.example(self.start + index)


@dataclass(frozen=True)
class Suffixed:
    """The examples of a source with a text after each of their questions, on a line of its own."""

    source: Source
    suffix: str

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def runs(self) -> Sequence[int]:
        return self.source.runs

    def example(self, index: int) -> Example:
        found = self.source.example(index)
        turns = tuple(replace(turn, question=f"{turn.question}\n{self.suffix}") for turn in found.turns)
        return replace(found, turns=turns)


def read_data(paths: Sequence[Path]) -> Weighted:
    """The sources of folders and mixture files; ValueError says what is wrong with which of them."""
    found: Weighted = []
    for path in paths:
        found += _of_file(path) if path.suffix == ".json" else [_entry({"path": str(path)}, Path(), str(path))]
    return found


def hold_out(sources: Weighted) -> tuple[Weighted, Weighted]:
    """The sources without their last examples, and these: one in fifty, at least one where there are two, 200 at most."""
    kept: Weighted = []
    held: Weighted = []
    for source, weight in sources:
        size = sum(source.runs)
        out = min(HELD_OUT_MOST, max(1, size // HELD_OUT_PART)) if size > 1 else 0
        kept.append((Stretch(source, 0, size - out), weight))
        if out:
            held.append((Stretch(source, size - out, size), weight))
    return kept, held


def _of_file(path: Path) -> Weighted:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"mixture {str(path)!r} cannot be read as JSON; mend it ({error})") from error
    entries = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f'mixture {str(path)!r} has no list of sources; write {{"sources": [{{"path": "FOLDER"}}]}}')
    if others := sorted(set(content) - {"sources"}):
        raise ValueError(
            f"mixture {str(path)!r} does not know {', '.join(others)}; it has sources, and nothing beside them"
        )
    return [_entry(entry, path.parent, f"{path}, source {number}") for number, entry in enumerate(entries, 1)]


def _entry(entry: dict[str, Any], base: Path, told: str) -> tuple[Source, float]:
    unknown = sorted(set(entry) - FIELDS)
    if unknown or not isinstance(entry.get("path"), str):
        what = f"does not know {', '.join(unknown)}" if unknown else "has no path"
        raise ValueError(f"{told} {what}; a source has a path, and may have {', '.join(sorted(FIELDS - {'path'}))}")
    folder, split = base / entry["path"], str(entry.get("split", "train"))
    if not folder.is_dir():
        raise ValueError(
            f"{told}: there is no folder {str(folder)!r}; give one of shards, or of pictures and JSON lines"
        )
    name = str(entry.get("name") or folder.resolve().name)
    source: Source
    if entry.get("set") == FACTORY:
        source = _factory(folder, split, name, entry.get("settings", {}), told)
    elif "set" not in entry and next(folder.glob("*.tar"), None) is not None:
        source = ShardFolder(folder, name=name)
    else:
        dropped = Dropped(name)
        source = Listed(name, tuple(read_set(str(entry.get("set", "folder")), folder, split, dropped)))
    size = sum(source.runs)
    weight = entry.get("weight", size)
    if not isinstance(weight, (int, float)) or isinstance(weight, bool):
        raise ValueError(f"{told}: the weight is {weight!r}; give a number above 0, or leave it out")
    return source, float(weight)


def _factory(folder: Path, split: str, name: str, settings: Any, told: str) -> Factory:
    """Documents that are printed when they are wanted; `settings` are the file's."""
    if not isinstance(settings, dict) or not set(settings) <= _SETTINGS:
        raise ValueError(f"{told}: settings {settings!r} are not a factory's; there are {', '.join(sorted(_SETTINGS))}")
    given = {"seed": 1, **settings}
    if isinstance(given.get("height"), list):
        given["height"] = tuple(given["height"])
    for shares in ("languages", "families"):
        if not isinstance(given.get(shares, {}), dict):
            raise ValueError(f'{told}: {shares} is {given[shares]!r}; give shares by name, as in {{"NAME": 1}}')
    kept = given.pop("hold_out", [])
    if not isinstance(kept, list) or not all(isinstance(family, str) for family in kept):
        raise ValueError(f'{told}: hold_out is {kept!r}; give a list of names of families, as in ["Lato"]')
    try:
        made = Factory(
            Texts.from_folder(folder, split=split), without_fonts(system_fonts(), kept)[0], name=name, **given
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{told}: {error}") from error
    if made.seed >= HELD_OUT_SEEDS:
        raise ValueError(f"{told}: seeds from {HELD_OUT_SEEDS} on are kept for evaluation; give a lower one")
    return made


def with_suffixes(sources: Weighted, suffixes: dict[str, str]) -> Weighted:
    """The sources, those of these names with a text after their questions."""
    return [
        (Suffixed(source, suffixes[source.name]) if suffixes.get(source.name) else source, weight)
        for source, weight in sources
    ]
