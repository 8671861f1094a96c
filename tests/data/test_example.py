"""Examples hold places apart from text, and dropped records are counted."""

import io
from pathlib import Path

import pytest
from PIL import Image

from texthawk.data.dropped import Dropped, Unusable
from texthawk.data.example import PLACE, Drawn, Example, Turn, plain, unit_box
from texthawk.model.grounding import box_text

BOX = (0.1, 0.2, 0.3, 0.4)
OTHER = (0.0, 0.0, 1.0, 1.0)


def test_places_are_written_in_order_the_questions_first():
    turn = Turn(f"Is {PLACE} left of the cat?", f"No, {PLACE} is the cat", "referring", (BOX, OTHER))
    assert turn.written() == (f"Is {box_text(BOX)} left of the cat?", f"No, {box_text(OTHER)} is the cat")
    assert turn.written(bins=10)[0] == "Is <box><1><2>,<3><4></box> left of the cat?"


def test_a_place_without_box_or_a_box_without_place_is_refused():
    with pytest.raises(ValueError, match="1 places are spoken of and 0 boxes"):
        Turn("Where?", PLACE, "grounding")
    with pytest.raises(ValueError, match="0 places are spoken of and 1 boxes"):
        Turn("Where?", "here", "grounding", (BOX,))
    with pytest.raises(ValueError, match="task 'gruonding' is unknown"):
        Turn("Where?", "here", "gruonding")


@pytest.mark.parametrize("text", [None, 7, ["a"], "half of one: \ud83d"])
def test_what_no_file_can_hold_as_text_is_refused(text):
    for question, answer, accepted in ((text, "a", ()), ("a", text, ()), ("a", "b", ("b", text))):
        with pytest.raises(ValueError, match=r"where a text belongs|half of a character"):
            Turn(question, answer, "vqa", accepted=accepted)
    with pytest.raises(ValueError, match=r"where a text belongs|half of a character"):
        Example(text, "test", b"", ())


@pytest.mark.parametrize("box", [(0.5, 0, 0.4, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.01), (0, 0, float("nan"), 1)])
def test_a_box_that_is_none_is_refused(box):
    with pytest.raises(ValueError, match="unit_box"):
        Turn("Where?", PLACE, "grounding", (box,))


def test_pixels_become_parts_of_the_picture_and_are_cut_at_its_edge():
    assert unit_box((10, 20, 30, 100), 100, 200) == (0.1, 0.1, 0.3, 0.5)
    assert unit_box((-5, 0, 105, 200), 100, 200) == (0, 0, 1, 1)
    for outside in ((110, 0, 120, 10), (30, 0, 10, 10), (0, -9, 5, -1)):
        with pytest.raises(ValueError, match="no place"):
            unit_box(outside, 100, 200)
    for number in (float("nan"), float("inf")):  # a cut at the edge would make a side of the picture of them
        for side in range(4):
            with pytest.raises(ValueError, match="no place"):
                unit_box([number if at == side else value for at, value in enumerate((10, 20, 30, 100))], 100, 200)
    for width, height in ((0, 10), (10, float("nan")), (float("inf"), 10)):
        with pytest.raises(ValueError, match="no places"):
            unit_box((0, 0, 0, 0), width, height)


def test_text_of_a_source_cannot_be_taken_for_a_place():
    assert Turn(plain(f"What is {PLACE}?"), "a", "vqa").boxes == ()


def test_a_picture_is_a_file_its_bytes_or_drawn(tmp_path):
    class Square:
        def draw(self) -> Image.Image:
            return Image.new("L", (4, 3), 200)

    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), (200, 200, 200)).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    references = (tmp_path / "a.png", buffer.getvalue(), Square())
    assert [isinstance(reference, Drawn) for reference in references] == [False, False, True]
    for reference in references:
        example = Example("a", "test", reference, ())
        assert example.open().mode == "RGB"
        assert example.open().getpixel((3, 2)) == (200, 200, 200)
        assert Image.open(io.BytesIO(example.encoded())).size == (4, 3)
    with pytest.raises(ValueError, match="no such file"):
        Example("a", "test", tmp_path / "b.png", ()).open()


def numbers(record: dict) -> int:
    if record.get("empty"):
        raise Unusable("empty")
    if "file" in record:
        return len(Path(record["file"]).read_bytes())
    return int(record["n"])


def test_records_are_left_out_by_reason_and_the_first_of_each_is_named():
    dropped = Dropped("set")
    records = [("a", {"n": 1}), ("b", {}), ("c", {"n": "x"}), ("d", {"empty": True}), ("e", {}), ("f", {"n": None})]
    records += [("g", {"n": float("inf")}), ("h", {"file": "nowhere"})]
    assert list(dropped.use(records, numbers)) == [1]
    assert dropped.reasons == {
        "no field 'n'": 2,
        "a field's content does not fit (ValueError)": 1,
        "a field's content does not fit (TypeError)": 1,
        "a field's content does not fit (OverflowError)": 1,
        "a file of it cannot be read (FileNotFoundError)": 1,
        "empty": 1,
    }
    assert dropped.first["no field 'n'"] == "b"
    with pytest.raises(ValueError, match=r"set: 7 of 8 records cannot be used.*2 x no field 'n' \(first: b\)"):
        dropped.check()


def test_exactly_one_in_a_hundred_may_be_left_out():
    dropped = Dropped("set")
    assert len(list(dropped.use([(str(n), {"n": n} if n else {}) for n in range(100)], numbers))) == 99
    dropped.check()
    list(dropped.use([("bad", {})], numbers))
    with pytest.raises(ValueError, match="more than 1%"):
        dropped.check()


def test_a_long_set_is_stopped_on_the_way():
    seen = []

    def records():
        for n in range(10_000):
            seen.append(n)
            yield str(n), {"n": n} if n % 50 else {}

    with pytest.raises(ValueError, match="20 of 1000"):
        list(Dropped("set").use(records(), numbers))
    assert len(seen) == 1000
