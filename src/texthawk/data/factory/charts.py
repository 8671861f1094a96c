"""Charts with their data: bars, grouped and stacked bars, lines, pies, scatter charts; a page each."""

from dataclasses import replace
from typing import Any

from texthawk.data.example import PLACE, TASKS
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.chart_board import look_of
from texthawk.data.factory.chart_data import Chart, invent
from texthawk.data.factory.chart_marks import Places, draw
from texthawk.data.factory.chart_questions import Mark, questions
from texthawk.data.factory.document import Asked, Document, Thing
from texthawk.data.factory.grid import markdown_table
from texthawk.data.factory.ink import Face
from texthawk.data.factory.order import Order
from texthawk.types import Box

LOWEST, SMALLEST = 360, 10.5
"""Pixels that a chart has at least in its height and in its text, so that it can be read on small pages too."""
KIND_NAMES = {
    "bar": ("bar chart", "柱状图"),
    "grouped": ("grouped bar chart", "分组柱状图"),
    "stacked": ("stacked bar chart", "堆叠柱状图"),
    "line": ("line chart", "折线图"),
    "pie": ("pie chart", "饼图"),
    "scatter": ("scatter chart", "散点图"),
}
MARK_NAMES = {
    "bar": ("bar", "柱子"),
    "grouped": ("bar", "柱子"),
    "stacked": ("segment", "柱段"),
    "line": ("point", "数据点"),
    "pie": ("slice", "扇区"),
    "scatter": ("point", "数据点"),
}


def bars(order: Order) -> Document:
    """A bar chart, of one series or with several side by side."""
    return _page(order, order.dice.pick(("bar", "bar", "grouped")), "bar_chart")


def stacked(order: Order) -> Document:
    """A chart of bars on top of each other."""
    return _page(order, "stacked", "stacked_chart")


def lines(order: Order) -> Document:
    """A chart of one or more lines over time."""
    return _page(order, "line", "line_chart")


def pie(order: Order) -> Document:
    """A pie or ring."""
    return _page(order, "pie", "pie_chart")


def scatter(order: Order) -> Document:
    """Named points on two axes."""
    return _page(order, "scatter", "scatter_chart")


def _page(order: Order, kind: str, family: str) -> Document:
    dice = order.dice
    height = max(LOWEST, round(order.height * dice.between(0.62, 1.0)))
    width = round(height * (dice.between(1.0, 1.25) if kind == "pie" else dice.between(1.1, 1.6)))
    look = look_of(dice, order.style(), max(SMALLEST, height / dice.between(34, 46)))
    chart = made(order, kind, look.face())
    canvas = Canvas(width, height, look.ground, look.ink)
    places = draw(canvas, Box(0.0, 0.0, float(width), float(height)), chart, look)
    return Document(
        canvas.image,
        family,
        order.lang,
        tuple(canvas.lines),
        markdown=f"# {chart.title}\n\n{markdown_table(chart.rows())}",
        chart=known(chart),
        things=things(chart, places),
        asked=asked(order, chart, places),
        caption=caption(chart),
    )


def made(order: Order, kind: str, face: Face) -> Chart:
    """An invented chart in the language of labels, in characters that `face` has."""

    def invented() -> str:
        for _ in range(4):
            name = face.fit(order.phrase(14))
            if sum(character.isalpha() for character in name) >= 2:
                return name[:1].upper() + name[1:]
        return order.say("Area ", "分区") + str(order.dice.integer(1, 99))

    chart = invent(order.dice, kind, order.speech, invented)
    return replace(
        chart,
        title=face.fit(chart.title),
        heading=face.fit(chart.heading),
        categories=tuple(map(face.fit, chart.categories)),
        series=tuple(map(face.fit, chart.series)),
        axes=tuple(replace(axis, name=face.fit(axis.name)) for axis in chart.axes),
    )


def asked(order: Order, chart: Chart, places: Places, most: int = 5) -> tuple[Asked, ...]:
    """Questions on the chart, its table, and the place of one of its values."""
    table = Asked(TASKS["chart_table"], markdown_table(chart.rows()), "chart_table", kind="table")
    mark = order.dice.pick(tuple(places))
    place = Asked(TASKS["grounding"].format(name_of(chart, mark)), PLACE, "grounding", (places[mark],), kind="place")
    return (*questions(chart, order.dice, places, most), place, table)


def name_of(chart: Chart, mark: Mark) -> str:
    """What a value's bar, point or slice is called."""
    category, several = chart.categories[mark.category], len(chart.series) > 1 and chart.kind != "scatter"
    english, chinese = MARK_NAMES[chart.kind]
    if chart.lang == "zh":
        return f"{category}的{chart.series[mark.series]}{chinese}" if several else f"{category}的{chinese}"
    return (
        f"the {english} of {chart.series[mark.series]} for {category}" if several else f"the {english} for {category}"
    )


def things(chart: Chart, places: Places) -> tuple[Thing, ...]:
    """Every bar, point or slice by name, once."""
    return tuple(Thing(name, box) for name, box in {name_of(chart, mark): box for mark, box in places.items()}.items())


def caption(chart: Chart) -> str:
    """What the chart shows, in a sentence."""
    english, chinese = KIND_NAMES[chart.kind]
    if chart.lang == "zh":
        return f"一张{chinese}，标题为“{chart.title}”，共有{len(chart.categories)}个{chart.heading}。"
    article = "An" if english[0] in "aeiou" else "A"
    return (
        f'{article} {english} titled "{chart.title}" with {len(chart.categories)} entries for {chart.heading.lower()}.'
    )


def known(chart: Chart) -> dict[str, Any]:
    """The data behind a chart as JSON values."""
    return {
        "kind": chart.kind,
        "title": chart.title,
        "rows": chart.rows(),
        "labelled": chart.labelled,
        "axes": [
            {
                "name": axis.name,
                "low": axis.written(axis.low),
                "high": axis.written(axis.high),
                "step": axis.written(axis.step),
                "sign": axis.sign,
            }
            for axis in chart.axes
        ],
    }
