"""Data that cannot be used is left out and counted by reason; too much of it ends the run."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

MOST = 0.01
"""The share of records that may be left out."""
ENOUGH = 1000
"""Records after which the share is watched while reading; it always is at the end."""

Record = TypeVar("Record")
Made = TypeVar("Made")


class Unusable(ValueError):
    """A record that cannot be used; the message is a reason that many records may share."""


class Dropped:
    """Counts what was read and what was left out.

    `reasons` maps each reason to how often it was met, `first` to the record it was met at first.
    """

    def __init__(self, name: str) -> None:
        self.name, self.seen = name, 0
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    @property
    def count(self) -> int:
        return self.reasons.total()

    def leave_out(self, reason: str, record: str) -> None:
        """Count a record that was left out; it counts as seen by `use`."""
        self.reasons[reason] += 1
        self.first.setdefault(reason, record)

    def use(self, records: Iterable[tuple[str, Record]], make: Callable[[Record], Made]) -> Iterator[Made]:
        """What `make` gives for each (name, record); one that it cannot make is left out and counted.

        Raises ValueError with all reasons once more than 1% are left out, watched from the thousandth record on.
        """
        for name, record in records:
            self.seen += 1
            try:
                made = make(record)
            except KeyError as error:
                self.leave_out(f"no field {error.args[0]!r}", name)
            except json.JSONDecodeError:
                self.leave_out("it is no JSON", name)
            except Unusable as error:
                self.leave_out(str(error), name)
            except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
                self.leave_out(f"a field's content does not fit ({type(error).__name__})", name)
            except OSError as error:
                self.leave_out(f"a file of it cannot be read ({type(error).__name__})", name)
            else:
                yield made
            if self.seen >= ENOUGH:
                self.check()

    def check(self, elsewhere: int = 0) -> None:
        """ValueError where more than 1% of the records seen were left out; elsewhere: how many were by others who count too."""
        count = self.count + elsewhere
        if count > MOST * self.seen:
            raise ValueError(
                f"{self.name}: {count} of {self.seen} records cannot be used, more than {MOST:.0%}: {self}; mend "
                "the data, or check that its layout is the one that the reader describes"
            )

    def __str__(self) -> str:
        return "; ".join(
            f"{count} x {reason} (first: {self.first[reason]})" for reason, count in self.reasons.most_common()
        )
