"""Batches in which a model points at what is drawn in the factory's documents, as `texthawk.decode.pointing` asks it to.

All that is asked about a picture shares it: each question sees the picture and itself, and none sees another.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from texthawk.compress.resa import ReSAConfig
from texthawk.data.example import PLACE
from texthawk.data.factory.clip_art import MOTIFS
from texthawk.data.factory.damage import damaged
from texthawk.data.factory.document import Asked, Document, Thing
from texthawk.data.factory.factory import Factory
from texthawk.data.factory.scene_objects import HUES, Item, scene
from texthawk.data.factory.scene_phrases import Phrase, unique_phrases
from texthawk.data.factory.texts import Texts
from texthawk.data.synth.dice import Dice
from texthawk.decode.asked import as_print
from texthawk.decode.pointing import TILES, level_text, on_square
from texthawk.image.tiles import UnitBox, cut_pixels, page_to_unit
from texthawk.model.grounding import BOX_START
from texthawk.model.processing import GROUNDING, IMAGE
from texthawk.model.transcript import NOT_HERE, language_of
from texthawk.train.batches import Batch, Things, visual_token
from texthawk.train.questions import QuestionMaker, Row
from texthawk.types import TileLayout, box_around

HEIGHT = (300, 700)
"""Pixels of a scene."""
DAMAGE = {0: 0.4, 1: 0.3, 2: 0.2, 3: 0.1}
"""Share of scenes by their level of damage."""
ASKED = 14
"""Things that are asked for in one picture, at most."""
SHORT = 6
"""Of all phrases that name a thing one of so many is asked for, short ones first."""
BARE = 0.3
"""Share of phrases that go without their article, as people write them."""
ABSENT = 4
"""What is not in a picture and asked for all the same, at most."""
ELSEWHERE = 3
"""Of these, phrases that fit another picture, and as many that fit this one in other colours, at most, to pick from."""
PRINTED = 0.2
"""Share of pictures that are pages of the factory's documents."""
FAMILIES = {"slide": 4.0, "table": 2.0, "invoice": 1.0, "readme": 1.0, "letter": 1.0, "article": 1.0, "receipt": 0.5}
"""Whose pages are shown, and how often: most slides have a picture, and some documents a table."""
PAGE_HEIGHT = (500, 900)
FOREIGN = 2
"""Phrases out of texts that are asked for beside what else is not in a picture."""
FEW = 6
"""A scene of fewer things is asked for each of them twice."""
INNER = 0.8
"""The part of a thing's extent that attention is to lie on."""
OF_COORDINATES = (1, 2, 4, 5)
"""Where in `<box><x0><y0>,<x1><y1></box>` the coordinates stand."""
WEIGHT = 2.0
"""Of a coordinate in the language loss; other tokens of an answer are nearly always the same."""
_BESIDE = re.compile(r" (?:to the (?:left|right) of|above|below) ")
PICTURE_NAMES = ("picture", "图片")
PICTURE, TABLE = Phrase("the picture", "图片"), Phrase("the table", "表格")
WITHOUT = {PICTURE: ("letter", "article", "table", "invoice"), TABLE: ("letter", "article")}
"""Families that never have what a phrase names, nor anything like it."""


UNSAID = -100
_TABLE = [motif.one for motif in MOTIFS].index("table") + 1


class Wanted(NamedTuple):
    """A phrase, and the box of what it names in parts of the picture; None where that is not in it.

    kind, hue: their numbers where the phrase names them, else -100.
    """

    phrase: str
    box: UnitBox | None
    kind: int = UNSAID
    hue: int = UNSAID


class Drawn(NamedTuple):
    """A thing by the numbers of its kind and hue, from 1, with its box in parts of the picture."""

    kind: int
    hue: int
    box: UnitBox


class Pictured(NamedTuple):
    """A picture on its square, what is asked for in it, and all that is drawn; None where that is not known."""

    image: Image.Image
    wanted: list[Wanted]
    drawn: list[Drawn] | None = None


class PointingMaker:
    """Makes batches of phrases to point at in pictures."""

    def __init__(
        self, questions: QuestionMaker, compressor: ReSAConfig, texts: Texts, fonts: Sequence[str], seed: int
    ) -> None:
        self._questions, self._compressor = questions, compressor
        self._texts, self._fonts, self._seed = texts, fonts, seed
        self._factories: dict[tuple[tuple[str, float], ...], Factory] = {}
        processor = questions.processor
        side = TILES * processor.image_processor.tiling["tile"]
        self._layout = processor.image_processor.tiling_for().layout(side, side)
        self._middles, self._extent = self._cells()
        self._shown, self._image = processor.image_text(self._layout), questions.tokenizer.convert_tokens_to_ids(IMAGE)

    def factory(self, languages: Mapping[str, float]) -> Factory:
        """Pages in these languages."""
        key = tuple(languages.items())
        if key not in self._factories:
            self._factories[key] = Factory(
                self._texts, self._fonts, seed=self._seed, families=FAMILIES, languages=languages, height=PAGE_HEIGHT
            )
        return self._factories[key]

    def batch(
        self, dice: tuple[int, ...], step: int, pictures: int, languages: Mapping[str, float] | None = None
    ) -> Batch:
        """The batch of a step, from 0, of so many pictures; phrases in these languages, English where none is named."""
        drawn = Dice(122949829, *dice, step)
        shown = [self.pictured(drawn, languages or {"en": 1.0}) for _ in range(pictures)]
        batch = self._questions.batch_of([self._row(one) for one in shown])
        assert batch.guide is not None
        batch.visual_start = batch.input_ids[0].tolist().index(self._image)
        seen = self._compressor.visual_tokens(self._layout)
        batch.guide = batch.guide[:, :, batch.visual_start : batch.visual_start + seen]
        batch.layouts = (self._layout,) * pictures
        batch.pixel_values = torch.cat([cut_pixels(one.image, self._layout) for one in shown])
        batch.coordinate_weight = WEIGHT
        batch.things = self._things([one.drawn for one in shown], self._named(batch, shown))
        first = self._questions.tokenizer.convert_tokens_to_ids("<0>")
        for b, one in enumerate(shown):
            sides = [side for wanted in one.wanted for side in wanted.box or ()]
            batch.coordinates[b, (batch.labels[b] >= first).nonzero()[:, 0]] = torch.tensor(sides)
        return batch

    def pictured(self, dice: Dice, languages: Mapping[str, float]) -> Pictured:
        """A scene or a page, with phrases for some of what is in it and some that name nothing there."""
        if dice.chance(PRINTED):
            document = self.factory(languages).document(dice.integer(0, 2**40))
            lang = document.lang
            document, named = _page(document)
            kinds = None
            absent = [phrase for phrase, families in WITHOUT.items() if document.family in families]
            if document.family in WITHOUT[PICTURE]:
                absent += _elsewhere(_other_items(dice), None, dice)
        else:
            lang = dice.weighted(dict(languages))
            document, named, absent, kinds = asked_scene(dice)
        speech = "zh" if lang == "zh" or (lang == "mixed" and dice.chance(0.5)) else "en"
        words = lang if lang in self._texts.languages else "en"
        foreign = [as_print(self._texts.phrase(dice, words), self._questions.tokenizer) for _ in range(FOREIGN)]
        absent += [Phrase(text, text) for text in foreign]
        size = TileLayout(1, 1, False, document.image.height, document.image.width, self._layout.tile)
        wanted = [
            Wanted(_said(phrase, speech, dice), page_to_unit(asked.boxes[0], size), *said)
            for phrase, asked, said in zip(named, document.asked, document.info["said"], strict=True)
        ]
        missing = [absent[k] for k in dice.rng.permutation(len(absent))[:ABSENT].tolist()]
        wanted = [wanted[k] for k in dice.rng.permutation(len(wanted))[: ASKED - ABSENT].tolist()]
        wanted += [Wanted(_said(phrase, speech, dice), None) for phrase in missing]
        drawn = None
        if kinds is not None:
            boxes = (page_to_unit(thing.box, size) for thing in document.things)
            drawn = [Drawn(*kind, box) for kind, box in zip(kinds, boxes, strict=True)]
        return Pictured(on_square(document.image, self._layout.tile), wanted, drawn)

    def _row(self, shown: Pictured) -> Row:
        questions = self._questions
        first, _ = questions.ids(questions.before + self._shown)
        begin_image = first.index(self._image)
        row = Row.begun(first)
        for phrase, box, *_ in shown.wanted:
            asked, _ = questions.ids(GROUNDING.format(phrase) + questions.behind)
            told, _ = questions.ids(NOT_HERE[language_of(phrase)] if box is None else level_text(box))
            begin = row.add(asked, [*told, questions.end])
            if box is not None:
                places = [begin_image + token for token in self._covered(box)]
                row.guide.extend((begin + k, places) for k in OF_COORDINATES)
        return row

    def _named(self, batch: Batch, pictures: Sequence[Pictured]) -> Tensor:
        """What is named of each thing that has a box, and behind which token that box is told."""
        begin = self._questions.tokenizer.convert_tokens_to_ids(BOX_START)
        named: list[tuple[int, int, int, int]] = []
        for b, one in enumerate(pictures):
            tokens = (batch.labels[b] == begin).nonzero()[:, 0].tolist()
            boxed = [wanted for wanted in one.wanted if wanted.box is not None]
            named += [(b, token, wanted.kind, wanted.hue) for token, wanted in zip(tokens, boxed, strict=True)]
        return torch.tensor(named).reshape(-1, 4)

    def _things(self, pictures: Sequence[Sequence[Drawn] | None], named: Tensor) -> Things:
        """What each visual token shows: the one thing whose inner part lies on it."""
        seen = self._compressor.visual_tokens(self._layout)
        kinds, hues = (torch.full((len(pictures), seen), -100) for _ in range(2))
        reaches = torch.full((len(pictures), seen, 4), torch.nan)
        for b, drawn in enumerate(pictures):
            if drawn is None:
                continue
            touched = [set(self._covered(one.box, 1.0)) for one in drawn]
            kinds[b], hues[b] = 0, 0
            for k, one in enumerate(drawn):
                others = set[int]().union(*touched[:k], *touched[k + 1 :])
                own = set(self._covered(one.box))
                kinds[b, list(touched[k])] = hues[b, list(touched[k])] = -100
                sure = sorted(own - others)
                kinds[b, sure], hues[b, sure] = one.kind, one.hue
                reaches[b, sure] = torch.tensor(one.box) - self._middles[sure].repeat(1, 2)
        return Things(kinds, hues, reaches, named)

    def _cells(self) -> tuple[Tensor, Tensor]:
        """The middle (V, 2), x and y, of each visual token in parts of the picture, and the width and height of one."""
        layout, compressor = self._layout, self._compressor
        down, across = (layout.tile // compressor.side * extent for extent in compressor.window)
        x, y = np.meshgrid(np.arange(across / 2, layout.width, across), np.arange(down / 2, layout.height, down))
        tokens, _ = visual_token(np.stack([x, y, x, y], axis=-1).reshape(-1, 4), layout, compressor)
        size = torch.tensor([layout.width, layout.height])
        middles = torch.full((compressor.visual_tokens(layout), 2), torch.nan)
        middles[tokens] = torch.from_numpy(np.stack([x, y], axis=-1).reshape(-1, 2)).float() / size
        return middles, torch.tensor([across, down]) / size

    def _covered(self, box: UnitBox, inner: float = INNER) -> list[int]:
        """The visual tokens on which the inner part of a box in parts of the picture lies."""
        ends = torch.tensor(box, dtype=torch.float32).view(2, 2)
        reach = inner * (ends[1] - ends[0]) / 2 + self._extent / 2
        on = ((self._middles - ends.mean(0)).abs() < reach).all(1)
        return on.nonzero()[:, 0].tolist()


def asked_scene(dice: Dice) -> tuple[Document, list[Phrase], list[Phrase], list[tuple[int, int]]]:
    """A scene, the phrase for each thing that it is asked for, phrases for nothing in it, and all kinds and hues.

    What a phrase names of its thing stands in `info`, phrase by phrase.
    """
    height = round(HEIGHT[0] * (HEIGHT[1] / HEIGHT[0]) ** dice.random())
    image, items = scene(dice, round(height * dice.between(0.8, 1.5)), height)
    named: list[Phrase] = []
    asked: list[Asked] = []
    said: list[tuple[int, int]] = []
    for item in items:
        phrases = unique_phrases(item, items)[:SHORT]
        for _ in range(2 if len(items) < FEW else 1):
            if phrases:
                named.append(dice.pick(phrases))
                asked.append(Asked(named[-1].english, PLACE, "grounding", (item.box,)))
                said.append(_named_by(named[-1], item))
    kinds = [_numbers(item) for item in items]
    recoloured = [replace(item, hue=dice.pick(HUES)) for item in items]
    absent = _elsewhere(_other_items(dice), kinds, dice) + _elsewhere(recoloured, kinds, dice)
    things = tuple(Thing(item.motif.one, item.box) for item in items)
    made = Document(image, "scene", "en", things=things, asked=tuple(asked), info={"said": said})
    return damaged(made, dice, dice.weighted(DAMAGE)), named, absent, kinds


def _other_items(dice: Dice) -> Sequence[Item]:
    """What is in a scene that is not shown."""
    _, items = scene(dice, HEIGHT[0], HEIGHT[0])
    return items


def _elsewhere(others: Sequence[Item], there: Sequence[tuple[int, int]] | None, dice: Dice) -> list[Phrase]:
    """Phrases for things of another scene that name nothing here, where things have these kinds and hues.

    None: on a page, whose colours are not known and which may have a table of another kind. The phrases have the forms of those
    that name something, so that no form tells which is which.
    """
    found: list[Phrase] = []
    for k in dice.rng.permutation(len(others)).tolist():
        said = [(phrase, *_named_by(phrase, others[k])) for phrase in unique_phrases(others[k], others)[:SHORT]]
        absent = [
            phrase
            for phrase, kind, hue in said
            if (
                kind not in (UNSAID, _TABLE)
                if there is None
                else (kind, hue) != (UNSAID, UNSAID)
                and not any(kind in (UNSAID, a) and hue in (UNSAID, b) for a, b in there)
            )
        ]
        if absent:
            found.append(dice.pick(absent))
    return found[:ELSEWHERE]


def _numbers(item: Item) -> tuple[int, int]:
    """Of a thing's kind and hue, from 1."""
    return MOTIFS.index(item.motif) + 1, HUES.index(item.hue) + 1


def _named_by(phrase: Phrase, item: Item) -> tuple[int, int]:
    """The numbers of kind and hue that a phrase names of its thing, and not of one that it stands beside."""
    own = _BESIDE.split(phrase.english)[0].split(" ")
    kind, hue = _numbers(item)
    names_kind = item.motif.one in " ".join(own)
    return kind if names_kind else UNSAID, hue if item.hue.name in own else UNSAID


def _page(document: Document) -> tuple[Document, list[Phrase]]:
    """A page asked for what can be named without being read, and the phrases: its picture, and its only table."""
    found = [(PICTURE, thing.box) for thing in document.things if thing.name in PICTURE_NAMES]
    tables = [box_around(cell.box for cell in grid.cells) for grid in document.grids]
    found += [(TABLE, box) for box in tables if box is not None and len(tables) == 1]
    asked = tuple(Asked(phrase.english, PLACE, "grounding", (box,)) for phrase, box in found)
    said = [(UNSAID, UNSAID)] * len(found)
    return replace(document, asked=asked, info={**document.info, "said": said}), [phrase for phrase, _ in found]


def _said(phrase: Phrase, speech: str, dice: Dice) -> str:
    text = phrase.chinese if speech == "zh" else phrase.english
    return text.removeprefix("the ") if dice.chance(BARE) else text
