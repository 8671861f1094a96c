"""What can be asked about any document: the papers' tasks, and all questions on a page as one conversation.

Transcripts give a page's text; the rest are the family's questions, places of its print and what is drawn on it.
"""

import json
from collections import Counter
from collections.abc import Collection

from texthawk.data.example import PLACE, TASKS, Turn, plain, unit_box
from texthawk.data.factory.document import Asked, Document
from texthawk.data.synth.dice import Dice
from texthawk.types import Box

TRANSCRIPTS = {"text": 0.3, "boxes": 0.1, "text_boxes": 0.25, "markdown": 0.35}
"""Tasks that give the whole page back, by weight; of these a conversation has one."""
PLACES = 3
"""At most as many lines and words are asked for by place, and regions for their text."""
NOTHING = {"en": "There is no text in the image", "zh": "图中没有文字"}
ILLEGIBLE = {"en": "The text in the image is illegible", "zh": "图中文字无法辨认"}


def turns(document: Document, dice: Dice, tasks: Collection[str] = TASKS.keys()) -> tuple[Turn, ...]:
    """A conversation about a document in some `tasks`: one transcript first, then everything else that can be asked.

    Empty where the document has nothing to ask for in these tasks.
    """
    able = [t for t in transcripts(document) if t.task in tasks]
    weights = {t.task: TRANSCRIPTS[t.task] for t in able}
    chosen = dice.weighted(weights) if weights else ""
    asked = [t for t in able if t.task == chosen]
    asked += [t for t in (*whole(document), *document.asked, *places(document, dice)) if t.task in tasks]
    return tuple(turn(one, document) for one in asked)


def turn(asked: Asked, document: Document) -> Turn:
    """A question with its boxes as parts of the picture."""
    width, height = document.image.size
    boxes = tuple(unit_box(box, width, height) for box in asked.boxes)
    return Turn(asked.question, asked.answer, asked.task, boxes, asked.accepted)


def transcripts(document: Document) -> list[Asked]:
    """The page as text, as boxes, as text with boxes, and as Markdown; a page without text says so.

    A picture of things that has no text is described by its caption, and gives none of these.
    """
    if not document.lines and document.things:
        return []
    if not document.lines:
        answers = ILLEGIBLE if document.info.get("page") == "illegible" else NOTHING
        return [Asked(TASKS["text"], answers["zh" if document.lang == "zh" else "en"], "text", kind="transcript")]
    boxes = tuple(line.box for line in document.lines)
    texts = [plain(line.text) for line in document.lines]
    made = [
        Asked(TASKS["text"], "\n".join(texts), "text", kind="transcript"),
        Asked(TASKS["boxes"], "\n".join(PLACE for _ in boxes), "boxes", boxes, kind="transcript"),
        Asked(TASKS["text_boxes"], "\n".join(PLACE + text for text in texts), "text_boxes", boxes, kind="transcript"),
    ]
    if document.markdown:
        made.append(Asked(TASKS["markdown"], plain(document.markdown), "markdown", kind="transcript"))
    return made


def whole(document: Document) -> list[Asked]:
    """What is asked of the picture as a whole: caption, key fields, the table in HTML."""
    made = []
    if document.caption:
        made.append(Asked(TASKS["caption"], document.caption, "caption", kind="caption"))
    if document.grounded_caption:
        made.append(
            Asked(
                TASKS["grounded_caption"],
                document.grounded_caption,
                "grounded_caption",
                document.caption_boxes,
                kind="caption",
            )
        )
    if document.fields:
        written = json.dumps(document.fields, ensure_ascii=False)
        made.append(Asked(TASKS["fields"], written, "fields", kind="fields"))
    if len(document.grids) == 1:
        made.append(Asked(TASKS["html"], document.grids[0].html(), "html", kind="table"))
    return made


def places(document: Document, dice: Dice) -> list[Asked]:
    """Some lines and words that stand on the page once: where they are, and what stands at their place."""
    pieces: list[tuple[str, Box]] = [(line.text, line.box) for line in document.lines]
    pieces += [word for line in document.lines for word in line.words if len(line.words) > 1]
    text = "\n".join(piece for piece, _ in pieces[: len(document.lines)])
    counts = Counter(piece for piece, _ in pieces)
    once = [
        (piece, box) for piece, box in pieces if 2 <= len(piece) <= 60 and counts[piece] == 1 and PLACE not in piece
    ]
    made = []
    for _ in range(min(PLACES, len(once))):
        piece, box = once.pop(int(dice.random() * len(once)))
        if text.count(piece) != 1:
            continue
        if dice.chance(0.6):
            made.append(Asked(TASKS["grounding"].format(piece), PLACE, "grounding", (box,), kind="place"))
        else:
            made.append(Asked(TASKS["referring"], piece, "referring", (box,), kind="place"))
    return made
