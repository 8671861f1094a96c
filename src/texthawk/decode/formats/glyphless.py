"""A font without letters: every character is one blank box, half an em wide.

The text layer of a searchable PDF is drawn in it, invisibly. What a character is stands beside the font (`to_unicode`),
so the layer holds any script and weighs a few hundred bytes. The box reaches from descender to ascender, because that
is what programs take for the place of a character.
"""

import struct
from collections.abc import Mapping

EM, ASCENT, DESCENT, ADVANCE = 1000, 800, -200, 500
_VERSION, _HEAD_MAGIC = 0x00010000, 0x5F0F3CF5
_ENTRY = 16  # bytes of a table's line in the directory


def font() -> bytes:
    """The TrueType file: glyph 0 is empty, glyph 1 the box."""
    glyph = _box()
    tables = {
        b"cmap": struct.pack(">HHHHI", 0, 1, 3, 1, 12)
        + struct.pack(">12H", 4, 24, 0, 2, 2, 0, 0, 0xFFFF, 0, 0xFFFF, 1, 0),
        b"glyf": glyph,
        b"head": struct.pack(
            ">IIIIHHQQ4hHH3h",
            _VERSION,
            _VERSION,
            0,
            _HEAD_MAGIC,
            0,
            EM,
            0,
            0,
            0,
            DESCENT,
            ADVANCE,
            ASCENT,
            0,
            8,
            2,
            0,
            0,
        ),
        b"hhea": struct.pack(">I3hH11hH", _VERSION, ASCENT, DESCENT, 0, ADVANCE, 0, 0, ADVANCE, 1, *([0] * 7), 2),
        b"hmtx": struct.pack(">HhHh", ADVANCE, 0, ADVANCE, 0),
        b"loca": struct.pack(">3H", 0, 0, len(glyph) // 2),
        b"maxp": struct.pack(">I14H", _VERSION, 2, 4, 1, 0, 0, 1, *([0] * 8)),
        b"name": struct.pack(">3H", 0, 0, 6),
        b"post": struct.pack(">IIhh5I", 0x00030000, 0, 0, 0, 1, 0, 0, 0, 0),
    }
    return _assembled(tables)


def to_unicode(codes: Mapping[str, int]) -> bytes:
    """The CMap that says which character each code stands for (PDF 32000-1, 9.10.3)."""
    lines = [
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<0000> <FFFF>",
        "endcodespacerange",
    ]
    entries = [f"<{code:04X}> <{character.encode('utf-16-be').hex().upper()}>" for character, code in codes.items()]
    for start in range(0, len(entries), 100):  # a section may hold no more
        section = entries[start : start + 100]
        lines += [f"{len(section)} beginbfchar", *section, "endbfchar"]
    lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end"]
    return "\n".join(lines).encode("ascii")


def _box() -> bytes:
    """A closed outline of four corners; the coordinates are steps from one corner to the next."""
    high = ASCENT - DESCENT
    header = struct.pack(">5h", 1, 0, DESCENT, ADVANCE, ASCENT) + struct.pack(">HH", 3, 0)
    flags = bytes([1] * 4)  # all on the curve, both steps as 16 bits
    across, up = struct.pack(">4h", 0, ADVANCE, 0, -ADVANCE), struct.pack(">4h", DESCENT, 0, high, 0)
    return _padded(header + flags + across + up)


def _assembled(tables: Mapping[bytes, bytes]) -> bytes:
    directory = struct.pack(">I4H", _VERSION, len(tables), 128, 3, _ENTRY * len(tables) - 128)
    body, start = b"", len(directory) + _ENTRY * len(tables)
    for tag, content in sorted(tables.items()):
        padded = _padded(content)
        checksum = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += tag + struct.pack(">3I", checksum, start + len(body), len(content))
        body += padded
    return directory + body


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)
