"""Questions on text in photographs: TextVQA."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped
from texthawk.data.example import Example, Turn
from texthawk.data.public.layout import (
    Asked,
    answers_of,
    entries_of,
    first_of,
    gathered,
    json_of,
    matching,
    picture,
    text_of,
)


def textvqa(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """TextVQA; the answer to learn is the one that most of the ten annotators gave, the earlier of equally many.

    TextVQA_0.5.1_{split}.json
        {"data": [{"question_id", "question", "image_id", "answers": [ten strings]}, ...]}
    train_images/IMAGE_ID.jpg, for val too
    """
    file = matching((folder,), f"TextVQA_*_{split}.json", "TextVQA's questions")
    images = first_of((folder / "train_images", folder / "train_val_images" / "train_images"), "the folder of pictures")
    rows = entries_of(file, json_of(file), "data")

    def asked(row: dict[str, Any]) -> Asked:
        accepted = answers_of(row["answers"])
        [(most, _)] = Counter(answers_of([answer])[0] for answer in row["answers"] if answer.strip()).most_common(1)
        return picture(images / f"{row['image_id']}.jpg"), Turn(text_of(row["question"]), most, "vqa", (), accepted)

    records = ((f"row {number}", row) for number, row in enumerate(rows))
    return gathered("textvqa", split, dropped.use(records, asked))
