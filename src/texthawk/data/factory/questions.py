"""How questions and answers are worded: yes and no, what is not there, and sums of money and dates as they are printed."""

from collections.abc import Sequence

from texthawk.data.factory.document import Asked
from texthawk.data.factory.order import Order
from texthawk.model.transcript import NO, NOT_HERE, YES
from texthawk.model.working import list_of
from texthawk.types import Box


def look_up(question: str, answer: str, *boxes: Box, accepted: Sequence[str] = (), task: str = "docvqa") -> Asked:
    """A question whose answer is printed in `boxes`."""
    return Asked(question, answer, task, accepted=_accepted(answer, accepted), evidence=boxes)


def count(question: str, listed: Sequence[str], *, task: str = "docvqa") -> Asked:
    """How many of something are on the page. listed: what they are called there, or how the text of each begins."""
    return Asked(question, str(len(listed)), task, kind="count", working=list_of(listed))


def yes_no(order: Order, question: str, truth: bool, *, task: str = "docvqa") -> Asked:
    """A question that is answered by yes or no, in the language of the document's questions."""
    return Asked(question, (YES if truth else NO)[order.speech], task, kind="yes/no")


def absent(order: Order, question: str, *, task: str = "docvqa") -> Asked:
    """A question whose answer is not on the page."""
    return Asked(question, NOT_HERE[order.speech], task, kind="absent")


def _accepted(answer: str, others: Sequence[str]) -> tuple[str, ...]:
    return (answer, *(other for other in others if other != answer)) if others else ()
