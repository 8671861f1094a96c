"""The families of documents by name; a maker takes an Order and gives a Document that nothing has damaged yet."""

from collections.abc import Callable
from types import MappingProxyType

from texthawk.data.factory import (
    article,
    blank,
    charts,
    form,
    formulas,
    invoice,
    letter,
    receipt,
    scenes,
    slides,
    table,
)
from texthawk.data.factory.document import Document
from texthawk.data.factory.order import Order

Maker = Callable[[Order], Document]

FAMILIES: MappingProxyType[str, Maker] = MappingProxyType(
    {
        "article": article.make,
        "letter": letter.make,
        "form": form.make,
        "invoice": invoice.make,
        "receipt": receipt.make,
        "table": table.make,
        "blank": blank.make,
        "bar_chart": charts.bars,
        "stacked_chart": charts.stacked,
        "line_chart": charts.lines,
        "pie_chart": charts.pie,
        "scatter_chart": charts.scatter,
        "slide": slides.make,
        "formulas": formulas.make,
        "scene": scenes.make,
    }
)
