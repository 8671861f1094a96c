"""Questions over many pages: the best passages are found in what was read, and the model is asked about their pages."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from texthawk.decode.documents.evidence import Evidence, Index
from texthawk.types import Page

if TYPE_CHECKING:
    from PIL import Image

    from texthawk.decode.reader import Reader

ANSWER_TOKENS = 256


@dataclass(frozen=True)
class DocumentAnswer:
    """text: None where the model has not learned to answer, or where no page has anything to do with the question.

    confidence: the geometric mean of the tokens' probabilities. page: on which the answer was found.
    """

    question: str
    text: str | None
    confidence: float
    finish_reason: str
    page: int | None
    evidence: tuple[Evidence, ...]


def answers(
    pages: Iterable[Page],
    questions: Iterable[str],
    picture: Callable[[int], "Image.Image"],
    reader: "Reader",
    *,
    looked_at: int = 3,
) -> list[DocumentAnswer]:
    """One answer to each question: of those that the model gives for the `looked_at` best passages' pages, the surest.

    pages: can be gone through more than once. picture: of a page by its number.
    """
    index = Index(pages)
    learned = can_answer(reader)
    made = []
    for question in questions:
        found = index.best(question, pages, looked_at)
        best = DocumentAnswer(question, None, 0.0, "stop" if learned else "not_learned", None, tuple(found))
        for number in dict.fromkeys(evidence.page for evidence in found) if learned else ():
            (answer,) = reader.asker.ask([picture(number)], question, [ANSWER_TOKENS])
            confidence = math.exp(answer.likelihood) if answer.tokens else 0.0
            if confidence > best.confidence:
                text = reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True).strip()
                best = DocumentAnswer(question, text, confidence, answer.finish_reason, number, tuple(found))
        made.append(best)
    return made


def can_answer(reader: "Reader") -> bool:
    """Whether the model was trained to answer questions, as its config tells."""
    return "ask" in reader.model.config.to_dict().get("tasks", ["text"])
