"""Scenes of shapes and simple objects: captions, places in both directions, counting, relations; a picture without text."""

from collections import Counter
from collections.abc import Sequence

from texthawk.data.example import PLACE, TASKS
from texthawk.data.factory.clip_art import MOTIFS
from texthawk.data.factory.document import Asked, Document, Thing
from texthawk.data.factory.order import Order
from texthawk.data.factory.scene_objects import HUES, Item, scene
from texthawk.data.factory.scene_phrases import SIDES, Phrase, beside, unique_phrases
from texthawk.types import Box

NUMBERS = ("no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS_ZH = "零一两三四五六七八九十"
POINTED = 3
"""At most as many objects are asked for by phrase, and as many are described."""


def make(order: Order) -> Document:
    """A picture of objects."""
    dice = order.dice
    height = round(order.height * dice.between(0.5, 0.9))
    width = round(height * dice.between(0.8, 1.5))
    image, items = scene(dice, width, height)
    caption, grounded, boxes = captions(items, order.speech)
    return Document(
        image,
        "scene",
        order.lang,
        things=tuple(
            Thing(order.say(f"{i.hue.name} {i.motif.one}", f"{i.hue.chinese}的{i.motif.chinese}"), i.box) for i in items
        ),
        asked=asked(order, items),
        caption=caption,
        grounded_caption=grounded,
        caption_boxes=boxes,
        info={"objects": [{"kind": i.motif.one, "colour": i.hue.name, "large": i.large} for i in items]},
    )


def captions(items: Sequence[Item], speech: str) -> tuple[str, str, tuple[Box, ...]]:
    """A sentence that names all objects, alike ones together, from left to right; and the same with a place for each."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.motif.one, item.hue.name), []).append(item)
    texts = [_group(group, speech) for group in groups.values()]
    marked = [text + PLACE * len(group) for text, group in zip(texts, groups.values(), strict=True)]
    boxes = tuple(item.box for group in groups.values() for item in group)
    return _listed(texts, speech), _listed(marked, speech), boxes


def _group(group: Sequence[Item], speech: str) -> str:
    first, count = group[0], len(group)
    if speech == "zh":
        number = NUMBERS_ZH[count] if count <= 10 else str(count)
        return f"{number}{first.motif.measure}{first.hue.chinese}的{first.motif.chinese}"
    number = "an" if count == 1 and first.hue.name[0] in "aeiou" else NUMBERS[count]
    return f"{number} {first.hue.name} {first.motif.one if count == 1 else first.motif.many}"


def _listed(texts: Sequence[str], speech: str) -> str:
    *most, last = texts
    if speech == "zh":
        return f"图中有{'、'.join(most)}和{last}。" if most else f"图中有{last}。"
    return f"The picture shows {', '.join(most)} and {last}." if most else f"The picture shows {last}."


def asked(order: Order, items: Sequence[Item]) -> tuple[Asked, ...]:
    """Questions on a scene in the language of labels."""
    phrases = {place: unique_phrases(item, items) for place, item in enumerate(items)}
    named = {place: found for place, found in phrases.items() if found}
    made: list[Asked] = []
    for place in order.dice.rng.permutation(list(named)).tolist()[: 2 * POINTED] if named else ():
        made.append(_pointed(order, items[place], named[place], describe=len(made) % 2 == 1))
    made += [_count(order, items), _exists(order, items), _whole_count(order, items)]
    for place in list(named)[:8]:
        if len(named[place]) and order.dice.chance(0.35):
            colour = _colour(order, items[place], items)
            made += [colour] if colour else []
    relation = _relation(order, items, named)
    made += [relation] if relation else []
    return tuple({one.question + str(one.boxes): one for one in made}.values())


def _say(order: Order, phrase: Phrase) -> str:
    return order.say(phrase.english, phrase.chinese)


def _pointed(order: Order, item: Item, phrases: Sequence[Phrase], *, describe: bool) -> Asked:
    """Where an object of that name is; or what to call the one at a place, where any of its names is right."""
    texts = tuple(dict.fromkeys(_say(order, phrase) for phrase in phrases))
    if describe:
        return Asked(TASKS["referring"], texts[0], "referring", (item.box,), texts, kind="place")
    return Asked(TASKS["grounding"].format(order.dice.pick(texts[:6])), PLACE, "grounding", (item.box,), kind="place")


def _count(order: Order, items: Sequence[Item]) -> Asked:
    """How many objects of a kind, or of a colour, there are; now and then of one that is absent."""
    dice = order.dice
    absent = dice.chance(0.15)
    if dice.chance(0.6):
        motif = dice.pick(MOTIFS) if absent else dice.pick(items).motif
        counted = [item for item in items if item.motif is motif]
        question = order.say(f"How many {motif.many} are there?", f"图中有几{motif.measure}{motif.chinese}？")
    else:
        hue = dice.pick(HUES) if absent else dice.pick(items).hue
        counted = [item for item in items if item.hue is hue]
        question = order.say(f"How many {hue.name} objects are there?", f"图中有几个{hue.chinese}的物体？")
    return Asked(question, str(len(counted)), "vqa", kind="count", evidence=tuple(item.box for item in counted))


def _whole_count(order: Order, items: Sequence[Item]) -> Asked:
    question = order.say("How many objects are in the picture?", "图中一共有几个物体？")
    return Asked(question, str(len(items)), "vqa", kind="count", evidence=tuple(item.box for item in items))


def _exists(order: Order, items: Sequence[Item]) -> Asked:
    """Whether there is an object of a kind and colour; absent ones are made of kinds and colours that are there."""
    dice = order.dice
    pairs = Counter((item.motif.one, item.hue.name) for item in items)
    motif, hue = dice.pick(items).motif, dice.pick(items).hue
    if dice.chance(0.3):
        motif = dice.pick(MOTIFS)
    there = pairs[motif.one, hue.name] > 0
    article = "an" if hue.name[0] in "aeiou" else "a"
    question = order.say(
        f"Is there {article} {hue.name} {motif.one} in the picture? Answer yes or no.",
        f"图中有{hue.chinese}的{motif.chinese}吗？请回答有或没有。",
    )
    answer = order.say("yes" if there else "no", "有" if there else "没有")
    evidence = tuple(item.box for item in items if item.motif is motif and item.hue is hue)
    return Asked(question, answer, "vqa", kind="yes/no", evidence=evidence)


def _colour(order: Order, item: Item, items: Sequence[Item]) -> Asked | None:
    """The colour of an object that can be named without it."""
    names = [_say(order, p) for p in unique_phrases(item, items) if item.hue.name not in p.english.split()]
    if not names:
        return None
    question = order.say(f"What colour is {names[0]}?", f"{names[0]}是什么颜色的？")
    answer = order.say(item.hue.name, item.hue.chinese)
    return Asked(
        question,
        answer,
        "vqa",
        (),
        (answer, item.hue.chinese[0]) if order.speech == "zh" else (),
        "look-up",
        (item.box,),
    )


def _relation(order: Order, items: Sequence[Item], named: dict[int, list[Phrase]]) -> Asked | None:
    """Whether one object stands on a side of another, where that is clear."""
    dice, places = order.dice, list(named)
    for _ in range(6 if len(places) > 1 else 0):
        first, second = dice.pick(places), dice.pick(places)
        side = dice.pick(tuple(SIDES))
        holds = beside(side, items[first], items[second])
        if first == second or holds is None:
            continue
        english, chinese, _, _ = SIDES[side]
        a, b = named[first][0], named[second][0]
        question = order.say(
            f"Is {a.english} {english} {b.english}? Answer yes or no.",
            f"{a.chinese}在{b.chinese}的{chinese}吗？请回答是或否。",
        )
        answer = order.say("yes" if holds else "no", "是" if holds else "否")
        return Asked(question, answer, "vqa", (), (), "yes/no", (items[first].box, items[second].box))
    return None
