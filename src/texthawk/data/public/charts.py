"""Questions on charts: ChartQA."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped
from texthawk.data.example import TASKS, Example, Turn
from texthawk.data.public.layout import (
    Asked,
    entries_of,
    first_of,
    gathered,
    json_of,
    markdown_table,
    picture,
    question,
)


def chartqa(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """ChartQA, questions by people and by machines; where a chart's data are there, its table is asked for last.

    {split}/{split}_human.json, {split}/{split}_augmented.json (one of them may be absent)
        [{"imgname": "NAME.png", "query", "label"}, ...]
    {split}/png/NAME.png
    {split}/tables/NAME.csv (may be absent)
    """
    inside = first_of((folder / split, folder / "ChartQA Dataset" / split), f"ChartQA's split {split}")
    images, tables = first_of((inside / "png",), "the folder of ChartQA's pictures"), inside / "tables"
    files = [inside / f"{split}_{kind}.json" for kind in ("human", "augmented")]
    first_of(files, "ChartQA's questions")

    def asked(row: dict[str, Any]) -> Asked:
        return picture(images / Path(row["imgname"]).name), question(row["query"], row["label"], "chartqa")

    records = (
        (f"{file.name} row {number}", row)
        for file in files
        if file.is_file()
        for number, row in enumerate(entries_of(file, json_of(file)))
    )

    def with_table(example: Example) -> Example:
        assert isinstance(example.image, Path)
        table = tables / f"{example.image.stem}.csv"
        if not table.is_file():
            return example
        with table.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.reader(lines) if row]
        return replace(example, turns=(*example.turns, Turn(TASKS["chart_table"], markdown_table(rows), "chart_table")))

    examples = gathered("chartqa", split, dropped.use(records, asked))
    return dropped.use(((example.id, example) for example in examples), with_table)
