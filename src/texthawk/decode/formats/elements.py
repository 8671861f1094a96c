"""XML written in pieces: what stands around the pages, and each page by itself, as if the whole tree had been written."""

from xml.etree import ElementTree

_SPACE = " "  # of one level


def around(root: ElementTree.Element, parent: ElementTree.Element, *, indent: bool = False) -> tuple[bytes, bytes]:
    """What is written before the first child of `parent`, which has none yet, and what after the last.

    indent: each element on a line of its own, a space deeper than the one that holds it; `indented` writes the children so.
    """
    mark = ElementTree.Comment("children")
    parent.append(mark)
    if indent:
        ElementTree.indent(root, space=_SPACE)
    # Within texts and attributes a < is escaped, so that the mark stands in one place.
    before, after = ElementTree.tostring(root, encoding="unicode").split("<!--children-->")
    return (before.rstrip() if indent else before).encode(), after.encode()


def indented(element: ElementTree.Element, depth: int) -> bytes:
    """An element with all that it holds, and the line break before it; `depth`: how many elements are around it."""
    ElementTree.indent(element, space=_SPACE, level=depth)
    return f"\n{_SPACE * depth}".encode() + serialised(element)


def serialised(element: ElementTree.Element) -> bytes:
    """An element with all that it holds, and its tail."""
    return ElementTree.tostring(element, encoding="unicode").encode()
