"""Documents without end: the document of a number follows from the seed and that number alone."""

import io
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache

from PIL import Image

from texthawk.data.example import TASKS, Example
from texthawk.data.factory.asking import turns
from texthawk.data.factory.damage import LEVELS, damaged, without_colour
from texthawk.data.factory.document import Document
from texthawk.data.factory.families import FAMILIES
from texthawk.data.factory.order import Order
from texthawk.data.factory.styles import Fonts
from texthawk.data.factory.texts import Texts
from texthawk.data.factory.wordings import in_many_words
from texthawk.data.synth.dice import Dice

RUN = 256
"""Documents one after another that share a pool of fonts."""
MOST_DOCUMENTS = 1 << 28
"""As many as a source may be said to hold."""
POOL = 4
"""Families of fonts of each language in a pool."""
LOWEST, HIGHEST = 400, 7000
"""Pixels of a page; of higher ones some would have more pixels than a decoder believes in."""
HELD_OUT_SEEDS = 1 << 32
"""Seeds from here on make documents to evaluate on; a mixture to learn from refuses them."""
ORDER_SALT, DAMAGE_SALT, TURN_SALT, POOL_SALT, WORD_SALT = 0x4F52, 0x4441, 0x5455, 0x504F, 0x574F


class Factory:
    """A source of documents and of examples, for a mixture or for looking at.

    fonts: paths of font files. languages: share of documents by language of `texts`, "mixed" for pages in all of them;
    without it each language has the same, and pages in several a quarter as much. families: share by name, without it
    all the same. damage: share of documents at levels 0 (clean) to 3 (as a phone photographs them). height: pixels of
    an upright page, or the range that it is drawn from. tasks: names in texthawk.data.example.TASKS to ask. documents:
    how many it is said to hold as a source; any number can be asked for.
    ValueError where a language, family or task is unknown, the seed is no number or nothing would be made.
    """

    def __init__(
        self,
        texts: Texts,
        fonts: Sequence[str],
        *,
        seed: int,
        languages: Mapping[str, float] | None = None,
        families: Mapping[str, float] | None = None,
        damage: Sequence[float] = (0.4, 0.3, 0.2, 0.1),
        height: int | tuple[int, int] = 1000,
        tasks: Collection[str] = TASKS.keys(),
        documents: int = 1 << 20,
        name: str = "factory",
    ):
        several = {"mixed": 0.25} if len(texts.languages) > 1 else {}
        self.languages = dict(languages or {**dict.fromkeys(texts.languages, 1.0), **several})
        self.families = dict(families or dict.fromkeys(FAMILIES, 1.0))
        _known("language", self.languages, (*texts.languages, "mixed"))
        _known("family", self.families, FAMILIES)
        _known("task", dict.fromkeys(tasks, 1.0), TASKS)
        if len(damage) != len(LEVELS) or not _shares(damage):
            raise ValueError(f"damage {tuple(damage)}: give {len(LEVELS)} shares, of level 0 to {len(LEVELS) - 1}")
        heights = height if isinstance(height, tuple) else (height, height)
        whole = len(heights) == 2 and all(isinstance(side, int) for side in heights)
        if not whole or not LOWEST <= heights[0] <= heights[1] <= HIGHEST:
            raise ValueError(
                f"height {height}: pages are {LOWEST} to {HIGHEST} pixels high, and a range goes from low to high"
            )
        self.height = heights
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise ValueError(f"seed {seed!r} is no seed; give a whole number, 0 or more")
        if not isinstance(documents, int) or not RUN <= documents <= MOST_DOCUMENTS:
            raise ValueError(f"{documents} documents; a factory holds {RUN} to {MOST_DOCUMENTS}")
        self.texts, self.seed, self.tasks, self.name = texts, seed, frozenset(tasks), name
        self.fonts = Fonts(fonts, texts)
        self.damage = {level: share for level, share in enumerate(damage) if share > 0}
        self.runs = [RUN] * (documents // RUN)
        self._pool = lru_cache(4)(self._new_pool)

    def __len__(self) -> int:
        return sum(self.runs)

    def document(self, index: int) -> Document:
        """A document with its damage done."""
        dice = Dice(ORDER_SALT, self.seed, index)
        family, lang = dice.weighted(self.families), dice.weighted(self.languages)
        speech = lang if lang in ("en", "zh") else "en"
        if lang == "mixed" and "zh" in self.texts.languages and dice.chance(0.5):
            speech = "zh"
        height = round(self.height[0] * (self.height[1] / self.height[0]) ** dice.random())
        level = dice.weighted(self.damage)
        order = Order(dice, self.texts, self._pool(index // RUN), lang, speech, height)
        made = FAMILIES[family](order)
        made = replace(made, asked=in_many_words(made.asked, Dice(WORD_SALT, self.seed, index)))
        return damaged(made, Dice(DAMAGE_SALT, self.seed, index), level)

    def example(self, index: int) -> Example:
        """A document's picture as a file, and everything that is asked about it as one conversation."""
        document = self.document(index)
        asked = turns(document, Dice(TURN_SALT, self.seed, index), self.tasks)
        info = {"family": document.family, **document.info}
        name = f"{self.name}/{self.seed}-{index:07}"
        return Example(
            name, self.name, picture_file(document.image, document.info["damage"]), asked, document.lang, info
        )

    def __getstate__(self) -> dict[str, object]:
        """A factory goes to other processes without the fonts it keeps at hand."""
        return {key: value for key, value in self.__dict__.items() if key != "_pool"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._pool = lru_cache(4)(self._new_pool)

    def _new_pool(self, run: int) -> Fonts:
        return self.fonts.pool(Dice(POOL_SALT, self.seed, run), POOL)


def _known(what: str, given: Mapping[str, float], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; nearest: {near[0]}" if near else ""
            raise ValueError(f"{what} {name!r} is unknown{hint}; there are: {', '.join(known)}")
    if not _shares(given.values()):
        raise ValueError(f"the shares of {what} are {dict(given)}; none may be below 0, and one must be above")


def _shares(given: Collection[float]) -> bool:
    """Whether these are numbers of which none is below 0 and one above."""
    numbers = all(isinstance(share, (int, float)) and 0 <= share < math.inf for share in given)
    return numbers and sum(given) > 0


def picture_file(image: Image.Image, level: int) -> bytes:
    """A PNG of what is clean; of what is damaged a JPEG, of a quality that loses nothing more that one could see."""
    buffer = io.BytesIO()
    if level:
        image.save(buffer, "JPEG", quality=92)
    else:
        without_colour(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
