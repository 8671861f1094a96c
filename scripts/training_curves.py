"""Draws what a run of nano's recipe, or of a pyramid's, learned, from the logs in its folder.

    python scripts/training_curves.py RUN --out docs/nano-training.png
    python scripts/training_curves.py RUN --recipe vdim-small --out docs/vdim-training.png

Of nano, stage after stage: characters named from patch, query and visual token, and things of a picture from the visual
token, where a stage learned that; next bytes right, and tokens of the page, visual ones or its text, looked at that were
right. Each value is the mean of the last 8 lines of the log; a grey line ends a stage. Of a pyramid: the loss of each level
in the same way, and what it misses of the tower's features on held-out pictures (1 - r^2).
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from texthawk.recipes import PYRAMIDS, RECIPES
from texthawk.train.run_log import FILE, rows_of

SMOOTHED = 8
PANELS = (
    (
        "characters named from the",
        {"glyph_patch_accuracy": "patch", "glyph_query_accuracy": "query", "glyph_token_accuracy": "visual token"},
    ),
    ("things of a picture", {"thing_accuracy": "kind and hue of what a visual token shows"}),
    ("the language model", {"guide_hit": "looks at the right token", "token_accuracy": "next byte right"}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        _draw(arguments, parser)
    except ValueError as error:
        parser.error(str(error))


def _draw(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    if arguments.recipe in PYRAMIDS:
        _draw_pyramid(arguments.run / FILE, arguments.out, parser)
        return
    if arguments.recipe not in RECIPES:
        parser.error(f"there is no recipe {arguments.recipe}; there are {', '.join([*RECIPES, *PYRAMIDS])}")
    names = [stage.name for stage in RECIPES[arguments.recipe]().stages]
    logs = {name: log for name in names if (log := _log(arguments.run / f"log-{name}.jsonl"))}
    if not logs:
        parser.error(f"{arguments.run} has no log of a stage ({', '.join(names)}); give the folder of a run")
    drawn = [
        (title, curves)
        for title, curves in PANELS
        if any(_learned(row, key) for rows in logs.values() for row in rows for key in curves)
    ]
    figure, panels = plt.subplots(1, len(drawn), figsize=(6 * len(drawn), 3.8), squeeze=False)
    for panel, (title, curves) in zip(panels[0], drawn, strict=True):
        begin, shown = 0, []
        for name, rows in logs.items():
            if not any(_learned(row, key) for row in rows for key in curves):
                continue
            for number, key in enumerate(curves):
                kept = [row for row in rows if _learned(row, key)]
                values = _smooth([row[key] for row in kept])
                panel.plot([begin + row["step"] for row in kept], values, f"C{number}", linewidth=1)
            begin += rows[-1]["step"] + 1
            shown.append(name)
            panel.axvline(begin, color="0.8", linewidth=1)
        for number, label in enumerate(curves.values()):
            panel.plot([], [], f"C{number}", label=label)
        panel.set(title=f"{title}: {', '.join(shown)}", xlabel="step", ylim=(0, 1))
        panel.title.set_fontsize(9)
        panel.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(arguments.out, dpi=80)


def _draw_pyramid(file: Path, out: Path, parser: argparse.ArgumentParser) -> None:
    rows = rows_of(file)
    losses = [row for row in rows if "loss" in row]
    held_out = [row for row in rows if "held_out" in row]
    if not losses:
        parser.error(f"{file.parent} has no log of a pyramid; give the folder of a run")
    figure, (learned, missed) = plt.subplots(1, 2, figsize=(12, 3.8))
    for key in [key for key in losses[0] if key.startswith("reconstruction")]:
        level = 2 ** int(key.rpartition("_")[2])
        learned.plot([row["step"] for row in losses], _smooth([row[key] for row in losses]), label=f"{level}x")
    learned.set(title="reconstruction loss", xlabel="step")
    for key in [key for key in (held_out[0]["held_out"] if held_out else {}) if "_" in key]:
        name, _, level = key.partition("_")
        style = "o--" if name == "bilinear" else "o-"
        values = [row["held_out"][key] for row in held_out]
        missed.plot([row["step"] for row in held_out], values, style, label=f"{name}, {2 ** int(level)}x")
    missed.set(title="missed of held-out pictures' features", xlabel="step")
    for panel in (learned, missed):
        panel.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(out, dpi=80)


def _log(file: Path) -> list[dict[str, Any]]:
    """The lines of a log, those of a part that was run again after a kill once."""
    return [row for _, row in sorted({row["step"]: row for row in rows_of(file)}.items())]


def _learned(row: dict[str, Any], key: str) -> bool:
    """Whether a line of a log has a value; stages that do not ask for it log nothing or 0."""
    return bool(row.get(key))


def _smooth(values: list[float]) -> list[float]:
    return [
        sum(values[max(0, i + 1 - SMOOTHED) : i + 1]) / len(values[max(0, i + 1 - SMOOTHED) : i + 1])
        for i in range(len(values))
    ]


if __name__ == "__main__":
    main()
