"""Parts of lines, as the factory's Markdown has them and as a model is taught to tell them."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.data.factory.orders import CHINESE, LATIN, texts_and_fonts
from texthawk.data.factory.document import Document, Line
from texthawk.data.factory.factory import Factory
from texthawk.data.synth import system_fonts
from texthawk.decode.outline import PROMPT, ROLES, asked_ids
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.recipes.nano import OUTLINE
from texthawk.train.batches import Batch
from texthawk.train.outlines import FAMILIES, GOING_ON, OutlineMaker, _all_told, outlined_of, roles_of
from texthawk.train.questions import QuestionMaker
from texthawk.types import Box
from texthawk.types import Line as Read

TEXT = [
    "Seven boats came in at dusk, two of them red, and none of the crews would say where they had been since Monday."
]
MARKDOWN = """# Boats at dusk

Seven boats came in, two of them red, and none would say more.

Harbour Street 4
Eastport

**Re: the crews**

- Seven boats that came in late
- Two of them red

1. First of all

## What was said

| Boat | Crew |
| --- | --- |
| Anna | 4 |

```python
def dusk(boats):
    return boats
```
"""
PRINTED = {
    "Boats at": "1",
    "dusk": "+",
    "Seven boats came in, two of th-": "p",
    "em red, and none would say more.": "+",
    "Harbour Street 4": "p",
    "Eastport": "/",
    "Re: the crews": "*",
    "• Seven boats that": "-",
    "came in late": "+",
    "• Two of them red": "-",
    "1. First of all": "n",
    "What was said": "2",
    "Boat Crew": "",
    "Anna 4": "",
    "1 def dusk(boats):": "`",
    "2 return boats": "`",
    "Page 9": "",
}


def few_fonts() -> list[str]:
    """Fonts of this machine that take no time to look through."""
    return [path for path in system_fonts() if Path(path).name in (*LATIN, *CHINESE)] or system_fonts()


def line(text: str, row: int) -> Line:
    words = text.split(" ")
    boxes = np.array([(10 + 60 * k, 20 * row, 65 + 60 * k, 20 * row + 14) for k in range(len(words))], dtype=np.float32)
    return Line(tuple(words), (False, *[True] * (len(words) - 1)), boxes)


@pytest.fixture(scope="module")
def document() -> Document:
    lines = tuple(line(text, row) for row, text in enumerate(PRINTED))
    return Document(Image.new("L", (600, 800), 255), "readme", "en", lines, MARKDOWN)


@pytest.fixture(scope="module")
def maker() -> OutlineMaker:
    texts, _ = texts_and_fonts("en")
    fonts = few_fonts()
    tokenizer = train_tokenizer(TEXT, 262)
    extend_tokenizer(tokenizer)
    processor = TextHawkProcessor(TextHawkImageProcessor(), tokenizer)
    return OutlineMaker(QuestionMaker(processor, texts, fonts, 3), texts, fonts, 3)


@pytest.fixture(scope="module")
def batch(maker: OutlineMaker) -> Batch:
    return maker.batch((4,), 0, 3)


def test_each_line_plays_the_part_that_markdown_gives_it(document: Document) -> None:
    assert dict(zip(PRINTED, roles_of(document), strict=True)) == PRINTED


def test_every_line_that_is_shown_has_a_part(document: Document, maker: OutlineMaker) -> None:
    tokenizer = maker._questions.tokenizer
    seen, numbered = set[str](), set[bool]()
    for seed in range(40):
        for shown in outlined_of(document, tokenizer, np.random.default_rng(seed)):
            rows = shown.window.text.split("\n")
            assert len(rows) == len(shown.roles) and shown.roles[0] not in GOING_ON
            assert set(shown.roles) <= set(ROLES)
            seen.add(rows[0].partition(" ")[2][:4])
            numbered |= {re.search(r" \d[\d.]* What", row) is not None for row in rows if "What was" in row}
    assert len(seen) > 4  # pages begin anywhere
    assert numbered == {True, False}  # headings have numbers of sections here and there


def test_what_markdown_has_not_begins_anew_below_text_or_a_gap() -> None:
    tops = (0, 20, 40, 90, 110)
    lines = [Read(str(k), Box(0, top, 50, top + 14)) for k, top in enumerate(tops)]
    assert _all_told(lines, ["p", "", "", "", "`"]) == ["p", "p", "/", "p", "`"]
    assert _all_told(lines, ["`", "", "`", "", ""]) == ["`", "`", "`", "`", "`"]


def test_a_document_without_markdown_teaches_nothing(document: Document, maker: OutlineMaker) -> None:
    plain = Document(document.image, "card", "en", document.lines)
    assert not list(outlined_of(plain, maker._questions.tokenizer, np.random.default_rng(0)))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nearly_all_lines_of_running_text_have_a_part(lang: str) -> None:
    texts, _ = texts_and_fonts(lang)
    factory = Factory(
        texts,
        few_fonts(),
        seed=2,
        families={"article": 1.0, "letter": 1.0, "code": 1.0},
        languages={lang: 1.0},
        damage=(1, 0, 0, 0),
    )
    told = [role for k in range(12) for role in roles_of(factory.document(k))]
    assert sum(role == "" for role in told) < 0.08 * len(told)
    assert {"p", "+", "1", "`"} <= set(told)


def test_each_mark_is_asked_for_the_part_of_its_row(maker: OutlineMaker, batch: Batch) -> None:
    tokenizer = maker._questions.tokenizer
    letters = set(tokenizer.convert_tokens_to_ids(list(ROLES)))
    for ids, labels in zip(batch.input_ids, batch.labels, strict=True):
        text = tokenizer.decode(ids)
        before, _, behind = text.partition(PROMPT)
        marks = tokenizer.convert_tokens_to_ids([f"<{k}>" for k in range(before.count("\n<"))])
        assert behind.startswith("<|im_end|>") and marks
        asked = (ids == marks[0]).nonzero()[-1].item()
        assert ids[asked : asked + len(marks)].tolist() == marks
        outside = torch.cat([labels[: asked + 1], labels[asked + 1 + len(marks) :]])
        assert (outside == -100).all()
        told = labels[asked + 1 : asked + 1 + len(marks)]
        assert set(told[told != -100].tolist()) <= letters and (told != -100).any()


def test_what_is_learned_is_what_is_asked(maker: OutlineMaker, document: Document) -> None:
    questions = maker._questions
    (shown,) = outlined_of(document, questions.tokenizer, np.random.default_rng(0))
    row = maker._row(shown)
    assert row.ids[:-1] == asked_ids(questions.processor, shown.window)
    assert row.positions == list(range(len(row.ids)))


def test_the_last_layers_are_pointed_at_the_mark_behind_the_row(batch: Batch) -> None:
    assert batch.guide is not None
    for ids, guide in zip(batch.input_ids, batch.guide, strict=True):
        pointed = guide.any(-1).nonzero()[:, 0].tolist()
        assert pointed
        for k in pointed:
            (place,) = guide[k].nonzero()[:, 0].tolist()
            assert ids[place] == ids[k - 1] and (ids[:place] == ids[place]).sum() == 1


def test_a_batch_is_a_function_of_its_step(maker: OutlineMaker, batch: Batch) -> None:
    maker.batch((4,), 9, 3)
    again = maker.batch((4,), 0, 3)
    assert again.input_ids.equal(batch.input_ids) and again.labels.equal(batch.labels)
    assert not maker.batch((5,), 0, 3).input_ids.equal(batch.input_ids)


def test_what_is_shown_of_nanos_families_is_known_to_the_factory() -> None:
    texts, _ = texts_and_fonts("en")
    Factory(texts, few_fonts(), seed=0, families=FAMILIES)
    assert OUTLINE.asked + OUTLINE.outlined == 1.0
