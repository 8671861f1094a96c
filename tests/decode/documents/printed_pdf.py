"""PDFs with text of their own, made on the spot."""

from collections.abc import Sequence

Place = tuple[float, float, str]
"""Points from the left, points from the top, and what is printed there."""


def printed_pdf(
    pages: Sequence[Sequence[Place]],
    *,
    size: float = 14,
    turn: int = 0,
    letters: dict[str, str] | None = None,
    hidden: Sequence[Place] = (),
) -> bytes:
    """Letter-sized pages in Courier. letters: what the file says its letters mean, where that is not
    what is printed. hidden: printed white on each page.
    """
    unicode_map = "/ToUnicode 4 0 R" if letters else ""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"",
        f"<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding{unicode_map}>>".encode(),
        _stream(_unicode_map(letters or {})),
    ]
    kids = []
    for places in pages:
        drawn = "".join(_drawn(place, size) for place in places)
        drawn += "1 g\n" + "".join(_drawn(place, size) for place in hidden)
        objects.append(_stream(drawn.encode("latin-1")))
        content = len(objects)
        resources = "/Resources<</Font<</F 3 0 R>>>>"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Rotate {turn}{resources}/Contents {content} 0 R>>".encode()
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    body, offsets = b"%PDF-1.4\n", []
    parts = [body]
    length = len(body)
    for number, content_ in enumerate(objects, start=1):
        offsets.append(length)
        parts.append(f"{number} 0 obj".encode() + content_ + b"endobj\n")
        length += len(parts[-1])
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    end = f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer<</Root 1 0 R/Size {count}>>\nstartxref\n{length}\n%%EOF\n"
    return b"".join(parts) + end.encode()


def lines_of(*lines: str, left: float = 72, top: float = 90, apart: float = 20) -> list[Place]:
    return [(left, top + apart * k, line) for k, line in enumerate(lines)]


def _drawn(place: Place, size: float) -> str:
    x, y, text = place
    return f"BT /F 1 Tf {size} 0 0 {size} {x} {792 - y} Tm ({_escaped(text)}) Tj ET\n"


def _stream(content: bytes) -> bytes:
    return f"<</Length {len(content)}>>stream\n".encode() + content + b"\nendstream "


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _unicode_map(letters: dict[str, str]) -> bytes:
    meant = "".join(f"<{ord(letter):02X}> <{ord(other):04X}>\n" for letter, other in letters.items())
    head = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange\n"
    return (head + f"{len(letters)} beginbfchar\n{meant}endbfchar endcmap end end").encode()
