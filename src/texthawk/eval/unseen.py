"""Documents of the factory that training cannot have had: held-out text, held-out fonts, and seeds that no mixture takes.

From the same documents come the pages to read, questions of every kind as evenly as they can be had, and phrases and things
to find; key fields, tables and Markdown where they are wanted, too.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from texthawk.data.example import PLACE, TASKS
from texthawk.data.factory.asking import places
from texthawk.data.factory.document import Asked, Document
from texthawk.data.factory.factory import HELD_OUT_SEEDS, TURN_SALT, Factory, picture_file
from texthawk.data.synth.dice import Dice
from texthawk.eval.runs import Reference, Rule, Sample, box_text
from texthawk.eval.systems import ASK, FIND, HTML, MARKDOWN, READ

SET = "factory"
KINDS = {
    "look-up": "look-up", "title": "look-up", "count": "count", "compare": "compare", "extreme": "compare", "sum": "sum",
    "difference": "sum", "yes/no": "yes/no", "absent": "absent",
}  # fmt: skip
"""Kinds of questions by what the factory calls them; questions of other kinds (formulas in LaTeX) are not asked."""
ANSWERS = frozenset({"docvqa", "chartqa", "tableqa", "vqa"})
MOST_LOOKED_AT = 8
"""Documents that are made, at most, for one sample of a benchmark."""

Offer = Callable[[Document, int], list[Reference]]
"""(document, its number) -> what a benchmark can ask about it; ids are not yet complete."""


def samples(factory: Factory, folder: Path, benchmarks: Sequence[str], count: int) -> dict[str, list[Sample]]:
    """At most `count` samples of each benchmark, the same for the same factory; pictures are written into `folder`.

    A document gives one sample of a benchmark, and further ones only where documents do not suffice. ValueError where the
    factory's seed is one that a training may have, or a benchmark finds nothing in its families.
    """
    if factory.seed < HELD_OUT_SEEDS:
        raise ValueError(
            f"seed {factory.seed} may have been trained on; those from {HELD_OUT_SEEDS} on are kept from it"
        )
    unknown = [name for name in benchmarks if name not in OFFERS]
    if unknown:
        raise ValueError(f"factory documents have nothing for {', '.join(unknown)}; there are: {', '.join(OFFERS)}")
    offered: dict[str, list[list[Reference]]] = {name: [] for name in benchmarks}
    pictures: dict[int, bytes] = {}
    for number in range(count * MOST_LOOKED_AT):
        if all(sum(map(bool, offers)) >= count for offers in offered.values()):
            break
        document = factory.document(number)
        for name, offers in offered.items():
            offers.append(OFFERS[name](document, number))
        if any(offers[-1] for offers in offered.values()):
            pictures[number] = picture_file(document.image, document.info["damage"])
    chosen = {name: _chosen(offers, count, factory.seed) for name, offers in offered.items()}
    if nothing := [name for name, taken in chosen.items() if not taken]:
        raise ValueError(f"documents of {', '.join(factory.families)} have nothing for {', '.join(nothing)}")
    return {
        name: [Sample(*_placed(reference, pictures[number], folder, factory.seed)) for number, reference in taken]
        for name, taken in chosen.items()
    }


def _chosen(offers: Sequence[Sequence[Reference]], count: int, seed: int) -> list[tuple[int, Reference]]:
    """At most `count` with the number of their document: each kind in turn, and of a kind each document in turn."""
    by_kind: dict[str, dict[int, list[Reference]]] = {}
    for number, references in enumerate(offers):
        dice = Dice(TURN_SALT, seed, number)
        left = list(references)
        while left:
            one = left.pop(int(dice.random() * len(left)))
            by_kind.setdefault(one.kind if one.wanted == ASK else "", {}).setdefault(number, []).append(one)
    queues = [_in_turn(documents) for _, documents in sorted(by_kind.items())]
    taken: list[tuple[int, Reference]] = []
    while queues and len(taken) < count:
        queue = queues.pop(0)
        if found := next(queue, None):
            taken.append(found)
            queues.append(queue)
    return sorted(taken, key=lambda one: (one[0], one[1].id))


def _in_turn(documents: dict[int, list[Reference]]) -> Iterator[tuple[int, Reference]]:
    while documents:
        for number in list(documents):
            yield number, documents[number].pop(0)
            if not documents[number]:
                del documents[number]


def _placed(reference: Reference, picture: bytes, folder: Path, seed: int) -> tuple[Path, Reference]:
    """The file of the picture, and the reference with an id that holds a hash of it.

    So a run that goes on with other fonts or text never takes predictions for other documents for its own.
    """
    number, _, rest = reference.id.partition(" ")
    name = f"{seed - HELD_OUT_SEEDS}-{number}-{hashlib.sha256(picture).hexdigest()[:8]}"
    suffix = Image.open(io.BytesIO(picture)).format
    assert suffix is not None
    path = folder / f"{name}.{suffix.lower()}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    fields = {**vars(reference), "id": f"{name} {rest}".strip()}
    return path, Reference(**fields)


def _pages(document: Document, number: int) -> list[Reference]:
    if not document.lines:
        return []
    rule = Rule(words=document.lang == "en")
    return [_reference(document, number, "", document.text, rule, READ, kind=document.family)]


def _questions(document: Document, number: int) -> list[Reference]:
    """Where the answer is not on the page, giving none is as right as saying so."""
    made = []
    for place, asked in enumerate(document.asked):
        if asked.task in ANSWERS and asked.kind in KINDS:
            accepted = dict.fromkeys((asked.answer, *asked.accepted, *([""] if asked.kind == "absent" else [])))
            made.append(
                _reference(
                    document, number, f"q{place:02}", asked.answer, Rule(case=False, score="exact"), ASK,
                    asked.question, tuple(accepted), KINDS[asked.kind],
                )
            )  # fmt: skip
    return made


def _phrases(document: Document, number: int) -> list[Reference]:
    width, height = document.image.size
    printed = places(document, Dice(TURN_SALT, number))
    made = []
    for place, (kind, asked) in enumerate([*(("print", a) for a in printed), *(("things", a) for a in document.asked)]):
        phrase = _phrase(asked)
        if phrase is not None:
            parts = [side / size for side, size in zip(asked.boxes[0], (width, height) * 2, strict=True)]
            text = box_text([min(1.0, max(0.0, side)) for side in parts])
            made.append(_reference(document, number, f"g{place:02}", text, Rule(), FIND, phrase, (text,), kind))
    return made


def _phrase(asked: Asked) -> str | None:
    """What is to be found, where one place is asked for."""
    before, after = TASKS["grounding"].split("{}")
    if asked.task != "grounding" or asked.answer != PLACE or len(asked.boxes) != 1:
        return None
    assert asked.question.startswith(before)
    assert asked.question.endswith(after)
    return asked.question[len(before) : -len(after)]


def _fields(document: Document, number: int) -> list[Reference]:
    if not document.fields:
        return []
    text = json.dumps(document.fields, ensure_ascii=False)
    return [_reference(document, number, "", text, Rule(), ASK, TASKS["fields"], (text,), document.family)]


def _tables(document: Document, number: int) -> list[Reference]:
    if len(document.grids) != 1:
        return []
    text = document.grids[0].html()
    kind = "spans" if document.grids[0].spans else "plain"
    return [_reference(document, number, "", text, Rule(), HTML, TASKS["html"], (text,), kind)]


def _markdown(document: Document, number: int) -> list[Reference]:
    if not document.markdown:
        return []
    text, rule = document.markdown, Rule(words=document.lang == "en")
    return [_reference(document, number, "", text, rule, MARKDOWN, TASKS["markdown"], (text,), document.family)]


def _reference(
    document: Document,
    number: int,
    part: str,
    text: str,
    rule: Rule,
    wanted: str,
    question: str = "",
    answers: tuple[str, ...] = (),
    kind: str = "",
) -> Reference:
    name = f"{number:05} {part}".strip()
    return Reference(SET, name, document.lang, text, rule, wanted, question, answers, kind=kind)


OFFERS: dict[str, Offer] = {
    "read": _pages,
    "questions": _questions,
    "grounding": _phrases,
    "fields": _fields,
    "tables": _tables,
    "markdown": _markdown,
}
"""What each benchmark can have of a document, by its name in `texthawk.eval.benchmarks`."""
