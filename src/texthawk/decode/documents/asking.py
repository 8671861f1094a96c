"""Questions over many pages: the best passages are found in what was read, and the model is asked about their pages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
    index = Index(pages)
    made = []
    for question in questions:
        check_question(question, reader.processor.tokenizer)
        found = tuple(index.best(question, pages, looked_at))
        numbers = list(dict.fromkeys(evidence.page for evidence in found))
        if form is not None and not numbers:
            numbers = [page.number for page, _ in zip(pages, range(1), strict=False)]
        made.append(answer_on(numbers, question, picture, reader, form=form, limit=limit, evidence=found))
    return made


def answer_on(
    numbers: Iterable[int],
    question: str,
    picture: Callable[[int], "Image.Image"],
    reader: "Reader",
    *,
    form: Form | None = None,
    limit: int = ANSWER_TOKENS,
    evidence: tuple[Evidence, ...] = (),
) -> DocumentAnswer:
    """The surest of the answers that the model gives for some pages."""
    learned = can_answer(reader)
    reason = "stop" if learned else NOT_LEARNED
    best = DocumentAnswer(question, None, 0.0, reason, None, evidence, learned=learned)
    for number in numbers if learned or form is not None else ():
        answer = said(reader, picture(number), question, form, limit)
        if best.text is None or answer.confidence > best.confidence:
            best = DocumentAnswer(
                question, answer.text, answer.confidence, answer.finish_reason, number, evidence, answer.value, learned
            )
    return best
