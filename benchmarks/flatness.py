"""Whether memory grows: a line through what was measured over the last two thirds of a run, and how sure it is.

Samples that follow each other are alike, so a line through all of them would look far surer than it is. So the time is cut
into windows, the median of each counts once, and the error of the slope comes from how these stray around the line.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

WINDOWS = 12
STUDENT = 2.228  # 97.5 % of Student's t with WINDOWS - 2 degrees of freedom
LEAST_PER_WINDOW = 5  # samples


@dataclass(frozen=True)
class Flatness:
    """What the last two thirds say. Growth is over this span, in percent of the mean; it lies between the two with 95 %.

    verdict: "flat" where growth is below the bound even at most, "grows" where it is above it even at least, "undecided"
    where the noise leaves both open and a longer run must tell, "too short" where nothing can be said.
    """

    verdict: str
    bound: float
    growth: float = math.nan
    at_least: float = math.nan
    at_most: float = math.nan
    mean_megabytes: float = math.nan
    minutes: float = math.nan

    def told(self) -> dict[str, float | str | None]:
        """For JSON."""
        return {
            name: value if isinstance(value, str) else None if math.isnan(value) else round(value, 2)
            for name, value in asdict(self).items()
        }


def flatness(seconds: Sequence[float], megabytes: Sequence[float], bound: float) -> Flatness:
    """Judge a run; `bound` is the growth over the last two thirds, in percent, that still counts as flat."""
    first = seconds[0] + (seconds[-1] - seconds[0]) / 3 if seconds else 0.0
    kept = [(time, value) for time, value in zip(seconds, megabytes, strict=True) if time >= first]
    if len(kept) < WINDOWS * LEAST_PER_WINDOW:
        return Flatness("too short", bound)
    windows = [kept[len(kept) * k // WINDOWS : len(kept) * (k + 1) // WINDOWS] for k in range(WINDOWS)]
    times = [statistics.fmean(time for time, _ in window) for window in windows]
    values = [statistics.median(value for _, value in window) for window in windows]
    line = statistics.linear_regression(times, values)
    strays = [value - line.intercept - line.slope * time for time, value in zip(times, values, strict=True)]
    spread = sum((time - statistics.fmean(times)) ** 2 for time in times)
    error = STUDENT * math.sqrt(sum(stray**2 for stray in strays) / (WINDOWS - 2) / spread)
    mean, span = statistics.fmean(values), kept[-1][0] - kept[0][0]
    growth, at_least, at_most = (
        100 * slope * span / mean for slope in (line.slope, line.slope - error, line.slope + error)
    )
    verdict = "flat" if at_most <= bound else "grows" if at_least > bound else "undecided"
    return Flatness(verdict, bound, growth, at_least, at_most, mean, span / 60)
