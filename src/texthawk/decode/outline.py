"""The part that each line of a page plays, as a model tells it: the model that answers sees how lines begin, end and stand.

Lines are shown as rows, each between its marks: letters for its size and place, then how its text begins and ends. The model is
asked for all of them at once: the token it expects behind a row's mark is the row's part. Rows are shown some at a time, and
those in the middle are told, which have others around them.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from texthawk.decode.asked import as_print
from texthawk.decode.formats.code import letters_of
from texthawk.decode.formats.tables import tables_of
from texthawk.decode.formats.type_size import Standing, standing, usual_size
from texthawk.image.wide import is_wide
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.transcript import about, mark, marked
from texthawk.types import Page

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

PROMPT = "Convert the document to Markdown"
ROLES = {
    "p": "paragraph",
    "+": "continued",
    "/": "line",
    "1": "heading1",
    "2": "heading2",
    "3": "heading3",
    "-": "bullet",
    "n": "number",
    "*": "strong",
    "`": "code",
}
"""What a line is, by the letter that a model says: a paragraph's first line, one that goes on with the line before it, a new line
of the same paragraph, a heading, an item with a dot or a number, a line in bold, or code."""
ROWS, EDGE = 24, 4
"""Rows that are shown at a time, and how many of them at either end have too little around them to be told."""
FIRST, LAST = 15, 7
"""Bytes (UTF-8) of a line's beginning and of its end that are shown."""
_NEAR = 8  # lines above and below, whose margins are a line's own where they begin where it does
_FLUSH = 4.0  # of the size: how far apart


class Window(NamedTuple):
    """Rows of a page as they are shown. lines: their numbers on the page; told: which of the rows are told, from and to."""

    text: str
    lines: tuple[int, ...]
    told: tuple[int, int]


def windows_of(page: Page, tokenizer: Any) -> list[Window]:
    """The lines of a page that stand in no table, some at a time."""
    stood = standing(page)
    tables = tables_of(page)
    numbers = [k for k in range(len(stood)) if not any(table.first <= k < table.last for table in tables)]
    rows = [as_print(row, tokenizer) for row in _shown([stood[k] for k in numbers], usual_size(stood))]
    made: list[Window] = []
    for begin in range(0, max(1, len(rows) - 2 * EDGE), ROWS - 2 * EDGE):
        part = rows[begin : begin + ROWS]
        last = begin + ROWS >= len(rows)
        told = (EDGE if begin else 0, len(part) if last else ROWS - EDGE)
        if part:
            made.append(Window(marked(part), tuple(numbers[begin : begin + ROWS]), told))
    return made


def outlined(reader: "Reader", page: Page) -> Page:
    """The page with the part that each of its lines plays; those of tables play none."""
    roles: dict[int, str] = {}
    for window in windows_of(page, reader.processor.tokenizer):
        said = _told(reader, window)
        roles |= {window.lines[k]: said[k] for k in range(*window.told)}
    lines = tuple(replace(line, role=roles.get(k, "")) for k, line in enumerate(page.lines))
    return replace(page, lines=lines)


def asked_ids(processor: TextHawkProcessor, window: Window) -> list[int]:
    """Tokens of what the model is given; the last are the marks of the rows."""
    tokenizer = processor.tokenizer
    message = [{"role": "user", "content": [{"type": "text", "text": about(window.text, PROMPT)}]}]
    prompt = processor.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
    marks = tokenizer.convert_tokens_to_ids([mark(number) for number in range(len(window.lines))])
    return [*tokenizer(prompt, add_special_tokens=False)["input_ids"], *marks]


def _told(reader: "Reader", window: Window) -> list[str]:
    """The part of each row."""
    model = reader.model
    ids = torch.tensor([asked_ids(reader.processor, window)], device=model.device)
    letters = reader.processor.tokenizer.convert_tokens_to_ids(list(ROLES))
    with torch.inference_mode():
        out = model.model.language_model(input_ids=ids, use_cache=False)
        logits = model.lm_head(out.last_hidden_state[0, -len(window.lines) :])[:, letters]
    names = list(ROLES.values())
    return [names[k] for k in logits.argmax(-1).tolist()]


def _shown(lines: Sequence[Standing], usual: float) -> list[str]:
    """How each line stands, in nine letters, and how its text begins and ends."""
    rights = _rights(lines)
    made = []
    for k, line in enumerate(lines):
        above = lines[k - 1] if k else None
        letters = letters_of(lines[max(0, k - 1) : k + 2])
        made.append(_place(line, above, rights[k], usual, letters) + " " + _excerpt(line.text))
    return made


def _place(
    line: Standing, above: Standing | None, right: float, usual: float, letters: tuple[float, float] | None
) -> str:
    """Size, beside that of the page and of the line above; the step to the right from there, the gap between the two, and the
    room that was left for the first word; what is missing at the margin; width; how wide and how even letters are."""
    box, size = line.box, line.size
    if box is None or not (usual > 0 and size > 0 and all(map(math.isfinite, box))):
        return "?" * 9
    step = gap = fits = jump = "?"
    if above is not None and above.box is not None and above.size > 0 and all(map(math.isfinite, above.box)):
        step = _letter((box.left - above.box.left) / size, 0.5, 12)
        gap = _letter((box.top - above.box.bottom) / size, 0.2, 6)
        jump = _letter(math.log2(size / above.size), 0.1, 12)
        fits = _letter((right - above.box.right - _first_word(line)) / size, 0.5, 6)
    return "".join(
        (
            _letter(math.log2(size / usual), 0.09, 10),
            jump,
            step,
            gap,
            fits,
            _letter((right - box.right) / size, 1.0, 0),
            _letter(2 * math.log2(max(1.0, box.width / size)), 1.0, 0),
            "??" if letters is None else _letter(letters[0] / size, 0.04, 0) + _letter(letters[1], 0.02, 0),
        )
    )


def _letter(value: float, step: float, zero: int) -> str:
    """A number as a letter, of which number `zero` (from 0, a) stands for 0 and each further one for a step more."""
    return chr(ord("a") + round(min(25.0, max(0.0, zero + value / step)))) if math.isfinite(value) else "?"


def _rights(lines: Sequence[Standing]) -> list[float]:
    """Where the lines end that begin about where each does and are near it."""
    made = []
    for k, line in enumerate(lines):
        near = [other.box for other in lines[max(0, k - _NEAR) : k + _NEAR + 1] if other.box is not None]
        box = line.box
        made.append(
            0.0
            if box is None
            else max((o.right for o in near if abs(o.left - box.left) <= _FLUSH * line.size), default=box.right)
        )
    return made


def _first_word(line: Standing) -> float:
    """The width of its first word and the space before it, or of a character where none stands by itself."""
    text, box = next(iter(line.words), ("", None))
    if is_wide(line.text[:1]) or box is None or not text:
        return line.size
    return box.width + 0.25 * line.size


def _excerpt(text: str) -> str:
    """How a text begins and ends, with a gap between the two where some is left out."""
    encoded = text.encode(errors="replace")  # half of a surrogate pair is no character
    if len(encoded) <= FIRST + LAST + 1:
        return encoded.decode()
    return encoded[:FIRST].decode(errors="ignore") + "\t" + encoded[-LAST:].decode(errors="ignore")
