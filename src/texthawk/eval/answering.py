"""A reader that answers and finds, as a system to evaluate."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from texthawk.decode.asked import can_answer, can_point
from texthawk.decode.reader import Reader
from texthawk.eval.benchmarks.boxed_lines import lines_of
from texthawk.eval.phrases import place_of
from texthawk.eval.systems import System
from texthawk.model.grounding import box_text
from texthawk.types import Box, Document, box_around

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader


class Answered(Protocol):
    """An answer of a reader; its text is None where it gives none."""

    @property
    def text(self) -> str | None: ...


@runtime_checkable
class Answers(Protocol):
    """A reader that answers several questions on a page; they share one encoding of it."""

    def ask(self, source: str, questions: list[str], /) -> Sequence[Answered]: ...


class Placed(Protocol):
    """A place that a reader found."""

    @property
    def box(self) -> Sequence[float]: ...


@runtime_checkable
class Finds(Protocol):
    """A reader that finds phrases on a page and gives places in the page's own pixels, the likeliest of each first."""

    def places(self, source: str, phrases: list[str], /) -> Sequence[Sequence[Placed]]: ...


@runtime_checkable
class Reads(Protocol):
    """A reader of pages."""

    def read(self, source: str, /) -> Document: ...


def with_answers(system: System, reader: object) -> System:
    """The system with what its reader can do besides reading.

    Of the places that it finds for a phrase the first counts; a reader whose model has not learned to point has its phrases
    looked up among the words that it reads on the first page, as those of any system that only reads.
    """
    if isinstance(reader, Answers) and not (isinstance(reader, Reader) and not can_answer(reader)):
        answering = reader

        def ask(image: Path, questions: Sequence[str]) -> list[str]:
            return [answer.text or "" for answer in answering.ask(str(image), list(questions))]

        system = replace(system, ask=ask)
    if isinstance(reader, Finds) and not (isinstance(reader, Reader) and not can_point(reader)):
        finding = reader

        def find(image: Path, phrases: Sequence[str], language: str) -> list[tuple[float, ...] | None]:
            from texthawk.image.pages import one_page

            page = one_page(image)
            found = finding.places(str(image), list(phrases))
            return [in_parts(places[0].box, page.width, page.height) if places else None for places in found]

        return replace(system, find=find)
    if isinstance(reader, Reads):
        reading = reader

        def look_up(image: Path, phrases: Sequence[str], language: str) -> list[tuple[float, ...] | None]:
            document = reading.read(str(image))
            if document.errors:
                raise ValueError("; ".join(error.message for error in document.errors))
            page = document.pages[0]
            lines = [[(word.text, word.box) for word in line.words if word.box is not None] for line in page.lines]
            found = [place_of(phrase, lines) for phrase in phrases]
            return [in_parts(box, page.width, page.height) if box else None for box in found]

        return replace(system, find=look_up)
    return system


LONGEST = 2048
"""Tokens of an answer to a whole picture, at most."""


def in_one_prompt(reader: "Reader") -> Callable[[str, str], tuple[str, str]]:
    """What takes an image file and a question, shows the model the whole picture, and gives what it wrote and why it ended."""
    from texthawk.image.pages import one_page

    def ask(image: str, question: str) -> tuple[str, str]:
        (answer,) = reader.asker.ask([one_page(image).image], question, [LONGEST])
        return reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True), answer.finish_reason

    return ask


def boxes_in_rows(reader: "Reader") -> Callable[[str, str], tuple[str, str]]:
    """As `in_one_prompt`, for the lines with their boxes of a page whose lines are set on rows first, as `read` sets them.

    Each box is the model's, brought back to the page; pieces of one line are joined and share the box around theirs.
    """
    from texthawk.decode.windows import windows_of
    from texthawk.image.pages import one_page

    def ask(image: str, question: str) -> tuple[str, str]:
        page, setting = one_page(image).image, reader.setting
        windows = windows_of(page, reader.upright(page, 0).regions, setting)
        answers = reader.asker.ask([window.image for window in windows], question, [LONGEST] * len(windows))
        found: dict[int, list[tuple[str, Box]]] = {}
        for window, answer in zip(windows, answers, strict=True):
            for text, box in lines_of(reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True)):
                row = 0 if box is None else int((box[1] + box[3]) / 2 * window.image.height / setting.row_height)
                if box is not None and row < len(window.pieces):
                    on_canvas = [side * size for side, size in zip(box, window.image.size * 2, strict=True)]
                    place = window.places[row].to_page(on_canvas)
                    found.setdefault(window.pieces[row].line, []).append((text, place))
        lines = []
        for _, pieces in sorted(found.items()):
            around = box_around(box for _, box in pieces)
            assert around is not None
            parts = [min(1.0, max(0.0, side)) for side in in_parts(around, page.width, page.height)]
            lines.append(box_text(parts) + " ".join(text for text, _ in pieces))
        return "\n".join(lines), next((one.finish_reason for one in answers if not one.whole), "stop")

    return ask


def in_parts(box: Sequence[float], width: float, height: float) -> tuple[float, ...]:
    """A box in pixels as parts of its page."""
    left, top, right, bottom = box
    return left / width, top / height, right / width, bottom / height
