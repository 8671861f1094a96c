"""A phrase, or a described thing, on the pages of a document: words tell where it is printed, else the model points."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from texthawk.decode.asked import can_point
from texthawk.decode.phrases import Run, near, runs_of
from texthawk.decode.pointing import pointed
from texthawk.types import Box, Page, box_around

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.reader import Reader

By = Literal["model", "text"]
BY = ("auto", "model", "text")
UNLEARNED = "not learned to point at what is described"


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
    model that has learned it where no page has the words, about each page.
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
    told = _nearest([place for page in pages for place in text_places(phrase, page)], phrase) if by != "model" else []
    if told or by == "text" or next(iter(pages), None) is None:
        return told
    loaded = reader()
    if can_point(loaded):
        return [place for page in pages for place in pointed_at(loaded, picture(page.number), phrase, page)]
    if by == "model":
        raise ValueError(f"the model has {UNLEARNED}; look the phrase up among the words, by text")
    return []


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


def pointed_at(reader: "Reader", picture: "Image.Image", phrase: str, page: Page) -> Iterator[Place]:
    """Where the model points on a page, of which this is the picture; nowhere, where its answer is no box."""
    found = pointed(reader, picture, phrase, page.width, page.height)
    if found is not None:
        box, confidence = found
        yield Place(page.number, box, (box,), "model", confidence)
