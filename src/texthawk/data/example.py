"""The one thing that every source of data gives: a picture and a conversation about it, with places.

Where a text speaks of a place it holds PLACE, and the turn's `boxes` say in order which places those are, those of the
question before those of the answer. So a source needs to know no model's way of writing boxes, and no text can be taken for one.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from PIL import Image

PLACE = "\ufffc"
"""Stands in a text for a box: Unicode's own stand-in for what is no text."""

UnitBox = tuple[float, float, float, float]
"""left, top, right, bottom as parts of the picture in [0, 1], origin top left."""

TASKS = {
    "text": "List the text content in the image",
    "boxes": "List the text bounding boxes in the image",
    "text_boxes": "List the text content along with their bounding boxes in the image",
    "markdown": "Transcribe the content of the document image",
    "caption": "Briefly describe the image",
    "grounded_caption": "Briefly describe the image, highlighting the key objects with normalized bounding boxes",
    "docvqa": "",
    "chartqa": "",
    "tableqa": "",
    "vqa": "",
    "fields": "Extract the key fields of the document as JSON",
    "grounding": "Where is {}? Answer with its bounding box",
    "referring": f"Describe the region {PLACE}",
    "chart_table": "Convert the chart into a Markdown table",
    "html": "Convert the table into HTML",
    "conversation": "",
}
"""Tasks by name, and what is asked; the first six in the words of TextHawk (section 4.1), "" where each question is its own."""


@runtime_checkable
class Drawn(Protocol):
    """A picture that is made when it is wanted: a table or text of a set that comes without pictures."""

    def draw(self) -> Image.Image: ...


ImageReference = Path | bytes | Drawn
"""A file, the bytes of a file, or what can be drawn."""


@dataclass(frozen=True)
class Turn:
    """A question and its answer.

    task: a name in TASKS. boxes: one for each PLACE, the question's first. accepted: every answer that counts as right
    when a model is scored, `answer` among them; empty where only `answer` does.
    """

    question: str
    answer: str
    task: str
    boxes: tuple[UnitBox, ...] = ()
    accepted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.question, self.answer, *self.accepted):
            check_text(text)
        if self.task not in TASKS:
            raise ValueError(f"task {self.task!r} is unknown; there are: {', '.join(TASKS)}")
        places = self.question.count(PLACE) + self.answer.count(PLACE)
        if places != len(self.boxes):
            raise ValueError(f"{places} places are spoken of and {len(self.boxes)} boxes given; give one box for each")
        for box in self.boxes:
            check_box(box)

    def written(self, bins: int = 1000) -> tuple[str, str]:
        """Question and answer with every place as the model's coordinate tokens."""
        from texthawk.model.grounding import box_text

        boxes = iter(self.boxes)
        texts = []
        for text in (self.question, self.answer):
            first, *rest = text.split(PLACE)
            texts.append(first + "".join(box_text(next(boxes), bins) + piece for piece in rest))
        return texts[0], texts[1]


@dataclass(frozen=True)
class Example:
    """A picture with a conversation about it.

    id: unique within the source. source: the set it comes from. lang: as in BCP 47, "" where unknown. info: what else is
    known and no turn says (fields, table rows, licence); JSON values only.
    """

    id: str
    source: str
    image: ImageReference
    turns: tuple[Turn, ...]
    lang: str = ""
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for text in (self.id, self.source, self.lang):
            check_text(text)

    def open(self) -> Image.Image:
        """The picture, upright and in RGB; ValueError says what is wrong with a file."""
        if isinstance(self.image, Drawn):
            return self.image.draw().convert("RGB")
        from texthawk.image.pages import one_page

        return one_page(self.image, name=self.id).image

    def encoded(self) -> bytes:
        """The picture as the bytes of a file: as they are where there is a file, a PNG of what is drawn."""
        if isinstance(self.image, bytes):
            return self.image
        if isinstance(self.image, Path):
            return self.image.read_bytes()
        buffer = io.BytesIO()
        self.image.draw().save(buffer, "PNG")
        return buffer.getvalue()


def check_text(text: Any) -> None:
    """ValueError unless it is a text that a file in UTF-8 can hold."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is a {type(text).__name__} where a text belongs; write it as one")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{text[:40]!r} holds half of a character (a lone surrogate); leave it out") from error


def check_box(box: Sequence[float]) -> None:
    """ValueError unless the corners are in [0, 1] and the right way round."""
    left, top, right, bottom = box
    if not (0 <= left <= right <= 1 and 0 <= top <= bottom <= 1):
        raise ValueError(
            f"box {tuple(box)} is none: left, top, right, bottom are parts of the picture in [0, 1], in that order; "
            "unit_box makes one of pixels"
        )


def unit_box(box: Sequence[float], width: float, height: float) -> UnitBox:
    """A box in pixels as parts of a picture of width x height; what lies outside the picture is cut off.

    ValueError for a box that lies outside altogether, has its corners the wrong way round, or a picture without pixels.
    """
    left, top, right, bottom = box
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError(f"a picture of {width} x {height} pixels has no places; give its size")
    # Said as what must hold, so that NaN holds nowhere.
    inside = left <= right and top <= bottom and right >= 0 and bottom >= 0 and left <= width and top <= height
    if not (inside and all(map(math.isfinite, box))):
        raise ValueError(f"box {tuple(box)} has no place in a picture of {width} x {height}; check corners and units")
    return (
        max(0.0, left / width),
        max(0.0, top / height),
        min(1.0, right / width),
        min(1.0, bottom / height),
    )


def plain(text: str) -> str:
    """A text of a source without characters that would be taken for a place."""
    return text.replace(PLACE, "")
