"""A phrase, or a described thing, on the pages of a document: words tell where it is printed, else the model points."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from texthawk.decode.asked import can_point
from texthawk.decode.phrases import Run, check_phrase, near, runs_of
from texthawk.decode.pointing import pointed
from texthawk.types import Box, Page, box_around

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.reader import Reader

By = Literal["model", "text"]
BY = ("auto", "model", "text")
UNLEARNED = "not learned to point at what is described"
_ARTICLE = re.compile(r"^\s*(?:the|an?)\s+", re.IGNORECASE)


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
    picture: Callable[[int], "Image.Image | None"],
    reader: Callable[[], "Reader"],
    *,
    by: str = "auto",
) -> list[list[Place]]:
    """For each phrase its places, page by page and the nearest first; an empty list where it is not there.

    pages: can be gone through more than once. picture: of a page by its number, None for one that cannot be drawn, which is then
    not pointed at. reader: loads the model, if it is needed. by: "text" looks among the words alone; "model" asks the model
    alone, which must have learned to point; "auto" asks a model that has learned it, about each page, for what no words are
    near to, and takes the words that are least far where it gives no box. ValueError for a phrase that is empty or too long.
    """
    check_asked(phrases, by)
    told = [_told(pages, phrase) if by != "model" else [] for phrase in phrases]
    asked = [k for k, phrase in enumerate(phrases) if by == "model" or not _surely(told[k], phrase)]
    if by == "text" or not asked or next(iter(pages), None) is None:
        return told
    loaded = reader()
    if by == "model":
        check_pointing(loaded)
    elif not can_point(loaded):
        return told
    found = {k: list[Place]() for k in asked}
    for page in pages:
        drawn = picture(page.number)
        if drawn is not None:
            for k, seen in zip(asked, pointed(loaded, drawn, [phrases[k] for k in asked], page), strict=True):
                found[k] += (
                    [] if seen is None else [Place(page.number, seen.box, (seen.box,), "model", seen.confidence)]
                )
    return [found.get(k) or told[k] for k in range(len(phrases))]


def check_asked(phrases: Sequence[str], by: str) -> None:
    """ValueError for a phrase that is empty or too long, and for a way to find it that there is none of."""
    if by not in BY:
        raise ValueError(f"by is {by!r}; places are found by {', '.join(BY)}")
    for phrase in phrases:
        check_phrase(phrase)


def check_pointing(reader: "Reader") -> None:
    """ValueError for a model that has not learned to point."""
    if not can_point(reader):
        raise ValueError(f"the model has {UNLEARNED}; look the phrase up among the words, by text")


def _told(pages: Iterable[Page], phrase: str) -> list[Place]:
    """Of what stands on any page the near places; where there is none, the one that is least far."""
    told = [place for page in pages for place in text_places(phrase, page)]
    chosen = [place for place in told if place.edits <= near(phrase)]
    return chosen or ([min(told, key=lambda place: place.edits)] if told else [])


def _surely(told: Sequence[Place], phrase: str) -> bool:
    """Whether some words are the phrase: near to it also if its article, which nearly all phrases share, counts nothing."""
    return any(place.edits <= near(_ARTICLE.sub("", phrase) or phrase) for place in told)


def text_places(phrase: str, page: Page) -> list[Place]:
    """Where a phrase stands among the words of a page."""
    return [_of_run(run, phrase, page.number) for run in runs_of(phrase, page)]


def _of_run(run: Run, phrase: str, number: int) -> Place:
    around = box_around(run.boxes)
    assert around is not None
    alike = 1 - run.edits / max(1, len("".join(phrase.split())))
    return Place(number, around, run.boxes, "text", max(0.0, alike) * run.confidence, run.text, run.edits)
