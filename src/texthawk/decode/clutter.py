"""Which components of ink are no letters: pictures, frames, drawn lines, shadows, edges of sheets, and what rules leave.

Letters of one page have strokes of about one thickness for their size. What is far larger than a letter and as thin as a
letter's stroke was drawn around or beside the text.

All numbers are pixels; boxes are rows of left, top, right, bottom.   N components   H, W the page
"""

import numpy as np

from texthawk.decode.ink import Components, components_of, groups_of, runs_of

LETTER = 4  # pixels: what is less high says nothing about the type
SMALL = 0.5  # of the usual letter's height: dots, commas, accents, dashes
PICTURE = 8.0  # times the usual letter's height: no letter is that high
HAIR = (0.13, 0.25)  # of its height, of the usual letter's: a lone stroke no wider is a sheet's edge or a worn rule
ALONE = 1.2  # letter heights around a hair without letters
RING = (1.8, 0.25, 3)  # letter heights (high and wide), share of ink and letters inside: drawn around text
DRAWN = (0.8, 1.5)  # letter heights of what may be a drawn line: its shorter and its longer side
THIN = (0.75, 0.3)  # of the usual letter's strokes: as they are, and for its size
SPARSE = (1.8, 0.12)  # letter heights of the shorter side, and share of ink: no letters hang together so loosely
DOT = (0.5, 2.5, 0.72, 2.5)
"""Letter heights (least and most), share of ink, and letter heights beside it without letters: a point of a chart."""
TICK = (0.25, 1.2, 3, 1.5)
"""Letter heights (high and wide) of a tick of an axis, how many are one, and letter heights from each to the next at least."""
NUMBER = 7.0  # letter heights: the number before a tick is no wider, and nothing stands before it
RULE = (3.0, 0.25)  # letter heights (long, thick) of a piece of a rule; dashes are shorter
BARS = (1.6, 3.0, 0.5, 6)
"""Letter heights, times as high as wide, share of ink, and how many such bars beside each other are a bar code."""
WORN = (0.12, 3.0, 4, 0.2)
"""Letter heights of the thickness of a rule that is worn, and of its gaps; of how many pieces it is, and their share of it."""
RAGGED = 0.25  # letter heights: what is as flat and lies along a rule is the rule's edge
ALONG = 0.6  # of its longer side beside which the rule stands


def letter_of(parts: Components) -> float:
    """Height of the usual letter; 0 on a page without any."""
    height = parts.boxes[:, 3] - parts.boxes[:, 1]
    letters = height[height >= LETTER]
    return float(np.median(letters)) if len(letters) else 0.0


def clutter_of(parts: Components, rules: np.ndarray, letter: float) -> np.ndarray:
    """True for each component that is no part of a letter, for a page with these rules (H, W): (N,)."""
    lost = _no_text(parts, letter, rules.shape) | _drawn(parts, letter)
    lost |= _edges_of_rules(parts, rules, letter) | _bars(parts, letter) | _among_bars(parts, rules, letter)
    lost |= _worn_rules(parts.boxes, ~lost, letter) | _worn_rules(parts.boxes[:, [1, 0, 3, 2]], ~lost, letter)
    lost |= _hairs(parts, ~lost, letter)
    return lost | _dots(parts, ~lost, letter) | _ticks(parts, ~lost, letter)


def _drawn(parts: Components, letter: float) -> np.ndarray:
    """Lines of charts and forms: larger than letters, and thinner than letters of that size, or than any."""
    boxes = parts.boxes
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    shorter, longer = np.minimum(width, height), np.maximum(width, height)
    stroke = parts.areas / (width + height)  # half a lone line's thickness or more, as it bends and branches
    letters = stroke[(height >= SMALL * letter) & (longer <= 2 * letter)]
    usual = np.median(letters) if len(letters) else 0.0  # where all are far wider than high, none is thin
    thin = (stroke < THIN[0] * usual) & (stroke * letter < THIN[1] * usual * longer)
    drawn = thin & (shorter > DRAWN[0] * letter) & (longer > DRAWN[1] * letter)
    drawn |= (shorter > SPARSE[0] * letter) & (parts.areas < SPARSE[1] * width * height)
    return drawn | ((width > RULE[0] * letter) & (height <= RULE[1] * letter))


def _bars(parts: Components, letter: float) -> np.ndarray:
    """Bar codes: upright solid bars higher than letters, many beside each other."""
    width, height = (parts.boxes[:, 2:] - parts.boxes[:, :2]).T
    upright = (height > BARS[0] * letter) & (height > BARS[1] * width) & (parts.areas > BARS[2] * width * height)
    left, right = parts.beside[upright[parts.beside].all(axis=1)].T
    near = parts.boxes[right, 0] - parts.boxes[left, 2] <= letter
    group = groups_of(len(upright), left[near], right[near])
    return upright & (np.bincount(group, weights=upright, minlength=len(upright))[group] >= BARS[3])


def _among_bars(parts: Components, rules: np.ndarray, letter: float) -> np.ndarray:
    """What is left of a bar code whose bars are long enough to be rules: all that lies among so many, so close."""
    row, start, end = runs_of(rules)
    linked = (row[1:] == row[:-1]) & (start[1:] - end[:-1] <= letter)
    bounds = np.flatnonzero(np.diff(linked.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    barred = np.zeros_like(rules)
    for first, last in bounds[bounds[:, 1] - bounds[:, 0] >= BARS[3] - 1].tolist():
        barred[row[first], start[first] : end[last]] = True
    middle = (parts.boxes[:, :2] + parts.boxes[:, 2:]) / 2
    lost = np.zeros(len(middle), dtype=bool)
    for left, top, right, bottom in components_of(barred).boxes:
        if bottom - top >= BARS[0] * letter:
            lost |= (middle[:, 0] > left) & (middle[:, 0] < right) & (middle[:, 1] > top) & (middle[:, 1] < bottom)
    return lost


def _edges_of_rules(parts: Components, rules: np.ndarray, letter: float) -> np.ndarray:
    """What is left beside a rule that leans or is ragged: slivers along it."""
    boxes = parts.boxes
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    ragged = np.zeros(len(boxes), dtype=bool)
    for k in np.flatnonzero(np.minimum(width, height) <= max(2, RAGGED * letter)):
        left, top, right, bottom = boxes[k]
        around = rules[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]
        beside = around.any(axis=0) if width[k] >= height[k] else around.any(axis=1)
        ragged[k] = beside.sum() >= ALONG * max(width[k], height[k])
    return ragged


def _no_text(parts: Components, letter: float, shape: tuple[int, int]) -> np.ndarray:
    """Components that are no text: dense pictures with what lies on them, frames, grains, shadows at the edge of a scan."""
    boxes = parts.boxes
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    large = (height > PICTURE * letter) | ((width > 40 * letter) & (height < SMALL * letter))
    dense = parts.areas > 0.15 * width * height
    lost = large | (np.maximum(width, height) < max(2, 0.1 * letter))
    lost |= (height > 3 * letter) & (height > 8 * width)
    lost |= ((boxes[:, 0] <= 1) | (boxes[:, 2] >= shape[1] - 1)) & (height > 2 * letter)
    lost |= ((boxes[:, 1] <= 1) | (boxes[:, 3] >= shape[0] - 1)) & (width > 3 * letter)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    letters = (height >= SMALL * letter) & ~lost
    sparse = (np.minimum(width, height) > RING[0] * letter) & (parts.areas < RING[1] * width * height)
    for k in np.flatnonzero(sparse & ~lost):
        left, top, right, bottom = boxes[k]
        inside = (middle[:, 0] > left) & (middle[:, 0] < right) & (middle[:, 1] > top) & (middle[:, 1] < bottom)
        lost[k] = (inside & letters).sum() > RING[2]
    for left, top, right, bottom in boxes[large & dense & (np.minimum(width, height) > 3 * letter)]:
        lost |= (middle[:, 0] > left) & (middle[:, 0] < right) & (middle[:, 1] > top) & (middle[:, 1] < bottom)
    return lost


def _worn_rules(boxes: np.ndarray, kept: np.ndarray, letter: float) -> np.ndarray:
    """Pieces of faint rules that lean or are worn: thin and flat, many in a row, with no letter that reaches across it."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    worn = np.zeros(len(boxes), dtype=bool)
    flat = np.flatnonzero(kept & (height <= max(1.0, WORN[0] * letter)) & (width >= height))
    if len(flat) < WORN[2]:
        return worn
    before, after = [], []
    for offset in (0, 1):  # two rulings of the page into strips, so that what is level lies in one strip of either
        strip = (boxes[flat, 1] + boxes[flat, 3] + 2 * offset) // 4
        order = np.lexsort((boxes[flat, 0], strip))
        near = boxes[flat[order[1:]], 0] - boxes[flat[order[:-1]], 2] <= WORN[1] * letter
        near &= strip[order[1:]] == strip[order[:-1]]
        before.append(order[:-1][near])
        after.append(order[1:][near])
    group = groups_of(len(flat), np.concatenate(before), np.concatenate(after))
    letters = boxes[kept & (height >= SMALL * letter)]
    for number in np.flatnonzero(np.bincount(group) >= WORN[2]):
        pieces = flat[group == number]
        start, end = boxes[pieces, 0].min(), boxes[pieces, 2].max()
        if width[pieces].sum() < WORN[3] * (end - start):
            continue
        middle = (boxes[pieces, 1] + boxes[pieces, 3]) / 2
        near = letters[(letters[:, 2] > start - letter) & (letters[:, 0] < end + letter)]
        worn[pieces] = not ((near[:, 1] < middle.min()) & (near[:, 3] > middle.max())).any()
    return worn


def _hairs(parts: Components, kept: np.ndarray, letter: float) -> np.ndarray:
    """Upright strokes far thinner than those of letters, with no letter close by: edges of sheets, broken rules, folds."""
    boxes = parts.boxes
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    thin = (width <= HAIR[0] * height) & (width <= HAIR[1] * letter) | (height < SMALL * letter)
    a, b = parts.beside[kept[parts.beside].all(axis=1)].T
    near = boxes[b, 0] - boxes[a, 2] <= ALONE * letter
    accompanied = np.zeros(len(boxes), dtype=bool)
    accompanied[a[near & ~thin[b]]] = True
    accompanied[b[near & ~thin[a]]] = True
    return thin & (height >= SMALL * letter) & ~accompanied


def _dots(parts: Components, kept: np.ndarray, letter: float) -> np.ndarray:
    """Points of charts: solid, as wide as high, and with no letter beside them, which bullets have."""
    width, height = (parts.boxes[:, 2:] - parts.boxes[:, :2]).T
    solid = (np.abs(width - height) <= 0.2 * height + 1) & (parts.areas >= DOT[2] * width * height)
    solid &= kept & (height >= DOT[0] * letter) & (height <= DOT[1] * letter)
    a, b = parts.beside[kept[parts.beside].all(axis=1)].T
    near = parts.boxes[b, 0] - parts.boxes[a, 2] <= DOT[3] * letter
    accompanied = np.zeros(len(solid), dtype=bool)
    accompanied[a[near]] = accompanied[b[near]] = True
    return solid & ~accompanied


def _ticks(parts: Components, kept: np.ndarray, letter: float) -> np.ndarray:
    """Ticks of an axis beside its numbers: short flat strokes with nothing on their right, one below the other, evenly."""
    boxes = parts.boxes
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    flat = kept & (height <= TICK[0] * letter) & (width <= TICK[1] * letter) & (width >= 2 * height)
    a, b = parts.beside[kept[parts.beside].all(axis=1)].T
    near = boxes[b, 0] - boxes[a, 2] <= TICK[1] * letter
    after, before = np.zeros((2, len(flat)), dtype=bool)
    after[b[near]] = before[a[near]] = True
    found = np.zeros(len(flat), dtype=bool)
    chosen = np.flatnonzero(flat & after & ~before)
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    letters = kept & (height >= SMALL * letter)
    for k in chosen:
        left = letters & (boxes[:, 2] < boxes[k, 0] - NUMBER * letter)
        if (left & (boxes[:, 1] < middle[k]) & (boxes[:, 3] > middle[k])).any():
            chosen = chosen[chosen != k]  # the hyphen of a line of prose, a dash in a row of a table
    for k in chosen:
        column = chosen[(np.abs(boxes[chosen][:, (0, 2)] - boxes[k, (0, 2)]) <= 1 + 0.1 * letter).all(axis=1)]
        steps = np.diff(np.sort(boxes[column, 1]))
        if len(column) >= TICK[2] and steps.min() >= TICK[3] * letter:  # some may hang together with a line of the grid
            found[column] |= bool((np.abs(steps - steps.min() * np.round(steps / steps.min())) <= 2).all())
    return found
