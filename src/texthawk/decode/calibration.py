"""Confidence that means what it says: of the words given 0.8, about eight in ten are right.

A model's own probabilities are too sure or too modest, but in the right order. A calibration is a map from them to the
share of words that were right among held-out ones, rising all the way; it lies beside the weights as a small JSON file.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

FILE = "calibration.json"


@dataclass(frozen=True)
class Calibration:
    """Points of a map that rises from left to right; between them it is a straight line.

    scores: ascending, in [0, 1]. shares: of the same length, never falling. words: how many it was fitted on.
    """

    scores: tuple[float, ...]
    shares: tuple[float, ...]
    words: int = 0

    def __post_init__(self) -> None:
        for name, values in (("scores", self.scores), ("shares", self.shares)):
            if not values or sorted(values) != list(values) or values[0] < 0 or values[-1] > 1:
                raise ValueError(f"calibration {name} are {values}; they must rise and lie between 0 and 1")
        if len(self.scores) != len(self.shares):
            raise ValueError(f"calibration has {len(self.scores)} scores and {len(self.shares)} shares; fit it again")

    def __call__(self, score: float) -> float:
        return float(np.interp(score, self.scores, self.shares))

    def save(self, folder: Path) -> Path:
        path = folder / FILE
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return path


def calibration_of(folder: Path) -> Calibration | None:
    """The calibration of a model's folder; None where there is none, ValueError where the file is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(tuple(record["scores"]), tuple(record["shares"]), int(record["words"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no calibration ({error}); remove it or fit it again") from error


def fitted(scores: Sequence[float], right: Sequence[bool], *, least: int = 20) -> Calibration:
    """The rising map with the least squared error (pool adjacent violators), as few points.

    Each level rests on at least `least` words, so that a handful of lucky ones do not make a certainty.
    """
    if len(scores) != len(right) or len(scores) < least:
        raise ValueError(f"{len(scores)} scores and {len(right)} verdicts; a calibration needs {least} of both")
    order = np.argsort(scores, kind="stable")
    ascending, hits = np.asarray(scores, dtype=float)[order], np.asarray(right, dtype=float)[order]
    pools: list[list[float]] = []  # words, sum of hits, sum of scores
    for start in range(0, len(ascending), least):
        part = slice(start, start + least if len(ascending) - start >= 2 * least else None)
        pools.append([len(hits[part]), hits[part].sum(), ascending[part].sum()])
        while len(pools) > 1 and pools[-2][1] / pools[-2][0] >= pools[-1][1] / pools[-1][0]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
        if part.stop is None:
            break
    centres = [total / count for count, _, total in pools]
    shares = [hit / count for count, hit, _ in pools]
    return Calibration(tuple(round(c, 6) for c in centres), tuple(round(s, 6) for s in shares), len(ascending))


def calibration_error(scores: Sequence[float], right: Sequence[bool], bins: int = 15) -> float:
    """Expected calibration error: the mean distance of confidence from accuracy over equal bins, weighted by words."""
    rows = reliability(scores, right, bins)
    total = sum(count for count, _, _ in rows)
    return sum(count * abs(score - share) for count, score, share in rows) / total if total else 0.0


def reliability(scores: Sequence[float], right: Sequence[bool], bins: int = 15) -> list[tuple[int, float, float]]:
    """For each bin that holds words: how many, their mean confidence, the share that was right."""
    values, hits = np.asarray(scores, dtype=float), np.asarray(right, dtype=float)
    places = np.minimum((values * bins).astype(int), bins - 1)
    rows = []
    for number in range(bins):
        inside = places == number
        if inside.any():
            rows.append((int(inside.sum()), float(values[inside].mean()), float(hits[inside].mean())))
    return rows
