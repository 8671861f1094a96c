"""Files where a published layout has them, and questions gathered by their picture."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from texthawk.data.dropped import Unusable
from texthawk.data.example import Example, ImageReference, Turn, plain

Asked = tuple[Path, Turn]
"""A picture's file and one turn about it."""


def first_of(places: Sequence[Path], what: str) -> Path:
    """The first of `places` that exists; ValueError says what was looked for and where."""
    for place in places:
        if place.exists():
            return place
    raise ValueError(f"{what} is missing: none of {', '.join(str(place) for place in places)} exists")


def matching(folders: Sequence[Path], pattern: str, what: str) -> Path:
    """The last by name of the files that match a pattern in one of `folders`: the newest version."""
    for folder in folders:
        if found := sorted(folder.glob(pattern)):
            return found[-1]
    raise ValueError(f"{what} is missing: no {pattern} in {', '.join(str(folder) for folder in folders)}")


def json_of(path: Path) -> Any:
    """The content of a JSON file; ValueError names the file where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no JSON ({error}); copy or download it again") from error


def entries_of(path: Path, content: Any, name: str = "") -> list[Any]:
    """The list in a file's content, under a name where it has one; ValueError where there is none."""
    found = content.get(name) if name and isinstance(content, dict) else None if name else content
    if not isinstance(found, list):
        what = f'no list "{name}"' if name else f"a {type(content).__name__} and no list"
        raise ValueError(f"{path} has {what}; give the file as its authors publish it")
    return found


def annotation_of(path: Path) -> Any:
    """The content of a record's own JSON file; Unusable where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Unusable("its annotation is no JSON") from error


def json_lines(path: Path) -> Iterator[tuple[str, str]]:
    """(place, text) of each line that is not empty; a byte that is no UTF-8 becomes U+FFFD and the line no JSON of its set."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{path.name} line {number}", line


def picture(path: Path) -> Path:
    """The path of a picture that is there; Unusable where it is not."""
    if not path.is_file():
        raise Unusable("its picture is missing")
    return path


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture from its head; Unusable where it cannot be told."""
    try:
        with Image.open(picture(path)) as image:
            return image.size
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise Unusable("its picture cannot be decoded") from error


def text_of(value: Any) -> str:
    """A text field without what would be taken for a place; Unusable where it is no text or empty."""
    if not isinstance(value, str) or not value.strip():
        raise Unusable("a text is empty")
    return plain(value.strip())


def answers_of(values: Any) -> tuple[str, ...]:
    """The accepted answers in order, each once; Unusable where there is none."""
    found = [plain(value.strip()) for value in ([values] if isinstance(values, str) else values)]
    answers = tuple(dict.fromkeys(answer for answer in found if answer))
    if not answers:
        raise Unusable("it has no answer")
    return answers


def question(text: Any, answers: Any, task: str) -> Turn:
    """A question with its accepted answers; the first is the one to learn."""
    accepted = answers_of(answers)
    return Turn(text_of(text), accepted[0], task, accepted=accepted)


def gathered(source: str, split: str, asked: Iterable[Asked], lang: str = "en") -> Iterator[Example]:
    """One Example for each picture, with all its turns in the order they came."""
    by_picture: dict[Path, list[Turn]] = {}
    for image, turn in asked:
        by_picture.setdefault(image, []).append(turn)
    for image, turns in by_picture.items():
        yield Example(f"{source}/{split}/{image.stem}", source, image, tuple(turns), lang)


def one(source: str, name: str, image: ImageReference, turns: Iterable[Turn], lang: str, **info: Any) -> Example:
    """An Example; Unusable where nothing is asked about its picture."""
    asked = tuple(turns)
    if not asked:
        raise Unusable("nothing is asked about it")
    return Example(f"{source}/{name}", source, image, asked, lang, info)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first as its head; short rows are filled up. Unusable where there is nothing."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        raise Unusable("its table is empty")
    lines = [
        "| " + " | ".join(_cell(cell) for cell in (*row, *[""] * (width - len(row)))) + " |"
        for row in rows
    ]  # fmt: skip
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _cell(text: str) -> str:
    return " ".join(plain(text).split()).replace("|", "\\|")
