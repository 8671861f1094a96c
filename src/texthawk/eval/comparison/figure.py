"""The comparison as a picture: tokens against operations, and a bar of operations by part, page by page."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from texthawk.eval.comparison.rows import Row

COLOURS = {"tower": "#4477aa", "connector": "#ee6677", "language": "#ccbb44", "head": "#bbbbbb"}
PARTS = {"tower": "tower", "connector": "connector", "language": "language model", "head": "logits"}
MARKERS = "os^DvPX"  # seven of them and ten colours: seventy pairs before one comes again
TERA = 1e12

NEAR = 0.05, 0.07
"""Points are one to the eye where they lie no further apart than this, across and up, as a part of what the panel shows."""


def rings(points: Sequence[tuple[float, float]]) -> list[int]:
    """For each point how many before it lie on the same spot: 0 is drawn filled, the others as ever wider rings.

    Both axes are logarithmic and reach from the least point to the greatest.
    """
    places = np.log(np.asarray(points))
    apart = np.abs(places[:, None] - places) / np.maximum(np.ptp(places, axis=0), 1e-9)
    return np.tril((apart <= NEAR).all(-1), -1).sum(1).tolist()


def draw(rows: Sequence[Row], files: Sequence[Path]) -> None:
    """A row of two panels for each page, written to each of `files` (.png, .svg); needs the extra `eval`.

    Operations are those to the first token: causal attention, logits of the last token. Connectors on one spot are
    rings about each other.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
    except ImportError as error:
        raise ImportError('the figure needs matplotlib: pip install "texthawk[eval]"') from error
    pages = list(dict.fromkeys(row.page for row in rows))
    names = list(dict.fromkeys(row.name for row in rows))
    styles = {name: (f"C{place % 10}", MARKERS[place % len(MARKERS)]) for place, name in enumerate(names)}
    figure = Figure(figsize=(11, 3.6 * len(pages) + 0.6), layout="constrained")
    panels = figure.subplots(len(pages), 2, squeeze=False, width_ratios=(1, 1.2))
    for page, (points, bars) in zip(pages, panels, strict=True):
        here = [row for row in rows if row.page == page]
        places = [(row.tokens, row.counted.first_token().total / TERA) for row in here]
        for row, (tokens, total), ring in zip(here, places, rings(places), strict=True):
            colour, marker = styles[row.name]
            fill = "none" if ring else "full"
            points.plot(tokens, total, marker, color=colour, markersize=6 + 5 * ring, fillstyle=fill)
        points.set(xscale="log", yscale="log", xlabel="visual tokens", ylabel="TFLOP from page to first token")
        points.set_title(f"{page[1]} x {page[0]} px", size=10)
        points.margins(0.2)
        points.grid(alpha=0.3)
        for axis in (points.xaxis, points.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
        own = sorted((row for row in rows if row.page == page), key=lambda row: row.tokens)
        costs = [row.counted.first_token() for row in own]
        start = [0.0] * len(own)
        for part, colour in COLOURS.items():
            lengths = [cost.parts()[part] / TERA for cost in costs]
            bars.barh([row.name for row in own], lengths, left=start, color=colour, label=PARTS[part])
            start = [at + length for at, length in zip(start, lengths, strict=True)]
        bars.set(xlabel="TFLOP from page to first token")
        bars.tick_params(axis="y", labelsize=8)
        bars.grid(alpha=0.3, axis="x")
    handles = [Line2D([], [], color=c, marker=m, linestyle="", label=name) for name, (c, m) in styles.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=7, fontsize=8)
    panels[0][1].legend(fontsize=8)
    for file in files:
        figure.savefig(file, dpi=130, metadata={"Date": None} if file.suffix == ".svg" else None)
