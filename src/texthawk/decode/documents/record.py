"""A page as plain data and back, without loss."""

from typing import Any

from texthawk.types import Box, Line, Page, Word


def record_of(page: Page) -> dict[str, Any]:
    """For JSON: boxes are lists of four numbers, or None."""
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "text": page.text,
        "lines": [
            [
                line.text,
                _sides(line.box),
                [[word.text, _sides(word.box), float(word.confidence)] for word in line.words],
            ]
            for line in page.lines
        ],
        "finish_reason": page.finish_reason,
        "source": page.source,
        "reason": page.reason,
        "points": None if page.points is None else [float(side) for side in page.points],
        "rotation": page.rotation,
        "origin": page.origin,
    }


def page_of(record: dict[str, Any]) -> Page:
    """The page that `record_of` told of; KeyError, TypeError or ValueError for what it did not make."""
    points = record["points"]
    return Page(
        record["number"],
        record["width"],
        record["height"],
        record["text"],
        tuple(
            Line(text, _box(box), tuple(Word(word, _box(place), confidence) for word, place, confidence in words))
            for text, box, words in record["lines"]
        ),
        record["finish_reason"],
        record["source"],
        record["reason"],
        None if points is None else (points[0], points[1]),
        record["rotation"],
        record["origin"],
    )


def _sides(box: Box | None) -> list[float] | None:
    return None if box is None else [float(side) for side in box]


def _box(sides: list[float] | None) -> Box | None:
    return None if sides is None else Box(*sides)
