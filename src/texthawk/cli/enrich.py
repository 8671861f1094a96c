"""texthawk enrich: captions, thoughts, questions, conversations for pages, by a teacher behind an OpenAI-compatible endpoint."""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from texthawk.cli.enrich_report import line_on_terminal, tell, tell_report, tell_spent_before, told_dropped
from texthawk.cli.options import settings_of

if TYPE_CHECKING:
    from texthawk.data.dropped import Dropped
    from texthawk.data.enrich.asked import Asking
    from texthawk.data.enrich.endpoint import Endpoint
    from texthawk.data.enrich.kinds import Kind
    from texthawk.data.enrich.run import Report
    from texthawk.data.enrich.written import Written
    from texthawk.data.example import Example

LEDGER = "ledger.jsonl"
KINDS = ("caption", "thoughts", "questions", "chart", "conversation")
USUAL = ("caption", "thoughts", "questions")


def main(argv: list[str]) -> int:
    """0; 1 when some pages could not be annotated in full; 2 for wrong usage, or where the endpoint takes no request."""
    arguments = parser().parse_args(argv)
    try:
        return _enrich(arguments)
    except (ValueError, OSError) as error:
        print(f"texthawk enrich: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk enrich",
        description=__doc__,
        epilog="DIR gets images/, annotations.jsonl and conversations.jsonl, which the reader of folders takes with the splits "
        f"'annotations' and 'conversations', and {LEDGER}, by which a run that was broken off goes on: the same command "
        "asks only for what is missing. Replies that cannot be used are counted and asked for again, never kept.",
    )
    made.add_argument(
        "places", nargs="+", type=Path, metavar="PLACE", help="pages: files or folders of PDFs and pictures"
    )
    made.add_argument(
        "--set",
        metavar="NAME",
        help="PLACE is a data set in this layout instead, among them folder (JSON lines) and shards",
    )
    made.add_argument("--split", default="train", metavar="NAME", help="of the set (default: train)")
    made.add_argument("--limit", type=_count, metavar="N", help="only the first pages")
    made.add_argument("--dpi", type=_positive, default=150.0, metavar="N", help="of PDF pages (default: 150)")
    made.add_argument("--out", type=Path, metavar="DIR", help="for the annotations; needed unless --dry-run")
    made.add_argument(
        "--dry-run", action="store_true", help="say what would be asked and what it may cost; ask nothing"
    )

    teacher = made.add_argument_group("the teacher")
    teacher.add_argument("--endpoint", metavar="URL", help="up to and with /v1, as in http://localhost:8000/v1")
    teacher.add_argument("--model", required=True, metavar="NAME", help="as the endpoint calls it")
    teacher.add_argument(
        "--api-key-env", metavar="VARIABLE", help="of the environment that holds the key (default: no key)"
    )
    teacher.add_argument("--max-tokens", type=_count, default=4096, metavar="N", help="of a reply (default: 4096)")
    teacher.add_argument("--token-field", default="max_tokens", metavar="NAME", help="or max_completion_tokens")
    teacher.add_argument("--temperature", type=float, metavar="T", help="(default: the server's)")
    teacher.add_argument(
        "--reply-format",
        default="schema",
        choices=("schema", "object", "free"),
        help="what the server holds replies to: their schema, any JSON object, nothing (default: schema)",
    )
    teacher.add_argument(
        "--max-side", type=_count, default=2048, metavar="PX", help="of a picture sent (default: 2048)"
    )

    what = made.add_argument_group("what is asked")
    what.add_argument(
        "--kinds", type=_kinds, default=USUAL, metavar="A,B", help=f"of {', '.join(KINDS)} (default: {','.join(USUAL)})"
    )
    what.add_argument("--questions", type=_count, metavar="N", help="new ones a page (default: 10, charts 5)")
    what.add_argument("--rounds", type=_count, default=5, metavar="N", help="of a conversation at most (default: 5)")

    speed = made.add_argument_group("speed, patience, cost")
    speed.add_argument("--concurrency", type=_count, default=4, metavar="N", help="requests at a time (default: 4)")
    speed.add_argument("--requests-per-minute", type=_positive, metavar="N", help="(default: no limit)")
    speed.add_argument("--tokens-per-minute", type=_positive, metavar="N", help="(default: no limit)")
    speed.add_argument("--timeout", type=_positive, default=180.0, metavar="S", help="of a request (default: 180)")
    speed.add_argument("--retries", type=_number, default=3, metavar="N", help="after unusable replies (default: 3)")
    speed.add_argument(
        "--request-retries", type=_number, default=6, metavar="N", help="after failed requests (default: 6)"
    )
    speed.add_argument(
        "--patience", type=_positive, default=900.0, metavar="S", help="waited for one request in all (default: 900)"
    )
    speed.add_argument(
        "--stop-after", type=_count, default=20, metavar="N", help="failures in a row end the run (default: 20)"
    )
    speed.add_argument("--budget", type=_count, metavar="TOKENS", help="nothing more is asked once they are spent")
    return made


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _count(text: str) -> int:
    if _number(text) == 0:
        raise argparse.ArgumentTypeError("0 is too few; give 1 or more")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _kinds(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in KINDS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: kinds are {', '.join(KINDS)}, divided by commas")
    return names


def _enrich(arguments: argparse.Namespace) -> int:
    from texthawk.data.dropped import Dropped
    from texthawk.data.enrich.asked import Asking

    asking = settings_of(Asking, arguments)
    kinds = _chosen(arguments)
    dropped = Dropped("pages")
    if arguments.dry_run:
        _tell_plan(arguments, asking, kinds, dropped)
        return int(told_dropped(dropped))
    if arguments.out is None:
        raise ValueError(
            "there is no place for the annotations; give a folder with --out, or look first with --dry-run"
        )
    report, written = _asked(arguments, asking, kinds, dropped)
    tell_report(report, written, arguments.out)
    failed = told_dropped(dropped)
    return int(failed or bool(report.failed) or bool(report.stopped))


def _asked(
    arguments: argparse.Namespace, asking: "Asking", kinds: "dict[str, Kind]", dropped: "Dropped"
) -> "tuple[Report, Written]":
    import asyncio
    import time

    try:
        from texthawk.data.enrich.run import Enrichment, Patience
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("texthawk"):
            raise
        raise ValueError(f"{error.name} is not installed; install texthawk[enrich]") from error
    from texthawk.data.dropped import Dropped
    from texthawk.data.enrich.ledger import Ledger
    from texthawk.data.enrich.pace import Pace
    from texthawk.data.enrich.written import write

    endpoint = _endpoint(arguments)
    patience = Patience(
        arguments.retries, arguments.request_retries, arguments.patience, arguments.stop_after, arguments.budget
    )
    pace = Pace(arguments.requests_per_minute, arguments.tokens_per_minute, clock=time.monotonic)
    with Ledger(arguments.out / LEDGER) as ledger:
        enrichment = Enrichment(
            endpoint,
            kinds,
            asking,
            ledger,
            pace,
            patience,
            concurrency=arguments.concurrency,
            watch=line_on_terminal(),
        )
        try:
            asyncio.run(enrichment.run(_examples(arguments, dropped)))
        finally:
            if sys.stderr.isatty():
                print(file=sys.stderr)
        written = write(_examples(arguments, Dropped("pages")), kinds, asking, ledger, arguments.out)
        tell_spent_before(enrichment.report, ledger.spent.tokens)
    return enrichment.report, written


def _endpoint(arguments: argparse.Namespace) -> "Endpoint":
    from texthawk.data.enrich.endpoint import Endpoint

    if arguments.endpoint is None:
        raise ValueError("there is nobody to ask; give an address with --endpoint")
    key = None
    if arguments.api_key_env is not None:
        # What was given is not repeated in messages, for it may be the key itself.
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", arguments.api_key_env):
            raise ValueError("--api-key-env wants the name of a variable, not the key itself")
        key = os.environ.get(arguments.api_key_env, "").strip()
        if not key:
            raise ValueError("the variable that --api-key-env names is not set; set it to the key")
    endpoint = Endpoint(arguments.endpoint, key, arguments.timeout)
    if endpoint.in_clear:
        tell("the key travels in clear over http, readable on the way; use https")
    return endpoint


def _chosen(arguments: argparse.Namespace) -> "dict[str, Kind]":
    from texthawk.data.enrich.kinds import KINDS as classes
    from texthawk.data.enrich.kinds import Chart, Conversation, Questions

    kinds = {name: classes[name]() for name in arguments.kinds}
    if "questions" in kinds and arguments.questions:
        kinds["questions"] = Questions(arguments.questions)
    if "chart" in kinds and arguments.questions:
        kinds["chart"] = Chart(arguments.questions)
    if "conversation" in kinds:
        kinds["conversation"] = Conversation(arguments.rounds)
    return kinds


def _examples(arguments: argparse.Namespace, dropped: "Dropped") -> "Iterator[Example]":
    from itertools import islice

    from texthawk.data.enrich.sources import examples_of_set, pages

    if arguments.set is None:
        found = pages(arguments.places, dropped, dpi=arguments.dpi)
    elif len(arguments.places) > 1:
        raise ValueError(f"--set {arguments.set} reads one place, and {len(arguments.places)} are given")
    else:
        found = examples_of_set(arguments.set, arguments.places[0], arguments.split, dropped)
    return islice(found, arguments.limit)


def _tell_plan(arguments: argparse.Namespace, asking: "Asking", kinds: "dict[str, Kind]", dropped: "Dropped") -> None:
    """What would be asked, without what the ledger has already."""
    from texthawk.data.enrich.asked import picture_of, prompt_tokens, requests_of
    from texthawk.data.enrich.ledger import answered_keys

    known = answered_keys(arguments.out / LEDGER) if arguments.out is not None else set()
    counts: Counter[str] = Counter()
    pages, prompt, first = 0, 0, None
    for example in _examples(arguments, dropped):
        pages += 1
        try:
            requests = [request for request in requests_of(example, kinds, asking) if request.key not in known]
            pixels = picture_of(example, asking.max_side).pixels if requests else 0
        except (OSError, ValueError) as error:
            tell(f"{example.id}: the picture cannot be read ({error})")
            continue
        counts.update(request.name for request in requests)
        prompt += sum(prompt_tokens(request, pixels) for request in requests)
        first = first or (requests[0] if requests else None)
    print(
        f"{pages} pages, {counts.total()} requests{': ' if counts else ''}"
        + ", ".join(f"{n} x {name}" for name, n in counts.items())
    )
    print(
        f"about {prompt} tokens of prompts, at most {counts.total() * asking.max_tokens} of replies, without retries; "
        "servers count pictures in different ways"
    )
    if first is not None:
        print(f"\nthe first request ({first.name}):\n{first.prompt}")
