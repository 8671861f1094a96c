"""Your own data: a folder of pictures and JSON lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import PLACE, TASKS, Example, Turn
from texthawk.data.public import layout
from texthawk.data.public.layout import answers_of, first_of, picture, text_of

OLD_TASKS = {"ocr": "text", "kie": "fields"}
"""Other names of tasks in JSON lines, with ours."""


@dataclass(frozen=True)
class _Row:
    id: str
    image: Path
    turns: tuple[Turn, ...]
    lang: str


def json_lines(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """A folder of pictures with {split}.jsonl or samples.{split}.jsonl, one JSON object on each line.

        {"image": "images/a.png", "turns": [{"question", "answer", "task", "boxes", "accepted"}], "id", "lang"}
        {"image": "images/a.png", "question": "...", "answers": ["..."], "task", "text", "boxes"}

    Boxes are [left, top, right, bottom] in [0, 1]; a text has U+FFFC where a box belongs. Lines of the second kind on one picture
    become one Example; there `task` is "ocr" with `text` and maybe `boxes` ([{"text", "box"}]), "grounding" with one
    box, "markdown" with `text`, "kie", or a question's; `task` may be absent: then it is "docvqa". Lines marked `partial`
    give no text.
    """
    file = first_of((folder / f"{split}.jsonl", folder / f"samples.{split}.jsonl"), f"the split {split}")

    def row_of(line: str) -> _Row:
        row = json.loads(line)
        if not row["image"]:
            raise Unusable("it has no picture")
        image = picture(folder / row["image"])
        turns = tuple(_turn(turn) for turn in row["turns"]) if "turns" in row else tuple(_turns(row))
        return _Row(str(row.get("id") or image.stem), image, turns, row.get("lang") or "")

    by_image: dict[Path, list[_Row]] = {}
    for row in dropped.use(layout.json_lines(file), row_of):
        by_image.setdefault(row.image, []).append(row)
    for image, rows in by_image.items():
        turns = tuple(turn for row in rows for turn in row.turns)
        name = rows[0].id if len(rows) == 1 else image.relative_to(folder).with_suffix("").as_posix()
        if turns:
            yield Example(f"{folder.name}/{name}", folder.name, image, turns, rows[0].lang)


def _turn(row: dict[str, Any]) -> Turn:
    boxes = tuple(tuple(float(side) for side in box) for box in row.get("boxes", ()))
    return Turn(row["question"], row["answer"], row.get("task", "docvqa"), boxes, tuple(row.get("accepted", ())))  # type: ignore[arg-type]


def _turns(row: dict[str, Any]) -> Iterator[Turn]:
    task = row.get("task") or "docvqa"
    task = OLD_TASKS.get(task, task)
    if task == "text":
        if row.get("partial"):
            return
        yield Turn(TASKS["text"], text_of(row["text"]), "text")
        if row.get("boxes"):
            lines = "\n".join(PLACE + text_of(entry["text"]) for entry in row["boxes"])
            yield Turn(TASKS["text_boxes"], lines, "text_boxes", tuple(tuple(e["box"]) for e in row["boxes"]))
    elif task == "grounding":
        [entry] = row["boxes"]
        yield Turn(text_of(row["question"]), PLACE, "grounding", (tuple(entry["box"]),))
    elif task == "markdown":
        if not row.get("text"):
            return
        name = "html" if row.get("format") == "html_table" else "markdown"
        yield Turn(row.get("question") or TASKS[name], text_of(row["text"]), name)
    else:
        accepted = answers_of(row["answers"] if "answers" in row else row["answer"])
        yield Turn(text_of(row["question"]), accepted[0], task, (), accepted)
