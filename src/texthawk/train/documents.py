"""Pages of the factory's Chinese documents to read, with the box of every character."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from texthawk.data.factory.document import Line
from texthawk.data.factory.factory import Factory
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import SynthPage, TextLine
from texthawk.train.characters import HAN
from texthawk.types import Box

LANGUAGES = {"zh": 0.85, "mixed": 0.15}
FAMILIES = {
    "article": 6.0,
    "letter": 2.0,
    "slide": 1.5,
    "table": 1.5,
    "form": 1.5,
    "invoice": 1.0,
    "readme": 1.0,
    "card": 0.5,
    "ticket": 0.5,
}
"""Whose print lies level and is running text or short labels."""
DAMAGE = (0.45, 0.55, 0.0, 0.0)
"""Worse damage turns a page by degrees, which a reader undoes before it cuts lines out."""
HEIGHT = (700, 1300)
LOWEST = 9.0
"""Pixels of ink below which a line is not asked for."""
VIEWS = 3
"""Windows that are cut out of one document."""


class DocumentMaker:
    """Chinese documents of the factory as pages to cut lines from.

    Half of the paragraphs have their Chinese characters drawn anew, rare ones oftener than they are printed: these are learned
    too, and none can be guessed. ValueError where `texts` has no Chinese or no font can print it.
    """

    def __init__(self, texts: Texts, fonts: Sequence[str], seed: int) -> None:
        if not {"zh", "en"} <= set(texts.languages):
            raise ValueError(
                f"Chinese pages are printed from texts in zh and en; there are texts in {', '.join(texts.languages)}: add files "
                "such as zh.txt and en.txt to the folder"
            )
        rng = np.random.default_rng((seed, 22801763489))
        chinese = texts.paragraphs["zh"]
        counts = Counter("".join(chinese))
        shares = np.sqrt([counts[character] + 1.0 for character in HAN])
        drawn = tuple(scrambled(paragraph, shares / shares.sum(), rng) for paragraph in chinese)
        self._factory = Factory(
            Texts({"zh": chinese + drawn, "en": texts.paragraphs["en"]}),
            fonts,
            seed=seed,
            languages=LANGUAGES,
            families=FAMILIES,
            damage=DAMAGE,
            height=HEIGHT,
        )
        self._kept = lru_cache(2)(self._page)

    def page(self, number: int) -> SynthPage:
        """The document that window `number` is cut from; `VIEWS` windows in a row share one."""
        return self._kept(number // VIEWS)

    def _page(self, index: int) -> SynthPage:
        document = self._factory.document(index)
        lines = (printed(line) for line in document.lines if line.box.height >= LOWEST)
        return SynthPage(document.image.convert("RGB"), tuple(lines))

    def __getstate__(self) -> dict[str, object]:
        return {"_factory": self._factory}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._kept = lru_cache(2)(self._page)


def scrambled(paragraph: str, shares: np.ndarray, rng: np.random.Generator) -> str:
    """A paragraph with other Chinese characters in the places of its own; `shares` is how likely each of HAN is."""
    others = iter(rng.choice(len(HAN), size=len(paragraph), p=shares).tolist())
    return re.sub("[\u4e00-\u9fff]", lambda _: HAN[next(others)], paragraph)


def printed(line: Line) -> TextLine:
    """A factory's line with a box for each character; those of a word share its ink evenly."""
    parts: list[np.ndarray] = []
    for k, (unit, spaced) in enumerate(zip(line.units, line.spaced, strict=True)):
        left, top, right, bottom = line.boxes[k].tolist()
        if spaced and k:
            edge = float(parts[-1][-1, 2])
            parts.append(np.array([[edge, top, max(edge, left), bottom]], dtype=np.float32))
        sides = np.linspace(left, right, len(unit) + 1)
        boxes = [(a, top, b, bottom) for a, b in zip(sides[:-1], sides[1:], strict=True)]
        parts.append(np.array(boxes, dtype=np.float32))
    return TextLine(line.text, Box(*line.box), np.concatenate(parts))
