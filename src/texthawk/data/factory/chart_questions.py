"""Questions whose answers follow from a chart's data: look-up, extremes, comparison, sum, difference, counts, yes/no facts.

Nothing is asked that the picture leaves open: no extremes that two share, no comparison of equals, no threshold that a
value touches.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from texthawk.data.factory.chart_data import Chart
from texthawk.data.factory.document import Asked
from texthawk.data.synth.dice import Dice
from texthawk.model.working import count_of, difference_of, extreme_of, is_more, list_of, sum_of
from texthawk.types import Box

FACTS = {
    "en": "Is the following statement supported by the chart? Answer yes or no. Statement: {}",
    "zh": "图表是否支持下面的说法？请回答是或否。说法：{}",
}
YES_NO = {"en": ("no", "yes"), "zh": ("否", "是")}
_UNIT = re.compile(r"\s*[(（][^)）]*[)）]$")


class Mark(NamedTuple):
    """One value of a chart: which series, which category."""

    series: int
    category: int


class Posed(NamedTuple):
    """A question in English and in Chinese, the values that its answer is read from, and the formula it is worked out by."""

    english: str
    chinese: str
    answer: str
    kind: str
    marks: tuple[Mark, ...] = ()
    accepted: tuple[str, ...] = ()
    working: str = ""


def questions(chart: Chart, dice: Dice, places: Mapping[Mark, Box], most: int = 5) -> list[Asked]:
    """At most `most` different questions of task chartqa; `places` says where each value is drawn."""
    asked: dict[str, Asked] = {}
    for place in dice.rng.permutation(len(FORMS)).tolist():
        posed = FORMS[place](chart, dice)
        if posed is not None:
            question = posed.english if chart.lang == "en" else posed.chinese
            evidence = tuple(places[mark] for mark in posed.marks)
            working = posed.working if chart.labelled else ""
            made = Asked(question, posed.answer, "chartqa", (), posed.accepted, posed.kind, evidence, working=working)
            asked.setdefault(question, made)
        if len(asked) == most:
            break
    return list(asked.values())


def named(chart: Chart, mark: Mark) -> str:
    """A value as a thing within a sentence: "Revenue in 2010", "Men for Berlin"."""
    category, series = chart.categories[mark.category], _spoken(chart, mark.series)
    return f"{category}的{series}" if chart.lang == "zh" else f"{series} {_at(chart)} {category}"


def _spoken(chart: Chart, series: int) -> str:
    """A series' name without its unit in brackets."""
    return _UNIT.sub("", chart.series[series])


def _at(chart: Chart) -> str:
    """What stands before a category."""
    return {"Day": "on", "Year": "in", "Month": "in", "Quarter": "in"}.get(chart.heading, "for")


def _several(chart: Chart) -> bool:
    """Whether series can be compared with each other."""
    return len(chart.series) > 1 and chart.kind != "scatter"


def _value(chart: Chart, mark: Mark) -> int:
    return chart.values[mark.series][mark.category]


def _number(chart: Chart, series: int, value: int) -> tuple[str, tuple[str, ...]]:
    """A number as an answer, and every way to write it."""
    axis = chart.axis(series)
    plain = axis.written(value)
    return plain, tuple(dict.fromkeys((plain, axis.written(value, thousands=","), plain + axis.sign)))


def _digits(chart: Chart, marks: Sequence[Mark]) -> list[str]:
    """The values as they are printed beside their marks."""
    return [chart.written(mark.series, mark.category) for mark in marks]


def _any(chart: Chart, dice: Dice) -> Mark:
    return Mark(dice.integer(0, len(chart.series) - 1), dice.integer(0, len(chart.categories) - 1))


def _row(chart: Chart, series: int) -> tuple[Mark, ...]:
    return tuple(Mark(series, category) for category in range(len(chart.categories)))


def _two(chart: Chart, dice: Dice) -> tuple[Mark, Mark] | None:
    """Two values on the same axis that differ, in one series or in one category."""
    first = _any(chart, dice)
    if _several(chart) and dice.chance(0.5):
        second = Mark(dice.integer(0, len(chart.series) - 1), first.category)
    else:
        second = Mark(first.series, dice.integer(0, len(chart.categories) - 1))
    return None if _value(chart, first) == _value(chart, second) else (first, second)


def _extreme_of(chart: Chart, series: int, largest: bool) -> int | None:
    """The category of a series' largest or smallest value; None where two share it."""
    values = chart.values[series]
    wanted = (max if largest else min)(values)
    return values.index(wanted) if values.count(wanted) == 1 else None


def _many(chart: Chart) -> str:
    """The heading in the plural, within a sentence."""
    if chart.lang == "zh":
        return chart.heading
    word = chart.heading.lower()
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"


def _look_up(chart: Chart, dice: Dice) -> Posed:
    mark = _any(chart, dice)
    thing = named(chart, mark)
    answer, ways = _number(chart, mark.series, _value(chart, mark))
    english = dice.pick((f"What is the value of {thing}?", f"How much is {thing}?", f"What is {thing}?"))
    chinese = dice.pick((f"{thing}是多少？", f"图中{thing}的数值是多少？"))
    return Posed(english, chinese, answer, "look-up", (mark,), ways)


def _extreme(chart: Chart, dice: Dice) -> Posed | None:
    series, largest = dice.integer(0, len(chart.series) - 1), dice.chance(0.5)
    category = _extreme_of(chart, series, largest)
    if category is None:
        return None
    name = _spoken(chart, series)
    return Posed(
        f"Which {chart.heading.lower()} has the {'highest' if largest else 'lowest'} value of {name}?",
        f"哪个{chart.heading}的{name}最{'高' if largest else '低'}？",
        chart.categories[category],
        "extreme",
        _row(chart, series),
        working=extreme_of(chart.categories, _digits(chart, _row(chart, series)), largest=largest),
    )


def _compare(chart: Chart, dice: Dice) -> Posed | None:
    pair = _two(chart, dice)
    if pair is None:
        return None
    larger = dice.chance(0.5)
    right = (max if larger else min)(pair, key=lambda mark: _value(chart, mark))
    if pair[0].series == pair[1].series:
        first, second = (chart.categories[mark.category] for mark in pair)
        common, answer = _spoken(chart, pair[0].series), chart.categories[right.category]
        where = f" of {common}"
    else:
        first, second = (chart.series[mark.series] for mark in pair)
        common, answer = chart.categories[pair[0].category], chart.series[right.series]
        where = f" {_at(chart)} {common}"
    english = f"Which has the {'larger' if larger else 'smaller'} value{where}, {first} or {second}?"
    chinese = f"就{common}而言，{first}和{second}哪一个更{'高' if larger else '低'}？"
    working = extreme_of([first, second], _digits(chart, pair), largest=larger)
    return Posed(english, chinese, answer, "compare", pair, working=working)


def _total(chart: Chart, dice: Dice) -> Posed | None:
    pair = _two(chart, dice)
    if pair is None or chart.kind == "scatter":
        return None
    first, second = (named(chart, mark) for mark in pair)
    answer, ways = _number(chart, 0, sum(_value(chart, mark) for mark in pair))
    english, chinese = f"What is the sum of {first} and {second}?", f"{first}与{second}之和是多少？"
    return Posed(english, chinese, answer, "sum", pair, ways, sum_of(_digits(chart, pair)))


def _difference(chart: Chart, dice: Dice) -> Posed | None:
    pair = _two(chart, dice)
    if pair is None:
        return None
    first, second = (named(chart, mark) for mark in pair)
    value = abs(_value(chart, pair[0]) - _value(chart, pair[1]))
    answer, ways = _number(chart, pair[0].series, value)
    english, chinese = f"What is the difference between {first} and {second}?", f"{first}与{second}相差多少？"
    return Posed(english, chinese, answer, "difference", pair, ways, difference_of(*_digits(chart, pair)))


def _beyond(chart: Chart, dice: Dice) -> Posed | None:
    """How many values of a series lie above or below a tick that none of them touches."""
    series, above = dice.integer(0, len(chart.series) - 1), dice.chance(0.5)
    axis, values, name = chart.axis(series), chart.values[series], _spoken(chart, series)
    ticks = [tick for tick in axis.ticks[1:-1] if all(abs(tick - value) > axis.step // 20 for value in values)]
    if not ticks:
        return None
    limit = dice.pick(ticks)
    return Posed(
        f"How many {_many(chart)} have a value of {name} {'above' if above else 'below'} {axis.written(limit)}?",
        f"有多少个{chart.heading}的{name}{'高于' if above else '低于'}{axis.written(limit)}？",
        str(sum((value > limit) == above for value in values)),
        "count",
        _row(chart, series),
        working=count_of(_digits(chart, _row(chart, series)), axis.written(limit), above=above),
    )


def _count(chart: Chart, dice: Dice) -> Posed:
    if _several(chart) and dice.chance(0.5):
        answer, working = str(len(chart.series)), list_of(chart.series)
        return Posed("How many entries does the legend have?", "图例中有几项？", answer, "count", working=working)
    english, chinese = f"How many {_many(chart)} are shown?", f"图中一共有多少个{chart.heading}？"
    return Posed(english, chinese, str(len(chart.categories)), "count", working=list_of(chart.categories))


def _title(chart: Chart, dice: Dice) -> Posed:
    return Posed("What is the title of the chart?", "这张图表的标题是什么？", chart.title, "title")


def _fact(english: str, chinese: str, holds: bool, chart: Chart, marks: tuple[Mark, ...], working: str = "") -> Posed:
    answer = YES_NO[chart.lang][holds]
    english, chinese = FACTS["en"].format(english), FACTS["zh"].format(chinese)
    return Posed(english, chinese, answer, "yes/no", marks, working=working)


def _said_comparison(chart: Chart, dice: Dice) -> Posed | None:
    pair = _two(chart, dice)
    if pair is None:
        return None
    above = dice.chance(0.5)
    first, second = (named(chart, mark) for mark in pair)
    holds = (_value(chart, pair[0]) > _value(chart, pair[1])) == above
    english = f"{first} is {'higher' if above else 'lower'} than {second}"
    working = is_more(*_digits(chart, pair if above else pair[::-1]))
    return _fact(english, f"{first}{'高于' if above else '低于'}{second}", holds, chart, pair, working)


def _said_extreme(chart: Chart, dice: Dice) -> Posed | None:
    """That a value is the largest or smallest of its series; where that is wrong, another one is."""
    series, largest, holds = dice.integer(0, len(chart.series) - 1), dice.chance(0.5), dice.chance(0.5)
    right, count = _extreme_of(chart, series, largest), len(chart.categories)
    if right is None:
        return None
    said = right if holds else (right + dice.integer(1, count - 1)) % count
    thing = named(chart, Mark(series, said))
    english = f"{thing} is the {'highest' if largest else 'lowest'} of all {_many(chart)}"
    chinese = f"{thing}在所有{chart.heading}中最{'高' if largest else '低'}"
    return _fact(english, chinese, holds, chart, _row(chart, series))


def _said_value(chart: Chart, dice: Dice) -> Posed:
    """A value, or one that is off by half a tick or more."""
    mark = _any(chart, dice)
    axis, value = chart.axis(mark.series), _value(chart, mark)
    holds = dice.chance(0.5)
    off = max(1, axis.step // 2) * dice.integer(1, 3)
    said = value if holds else value + off if value + off <= axis.high else value - off
    digits, thing = axis.written(said) + axis.sign, named(chart, mark)
    return _fact(f"{thing} is {digits}", f"{thing}为{digits}", holds, chart, (mark,))


FORMS = (
    _look_up, _look_up, _extreme, _compare, _total, _difference, _beyond, _count, _said_comparison, _said_extreme,
    _said_value, _title,
)  # fmt: skip
"""What may be asked; a form that stands twice is asked more often."""
