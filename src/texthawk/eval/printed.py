"""Print that a model has never seen: text kept from training, in fonts kept from training, clean and lightly damaged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from texthawk.data.synth.corpus import Corpus
from texthawk.data.synth.fonts import families
from texthawk.eval.runs import Sample
from texthawk.eval.sheets import Words, filled, lightly_damaged, sample

TYPE_PX = (12.0, 18.0)
LEADING = (1.15, 1.5)
MARGIN = (4.0, 20.0)
LINES = (3, 12)
MOST_WORDS = 200
"""More than a sheet holds in 12 pixel type."""


def samples(
    corpus: Corpus, fonts: Sequence[str], folder: Path, *, sheets: int, seed: int = 0, boxes: bool = False
) -> list[Sample]:
    """`sheets` sheets of text, each once clean and once damaged; the same arguments give the same sheets.

    boxes: the text with a box for each line is wanted, not the text alone.

    The families of `fonts` take turns, two sheets of three in the regular face and the others in bold or italic; size (in
    half pixels), line distance, margin and number of lines are drawn evenly.
    """
    groups = families(fonts)
    if not groups:
        raise ValueError("0 fonts given; at least one is needed")
    words, rng = Words(corpus, MOST_WORDS), np.random.default_rng(seed)
    clean, damaged = [], []
    for number in range(sheets):
        family = groups[number % len(groups)]
        font = str(rng.choice([family.regular] * 4 + [family.bold, family.italic]))
        size, leading, margin = round(2 * rng.uniform(*TYPE_PX)) / 2, rng.uniform(*LEADING), rng.uniform(*MARGIN)
        running = words.start(rng, MOST_WORDS, font)
        sheet = filled(running, font, size, leading, margin, int(rng.integers(LINES[0], LINES[1] + 1)))
        places = sheet.boxes if boxes else None
        clean.append(sample("clean print", f"{number:03d}", sheet.image, sheet.text, folder, places))
        worn = lightly_damaged(sheet.image, rng)
        damaged.append(sample("light damage", f"{number:03d}", worn, sheet.text, folder, places))
    return clean + damaged
