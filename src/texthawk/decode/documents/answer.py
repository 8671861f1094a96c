"""What a question about a document is answered with."""

from dataclasses import dataclass
from typing import Any

from texthawk.decode.documents.evidence import Evidence


@dataclass(frozen=True)
class DocumentAnswer:
    """text: None where the model has not learned to answer, or where no page has anything to do with the question.

    confidence: the geometric mean of the tokens' probabilities. page: on which the answer was found. value: what a closed
    answer says, the choice or the parsed JSON; a closed question is always answered, also by a model that has not learned
    to (`learned`), whose answer is a guess. working: the formula of printed numbers that the text was worked out from, "" for
    none; the places of its numbers are the evidence.
    """

    question: str
    text: str | None
    confidence: float
    finish_reason: str
    page: int | None
    evidence: tuple[Evidence, ...] = ()
    value: Any = None
    learned: bool = True
    working: str = ""
