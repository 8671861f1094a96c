"""The comparison as one plain document, and the document as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from texthawk.eval.comparison.published import Case
from texthawk.eval.comparison.rows import TOLERANCE, Row
from texthawk.eval.comparison.targets import LANGUAGE, Target
from texthawk.eval.comparison.timing import Timing
from texthawk.eval.report import Column, table

TERA, MILLION, MEBI = 1e12, 1e6, 2**20

HEADINGS = {
    "head": "logits",
    "total": "TFLOP",
    "first": "first token",
    "cache": "KV MiB",
    "parameters": "connector M",
    "published": "the paper's",
}
"""What stands above a column of a page's costs, where it is not the name of the value."""


def _costs_as(**formats: str) -> tuple[Column, ...]:
    """Columns of a page's costs in this order, each with the format of its values."""
    return tuple(Column(key, HEADINGS.get(key, key), form) for key, form in formats.items())


COSTS = _costs_as(
    views="d",
    tokens="d",
    tower=".2f",
    connector=".3f",
    language=".2f",
    head=".3f",
    total=".2f",
    first=".2f",
    cache=".2f",
    parameters=".1f",
)
PAPERS = _costs_as(tokens="d", tower=".2f", connector=".2f", language=".2f", head=".2f", total=".1f", published=".1f")
TIMES = (
    Column("tokens", "tokens", "d"),
    Column("tower", "tower s", ".3f"),
    Column("connector", "connector s", ".3f"),
    Column("prefill", "prefill s", ".3f"),
    Column("first_token", "first token s", ".3f"),
    Column("peak", "peak MiB", ".0f"),
    Column("working", "beyond weights MiB", ".0f"),
)
TARGETS = (
    Column("ratio", "ratio", ".3f"),
    Column("most", "at most", ".2f"),
    Column("reached", "reached", ""),
)


def document(
    rows: Sequence[Row],
    papers: Sequence[tuple[Case, Row]],
    targets: Sequence[Target],
    timings: Mapping[tuple[int, int], Sequence[Timing]],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that was found, as plain data. A page is (height, width) in pixels; `settings` say what was asked."""
    wrong = [line for row in [*rows, *(row for _, row in papers)] for line in row.disagreements()]
    return {
        **settings,
        "count_and_formula_agree_within": TOLERANCE,
        "disagreements": wrong,
        "rows": [row.as_json() for row in rows],
        "published": [{"page": case.about, "published_flops": case.published, **row.as_json()} for case, row in papers],
        "targets": [target.as_json() for target in targets],
        "measured": [
            {"width": width, "height": height, **timing.as_json()}
            for (height, width), found in timings.items()
            for timing in found
        ],
    }


def tables(found: Mapping[str, Any], *, markdown: bool = False) -> str:
    """A table for each page, the published models, what was measured, the targets."""
    blocks = []

    def add(title: str, rows: list[dict[str, Any]], columns: Sequence[Column], left: str) -> None:
        if rows:
            names = (Column("name", left, ""),)
            heading = f"### {title}\n" if markdown else title
            blocks.append(f"{heading}\n{table(rows, columns, markdown=markdown, names=names)}")

    for page in dict.fromkeys((row["width"], row["height"]) for row in found["rows"]):
        own = [row for row in found["rows"] if (row["width"], row["height"]) == page]
        add(f"{page[0]} x {page[1]} px, TFLOP by part", [_costs(row) for row in own], COSTS, "connector")
    add("Published models, counted again, TFLOP by part", [_paper(row) for row in found["published"]], PAPERS, "model")
    for page in dict.fromkeys((row["width"], row["height"]) for row in found["measured"]):
        own = [row for row in found["measured"] if (row["width"], row["height"]) == page]
        rounds = own[0]["rounds"]
        title = f"Measured on {page[0]} x {page[1]} px, medians of {rounds} rounds, {found['measured_on']}"
        add(title, [_times(row) for row in own], TIMES, "connector")
    aims = [{**aim, "reached": "yes" if aim["reached"] else "no"} for aim in found["targets"]]
    add(f"Targets: texthawk2 against Qwen2-VL on 1344 x 1344 px, set for {LANGUAGE}", aims, TARGETS, "ratio of")
    return "\n\n".join(blocks)


def _costs(row: Mapping[str, Any]) -> dict[str, Any]:
    parts = {part: count / TERA for part, count in row["flops"].items()}
    return {
        "name": row["connector"],
        "views": len(row["views"]),
        "tokens": row["visual_tokens"],
        **parts,
        "first": row["flops_to_first_token"]["total"] / TERA,
        "cache": row["cache_bytes"] / MEBI,
        "parameters": row["parameters"]["connector"] / MILLION,
    }


def _paper(row: Mapping[str, Any]) -> dict[str, Any]:
    published = row["published_flops"]
    return {**_costs(row), "published": None if published is None else published / TERA}


def _times(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "tokens": row["tokens"],
        **row["seconds"],
        "peak": None if row["peak_bytes"] is None else row["peak_bytes"] / MEBI,
        "working": None if row["working_bytes"] is None else row["working_bytes"] / MEBI,
    }
