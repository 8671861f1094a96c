"""A window that was not read to its end is read again: set a little smaller, set smaller still, then with other dice.

Each rung asks only about the windows that are still wanting, and an answer that came to its end is never asked again.
"""

from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from texthawk.decode.answers import Answer, Asker
from texthawk.decode.windows import Window
from texthawk.image.rows import RowSetting, set_rows

RUNGS: tuple[tuple[float, int | None], ...] = ((0.9, None), (0.78, None), (1.0, 1), (0.9, 2))
"""How large the lines are set beside their first size, and the seed where tokens are drawn; None takes the likeliest."""


def read_again(
    asker: Asker,
    page: Image.Image,
    windows: Sequence[Window],
    answers: Sequence[Answer],
    question: str,
    limits: Sequence[int],
    setting: RowSetting,
) -> list[Answer]:
    """The answers, with those that looped or grew too long replaced by a later one that did not, where there is one.

    Where no rung helps, the answer stays whose lines are nearest in number to those of the window.
    """
    tried = [[answer] for answer in answers]
    for size, seed in RUNGS:
        wanting = [k for k, attempts in enumerate(tried) if not attempts[-1].whole]
        if not wanting:
            break
        pictures = [_set(page, windows[k], setting, size) for k in wanting]
        seeds = None if seed is None else [seed] * len(wanting)
        rows = [len(windows[k].pieces) for k in wanting]
        fresh = asker.ask(pictures, question, [limits[k] for k in wanting], rows=rows, seeds=seeds)
        for k, answer in zip(wanting, fresh, strict=True):
            tried[k].append(answer)
    return [_best(attempts, len(window.pieces), asker) for attempts, window in zip(tried, windows, strict=True)]


def _set(page: Image.Image, window: Window, setting: RowSetting, size: float) -> Image.Image:
    if size == 1.0:
        return window.image
    pieces = [(piece.box, piece.scale * size) for piece in window.pieces]
    leans = [piece.lean for piece in window.pieces]
    upward = [piece.upward for piece in window.pieces]
    return set_rows(page, pieces, setting.of_rows(len(pieces)), leans=leans, upward=upward)[0]


def _best(attempts: Sequence[Answer], rows: int, asker: Asker) -> Answer:
    if attempts[-1].whole:
        return attempts[-1]
    best = min(attempts, key=lambda answer: abs(_lines(answer, asker) - rows))
    return replace(best, finish_reason=attempts[0].finish_reason)


def _lines(answer: Answer, asker: Asker) -> int:
    return sum(bool(line.strip()) for line in asker.text_of(answer.tokens).split("\n"))
