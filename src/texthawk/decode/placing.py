"""Which row of a window a line was read from, where the model gave more or fewer lines than the window has rows.

Lines keep the order of the rows, and a line with many letters was read from a long row. What is found is an estimate: it says
where a line stands to within a row or so, which is more than no place at all.

Shape letters:  N lines   M rows
"""

import math
from collections.abc import Sequence

import numpy as np

USUAL = 0.45  # width of a letter, in heights of the line's ink
LONGEST = 64  # lines that are placed; an answer with more of them has lost its way


def rows_of(letters: Sequence[float], widths: Sequence[float], heights: Sequence[float]) -> list[int] | None:
    """The row of each line, never falling; None where lines and rows cannot be put together.

    letters: (N,) of each line. widths, heights: (M,) of each row's ink, in pixels of one scale. With fewer lines than rows,
    some rows were read by no line; with more, each row by one line or several that follow each other.
    """
    if not letters or not widths or len(letters) > LONGEST:
        return None
    count = np.maximum(1.0, np.asarray(letters, dtype=float))
    room = np.maximum(1e-6, np.asarray(widths, dtype=float) / np.maximum(1.0, np.asarray(heights, dtype=float)))
    letter, rows = USUAL, list[int]()
    for _ in range(2):  # the second time with the letters' width that the first one shows
        rows = _skipping(count * letter, room) if len(count) <= len(room) else _sharing(count * letter, room)
        letter *= math.exp(float(np.median(_misfits(count * letter, room, rows))))
    return rows


def _misfits(lengths: np.ndarray, room: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """For each row that was read, the logarithm of its length over that of its lines."""
    read = sorted(set(rows))
    held = np.bincount(rows, weights=lengths, minlength=len(room))
    return np.log(room[read] / held[read])


def _skipping(lengths: np.ndarray, room: np.ndarray) -> list[int]:
    """A row for each of N <= M lines, each later than the one before."""
    lines, rows = len(lengths), len(room)
    cost = np.abs(np.log(lengths[:, None] / room[None, :]))
    best = np.full((lines + 1, rows + 1), np.inf)
    best[0] = 0.0
    for line in range(1, lines + 1):
        for row in range(line, rows + 1):
            best[line, row] = min(best[line, row - 1], best[line - 1, row - 1] + cost[line - 1, row - 1])
    found, row = list[int](), rows
    for line in range(lines, 0, -1):
        while row > line and best[line, row - 1] <= best[line, row]:
            row -= 1
        row -= 1
        found.append(row)
    return found[::-1]


def _sharing(lengths: np.ndarray, room: np.ndarray) -> list[int]:
    """A row for each of N > M lines, every row for one line or several in succession."""
    lines, rows = len(lengths), len(room)
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    best = np.full((rows + 1, lines + 1), np.inf)
    best[0, 0] = 0.0
    start = np.zeros((rows + 1, lines + 1), dtype=int)
    for row in range(1, rows + 1):
        for end in range(row, lines - (rows - row) + 1):
            starts = np.arange(row - 1, end)
            costs = best[row - 1, starts] + np.abs(np.log((before[end] - before[starts]) / room[row - 1]))
            chosen = int(costs.argmin())
            best[row, end], start[row, end] = costs[chosen], starts[chosen]
    found, end = [0] * lines, lines
    for row in range(rows, 0, -1):
        first = int(start[row, end])
        found[first:end] = [row - 1] * (end - first)
        end = first
    return found
