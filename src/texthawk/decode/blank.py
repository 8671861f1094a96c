"""Nothing is invented: pages without ink are blank, and what a model says of an illegible window is left out.

A model that is shown a smear still says something. How much it owes to what it sees shows when the same answer is put
beside the window's mirror image, which has the same ink in as many lines and no letters: print makes its own text far
likelier than its mirror image does, a smear does not.
"""

import math
from collections.abc import Sequence

from PIL import Image

from texthawk.decode.answers import Answer, Asker

SURE = -0.15  # mean log-probability of a token: surer answers are not put to the test; smears and grain reach -0.23
GAIN = 1.2  # nats a token that a window must make its text likelier than its mirror image: print has 1.5, clouds 0.9
EVIDENCE = 20.0  # nats that it must make it likelier in all: a few tokens may be so by chance, by 18 in noise
TOLD = 96  # tokens of an answer that are put to the test: more of them tell the same
GUESSED = math.log(0.5)  # mean log-probability below which what a whole page is said to hold is guessed

NO_INK = "the page holds no ink that could be text"
NO_TEXT = "the model finds no text in what ink the page holds"
ILLEGIBLE = "what is on the page cannot be read: the text that the model gave it does not depend on it"


def legible(
    asker: Asker, pictures: Sequence[Image.Image], question: str, answers: Sequence[Answer], batch: int
) -> list[bool]:
    """For each window of a page whether its answer was read from it; an empty answer was.

    Where the tokens of all windows together are no more than guesses, none was. batch: pictures that are looked at together.
    """
    tokens = sum(len(answer.tokens) for answer in answers)
    if tokens and sum(sum(answer.log_probabilities) for answer in answers) / tokens < GUESSED:
        return [not answer.tokens for answer in answers]
    verdicts = [not answer.tokens or (answer.whole and answer.likelihood >= SURE) for answer in answers]
    doubtful = [k for k, fine in enumerate(verdicts) if not fine]
    for start in range(0, len(doubtful), batch):
        part = doubtful[start : start + batch]
        owed = gains(asker, [pictures[k] for k in part], question, [answers[k] for k in part])
        for k, gain in zip(part, owed, strict=True):
            verdicts[k] = gain >= max(GAIN, EVIDENCE / len(answers[k].tokens))
    return verdicts


def gains(asker: Asker, pictures: Sequence[Image.Image], question: str, answers: Sequence[Answer]) -> list[float]:
    """How many nats a token each picture makes its answer, which has tokens, likelier than its mirror image does."""
    if not pictures:
        return []
    mirrored = [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures]
    without = asker.log_probabilities(mirrored, question, [answer.tokens[:TOLD] for answer in answers])
    return [
        (sum(answer.log_probabilities[:TOLD]) - sum(values)) / len(values)
        for answer, values in zip(answers, without, strict=True)
    ]
