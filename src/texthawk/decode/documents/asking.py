"""Questions over many pages: the best passages are found in what was read, and the model is asked about their pages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from texthawk.decode.asked import ANSWER_TOKENS, Form, answers_from_text, can_answer, check_question, said
from texthawk.decode.documents.answer import DocumentAnswer
from texthawk.decode.documents.evidence import Evidence, Index
from texthawk.decode.documents.text_answers import text_answers
from texthawk.types import Page

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.reader import Reader

NOT_LEARNED = "not_learned"


def answers(
    pages: Iterable[Page],
    questions: Iterable[str],
    picture: Callable[[int], "Image.Image"],
    reader: "Reader",
    *,
    looked_at: int = 3,
    form: Form | None = None,
    limit: int = ANSWER_TOKENS,
) -> list[DocumentAnswer]:
    """One answer to each question: of those that the model gives for the `looked_at` best passages' pages, the surest.

    pages: can be gone through more than once. picture: of a page by its number, for a model that looks at it. form, limit:
    of each answer.
    """
    asked = list(questions)
    if answers_from_text(reader):
        return text_answers(pages, asked, reader, looked_at=looked_at, form=form, limit=limit)
    for question in asked:
        check_question(question, reader.processor.tokenizer)
    index = Index(pages)
    found = [tuple(index.best(question, pages, looked_at)) for question in asked]
    numbers = [list(dict.fromkeys(one.page for one in evidence)) for evidence in found]
    if form is not None:
        first = [page.number for page, _ in zip(pages, range(1), strict=False)]
        numbers = [own or first for own in numbers]
    return answers_on(numbers, asked, picture, reader, form=form, limit=limit, evidence=found)


def answers_on(
    numbers: Sequence[Sequence[int]],
    questions: Sequence[str],
    picture: Callable[[int], "Image.Image"],
    reader: "Reader",
    *,
    form: Form | None = None,
    limit: int = ANSWER_TOKENS,
    evidence: Sequence[tuple[Evidence, ...]] | None = None,
) -> list[DocumentAnswer]:
    """To each question the surest of the answers that the model gives for its pages; a page is drawn once for all of them."""
    learned = can_answer(reader)
    reason = "stop" if learned else NOT_LEARNED
    shown = evidence or [()] * len(questions)
    best = [
        DocumentAnswer(question, None, 0.0, reason, None, own, learned=learned)
        for question, own in zip(questions, shown, strict=True)
    ]
    for number in sorted({number for own in numbers for number in own}) if learned or form is not None else ():
        wanted = [k for k, own in enumerate(numbers) if number in own]
        for k, answer in zip(
            wanted, said(reader, picture(number), [questions[k] for k in wanted], form, limit), strict=True
        ):
            if best[k].text is None or answer.confidence > best[k].confidence:
                best[k] = replace(
                    best[k],
                    text=answer.text,
                    confidence=answer.confidence,
                    finish_reason=answer.finish_reason,
                    page=number,
                    value=answer.value,
                )
    return best
