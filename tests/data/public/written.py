"""Sets in their official layouts, a few records each, written by hand."""

import json
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 200, 100


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(path)
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def data(path: Path, content: object) -> Path:
    return text(path, json.dumps(content, ensure_ascii=False))


def lines(path: Path, rows: list) -> Path:
    return text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
