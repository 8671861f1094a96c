"""Filled-in forms: FUNSD and XFUND, whose entities are texts with boxes, labels and links from questions to answers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped
from texthawk.data.example import PLACE, TASKS, Example, Turn, plain, unit_box
from texthawk.data.public.layout import annotation_of, entries_of, first_of, json_of, one, picture_size

ASKED = {"zh": "表单中“{}”的内容是什么？", "en": 'What is the value of "{}" in the form?'}
"""How a field is asked for, by language; English where there is no other."""


def funsd(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """FUNSD; the text with boxes of all entities, and a question for each field that has an answer.

    training_data/ or testing_data/, in the folder or in dataset/
        annotations/NAME.json: {"form": [{"id", "box": [x0, y0, x1, y1] in pixels, "text", "label", "linking": [[a, b]]}]}
        images/NAME.png
    """
    part = {"train": "training_data", "test": "testing_data"}[split]
    inside = first_of((folder / part, folder / "dataset" / part), f"FUNSD's {split} part")
    files = sorted(first_of((inside / "annotations",), "the folder of FUNSD's annotations").glob("*.json"))

    def example(file: Path) -> Example:
        image = inside / "images" / f"{file.stem}.png"
        turns = _turns(annotation_of(file)["form"], picture_size(image), "en")
        return one("funsd", f"{split}/{file.stem}", image, turns, "en")

    return dropped.use(((file.name, file) for file in files), example)


def xfund(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """XFUND; `split` is a language and a part, as in zh.train or de.val.

    {split}.json: {"lang", "documents": [{"id", "img": {"fname", "width", "height"}, "document": [as FUNSD's form]}]}
    {split}/ with the pictures, or they lie in the folder itself
    """
    file = first_of((folder / f"{split}.json",), f"XFUND's part {split}")
    content = json_of(file)
    documents = entries_of(file, content, "documents")
    lang = content.get("lang") or split.split(".")[0]

    def example(document: dict[str, Any]) -> Example:
        name = Path(document["img"]["fname"]).name
        image = folder / split / name if (folder / split / name).is_file() else folder / name
        width, height = picture_size(image)
        turns = _turns(document["document"], (width, height), lang)
        return one("xfund", f"{split}/{document['id']}", image, turns, lang)

    return dropped.use(((f"document {number}", row) for number, row in enumerate(documents)), example)


def _turns(entities: Sequence[dict[str, Any]], size: tuple[int, int], lang: str) -> Iterator[Turn]:
    printed = [entity for entity in entities if entity["text"].strip()]
    texts = {entity["id"]: " ".join(plain(entity["text"]).split()) for entity in printed}
    if texts:
        boxes = tuple(unit_box(entity["box"], *size) for entity in printed)
        lines = "\n".join(PLACE + texts[entity["id"]] for entity in printed)
        yield Turn(TASKS["text_boxes"], lines, "text_boxes", boxes)
    labels = {entity["id"]: entity["label"] for entity in printed}
    for entity in printed:
        if entity["label"] != "question":
            continue
        linked = dict.fromkeys(other for link in entity["linking"] for other in link if labels.get(other) == "answer")
        if linked:
            ask = ASKED.get(lang, ASKED["en"]).format(texts[entity["id"]].rstrip(":： "))
            yield Turn(ask, " ".join(texts[answer] for answer in linked), "docvqa")
