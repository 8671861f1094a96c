"""A PDF's own text becomes a page of lines and words, as if it had been read."""

from collections.abc import Iterator

import numpy as np

from texthawk.image.layer import TextLayer
from texthawk.image.raw import RawPage
from texthawk.types import Box, Line, Page, Word, box_around

_SHARED = 0.3  # of the lower one's height: characters of a line share more
_BACK = 1.0  # line heights: text that goes on further to the left is on another line


def page_of_layer(layer: TextLayer, raw: RawPage) -> Page:
    """The lines in the file's own order; boxes are around the ink of the characters."""
    lines = tuple(_line(layer, span) for span in _lines(layer))
    text = "\n".join(line.text for line in lines)
    return Page(raw.number, raw.width, raw.height, text, lines, source=raw.source, origin="layer")


def _lines(layer: TextLayer) -> Iterator[list[list[int]]]:
    """Lines, each a list of words, each a list of the numbers of its characters."""
    words: list[list[int]] = [[]]
    last: Box | None = None
    for index, character in enumerate(layer.text):
        if character.isspace():
            if words[-1]:
                words.append([])
            if character in "\r\n" and words[0]:
                yield [word for word in words if word]
                words, last = [[]], None
            continue
        box = Box(*layer.boxes[index].tolist())
        if last is not None and _parted(last, box):
            yield [word for word in words if word]
            words = [[]]
        words[-1].append(index)
        last = box
    if words[0]:
        yield [word for word in words if word]


def _parted(before: Box, after: Box) -> bool:
    """Whether a character begins another line than the one before it."""
    shared = min(before.bottom, after.bottom) - max(before.top, after.top)
    lower = min(before.height, after.height)
    apart = max(before.top - after.bottom, after.top - before.bottom)
    tall = max(before.height, after.height)
    other = (
        shared < _SHARED * lower and apart > 0.2 * tall
    )  # commas and quotation marks share no height and stand close
    return other or after.right < before.left - _BACK * tall


def _line(layer: TextLayer, words: list[list[int]]) -> Line:
    made = tuple(Word("".join(layer.text[k] for k in word), _around(layer, word), 1.0) for word in words)
    return Line(" ".join(word.text for word in made), box_around(word.box for word in made), made)


def _around(layer: TextLayer, word: list[int]) -> Box:
    boxes = layer.boxes[word]
    return Box(*np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]).tolist())
