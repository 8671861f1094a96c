"""The families of documents by name; a maker takes an Order and gives a Document that nothing has damaged yet."""

from collections.abc import Callable
from types import MappingProxyType

from texthawk.data.factory import article
from texthawk.data.factory.document import Document
from texthawk.data.factory.order import Order

Maker = Callable[[Order], Document]

FAMILIES: MappingProxyType[str, Maker] = MappingProxyType(
    {
        "article": article.make,
    }
)
