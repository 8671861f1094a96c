"""The families of documents by name; a maker takes an Order and gives a Document that nothing has damaged yet."""

from collections.abc import Callable
from types import MappingProxyType

from texthawk.data.factory import (
    article,
    blank,
    card,
    charts,
    code,
    form,
    formulas,
    invoice,
    letter,
    readme,
    receipt,
    scenes,
    slides,
    table,
    ticket,
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
        "code": code.make,
        "readme": readme.make,
        "card": card.make,
        "ticket": ticket.make,
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
