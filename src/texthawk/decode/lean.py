"""How much a line of text leans: paper that is bent, or lies askew in one corner, cannot be made level by turning the page.

The feet of most letters stand on the baseline, so the usual slope from one foot to another far from it is the line's; tails
of letters and commas are too few to move it (Theil and Sen's estimate).

Boxes are rows of left, top, right, bottom in pixels.   N components of a line
"""

import numpy as np

FEWEST = 8  # letters that tell
FAR = 0.3  # of the line's length: feet closer to each other tell little
SMALL = 0.6  # of the usual height: dots, accents and dashes have no feet
LEAST = 0.1  # of the usual height, from one end to the other: lines that lean less are set as they are
STEEPEST = 0.1  # pixels down for each to the right: what leans more is no line
MOST = 60  # letters that are looked at


def lean_of(parts: np.ndarray) -> float:
    """Pixels by which a line of these components (N, 4) falls for each to the right; 0 where it is level."""
    high = parts[:, 3] - parts[:, 1]
    letters = parts[high >= SMALL * np.median(high)]
    if len(letters) < FEWEST:
        return 0.0
    letters = letters[:: -(-len(letters) // MOST)]
    middle, feet = (letters[:, 0] + letters[:, 2]) / 2, letters[:, 3].astype(float)
    apart, fall = middle[None] - middle[:, None], feet[None] - feet[:, None]
    length = middle.max() - middle.min()
    far = apart >= max(1.0, FAR * length)
    if not far.any():
        return 0.0
    lean = float(np.median(fall[far] / apart[far]))
    usual = float(np.median(letters[:, 3] - letters[:, 1]))
    spread = np.median(np.abs(feet - lean * middle - np.median(feet - lean * middle)))
    better = spread < np.median(np.abs(feet - np.median(feet)))
    return lean if better and LEAST * usual <= abs(lean) * length and abs(lean) <= STEEPEST else 0.0
