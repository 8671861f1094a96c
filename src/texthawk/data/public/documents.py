"""Questions on documents: DocVQA and InfographicVQA, as the Robust Reading Competition publishes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped
from texthawk.data.example import Example
from texthawk.data.public.layout import Asked, entries_of, first_of, gathered, json_of, matching, picture, question


def docvqa(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """DocVQA (single page).

    {split}_v1.0.json or {split}_v1.0_withQT.json, in the folder, in {split}/ or in spdocvqa_qas/
        {"data": [{"questionId", "question", "image": "documents/NAME.png", "answers": [...]}, ...]}
    documents/, {split}/documents/ or spdocvqa_images/ with the pages
    """
    file = matching((folder, folder / split, folder / "spdocvqa_qas"), f"{split}_v*.json", "DocVQA's questions")
    places = (folder / "documents", folder / split / "documents", folder / "spdocvqa_images")
    return _questions("docvqa", split, file, first_of(places, "the folder of DocVQA's pages"), "image", dropped)


def infographicvqa(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """InfographicVQA.

    infographicsVQA_{split}_v1.0.json or ..._withQT.json, in the folder or in infographicsvqa_qas/
        {"data": [{"questionId", "question", "image_local_name": "NAME.jpeg", "answers": [...]}, ...]}
    infographicsvqa_images/ or images/ with the pictures
    """
    file = matching(
        (folder, folder / "infographicsvqa_qas"), f"infographicsVQA_{split}_v*.json", "InfographicVQA's questions"
    )
    places = (folder / "infographicsvqa_images", folder / "images")
    images = first_of(places, "the folder of InfographicVQA's pictures")
    return _questions("infographicvqa", split, file, images, "image_local_name", dropped)


def _questions(source: str, split: str, file: Path, images: Path, key: str, dropped: Dropped) -> Iterator[Example]:
    rows = entries_of(file, json_of(file), "data")

    def asked(row: dict[str, Any]) -> Asked:
        return picture(images / Path(row[key]).name), question(row["question"], row["answers"], "docvqa")

    records = ((f"row {number}", row) for number, row in enumerate(rows))
    return gathered(source, split, dropped.use(records, asked))
