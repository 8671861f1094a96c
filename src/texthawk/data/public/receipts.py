"""Receipts and their key fields: SROIE and CORD."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import PLACE, TASKS, Example, Turn, plain, unit_box
from texthawk.data.public.layout import annotation_of, first_of, one, picture_size

ASKED = {
    "company": "What is the name of the company?",
    "date": "What is the date of the receipt?",
    "address": "What is the address of the company?",
    "total": "What is the total amount?",
}
"""SROIE's four fields, and how each is asked for."""


def sroie(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """SROIE: text with boxes, the four fields as JSON, and a question for each.

        {split}/img/NAME.jpg, {split}/box/NAME.txt, {split}/entities/NAME.txt
        or, for train, img/NAME.jpg, box/NAME.csv and key/NAME.json as the tidied repository has them
        box: x1,y1,x2,y2,x3,y3,x4,y4,TEXT on each line, in pixels; entities: {"company", "date", "address", "total"}

    A receipt without one of the fields is asked for the others.
    """
    inside = first_of([folder / split, *([folder] if split == "train" else [])], f"SROIE's split {split}")
    keys = first_of((inside / "entities", inside / "key"), "the folder of SROIE's fields")
    boxes = first_of((inside / "box",), "the folder of SROIE's boxes")

    def example(file: Path) -> Example:
        image = inside / "img" / f"{file.stem}.jpg"
        size = picture_size(image)
        fields = {name: plain(value.strip()) for name, value in annotation_of(file).items() if value.strip()}
        lines = next((path for suffix in (".txt", ".csv") if (path := boxes / f"{file.stem}{suffix}").is_file()), None)
        if lines is None:
            raise Unusable("its boxes are missing")
        turns = [_printed([_sroie_line(line) for line in lines.read_text("utf-8").split("\n") if line.strip()], size)]
        if fields:
            turns.append(Turn(TASKS["fields"], json.dumps(fields, ensure_ascii=False), "fields"))
        turns += [Turn(ask, fields[name], "docvqa") for name, ask in ASKED.items() if name in fields]
        return one("sroie", f"{split}/{file.stem}", image, turns, "en", fields=fields)

    files = sorted(path for path in keys.iterdir() if path.suffix in (".txt", ".json"))
    return dropped.use(((file.name, file) for file in files), example)


def cord(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """CORD: text with boxes, and the fields as JSON.

        {split}/image/NAME.png, {split}/json/NAME.json, in the folder or in CORD/
            {"valid_line": [{"words": [{"quad": {x1, y1, ..., y4}, "text"}], "category": "menu.nm", "group_id"}], "gt_parse"}

    The first edition has no `gt_parse`; then lines of one group make one entry of its category, as in the second.
    """
    inside = first_of((folder / split, folder / "CORD" / split), f"CORD's split {split}")
    files = sorted(first_of((inside / "json",), "the folder of CORD's annotations").glob("*.json"))

    def example(file: Path) -> Example:
        image = inside / "image" / f"{file.stem}.png"
        size = picture_size(image)
        content = annotation_of(file)
        lines = []
        for line in content["valid_line"]:
            corners = [word["quad"] for word in line["words"]]
            xs = [quad[f"x{n}"] for quad in corners for n in range(1, 5)]
            ys = [quad[f"y{n}"] for quad in corners for n in range(1, 5)]
            lines.append(((min(xs), min(ys), max(xs), max(ys)), " ".join(word["text"] for word in line["words"])))
        fields = content.get("gt_parse") or _grouped(content["valid_line"])
        asked = Turn(TASKS["fields"], plain(json.dumps(fields, ensure_ascii=False)), "fields")
        return one("cord", f"{split}/{file.stem}", image, [_printed(lines, size), asked], "", fields=fields)

    return dropped.use(((file.name, file) for file in files), example)


def _sroie_line(line: str) -> tuple[tuple[float, float, float, float], str]:
    *corners, text = line.lstrip("\ufeff").split(",", 8)
    xs, ys = [float(x) for x in corners[::2]], [float(y) for y in corners[1::2]]
    return (min(xs), min(ys), max(xs), max(ys)), text


def _printed(lines: list[tuple[tuple[float, float, float, float], str]], size: tuple[int, int]) -> Turn:
    kept = [(box, " ".join(plain(text).split())) for box, text in lines]
    kept = [(box, text) for box, text in kept if text]
    if not kept:
        raise Unusable("it has no text")
    boxes = tuple(unit_box(box, *size) for box, _ in kept)
    return Turn(TASKS["text_boxes"], "\n".join(PLACE + text for _, text in kept), "text_boxes", boxes)


def _grouped(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Fields by category; a category with several groups is a list of them, and lines of one field are joined."""
    groups: dict[str, dict[Any, dict[str, str]]] = {}
    for line in lines:
        category, _, name = line["category"].partition(".")
        text = " ".join(word["text"] for word in line["words"] if not word.get("is_key"))
        if name and text:
            # Sums stand in groups of their own and are one entry all the same.
            key = line["group_id"] if category in ("menu", "void_menu") else None
            entry = groups.setdefault(category, {}).setdefault(key, {})
            entry[name] = f"{entry[name]} {text}" if name in entry else text
    return {
        category: list(entries.values()) if len(entries) > 1 else next(iter(entries.values()))
        for category, entries in groups.items()
    }
