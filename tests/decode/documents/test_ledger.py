"""A ledger loses nothing that it was given, and believes nothing that it was not."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texthawk.decode.documents.ledger import Ledger, LedgerPages
from texthawk.decode.documents.record import page_of, record_of
from texthawk.types import Box, Line, Page, Word

SETTINGS = {"dpi": 200, "model": "nano"}


def page(number: int, text: str = "some text") -> Page:
    box = Box(1.25, 2.0, 3.1, 4.7)
    return Page(
        number, 100, 200, text, (Line(text, box, (Word(text, None, 0.3),)),), source="a.pdf", points=(7.5, 15.0)
    )


def written(path, *numbers: int) -> None:
    ledger = Ledger(path, "content", SETTINGS)
    for number in numbers:
        ledger.add(page(number, f"text {number}"))
    ledger.close()


@given(
    st.text(),
    st.one_of(st.none(), st.tuples(*[st.floats(-1e6, 1e6)] * 4)),
    st.floats(0, 1),
    st.sampled_from([0, 90, 180, 270]),
)
def test_a_page_comes_back_from_json_as_it_was(text, sides, confidence, rotation):
    box = None if sides is None else Box(*sides)
    made = Page(3, 10, 20, text, (Line(text, box, (Word(text, box, confidence),)),), rotation=rotation, origin="layer")
    assert page_of(json.loads(json.dumps(record_of(made)))) == made


def test_pages_are_there_again_when_the_ledger_is_opened_again_in_whatever_order_they_came(tmp_path):
    path = tmp_path / "new" / "a.jsonl"
    written(path, 3, 1, 2)
    again = Ledger(path, "content", SETTINGS)
    assert again.numbers == [1, 2, 3] and again.remarks == []
    assert list(LedgerPages(again, [1, 2, 3])) == [page(number, f"text {number}") for number in (1, 2, 3)]


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_line_that_a_kill_cut_short_is_read_again_and_no_other(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    written(path, 1, 2)
    os.truncate(path, path.stat().st_size - cut)
    again = Ledger(path, "content", SETTINGS)
    assert again.numbers == [1]
    again.add(page(2, "text 2"))
    again.close()
    assert Ledger(path, "content", SETTINGS).numbers == [1, 2]


def test_a_head_that_a_kill_cut_short_is_begun_again(tmp_path):
    path = tmp_path / "a.jsonl"
    written(path)
    os.truncate(path, 7)
    again = Ledger(path, "content", SETTINGS)
    again.add(page(1))
    again.close()
    assert Ledger(path, "content", SETTINGS).numbers == [1]


@pytest.mark.parametrize("rubbish", [b"\xff\xfe", b"{}", b'{"page": 7}', b'{"page": {"number": 2}}', b"[1, 2"])
def test_a_damaged_line_costs_its_page_and_no_other(tmp_path, rubbish):
    path = tmp_path / "a.jsonl"
    written(path, 1, 2, 3)
    lines = path.read_bytes().split(b"\n")
    lines[2] = rubbish
    path.write_bytes(b"\n".join(lines))
    again = Ledger(path, "content", SETTINGS)
    assert again.numbers == [1, 3]
    assert again.page(3) == page(3, "text 3")


@pytest.mark.parametrize(
    ("content", "settings", "named"),
    [
        ("other", SETTINGS, "the file has changed"),
        ("content", SETTINGS | {"dpi": 300}, "dpi was 200 and is 300"),
        ("content", SETTINGS | {"rotate": 90}, "rotate was None and is 90"),
    ],
)
def test_what_has_changed_is_named_and_the_older_ledger_set_aside(tmp_path, content, settings, named):
    path = tmp_path / "a.jsonl"
    written(path, 1, 2)
    before = path.read_bytes()
    again = Ledger(path, content, settings)
    assert len(again) == 0 and len(again.remarks) == 1 and named in again.remarks[0]
    assert (tmp_path / "a.jsonl.before").read_bytes() == before


def test_a_file_that_is_no_ledger_is_set_aside(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("Dear Sir\n")
    assert Ledger(path, "content", SETTINGS).remarks
    assert (tmp_path / "a.jsonl.before").read_text() == "Dear Sir\n"


def test_two_readings_do_not_write_one_ledger(tmp_path):
    path = tmp_path / "a.jsonl"
    first = Ledger(path, "content", SETTINGS)
    with pytest.raises(ValueError, match="another process"):
        Ledger(path, "content", SETTINGS)
    first.close()
    Ledger(path, "content", SETTINGS).close()


def test_a_place_that_cannot_be_written_is_told_with_a_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="choose another folder"):
        Ledger(tmp_path / "file" / "a.jsonl", "content", SETTINGS)
