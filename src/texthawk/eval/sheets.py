"""Running text on sheets of 448 x 224 pixels, laid out and damaged by rules of their own.

They share the corpus and the fonts of the training pages' printer, and nothing else: a change to what models learn from
must not change what they are measured with.
"""

import hashlib
import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from texthawk.data.synth.corpus import Corpus
from texthawk.data.synth.fonts import describe, typeface
from texthawk.eval.benchmarks.boxed_lines import boxed
from texthawk.eval.runs import Reference, Sample
from texthawk.image.tiles import UnitBox

WIDTH, HEIGHT = 448, 224
MARGIN = 6.0
LEADING = 1.2
SIZES = tuple(half / 2 for half in range(96, 11, -1))
"""Type sizes to try in pixels, from 48 down to 6."""


@dataclass(frozen=True)
class Sheet:
    """A printed sheet, its lines of text, its type size in pixels, and the box of each line's ink in parts of the sheet."""

    image: Image.Image
    text: str
    size: float
    boxes: tuple[UnitBox, ...] = ()


@cache
def _type(font: str, size: float) -> ImageFont.FreeTypeFont:
    return typeface(font, size)


def largest(words: Sequence[str], font: str) -> Sheet:
    """All of `words` in the largest of SIZES in which they fit; a ValueError when they fit in none."""
    place = bisect_left(
        SIZES, True, key=lambda size: len(_lines(words, _type(font, size), size, LEADING, MARGIN)[1]) == len(words)
    )
    if place == len(SIZES):
        raise ValueError(
            f"{len(words)} words do not fit on {WIDTH} x {HEIGHT} pixels in {SIZES[-1]} px {Path(font).name}"
        )
    size = SIZES[place]
    return _print(_lines(words, _type(font, size), size, LEADING, MARGIN)[0], font, size, LEADING, MARGIN)


def filled(words: Sequence[str], font: str, size: float, leading: float, margin: float, most_lines: int) -> Sheet:
    """As many of `words` in type of `size` as the sheet holds on at most `most_lines`."""
    lines, _ = _lines(words, _type(font, size), size, leading, margin)
    return _print(lines[:most_lines], font, size, leading, margin)


def _lines(
    words: Sequence[str], face: ImageFont.FreeTypeFont, size: float, leading: float, margin: float
) -> tuple[list[str], list[str]]:
    """The lines that fit, and the words on them; no letter reaches further than size above and size / 2 below its baseline."""
    room = int((HEIGHT - 2 * margin - 1.5 * size) // (size * leading)) + 1 if HEIGHT >= 2 * margin + 1.5 * size else 0
    rows: list[list[str]] = []
    across, space = WIDTH - 2 * margin, face.getlength(" ")
    end = across
    for word in words:
        width = face.getlength(word)
        if rows and end + space + width <= across:
            rows[-1].append(word)
            end += space + width
        elif len(rows) < room and width <= across:
            rows.append([word])
            end = width
        else:
            break
    return [" ".join(row) for row in rows], [word for row in rows for word in row]


def _print(lines: Sequence[str], font: str, size: float, leading: float, margin: float) -> Sheet:
    image = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(image)
    boxes = []
    for number, line in enumerate(lines):
        place = (margin, margin + size + number * size * leading)
        draw.text(place, line, fill=0, font=_type(font, size), anchor="ls")
        left, top, right, bottom = draw.textbbox(place, line, font=_type(font, size), anchor="ls")
        boxes.append(
            (max(0.0, left / WIDTH), max(0.0, top / HEIGHT), min(1.0, right / WIDTH), min(1.0, bottom / HEIGHT))
        )
    return Sheet(image.convert("RGB"), "\n".join(lines), size, tuple(boxes))


def lightly_damaged(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Every sheet alike: dark grey on light grey, a blur of 0.4 pixels, noise of 4 levels, a JPEG file of quality 75."""
    grey = image.convert("L").point([30 + round(level * 205 / 255) for level in range(256)])
    pixels = np.asarray(grey.filter(ImageFilter.GaussianBlur(0.4)), dtype=np.float32)
    noisy = pixels + rng.normal(0, 4, pixels.shape)
    buffer = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=75)
    return Image.open(buffer).convert("RGB")


class Words:
    """The running text of a corpus, from any place on, without the words that a font has no glyphs for."""

    def __init__(self, corpus: Corpus, least: int):
        self.running = " ".join(corpus.paragraphs).split()
        if len(self.running) < least:
            raise ValueError(f"the corpus has {len(self.running)} words; a sheet needs up to {least}: give more text")

    def start(self, rng: np.random.Generator, count: int, font: str) -> list[str]:
        """`count` words in a row from a random place, wrapped round at the end of the corpus."""
        name = describe(font)
        covered = name.covers if name else frozenset()
        found = (word for word in self._from(int(rng.integers(len(self.running)))) if covered.issuperset(word))
        words = [word for word, _ in zip(found, range(count), strict=False)]
        if len(words) < count:
            raise ValueError(f"{Path(font).name} can print only {len(words)} words of the corpus; {count} are needed")
        return words

    def _from(self, place: int) -> Iterator[str]:
        yield from self.running[place:]
        yield from self.running[:place]


def sample(
    set_name: str, name: str, image: Image.Image, text: str, folder: Path, boxes: Sequence[UnitBox] | None = None
) -> Sample:
    """The sheet as a PNG file under `folder`, and its reference: its text, or its lines with `boxes` where they are given.

    Its id holds a hash of the pixels, so that a run that goes on never takes predictions for other sheets for its own.
    """
    identity = f"{name}-{hashlib.sha256(image.tobytes()).hexdigest()[:8]}"
    path = folder / set_name.replace(" ", "-") / f"{identity}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    if boxes is None:
        return Sample(path, Reference(set_name, identity, "en", text))
    return Sample(path, boxed(set_name, identity, "en", list(zip(text.split("\n"), boxes, strict=True))))
