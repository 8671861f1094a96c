"""What the factory knows about a document: everything that is printed, where it stands, and what can be asked about it.

Shape letters:  n units of a line
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from texthawk.data.factory.grid import Grid
from texthawk.types import Box


def around(boxes: np.ndarray) -> Box:
    """Smallest box around boxes (n, 4)."""
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return Box(left, top, right, bottom)


@dataclass(frozen=True, eq=False)
class Line:
    """A printed line: units of text and the boxes (n, 4) of their ink, in pixels of the image.

    A unit is a word, or one character of a script without spaces; `spaced` says where a space stands before one.
    """

    units: tuple[str, ...]
    spaced: tuple[bool, ...]
    boxes: np.ndarray

    @cached_property
    def text(self) -> str:
        return "".join(" " + u if s and i else u for i, (u, s) in enumerate(zip(self.units, self.spaced, strict=True)))

    @cached_property
    def box(self) -> Box:
        return around(self.boxes)

    @cached_property
    def words(self) -> tuple[tuple[str, Box], ...]:
        """What stands between spaces, with its box; joined by spaces they are the text."""
        starts = [i for i, spaced in enumerate(self.spaced) if spaced or i == 0]
        ends = [*starts[1:], len(self.units)]
        return tuple(
            ("".join(self.units[start:end]), around(self.boxes[start:end]))
            for start, end in zip(starts, ends, strict=True)
        )


def beside(first: Line, second: Line) -> Line:
    """Two pieces of print on one baseline as one line, with a space between them."""
    return Line(
        first.units + second.units,
        (*first.spaced, True, *second.spaced[1:]),
        np.concatenate([first.boxes, second.boxes]),
    )


class Thing(NamedTuple):
    """An object that is drawn rather than written, or a region that has a name."""

    name: str
    box: Box


@dataclass(frozen=True)
class Asked:
    """A question about a document. `boxes` are in pixels, one for each texthawk.data.example.PLACE, the question's first.

    kind: what it takes to answer ("look-up", "count", "compare", "sum", "yes/no", "absent", ...); evidence: boxes of the
    print that the answer is read from; basis: how the answer follows from the document's data, as an operation and what it
    is done with, empty where the question itself says so; working: a formula of what is printed that comes to the answer
    (texthawk.model.working), empty where the answer is no matter of reckoning or counting, or that is not printed.
    """

    question: str
    answer: str
    task: str = "docvqa"
    boxes: tuple[Box, ...] = ()
    accepted: tuple[str, ...] = ()
    kind: str = "look-up"
    evidence: tuple[Box, ...] = ()
    basis: tuple[Any, ...] = ()
    working: str = ""


@dataclass(frozen=True, eq=False)
class Document:
    """A picture and all that is known about it; boxes are in pixels of `image`.

    lines: in reading order. markdown: the whole document, "" where a Markdown transcript makes no sense. grids: its tables.
    chart: data behind a chart, JSON values. fields: key fields by name, nested where they repeat. things: what is drawn.
    asked: the family's own questions; texthawk.data.factory.asking adds the tasks that every document has. captions: one
    sentence on the whole picture, "" for none, and one with a PLACE for each of `caption_boxes`.
    """

    image: Image.Image
    family: str
    lang: str
    lines: tuple[Line, ...] = ()
    markdown: str = ""
    grids: tuple[Grid, ...] = ()
    chart: dict[str, Any] | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    things: tuple[Thing, ...] = ()
    asked: tuple[Asked, ...] = ()
    caption: str = ""
    grounded_caption: str = ""
    caption_boxes: tuple[Box, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def moved(self, image: Image.Image, move: Callable[[np.ndarray], np.ndarray]) -> "Document":
        """The document in another picture of it; `move` takes boxes (n, 4) from the old one to the new one."""

        def one(boxes: Sequence[Box]) -> tuple[Box, ...]:
            if not boxes:
                return ()
            return tuple(Box(*row) for row in move(np.array(boxes, dtype=np.float64)).tolist())

        counts = [len(line.units) for line in self.lines]
        lines = self.lines
        if lines:
            parts = np.split(move(np.concatenate([line.boxes for line in lines])), np.cumsum(counts)[:-1])
            lines = tuple(Line(line.units, line.spaced, part) for line, part in zip(lines, parts, strict=True))
        return replace(
            self,
            image=image,
            lines=lines,
            grids=tuple(grid.moved(one) for grid in self.grids),
            things=tuple(Thing(thing.name, one([thing.box])[0]) for thing in self.things),
            asked=tuple(replace(a, boxes=one(a.boxes), evidence=one(a.evidence)) for a in self.asked),
            caption_boxes=one(self.caption_boxes),
        )
