"""Key fields as a multiset of (path, value), and how many of them two documents share."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Shared(NamedTuple):
    """Fields that both have, and those that the prediction and the reference have."""

    common: int
    predicted: int
    expected: int

    @property
    def f1(self) -> float:
        """1 where neither has any field."""
        total = self.predicted + self.expected
        return 2 * self.common / total if total else 1.0


def shared(prediction: Any, reference: Any) -> Shared:
    """See `texthawk.eval.metrics.field_f1`."""
    predicted, expected = Counter(_pairs(prediction, "")), Counter(_pairs(reference, ""))
    return Shared((predicted & expected).total(), predicted.total(), expected.total())


def _pairs(value: Any, path: str) -> list[tuple[str, str]]:
    if not value:
        return []
    if isinstance(value, Mapping):
        return [
            pair for name, inner in value.items() for pair in _pairs(inner, f"{path}.{name}" if path else str(name))
        ]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(item, Mapping) for item in value):
            return [pair for item in value for pair in _pairs(item, path)]
        scalars = [str(item).strip() for item in value if type(item) in (str, int, float)]
        return [(path, scalar) for scalar in scalars if scalar]
    return [(path, str(value).strip())]
