"""Questions over many pages: the best passages are found in what was read, and the model is asked about their pages."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from texthawk.decode.asked import ANSWER_TOKENS, Form, can_answer, check_question, said
from texthawk.decode.documents.evidence import Evidence, Index
from texthawk.types import Page

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.reader import Reader

NOT_LEARNED = "not_learned"


@dataclass(frozen=True)
class DocumentAnswer:
    """text: None where the model has not learned to answer, or where no page has anything to do with the question.

    confidence: the geometric mean of the tokens' probabilities. page: on which the answer was found. value: what a closed
    answer says, the choice or the parsed JSON; a closed question is always answered, also by a model that has not learned
    to (`learned`), whose answer is a guess.
    """

    question: str
    text: str | None
    confidence: float
    finish_reason: str
    page: int | None
    evidence: tuple[Evidence, ...] = ()
    value: Any = None
    learned: bool = True


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

    pages: can be gone through more than once. picture: of a page by its number. form, limit: of each answer.
    """
    asked = list(questions)
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
