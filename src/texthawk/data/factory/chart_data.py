"""The data behind a chart: what is measured for whom, as exact numbers; and charts invented by dice.

Numbers are whole: a value of an axis with `decimals` = 1 is counted in tenths. So sums and differences are exact.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from texthawk.data.factory import chart_words as words
from texthawk.data.synth.dice import Dice

CHART_KINDS = ("bar", "grouped", "stacked", "line", "pie", "scatter")
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000)
"""Distances between ticks, in the axis' own unit."""


@dataclass(frozen=True)
class Axis:
    """A scale of numbers: `name` as printed, `sign` behind every number ("%" or none).

    `low`, `high` and `step` (between ticks) count in parts of 10 ** -decimals.
    """

    name: str
    low: int
    high: int
    step: int
    decimals: int = 0
    sign: str = ""

    def written(self, value: int, *, thousands: str = "") -> str:
        """A value as digits, without its sign."""
        digits = f"{abs(value) // 10**self.decimals:,}".replace(",", thousands)
        part = f".{abs(value) % 10**self.decimals:0{self.decimals}d}" if self.decimals else ""
        return ("-" if value < 0 else "") + digits + part

    @property
    def ticks(self) -> range:
        return range(self.low, self.high + 1, self.step)


@dataclass(frozen=True)
class Chart:
    """`values[series][category]` on `axes[0]`; for a scatter chart the two series are x on axes[0] and y on axes[1].

    kind: one of CHART_KINDS. order: whether categories stand in an order of their own (years). labelled: whether every
    value is printed; where it is not, values lie on fractions of a tick that can be read off.
    """

    kind: str
    title: str
    heading: str
    categories: tuple[str, ...]
    series: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    axes: tuple[Axis, ...]
    lang: str
    order: bool
    labelled: bool

    def axis(self, series: int) -> Axis:
        return self.axes[series if self.kind == "scatter" else 0]

    def written(self, series: int, category: int) -> str:
        return self.axis(series).written(self.values[series][category])

    def rows(self) -> list[list[str]]:
        """The data table with a head."""
        head = [self.heading, *self.series]
        return [head] + [
            [category, *(self.written(series, place) for series in range(len(self.series)))]
            for place, category in enumerate(self.categories)
        ]


def invent(dice: Dice, kind: str, lang: str, invented: Callable[[], str]) -> Chart:
    """A chart of `kind`; `invented` gives names that no list has, and `lang` is "en" or "zh"."""
    if kind == "scatter":
        return _scatter(dice, lang, invented)
    tongue = int(lang == "zh")
    subject, told = dice.pick([(s, told) for s in words.SUBJECTS for told in s.kinds if _suits(kind, s, told)])
    most_places = {"bar": 12, "grouped": 6, "stacked": 8, "line": 12, "pie": 7}[kind]
    categories = _categories(dice, told, tongue, dice.integer(3, most_places), invented)
    series: tuple[str, ...] = (subject.measure[tongue],)
    if kind in ("grouped", "stacked") or (kind == "line" and dice.chance(0.6)):
        series = _series(dice, told, tongue, dice.integer(2, 4), invented)
    labelled = kind == "pie" or (dice.chance(0.55) and not (kind == "line" and len(series) > 1))
    most = dice.pick(subject.most)
    if kind == "pie":
        axis, values = _shares(dice, subject.measure[tongue], len(categories), most)
    else:
        axis = _axis(dice, subject.measure[tongue], subject.sign, most, labelled, kind)
        values = _values(dice, axis, kind, len(series), len(categories), labelled)
    name = dice.pick((subject.name[tongue], subject.name[tongue], _placed(subject.name[tongue], invented(), tongue)))
    return Chart(
        kind,
        _title(dice, name, told, categories, tongue),
        words.KINDS[told][tongue] if tongue else words.KINDS[told][0].capitalize(),
        categories,
        series,
        values,
        (axis,),
        lang,
        told in words.IN_ORDER,
        labelled,
    )


def _suits(kind: str, subject: words.Subject, told: str) -> bool:
    """Lines go over time; the slices of a pie, and what is stacked, add up."""
    if kind == "line":
        return told in words.TIMES
    return subject.adds and (kind == "stacked" or told not in words.TIMES) if kind in ("pie", "stacked") else True


def _placed(name: str, place: str, tongue: int) -> str:
    return f"{place}{name}" if tongue else f"{name} in {place}"


def _title(dice: Dice, name: str, told: str, categories: Sequence[str], tongue: int) -> str:
    kind = words.KINDS[told][tongue]
    if told == "year" and dice.chance(0.6):
        first, last = categories[0], categories[-1]
        return (
            f"{first}至{last}{name}"
            if tongue
            else dice.pick((f"{name}, {first}-{last}", f"{name} from {first} to {last}"))
        )
    if tongue:
        return dice.pick((f"各{kind}{name}", f"按{kind}统计的{name}", name))
    return dice.pick((f"{name} by {kind}", f"{name} per {kind}", name))


def _categories(dice: Dice, told: str, tongue: int, count: int, invented: Callable[[], str]) -> tuple[str, ...]:
    if told == "year":
        step = dice.pick((1, 1, 1, 2, 5))
        first = dice.integer(1950, 2024 - step * (count - 1))
        return tuple(f"{first + step * i}年" if tongue and count < 6 else str(first + step * i) for i in range(count))
    if told == "quarter":
        year, first = dice.integer(2005, 2023), dice.integer(0, 3)
        places = [divmod(first + i, 4) for i in range(min(count, 8))]
        if len(places) <= 4 - first:
            return tuple(f"第{'一二三四'[q]}季度" if tongue else f"Q{q + 1}" for _, q in places)
        return tuple(f"{year + y}年{q + 1}季" if tongue else f"Q{q + 1} {year + y}" for y, q in places)
    known = [pair[tongue] for pair in words.MEMBERS[told]]
    count = min(count, len(known))
    if told in words.IN_ORDER:
        first = dice.integer(0, len(known) - count)
        return tuple(known[first : first + count])
    chosen = [known[place] for place in dice.rng.permutation(len(known))[:count].tolist()]
    for place in range(count if told in ("country", "city", "region", "product") else 0):
        if dice.chance(0.25) and (name := invented()) not in chosen:
            chosen[place] = name
    return tuple(chosen)


def _series(dice: Dice, told: str, tongue: int, count: int, invented: Callable[[], str]) -> tuple[str, ...]:
    if told not in words.TIMES and dice.chance(0.3):
        first = dice.integer(1995, 2020)
        return tuple(str(first + i) for i in range(min(count, 3)))
    if dice.chance(0.2):
        names = tuple(dict.fromkeys(invented() for _ in range(count)))
        if len(names) > 1:
            return names
    group = dice.pick(words.GROUPS)
    return tuple(pair[tongue] for pair in group[: max(2, count)])


def _axis(dice: Dice, name: str, sign: str, most: float, labelled: bool, kind: str) -> Axis:
    """An axis up to about `most` with three to eight ticks above its foot."""
    fitting = [step for step in STEPS if 3 <= most / step <= 8.5]
    step = dice.pick(fitting)
    high = -(-round(most) // step) * step
    decimals = 1 if (labelled and most <= 100 and dice.chance(0.35)) or step < 4 else 0
    unit = 10**decimals
    low = 0
    if kind == "line" and high // step >= 5 and dice.chance(0.3):
        low = step * dice.integer(1, high // step - 4)
    elif kind in ("bar", "line") and sign != "%" and "°C" in name and dice.chance(0.5):
        low = -step
    return Axis(name, low * unit, high * unit, step * unit, decimals, sign)


def _grain(axis: Axis, labelled: bool) -> int:
    """The smallest difference between values: one where they are printed, else what can be read off between ticks."""
    if labelled:
        return 1
    return next(axis.step // part for part in (5, 4, 2, 1) if axis.step % part == 0)


def _values(
    dice: Dice, axis: Axis, kind: str, series: int, categories: int, labelled: bool
) -> tuple[tuple[int, ...], ...]:
    grain = _grain(axis, labelled)
    low, high = axis.low // grain, axis.high // grain
    if kind == "stacked":
        high = max(low + 3 * series, high)
        return _stacks(dice, grain, high // series, series, categories)
    # Below zero half a tick stays free for the labels under the bars.
    first = low // 2 if axis.low < 0 else low + max(1, (high - low) // 20)
    if kind == "line":
        walks = tuple(_walk(dice, first, high, categories) for _ in range(series))
        _apart(walks, first, high)
        return tuple(tuple(value * grain for value in walk) for walk in walks)
    return tuple(tuple((dice.integer(first, high) or 1) * grain for _ in range(categories)) for _ in range(series))


def _stacks(dice: Dice, grain: int, high: int, series: int, categories: int) -> tuple[tuple[int, ...], ...]:
    """No part thinner than a fifth of the largest, so that each can be seen and labelled."""
    first = max(1, high // 5)
    return tuple(tuple(dice.integer(first, max(first, high)) * grain for _ in range(categories)) for _ in range(series))


def _walk(dice: Dice, low: int, high: int, count: int) -> list[int]:
    """Values that change by a third of the range at most from one to the next."""
    value, reach = dice.integer(low, high), max(1, (high - low) // 3)
    values = [value]
    while len(values) < count:
        value = min(high, max(low, value + dice.integer(-reach, reach)))
        values.append(value)
    return values


def _apart(walks: tuple[list[int], ...], low: int, high: int) -> None:
    """Move points aside, as little as can be, so that none hides one of an earlier walk."""
    for place in range(len(walks[0])):
        taken: set[int] = set()
        for walk in walks:
            free = (value for value in range(low, high + 1) if value not in taken)
            walk[place] = min(free, key=lambda value, wanted=walk[place]: abs(value - wanted))  # type: ignore[misc]
            taken.add(walk[place])


def _shares(dice: Dice, name: str, count: int, most: float) -> tuple[Axis, tuple[tuple[int, ...], ...]]:
    """Parts of a whole: percentages that add up to 100, or amounts; the largest is at most four times the smallest."""
    weights = [dice.between(1.5, 6) for _ in range(count)]
    if dice.chance(0.6):
        decimals = int(dice.chance(0.3))
        whole = 100 * 10**decimals
        axis = Axis(name, 0, whole, whole // 5, decimals, "%")
    else:
        whole = max(100, round(most))
        axis = Axis(name, 0, whole, max(1, whole // 5))
    values = [round(whole * weight / sum(weights)) for weight in weights]
    values[values.index(max(values))] += whole - sum(values)
    return axis, (tuple(values),)


def _scatter(dice: Dice, lang: str, invented: Callable[[], str]) -> Chart:
    tongue = int(lang == "zh")
    pair = [words.MEASURES[place] for place in dice.rng.permutation(len(words.MEASURES))[:2].tolist()]
    labelled = False
    axes = tuple(_axis(dice, name[tongue], "", most, labelled, "scatter") for name, most in pair)
    told = dice.pick(("country", "city", "product", "fruit", "sport"))
    categories = _categories(dice, told, tongue, dice.integer(4, 9), invented)
    grains = [_grain(axis, labelled) for axis in axes]
    points: list[tuple[int, int]] = []
    # Points keep apart, so that the name beside a point cannot be taken for a neighbour's.
    for _ in range(60 * len(categories)):
        point = tuple(dice.integer(1, axis.high // grain - 1) * grain for axis, grain in zip(axes, grains, strict=True))
        far = [abs(point[0] - x) / axes[0].high > 0.2 or abs(point[1] - y) / axes[1].high > 0.075 for x, y in points]
        if all(far):
            points.append((point[0], point[1]))
        if len(points) == len(categories):
            break
    categories = categories[: len(points)]
    names = [axis.name for axis in axes]
    title = (
        f"{names[0]}与{names[1]}"
        if tongue
        else dice.pick((f"{names[1]} against {names[0]}", f"{names[0]} and {names[1]}"))
    )
    heading = words.KINDS[told][tongue] if tongue else words.KINDS[told][0].capitalize()
    values = (tuple(x for x, _ in points), tuple(y for _, y in points))
    return Chart("scatter", title, heading, categories, (names[0], names[1]), values, axes, lang, False, labelled)
