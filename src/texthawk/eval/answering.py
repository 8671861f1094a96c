"""A reader that answers and finds, as a system to evaluate."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from texthawk.eval.systems import System


class Answered(Protocol):
    """An answer of a reader."""

    @property
    def text(self) -> str: ...


@runtime_checkable
class Answers(Protocol):
    """A reader that answers several questions on a page; they share one encoding of it."""

    def ask(self, source: str, questions: list[str], /) -> Sequence[Answered]: ...


@runtime_checkable
class Finds(Protocol):
    """A reader that finds a phrase on a page and gives boxes in the page's own pixels, the likeliest first."""

    def find(self, source: str, phrase: str, /) -> Sequence[Sequence[float]]: ...


def with_answers(system: System, reader: object) -> System:
    """The system with what its reader can do besides reading; of the places of a phrase, the first counts."""
    if isinstance(reader, Answers):
        answering = reader

        def ask(image: Path, questions: Sequence[str]) -> list[str]:
            return [answer.text for answer in answering.ask(str(image), list(questions))]

        system = replace(system, ask=ask)
    if isinstance(reader, Finds):
        finding = reader

        def find(image: Path, phrases: Sequence[str]) -> list[Sequence[float] | None]:
            from texthawk.image.pages import one_page

            page = one_page(image)
            found = [finding.find(str(image), phrase) for phrase in phrases]
            return [in_parts(boxes[0], page.width, page.height) if boxes else None for boxes in found]

        system = replace(system, find=find)
    return system


def in_parts(box: Sequence[float], width: float, height: float) -> tuple[float, ...]:
    """A box in pixels as parts of its page."""
    left, top, right, bottom = box
    return left / width, top / height, right / width, bottom / height
