"""Expressions that refer to objects in photographs: RefCOCO, RefCOCO+ and RefCOCOg, as the `refer` repository has them."""

import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from texthawk.data.dropped import Dropped
from texthawk.data.example import PLACE, TASKS, Example, Turn, UnitBox, unit_box
from texthawk.data.public.layout import Asked, entries_of, first_of, gathered, json_of, picture, text_of


def refcoco(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """RefCOCO; train mixes both directions, the other splits ask for boxes alone.

    refcoco/refs(unc).p      a pickled list of {"ref_id", "ann_id", "image_id", "split", "sentences": [{"sent", "sent_id"}]}
    refcoco/instances.json   COCO's {"images": [{id, file_name, width, height}], "annotations": [{id, bbox}]}
    images/mscoco/images/train2014/ or train2014/ with the photographs
    """
    return _read("refcoco", ("unc", "google"), folder, split, dropped)


def refcoco_plus(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """RefCOCO+ (expressions without words of place); the layout of RefCOCO in refcoco+/."""
    return _read("refcoco+", ("unc",), folder, split, dropped)


def refcocog(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """RefCOCOg (longer expressions) with the split of UMD; the layout of RefCOCO in refcocog/, with refs(umd).p."""
    return _read("refcocog", ("umd",), folder, split, dropped)


def directed(expression: str, box: UnitBox, key: str, *, both: bool) -> Turn:
    """A question for the box of an expression or, where both directions are wanted, for that of half the keys the reverse."""
    if both and zlib.crc32(key.encode()) % 2:
        return Turn(TASKS["referring"], expression, "referring", (box,))
    return Turn(TASKS["grounding"].format(expression), PLACE, "grounding", (box,))


def _read(name: str, by: tuple[str, ...], folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    inside = folder / name
    refs = _unpickled(first_of([inside / f"refs({who}).p" for who in by], f"{name}'s expressions"))
    file = first_of((inside / "instances.json",), f"{name}'s boxes")
    instances = json_of(file)
    places = (folder / "images" / "mscoco" / "images" / "train2014", folder / "train2014")
    images = first_of(places, "the folder of COCO's photographs")
    try:
        sizes = {image["id"]: image for image in entries_of(file, instances, "images")}
        boxes = {annotation["id"]: annotation["bbox"] for annotation in entries_of(file, instances, "annotations")}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} has a picture or a box without its fields ({error}); download it again") from error

    def asked(record: tuple[dict[str, Any], dict[str, Any]]) -> Asked:
        ref, sentence = record
        image, (left, top, width, height) = sizes[ref["image_id"]], boxes[ref["ann_id"]]
        box = unit_box((left, top, left + width, top + height), image["width"], image["height"])
        key = f"{ref['ref_id']}-{sentence['sent_id']}"
        return picture(images / image["file_name"]), directed(
            text_of(sentence["sent"]), box, key, both=split == "train"
        )

    return gathered(name, split, dropped.use(_expressions(refs, split), asked))


def _expressions(refs: list[Any], split: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """(name, (ref, sentence)) of a split; what is no ref with a split and sentences comes as one record, which is of no use."""
    for number, ref in enumerate(refs):
        if not isinstance(ref, dict) or "split" not in ref or not isinstance(ref.get("sentences"), list):
            yield f"ref {number}", (ref, None)
        elif ref["split"] == split:
            for sentence in ref["sentences"]:
                yield f"ref {ref.get('ref_id', number)}", (ref, sentence)


class _PlainUnpickler(pickle.Unpickler):
    """Lists, dictionaries, texts and numbers only: a pickle that wants a class could run anything."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8")  # Python 2 wrote these files

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _unpickled(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            content = _PlainUnpickler(file).load()
    except (pickle.UnpicklingError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no pickled list of expressions ({error}); download it again") from error
    if not isinstance(content, list):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a list of expressions")
    return content
