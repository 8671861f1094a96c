"""Fonts are described and printed by the face that a page of their language would have."""

from pathlib import Path

import pytest
from fontTools.ttLib import TTCollection, TTFont
from PIL import ImageFont

from texthawk.data.factory.ink import Face, Font, characters
from texthawk.data.synth import system_fonts
from texthawk.data.synth.fonts import describe, face_number

PLAIN = next((path for path in system_fonts() if "DejaVuSans." in path or "LiberationSans-Regular" in path), None)
needs_font = pytest.mark.skipif(PLAIN is None, reason="this machine has neither DejaVu Sans nor Liberation Sans")


def _face(name: str, letter: str) -> TTFont:
    """A face of another name, in which "E" is drawn as `letter`."""
    assert PLAIN is not None
    font = TTFont(PLAIN)
    for record in list(font["name"].names):
        if record.nameID in (1, 16):
            font["name"].setName(name, record.nameID, record.platformID, record.platEncID, record.langID)
    for table in font["cmap"].tables:
        if ord("E") in table.cmap:
            table.cmap[ord("E")] = table.cmap[ord(letter)]
            if "Script" not in name:
                table.cmap[0x4E2D] = table.cmap[ord("n")]
    return font


def _collection(place: Path, names: list[str]) -> str:
    collection = TTCollection()
    collection.fonts = [_face(name, letter) for name, letter in zip(names, "Wim", strict=False)]
    collection.save(place)
    return str(place)


@needs_font
@pytest.mark.parametrize(
    ("names", "number"),
    [
        (["Try Sans JP", "Try Sans SC"], 1),
        (["Try Sans SC", "Try Sans TC"], 0),
        (["Try Sans JP", "Try Sans KR"], 0),
        (["Try Script SC", "Try Ming CN", "Try Ming TW"], 1),
    ],
)
def test_a_collection_is_printed_in_its_simplified_chinese(names: list[str], number: int, tmp_path: Path) -> None:
    path = _collection(tmp_path / "try.ttc", names)
    assert face_number(path) == number
    described = describe(path)
    assert described is not None and described.family == names[number]
    width = ImageFont.truetype(path, 100, index=number).getlength("E")
    others = {ImageFont.truetype(path, 100, index=n).getlength("E") for n in range(len(names)) if n != number}
    assert width not in others
    face = Face((Font(path),), 40.0)
    per_pixel = face.glyph("E").advance / face.glyph("n").advance
    assert per_pixel == pytest.approx(width / ImageFont.truetype(path, 100).getlength("n"), abs=0.1)


@needs_font
def test_a_single_font_and_what_is_no_collection_are_their_first_face(tmp_path: Path) -> None:
    assert PLAIN is not None and face_number(PLAIN) == 0
    broken = tmp_path / "broken.ttc"
    for content in (b"ttcf and nothing else", b"ttcf", b"ttcf\0\1\0\0\0\0\0\5"):
        broken.write_bytes(content)
        face_number.cache_clear()
        describe.cache_clear()
        assert face_number(str(broken)) == 0 and describe(str(broken)) is None
    assert ord("E") in characters(PLAIN)
