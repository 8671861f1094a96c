"""Everything said of a picture of objects must hold, and a phrase must name one object alone."""

import re
from functools import cache

import numpy as np
import pytest
from PIL import Image

from tests.data.factory.orders import order
from texthawk.data.example import PLACE
from texthawk.data.factory import scenes
from texthawk.data.factory.clip_art import MOTIFS, drawn
from texthawk.data.factory.document import Document
from texthawk.data.factory.scene_objects import HUES, scene
from texthawk.data.synth.dice import Dice

COUNT = 30
OUTER = {"leftmost": (0, min), "rightmost": (0, max), "topmost": (1, min), "bottommost": (1, max)}
BESIDE = {"to the left of": 0, "to the right of": 1, "above": 2, "below": 3}


@cache
def document(number: int, speech: str = "en") -> Document:
    return scenes.make(order(number, speech, 500))


def objects(page: Document) -> list[dict]:
    """Kind, colour, size and box of each object."""
    return [{**told, "box": thing.box} for told, thing in zip(page.info["objects"], page.things, strict=True)]


def centre(thing: dict) -> tuple[float, float]:
    left, top, right, bottom = thing["box"]
    return (left + right) / 2, (top + bottom) / 2


def stands(thing: dict, side: int, other: dict) -> bool:
    a, b = thing["box"], other["box"]
    return (a[2] <= b[0], a[0] >= b[2], a[3] <= b[1], a[1] >= b[3])[side]


def resolved(phrase: str, things: list[dict]) -> list[dict]:
    """The objects that an English phrase fits, worked out from its words."""
    for words, side in BESIDE.items():
        if f" {words} " in phrase:
            first, second = phrase.split(f" {words} ", 1)
            [other] = resolved(second, things)
            return [thing for thing in resolved(first, things) if stands(thing, side, other)]
    *attributes, kind = phrase.removeprefix("the ").split(" ")
    fits = [thing for thing in things if kind in ("object", thing["kind"])]
    for word in reversed(attributes):
        if word in OUTER:
            axis, best = OUTER[word]
            fits = [best(fits, key=lambda thing, axis=axis: centre(thing)[axis])]
        elif word in ("large", "small"):
            fits = [thing for thing in fits if thing["large"] == (word == "large")]
        else:
            assert word in {hue.name for hue in HUES}
            fits = [thing for thing in fits if thing["colour"] == word]
    return fits


def test_a_phrase_names_the_object_at_its_box_and_no_other():
    checked = 0
    for page in map(document, range(COUNT)):
        things = objects(page)
        for asked in page.asked:
            if asked.task == "grounding":
                phrases = [re.fullmatch(r"Where is (.+)\? Answer with its bounding box", asked.question)[1]]
            elif asked.task == "referring":
                phrases = [asked.answer, *asked.accepted]
            else:
                continue
            for phrase in phrases:
                assert [thing["box"] for thing in resolved(phrase, things)] == [asked.boxes[0]], phrase
                checked += 1
    assert checked > 10 * COUNT


def test_boxes_touch_the_ink_of_the_objects_and_nothing_is_outside():
    for number in range(12):
        image, items = scene(Dice(11, number), 400, 320)
        pixels = np.asarray(image).astype(int)
        # The ground is one colour above and one below a horizon; a row's commonest colour is its ground where objects are few.
        ground = [np.unique(row @ [1, 256, 65536], return_counts=True) for row in pixels]
        likely = np.array([colours[counts.argmax()] for colours, counts in ground])
        assert len(np.unique(likely)) <= 2
        ink = pixels @ np.array([1, 256, 65536]) != likely[:, None]
        for item in items:
            left, top, right, bottom = map(int, item.box)
            part = ink[top:bottom, left:right]
            assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()
            ink[top - 1 : bottom + 1, left - 1 : right + 1] = False
        assert not ink.any()


def test_counts_colours_and_relations_hold():
    seen = set()
    for page in map(document, range(COUNT)):
        things = objects(page)
        for asked in page.asked:
            question, answer = asked.question, asked.answer
            many = re.fullmatch(r"How many (?:(\w+) objects|(\w+)) are there\?", question)
            there = re.fullmatch(r"Is there an? (\w+) (\w+) in the picture\? Answer yes or no\.", question)
            colour = re.fullmatch(r"What colour is (.+)\?", question)
            beside = re.fullmatch(rf"Is (the .+) ({'|'.join(BESIDE)}) (the .+)\? Answer yes or no\.", question)
            if question == "How many objects are in the picture?":
                assert answer == str(len(things))
            elif many:
                kinds = {motif.many: motif.one for motif in MOTIFS}
                fits = [t for t in things if (t["colour"] == many[1] if many[1] else t["kind"] == kinds[many[2]])]
                assert answer == str(len(fits))
                seen.add("colour" if many[1] else "kind")
            elif there:
                assert answer == ("yes" if any((t["colour"], t["kind"]) == there.groups() for t in things) else "no")
                seen.add(("there", answer))
            elif colour:
                [thing] = resolved(colour[1], things)
                assert answer == thing["colour"] and answer not in colour[1].split()
                seen.add("of")
            elif beside and len(re.findall("|".join(BESIDE), question)) == 1:
                [first], [second] = resolved(beside[1], things), resolved(beside[3], things)
                clearly = stands(first, BESIDE[beside[2]], second)
                assert answer == ("yes" if clearly else "no")
                axis = 0 if BESIDE[beside[2]] < 2 else 1
                before = centre(first)[axis] < centre(second)[axis]
                assert clearly or before == (BESIDE[beside[2]] % 2 == 1) or centre(first)[axis] == centre(second)[axis]
                seen.add(("beside", answer))
    assert seen == {"colour", "kind", "of", ("there", "yes"), ("there", "no"), ("beside", "yes"), ("beside", "no")}


def test_a_caption_names_every_object_once_and_has_its_box():
    for speech in ("en", "zh"):
        for number in range(8):
            page = document(number, speech)
            assert page.grounded_caption.replace(PLACE, "") == page.caption
            assert sorted(page.caption_boxes) == sorted(thing.box for thing in page.things)
            assert page.grounded_caption.count(PLACE) == len(page.things)
            names = [thing.name for thing in page.things]
            assert all(name in page.caption for name in names if speech == "zh")


def test_chinese_questions_have_the_answers_of_english_ones():
    english, chinese = document(5), document(5, "zh")
    assert english.info["objects"] == chinese.info["objects"]
    pairs = list(zip(english.asked, chinese.asked, strict=True))
    assert [a.boxes for a, _ in pairs] == [b.boxes for _, b in pairs]
    assert [a.answer for a, _ in pairs if a.kind == "count"] == [b.answer for _, b in pairs if b.kind == "count"]
    assert all(not re.search("[a-z]", b.question) for _, b in pairs if b.task == "vqa")


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda motif: motif.one)
def test_a_thing_is_drawn_mostly_in_its_colour_and_cut_to_its_ink(motif):
    colour = (212, 40, 44)
    picture = np.asarray(drawn(motif, colour, 120)).astype(int)
    ink = picture[..., 3] > 127
    assert ink[0].any() and ink[-1].any() and ink[:, 0].any() and ink[:, -1].any()
    near = np.abs(picture[..., :3] - colour).sum(axis=-1) < 30
    assert (near & ink).sum() > 0.2 * ink.sum()
    assert 60 <= max(ink.shape) <= 124


def test_things_of_different_kinds_look_different():
    masks = []
    for motif in MOTIFS:
        square = Image.new("RGBA", (124, 124))
        square.paste(drawn(motif, (212, 40, 44), 120))
        masks.append(np.asarray(square.resize((31, 31))).astype(int).reshape(-1))
    for first in range(len(masks)):
        for second in range(first):
            assert np.abs(masks[first] - masks[second]).mean() > 5, (MOTIFS[first].one, MOTIFS[second].one)


def test_a_scene_depends_on_its_dice_alone():
    first, second = scenes.make(order(2)), scenes.make(order(2))
    assert first.image.tobytes() == second.image.tobytes() and first.asked == second.asked
    assert first.image.tobytes() != scenes.make(order(1)).image.tobytes()
