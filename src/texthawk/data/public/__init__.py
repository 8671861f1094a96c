"""Public data sets in the file layouts that their authors publish; every reader gives Examples.

All questions on one picture become the turns of one Example, as TextHawk trains on them (section 4.3). Nothing is downloaded.
Records that cannot be used are left out and counted by reason; more than 1% of them end the reading.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from texthawk.data.dropped import Dropped
from texthawk.data.example import Example
from texthawk.data.public import (
    charts,
    documents,
    folder,
    forms,
    grounded_captions,
    pubtabnet,
    receipts,
    refcoco,
    scenes,
    wiki_tables,
)

Read = Callable[[Path, str, Dropped], Iterator[Example]]
"""(folder of the set, split, where to count what is left out) -> its examples."""


@dataclass(frozen=True)
class PublicSet:
    """A set's reader and splits; `read.__doc__` describes the layout. `splits` is empty where files name them."""

    read: Read
    splits: tuple[str, ...]


DATASETS = {
    "docvqa": PublicSet(documents.docvqa, ("train", "val")),
    "infographicvqa": PublicSet(documents.infographicvqa, ("train", "val")),
    "chartqa": PublicSet(charts.chartqa, ("train", "val", "test")),
    "tabfact": PublicSet(wiki_tables.tabfact, ("train", "val", "test")),
    "wtq": PublicSet(wiki_tables.wtq, ()),
    "textvqa": PublicSet(scenes.textvqa, ("train", "val")),
    "refcoco": PublicSet(refcoco.refcoco, ("train", "val", "testA", "testB")),
    "refcoco+": PublicSet(refcoco.refcoco_plus, ("train", "val", "testA", "testB")),
    "refcocog": PublicSet(refcoco.refcocog, ("train", "val", "test")),
    "funsd": PublicSet(forms.funsd, ("train", "test")),
    "xfund": PublicSet(forms.xfund, ()),
    "sroie": PublicSet(receipts.sroie, ("train", "test")),
    "cord": PublicSet(receipts.cord, ("train", "dev", "test")),
    "pubtabnet": PublicSet(pubtabnet.pubtabnet, ("train", "val")),
    "grit": PublicSet(grounded_captions.grit, ("train",)),
    "folder": PublicSet(folder.json_lines, ()),
}
"""Name -> reader and the splits that have answers."""


def read_set(name: str, place: Path, split: str, dropped: Dropped | None = None) -> Iterator[Example]:
    """The examples of a set in `place`; ValueError names what is missing there, or what was left out where it is too much."""
    if name not in DATASETS:
        near = get_close_matches(name, DATASETS, 1)
        hint = f"; nearest: {near[0]}" if near else ""
        raise ValueError(f"data set {name!r} is unknown{hint}; there are: {', '.join(DATASETS)}")
    chosen = DATASETS[name]
    if chosen.splits and split not in chosen.splits:
        raise ValueError(f"{name} has no split {split!r} with answers; there are: {', '.join(chosen.splits)}")
    if not place.is_dir():
        raise ValueError(f"{str(place)!r} is no folder; give the one that holds {name}")
    dropped = dropped or Dropped(f"{name} {split}")
    return _checked(chosen.read(place, split, dropped), dropped)


def _checked(examples: Iterator[Example], dropped: Dropped) -> Iterator[Example]:
    yield from examples
    dropped.check()
