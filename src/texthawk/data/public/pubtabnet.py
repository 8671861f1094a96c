"""Pictures of tables with their HTML: PubTabNet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import TASKS, Example, Turn, plain
from texthawk.data.public.layout import json_lines, matching, one, picture


def pubtabnet(folder: Path, split: str, dropped: Dropped) -> Iterator[Example]:
    """PubTabNet; tables as HTML, with their spans.

    PubTabNet_2.0.0.jsonl: {"filename", "split", "html": {"structure": {"tokens"}, "cells": [{"tokens", "bbox"}]}} on each line
    train/, val/ with the pictures
    """
    file = matching((folder,), "PubTabNet*.jsonl", "PubTabNet's annotations")

    def example(line: str) -> Example | None:
        row = json.loads(line)
        if row["split"] != split:
            return None
        turn = Turn(TASKS["html"], plain(html_of(row["html"])), "html")
        image = picture(folder / split / Path(row["filename"]).name)
        return one("pubtabnet", f"{split}/{image.stem}", image, [turn], "en")

    return (made for made in dropped.use(json_lines(file), example) if made is not None)


def html_of(html: dict[str, Any]) -> str:
    """The table as one line of HTML: every cell's content stands before the </td> that ends it.

    Unusable where there are more or fewer cells than the structure has.
    """
    contents = iter([*html.get("cells", html.get("cell", []))])
    pieces = []
    for token in html["structure"]["tokens"]:
        if token == "</td>":
            cell = next(contents, None)
            if cell is None:
                raise Unusable("its table has more cells than contents")
            pieces.append("".join(cell["tokens"]))
        pieces.append(token)
    if next(contents, None) is not None:
        raise Unusable("its table has fewer cells than contents")
    return f"<table>{''.join(pieces)}</table>"
