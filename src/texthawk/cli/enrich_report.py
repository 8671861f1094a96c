"""What `texthawk enrich` tells while it runs and when it is done."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texthawk.data.dropped import Dropped
    from texthawk.data.enrich.run import Report
    from texthawk.data.enrich.written import Written


def line_on_terminal() -> "Callable[[Report], None]":
    """A line on stderr that says how far the run is, where stderr is a terminal."""
    if not sys.stderr.isatty():
        return lambda report: None

    def show(report: "Report") -> None:
        failed = report.failed.total()
        print(
            f"\r{report.pages} pages, {report.answered} annotations, {failed} failed, {report.spent.tokens} tokens",
            end="\x1b[K",
            file=sys.stderr,
            flush=True,
        )

    return show


def tell_spent_before(report: "Report", tokens: int) -> None:
    """What runs before this one cost, of all that the ledger knows of."""
    before = tokens - report.spent.tokens
    if before > 0:
        tell(f"earlier runs into this folder spent {before} tokens")


def tell_report(report: "Report", written: "Written", folder: Path) -> None:
    """Results and cost on stdout, everything that went wrong on stderr, by reason."""
    spent = report.spent
    print(f"{written.examples} pages and {written.conversations} conversations, {written.turns} new turns, in {folder}")
    print(f"{report.answered} annotations now, {report.there_already} there already, {report.failed.total()} failed")
    print(
        f"{spent.prompt_tokens} tokens of prompts and {spent.completion_tokens} of replies, "
        f"{spent.unusable} of them for replies that could not be used"
    )
    if report.without_usage:
        tell(f"{report.without_usage} replies came without a count of tokens, so that more was spent than counted")
    for what, counts in (
        ("replies that could not be used", report.unusable),
        ("requests that failed", report.troubles),
    ):
        for reason, count in counts.most_common():
            tell(f"{what}: {count} x {reason}")
    for reason, count in report.failed.most_common():
        tell(f"not annotated: {count} x {reason} (first: {report.first_failed[reason]})")
    if report.stopped:
        tell(f"stopped early: {report.stopped}; the same command goes on")


def told_dropped(dropped: "Dropped") -> bool:
    """Whether anything of the source was left out, after telling it."""
    if dropped.count:
        tell(f"left out: {dropped}")
    return bool(dropped.count)


def tell(line: str) -> None:
    print(f"texthawk: {line}", file=sys.stderr, flush=True)
