"""Questions and statements on tables of Wikipedia: WikiTableQuestions and TabFact. Their tables are drawn here.

Every example also asks for the table as Markdown.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import TASKS, Example, Turn
from texthawk.data.public.drawn_table import drawn
from texthawk.data.public.layout import entries_of, first_of, json_of, markdown_table, one, text_of

FACT = "Is the following statement supported by the table? Answer yes or no. Statement: {}"


def wtq(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """WikiTableQuestions; `split` is a file's name without .tsv: training, pristine-unseen-tables, random-split-1-dev, ...

        data/{split}.tsv with a head: id, utterance, context, targetValue (items parted by |; \\n, \\p and \\\\ are escapes)
        csv/NNN-csv/N.csv, which `context` names; \\" and \\\\ are escapes

    An answer of several items is written with commas between them.
    """
    file = first_of((folder / "data" / f"{split}.tsv",), "WikiTableQuestions' questions")
    asked: dict[str, list[tuple[str, str, str]]] = {}
    with file.open(encoding="utf-8", newline="\n") as lines:
        head = next(lines, "").rstrip("\n").split("\t")
        if head[:4] != ["id", "utterance", "context", "targetValue"]:
            raise ValueError(f"{file} begins with {head[:4]}, not with id, utterance, context, targetValue")

        def parted(line: str) -> tuple[str, str, str]:
            _, utterance, context, value = line.rstrip("\n").split("\t")[:4]
            items = [_unescaped(item) for item in value.split("|")]
            return context, text_of(_unescaped(utterance)), text_of(", ".join(items))

        for context, utterance, answer in dropped.use(((f"line {n}", line) for n, line in enumerate(lines, 2)), parted):
            asked.setdefault(context, []).append((context, utterance, answer))

    def example(questions: list[tuple[str, str, str]]) -> Example:
        context = questions[0][0]
        with _there(folder / context).open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines, escapechar="\\", doublequote=False))
        turns = [Turn(utterance, answer, "tableqa") for _, utterance, answer in questions]
        name = context.removeprefix("csv/").removesuffix(".csv").replace("-csv/", "-")
        return _on_table("wtq", f"{split}/{name}", rows, "", turns)

    return dropped.use(asked.items(), example)


def tabfact(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """TabFact, as the authors' repository has it; every statement becomes a question to answer with yes or no.

    collected_data/r1_training_all.json, collected_data/r2_training_all.json
        {TABLE_ID: [[statements], [1 for supported, 0 for not], caption], ...}
    data/{split}_id.json with a list of TABLE_IDs
    data/all_csv/TABLE_ID, cells parted by #
    """
    files = [folder / "collected_data" / f"r{number}_training_all.json" for number in (1, 2)]
    first_of(files, "TabFact's statements")
    rounds = [json_of(file) for file in files if file.is_file()]
    listed = first_of((folder / "data" / f"{split}_id.json",), f"the list of TabFact's split {split}")
    names = entries_of(listed, json_of(listed))

    def example(name: str) -> Example:
        parts = [statements[name] for statements in rounds if name in statements]
        if not parts:
            raise Unusable("it has no statements")
        # Cells hold characters that Python's splitlines would take for the end of a line.
        lines = _there(folder / "data" / "all_csv" / name).read_text(encoding="utf-8").rstrip("\n").split("\n")
        turns = [
            Turn(FACT.format(text_of(statement)), _fact(label), "tableqa")
            for statements, labels, _ in parts
            for statement, label in zip(statements, labels, strict=True)
        ]
        rows = [line.split("#") for line in lines]
        return _on_table("tabfact", f"{split}/{name.removesuffix('.html.csv')}", rows, parts[0][2], turns)

    return dropped.use(((str(name), name) for name in names), example)


def _fact(label: Any) -> str:
    if label not in (0, 1):
        raise Unusable("a statement is labelled neither 0 nor 1")
    return ("no", "yes")[label]


def _there(path: Path) -> Path:
    if not path.is_file():
        raise Unusable("its table is missing")
    return path


def _on_table(source: str, name: str, rows: list[list[str]], caption: str, turns: list[Turn]) -> Example:
    picture = drawn(rows, caption)
    markdown = Turn(TASKS["markdown"], (f"{picture.caption}\n\n" if caption else "") + markdown_table(rows), "markdown")
    return one(source, name, picture, [*turns, markdown], "en", rows=[list(row) for row in picture.rows])


def _unescaped(text: str) -> str:
    """Undo the escapes of the set's TSV files."""
    pieces = text.split("\\\\")
    return "\\".join(piece.replace("\\n", "\n").replace("\\p", "|") for piece in pieces)
