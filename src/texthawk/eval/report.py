"""Rows of scores as a table, aligned for a terminal or in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Column:
    """A key of the rows, what stands above it, and the format of its values."""

    key: str
    heading: str
    format: str


NAMES = (Column("set", "set", ""), Column("kind", "kind", ""), Column("system", "system", ""))
"""What a row is called by; kinds are shown only where a row has one."""


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column],
    *,
    markdown: bool = False,
    names: Sequence[Column] = NAMES,
) -> str:
    """Names on the left, numbers on the right; a value of None shows as "-"."""
    names = [name for name in names if name.key != "kind" or any(row.get("kind") for row in rows)]
    every = (*names, *columns)
    cells = [[c.heading for c in every]] + [[_cell(row[c.key], c.format) for c in every] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        [
            cell.ljust(width) if i < len(names) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in cells
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    rule = ["-" * (w + 2) if i < len(names) else "-" * (w + 1) + ":" for i, w in enumerate(widths)]
    written = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([written[0], "|" + "|".join(rule) + "|", *written[1:]])


def _cell(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)
