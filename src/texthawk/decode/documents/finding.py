"""A phrase, or a described thing, on the pages of a document: the model points where it has learned to, else words tell."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from texthawk.decode.asked import can_point, said
from texthawk.decode.phrases import Run, near, runs_of
from texthawk.model.grounding import coordinate_centre
from texthawk.model.processing import GROUNDING
from texthawk.types import Box, Page, box_around

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.reader import Reader

By = Literal["model", "text"]
BY = ("auto", "model", "text")
UNLEARNED = "not learned to point at what is described"
POINTING_TOKENS = 16  # a box has nine
_BOX = re.compile(r"<box><(\d{1,4})><(\d{1,4})>,<(\d{1,4})><(\d{1,4})></box>")


@dataclass(frozen=True)
class Place:
    """Where something is: its page, the box around it in pixels of the page, and one for each printed line it runs over.

    by: "text" (among the words that were read; `text` is what they say there) or "model" (it pointed there). edits: letters
    that part the words from the phrase. confidence: of the words, less where letters differ; of the model's own answer.
    """

    page: int
    box: Box
    lines: tuple[Box, ...]
    by: By
    confidence: float
    text: str = ""
    edits: int = 0


def places(
    pages: Iterable[Page],
    phrases: Sequence[str],
    picture: Callable[[int], "Image.Image"],
    reader: Callable[[], "Reader"],
    *,
    by: str = "auto",
) -> list[list[Place]]:
    """For each phrase its places, page by page and the nearest first; an empty list where it is not there.

    pages: can be gone through more than once. picture: of a page by its number. reader: loads the model, if it is needed.
    by: "text" looks among the words alone; "model" asks the model alone, which must have learned to point; "auto" asks a
    model that has learned it about a single page, or about those of several pages where the words were read (all of them
    where they were read nowhere), and takes the words where it gives no box.
    """
    if by not in BY:
        raise ValueError(f"by is {by!r}; places are found by {', '.join(BY)}")
    return [_places(pages, phrase, picture, reader, by) for phrase in phrases]


def _places(
    pages: Iterable[Page],
    phrase: str,
    picture: Callable[[int], "Image.Image"],
    reader: Callable[[], "Reader"],
    by: str,
) -> list[Place]:
    numbers, told = [], list[Place]()
    for page in pages:
        numbers.append((page.number, page.width, page.height))
        if by != "model":
            told += text_places(phrase, page)
    found: dict[int, list[Place]] = {}
    for place in _nearest(told, phrase):
        found.setdefault(place.page, []).append(place)
    if by != "text" and numbers:
        loaded = reader()
        if can_point(loaded):
            where = [entry for entry in numbers if found.get(entry[0])] if len(numbers) > 1 else numbers
            for number, width, height in where or numbers:
                pointed = pointed_at(loaded, picture(number), phrase, number, width, height)
                found[number] = found.get(number, []) if pointed is None else [pointed]
        elif by == "model":
            raise ValueError(f"the model has {UNLEARNED}; look the phrase up among the words, by text")
    return [place for number, *_ in numbers for place in found.get(number, [])]


def _nearest(told: list[Place], phrase: str) -> list[Place]:
    """Of what stands on any page the near places; where there is none, the one that is least far."""
    chosen = [place for place in told if place.edits <= near(phrase)]
    return chosen or ([min(told, key=lambda place: place.edits)] if told else [])


def text_places(phrase: str, page: Page) -> list[Place]:
    """Where a phrase stands among the words of a page."""
    return [_of_run(run, phrase, page.number) for run in runs_of(phrase, page)]


def _of_run(run: Run, phrase: str, number: int) -> Place:
    around = box_around(run.boxes)
    assert around is not None
    alike = 1 - run.edits / max(1, len("".join(phrase.split())))
    return Place(number, around, run.boxes, "text", max(0.0, alike) * run.confidence, run.text, run.edits)


def pointed_at(
    reader: "Reader", picture: "Image.Image", phrase: str, number: int, width: float, height: float
) -> Place | None:
    """The box that the model answers with; None where its answer is no box."""
    (answer,) = said(reader, picture, [GROUNDING.format(phrase)], limit=POINTING_TOKENS)
    box = box_in(answer.text, reader.model.config.coordinate_bins, width, height)
    return None if box is None else Place(number, box, (box,), "model", answer.confidence)


def box_in(text: str, bins: int, width: float, height: float) -> Box | None:
    """The box of which a text consists, in pixels; None for what is none, or has no area."""
    match = _BOX.fullmatch(text.strip())
    if match is None:
        return None
    ends = [int(value) for value in match.groups()]
    left, top, right, bottom = (coordinate_centre(end, bins) for end in ends)
    if max(ends) >= bins or left >= right or top >= bottom:
        return None
    return Box(left * width, top * height, right * width, bottom * height)
