"""Where the words of an answer are printed on the page that it was read from."""

from collections.abc import Iterator, Sequence

from texthawk.decode.documents.evidence import Evidence
from texthawk.decode.phrases import LONGEST, Run, exact_runs, runs_of
from texthawk.model.transcript import NO, NOT_HERE, YES
from texthawk.types import Box, Page, box_around

SHORT = 2  # letters: what is no longer stands in many places, and counts only near what the question has
MISREAD = 80  # letters up to which an answer is also looked for with letters that differ, which takes time
_DOWN = 10  # a value stands beside its label or right below: what lies down the page is so much further away
_UNPRINTED = frozenset(text.casefold() for text in (*NO.values(), *YES.values(), *NOT_HERE.values()))


def says_nothing(answer: str) -> bool:
    """Whether an answer says that the page does not have it."""
    return _plain(answer) in {"", *map(_plain, NOT_HERE.values())}


def quoted(answer: str, page: Page, passages: Sequence[Evidence], rows: Sequence[str] = ()) -> Evidence | None:
    """Where an answer's text stands, to the letter or nearly so; of several places the one nearest to the question's words.

    passages: that share something with the question. rows: of print that the answer is taken from; a place on one of them goes
    before any other. None for what is printed nowhere, and for yes and no.
    """
    text = " ".join(answer.split())
    if not text or len(text) > LONGEST or _plain(text) in _UNPRINTED:
        return None
    telling = [word for one in passages if one.page == page.number for word in one.words]
    if len(text) <= SHORT and not telling and not rows:
        return None
    runs = exact_runs(text, page) or (runs_of(text, page) if len(text) <= MISREAD else [])
    if not runs:
        return None
    nearest = [run for run in runs if run.edits == runs[0].edits]
    words = [set(row.split()) for row in rows]

    def rank(run: Run) -> tuple[float, float]:
        beside = set(_beside(run.boxes[0], page))
        shared = max((len(beside & row) / max(1, len(beside | row)) for row in words), default=0.0)
        return -shared, min((_apart(run.boxes[0], word) for word in telling), default=0.0)

    chosen = min(nearest, key=rank)
    return Evidence(page.number, chosen.text, box_around(chosen.boxes), chosen.boxes, 0.0, quoted=True)


def _beside(box: Box, page: Page) -> Iterator[str]:
    """The words whose middle is at the height of a box."""
    for word in page.words:
        if word.box is not None and box.top <= (word.box.top + word.box.bottom) / 2 <= box.bottom:
            yield word.text


def _apart(box: Box, other: Box) -> float:
    across = max(0.0, box.left - other.right, other.left - box.right)
    down = max(0.0, box.top - other.bottom, other.top - box.bottom)
    return across + _DOWN * down


def _plain(text: str) -> str:
    return text.strip().rstrip(".").casefold()
