"""What a person may ask: a question as plain text, and the form that its answer must have."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from texthawk.decode.grammar import GrammarConstraint, Schemas, check_choices
from texthawk.decode.printed import rows_of
from texthawk.model.answering import ASK, FIND
from texthawk.model.transcript import about, cited, language_of, marked, shown_rows
from texthawk.model.working import worked_out
from texthawk.types import Page

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.answers import Answer
    from texthawk.decode.reader import Reader

ANSWER_TOKENS = 256
LONGEST = 2000  # characters of a question
TOGETHER = 8  # questions that are answered in one batch


@dataclass(frozen=True)
class Form:
    """The form of a closed answer: one of some choices, or JSON that keeps a schema; ValueError unless it is one of the two."""

    choices: tuple[str, ...] | None = None
    schema: Any = None

    def __post_init__(self) -> None:
        if (self.choices is None) == (self.schema is None):
            raise ValueError("an answer has one form: give choices, or a schema, and not both")
        if self.choices is not None:
            check_choices(self.choices)

    def constraint(self, schemas: Schemas, limit: int) -> GrammarConstraint:
        """For one answer of at most `limit` tokens, its end included; ValueError where none can keep the form."""
        if self.choices is not None:
            return schemas.of_choices(self.choices, limit)
        return schemas.of_schema(self.schema, limit)

    def value(self, text: str) -> Any:
        """What an answer says: the choice, or the parsed JSON, whose numbers can be written as JSON again."""
        return text if self.choices is not None else json.loads(text, parse_float=_finite)


def _finite(number: str) -> float:
    """A schema allows 1e999, which Python takes for infinity, which is no JSON."""
    return max(-sys.float_info.max, min(sys.float_info.max, float(number)))


def form_of(choices: Sequence[str] | None, schema: Any) -> Form | None:
    """The form, or None for an open answer."""
    if choices is None and schema is None:
        return None
    if isinstance(choices, str):
        raise ValueError(f"the choices are one text, {choices!r}; give a list of texts")
    return Form(None if choices is None else tuple(choices), schema)


def reserved_tokens(tokenizer: Any) -> list[str]:
    """Texts that frame a conversation or stand for a picture."""
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    return list(dict.fromkeys([*map(str, tokenizer.all_special_tokens), *special]))


def check_text(text: str, reserved: Sequence[str]) -> None:
    """ValueError when a text would be taken for the frame of a conversation or for a picture."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text holds half of a surrogate pair, which is no character; send valid Unicode")
    for token in reserved:
        if token in text:
            raise ValueError(f"the text holds {token}, which has a meaning of its own to the model; write it otherwise")


def check_question(question: str, tokenizer: Any) -> None:
    """ValueError says what is wrong with a question or a phrase."""
    if not question.strip():
        raise ValueError("the question or phrase is empty; write what is wanted")
    if len(question) > LONGEST:
        raise ValueError(f"the question or phrase has {len(question)} characters; {LONGEST} is the most")
    check_text(question, reserved_tokens(tokenizer))


@dataclass(frozen=True)
class Said:
    """The model's answer about one page: its text, what it says in its form, and how sure and how complete it is.

    working: the formula that the text was worked out from, "" where the model gave the text itself. rows: of print that it was
    taken from, as far as the model names them.
    """

    text: str
    value: Any
    confidence: float
    finish_reason: str
    working: str = ""
    rows: tuple[str, ...] = ()


def said(
    reader: "Reader",
    shown: "Image.Image | Page",
    questions: Sequence[str],
    form: Form | None = None,
    limit: int = ANSWER_TOKENS,
) -> list[Said]:
    """Ask several questions about a picture, which is encoded once for some of them together, or about a page's print.

    limit: tokens of an answer. confidence: the geometric mean of their probabilities before the form was laid on them.
    ValueError for a question or a form that cannot be.
    """
    for question in questions:
        check_question(question, reader.processor.tokenizer)
    if limit < 1:
        raise ValueError(f"the limit is {limit} tokens; an answer needs at least 1")
    picture = None if isinstance(shown, Page) else shown
    asker = reader.asker if picture is not None or reader.answers is None else reader.answers.asker
    sheets = about_pages(reader, [shown], questions) if isinstance(shown, Page) else [None] * len(questions)
    made: list[Said] = []
    for start in range(0, len(questions), TOGETHER):
        own = sheets[start : start + TOGETHER]
        prompts = [
            question if sheet is None else sheet.prompt for question, sheet in zip(questions[start:], own, strict=False)
        ]
        forms = None if form is None else [form.constraint(reader.schemas, limit) for _ in own]
        answers = asker.ask([picture] * len(own), prompts, [limit] * len(own), constraints=forms)
        made += [_said(answer, reader, form, sheet) for answer, sheet in zip(answers, own, strict=True)]
    return made


class Told(NamedTuple):
    """What an answer says, the formula that it was worked out from (or ""), and the rows that it names."""

    text: str
    working: str = ""
    rows: tuple[str, ...] = ()


class Sheet(NamedTuple):
    """A question and the rows of print that are shown with it."""

    question: str
    rows: list[str]

    @property
    def prompt(self) -> str:
        """What the model is given: the rows, each between its marks, and the question below them."""
        return about(marked(self.rows), self.question)

    def told(self, text: str, *, whole: bool) -> Told:
        """What an answer says: without its marks, and worked out unless it was cut off or is printed so."""
        text, numbers = cited(text, self.rows)
        text, rows = text.strip(), tuple(self.rows[number] for number in dict.fromkeys(numbers))
        formula = whole and text not in "\n".join(self.rows)
        told = worked_out(text, language_of(self.question)) if formula else text
        return Told(told, text if told != text else "", rows)


def about_pages(reader: "Reader", pages: Sequence[Page], questions: Sequence[str]) -> list[Sheet]:
    """Each question with what was read that is nearest to it, as the model was taught to answer from text."""
    tokenizer = reader.processor.tokenizer
    rows = [row for page in pages for row in rows_of(page)]
    rows = as_print("\n".join(rows), tokenizer).split("\n") if rows else []
    asked = [as_print(question, tokenizer) for question in questions]
    return [Sheet(question, shown_rows(rows, question)) for question in asked]


def as_print(text: str, tokenizer: Any) -> str:
    """A text in which nothing is taken for a token of its own: what is printed on a page is letters, "<image>" too."""
    for token in tokenizer.added_tokens_decoder.values():
        if len(token.content.strip()) > 1 and token.content in text:
            text = text.replace(token.content, f"{token.content[0]} {token.content[1:]}")
    return text


def _said(answer: "Answer", reader: "Reader", form: Form | None, sheet: Sheet | None) -> Said:
    text = reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True)
    confidence = math.exp(answer.likelihood) if answer.tokens else 0.0
    if form is not None:
        return Said(text, form.value(text), confidence, answer.finish_reason)
    told = Told(text.strip()) if sheet is None else sheet.told(text, whole=answer.whole)
    return Said(told.text, None, confidence, answer.finish_reason, told.working, told.rows)


def tasks_of(reader: "Reader") -> list[str]:
    """What the model was trained for, as its config tells; one that tells nothing reads text."""
    told = list(reader.model.config.to_dict().get("tasks", ["text"]))
    own = [] if reader.answers is None else tasks_of(reader.answers)
    return [*told, *(task for task in own if task not in told)]


def can_answer(reader: "Reader") -> bool:
    """Whether the model was trained to answer questions, about pictures or about what was read."""
    return "ask" in tasks_of(reader) or answers_from_text(reader)


def answers_from_text(reader: "Reader") -> bool:
    """Whether the model was trained to answer from what was read, which is then shown to it instead of the picture."""
    return ASK in tasks_of(reader)


def can_point(reader: "Reader") -> bool:
    """Whether the model was trained to tell places of what is described."""
    return FIND in tasks_of(reader)
