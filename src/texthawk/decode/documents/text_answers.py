"""Answers from what was read: the model is shown the rows of a page as text, and its answer is looked up on the page."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from texthawk.decode.asked import Form, Said, check_question, said
from texthawk.decode.documents.answer import DocumentAnswer
from texthawk.decode.documents.evidence import Evidence, Index
from texthawk.decode.documents.quoted import quoted, says_nothing
from texthawk.decode.fields import MISSING, Field, fields_of, object_of
from texthawk.model.working import copied
from texthawk.types import Page

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader

NOTHING_READ = "blank"


class Asked(NamedTuple):
    """What the model is asked, and the form of its answer; None for an open one."""

    question: str
    form: Form | None


def text_answers(
    pages: Iterable[Page],
    questions: Sequence[str],
    reader: "Reader",
    *,
    looked_at: int = 3,
    form: Form | None = None,
    limit: int,
) -> list[DocumentAnswer]:
    """One answer to each question: the surest of those about the pages of its `looked_at` best passages, or the first pages.

    pages: can be gone through more than once; one is in memory at a time. limit: tokens of an answer, or of each field of
    one. An open question has no text (`finish_reason` "blank") where nothing was read.
    """
    for question in questions:
        check_question(question, reader.processor.tokenizer)
    if form is not None:
        form.constraint(reader.schemas, limit)  # also where its fields are asked for one by one
    fields = [fields_of(question, form) for question in questions]
    asked: list[Asked] = []
    for question, own in zip(questions, fields, strict=True):
        asked += [Asked(question, form)] if own is None else [Asked(field.question, field.form) for field in own]

    def ask(some: Sequence[Asked]) -> list[DocumentAnswer]:
        return _answered(pages, some, reader, looked_at, limit)

    found = iter(ask(asked))
    empty = next(iter(pages), None) is None
    made = []
    for question, own in zip(questions, fields, strict=True):
        if own is None:
            made.append(next(found))
            continue
        parts = [next(found) for _ in own]
        unread = empty or (form is None and all(part.text is None for part in parts))
        made.append(replace(parts[0], question=question) if unread else _joined(question, own, parts, ask))
    return made


def _answered(
    pages: Iterable[Page], asked: Sequence[Asked], reader: "Reader", looked_at: int, limit: int
) -> list[DocumentAnswer]:
    index = Index(pages)
    first = {page.number for page, _ in zip(pages, range(looked_at), strict=False)}
    passages = [tuple(index.best(one.question, pages, looked_at)) for one in asked]
    numbers = [{passage.page for passage in own} or first for own in passages]
    best = [
        DocumentAnswer(one.question, None, 0.0, NOTHING_READ, None, own)
        for one, own in zip(asked, passages, strict=True)
    ]
    ranks = [(False, -1.0)] * len(asked)
    for page in pages:
        here = [k for k, own in enumerate(numbers) if page.number in own]
        for k, answer in _about(page, here, asked, reader, limit):
            rank = (not says_nothing(answer.text), answer.confidence)
            if rank > ranks[k]:
                ranks[k], best[k] = rank, _taken(best[k], answer, page, passages[k])
    return best


def _about(
    page: Page, wanted: Sequence[int], asked: Sequence[Asked], reader: "Reader", limit: int
) -> list[tuple[int, Said]]:
    """The wanted questions with the answers to them; those of one form go through the model together."""
    forms: list[Form | None] = []
    for k in wanted:
        if asked[k].form not in forms:
            forms.append(asked[k].form)
    made: list[tuple[int, Said]] = []
    for form in forms if page.lines else [form for form in forms if form is not None]:
        alike = [k for k in wanted if asked[k].form == form]
        made += zip(alike, said(reader, page, [asked[k].question for k in alike], form, limit), strict=True)
    return made


def _taken(before: DocumentAnswer, answer: Said, page: Page, passages: Sequence[Evidence]) -> DocumentAnswer:
    pieces = [piece for _, piece in copied(answer.working)] or [answer.text]
    places = [place for piece in pieces if (place := quoted(piece, page, passages, answer.rows)) is not None]
    return replace(
        before,
        text=answer.text,
        confidence=answer.confidence,
        finish_reason=answer.finish_reason,
        page=page.number,
        value=answer.value,
        evidence=(*dict.fromkeys(places), *passages),
        working=answer.working,
    )


def _joined(
    question: str,
    fields: Sequence[Field],
    answers: Sequence[DocumentAnswer],
    ask: Callable[[Sequence[Asked]], list[DocumentAnswer]],
) -> DocumentAnswer:
    """The JSON of all fields, as sure as its least sure one; it is on the page that has most of them."""
    parts = list(answers)
    values = {field.name: _value(field, part) for field, part in zip(fields, parts, strict=True)}
    wanting = [k for k, field in enumerate(fields) if field.required and values[field.name] is MISSING]
    forced = [fields[k].forced for k in wanting]
    given = ask([Asked(field.question, field.form) for field in forced]) if forced else []
    for k, field, part in zip(wanting, forced, given, strict=True):
        parts[k], values[field.name] = part, _value(field, part)
    there = [part for field, part in zip(fields, parts, strict=True) if values[field.name] not in (MISSING, None, "")]
    where = Counter(part.page for part in there).most_common(1)
    text = object_of(values)
    return DocumentAnswer(
        question,
        text,
        min((part.confidence for part in parts if part.text is not None), default=0.0),
        next((part.finish_reason for part in parts if part.finish_reason not in ("stop", NOTHING_READ)), "stop"),
        where[0][0] if where else next((part.page for part in parts if part.page is not None), None),
        tuple(dict.fromkeys(passage for part in there for passage in part.evidence[:1])),
        {name: value for name, value in values.items() if value is not MISSING},
    )


def _value(field: Field, answer: DocumentAnswer) -> Any:
    if answer.text is None or (field.form is None and says_nothing(answer.text)):
        return field.without
    value = field.value(answer.text, answer.value)
    return field.without if value is MISSING else value
