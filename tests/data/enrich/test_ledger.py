"""The ledger survives kills and damage, and lets one process write."""

import json

import pytest

from texthawk.data.enrich.ledger import Entry, Ledger, Spent, answered_keys


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "ledger.jsonl"


def entry(key, reply=None, tokens=10):
    return Entry(key, f"page {key}", "caption", reply, Spent(1, tokens, 1))


def filled(path):
    with Ledger(path) as ledger:
        ledger.add(entry("a", {"caption": "收据"}))
        ledger.add(entry("b"))
        ledger.add(entry("c", {"caption": "C"}))
    return path.read_bytes()


def test_what_was_added_is_there_after_opening_again(path):
    filled(path)
    with Ledger(path) as ledger:
        assert ["a" in ledger, "b" in ledger, "c" in ledger, len(ledger)] == [True, False, True, 2]
        assert ledger.reply("a") == {"caption": "收据"}
        assert ledger.spent == Spent(3, 30, 3)
    assert answered_keys(path) == {"a", "c"}


def test_a_kill_at_any_byte_loses_at_most_the_entry_that_was_being_written(path):
    content = filled(path)
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for cut in sorted(
        {*range(0, len(content), 9), *(end + i for end in ends for i in (-1, 0, 1))} - {len(content) + 1}
    ):
        path.write_bytes(content[:cut])
        with Ledger(path) as ledger:
            assert ("a" in ledger) == (cut >= ends[1])
            assert ("c" in ledger) == (cut >= ends[3])
            ledger.add(entry("d", {"caption": "D"}))
        with Ledger(path) as ledger:
            assert ledger.reply("d") == {"caption": "D"}
        assert all(json.loads(line) for line in path.read_bytes().splitlines())


def test_a_damaged_line_is_passed_over(path):
    lines = filled(path).splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"reply"', b'\xff"reply')
    path.write_bytes(b"".join(lines))
    with Ledger(path) as ledger:
        assert "a" not in ledger and ledger.reply("c") == {"caption": "C"}


@pytest.mark.parametrize("content", ["my notes\n", "my notes", '{"texthawk enrichment": 99}\n'])
def test_a_file_that_is_no_ledger_is_left_as_it_is(path, content):
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="no ledger"):
        Ledger(path)
    assert path.read_text(encoding="utf-8") == content


def test_two_cannot_write_at_a_time(path):
    with Ledger(path), pytest.raises(ValueError, match="another process"):
        Ledger(path)
    Ledger(path).__exit__(None, None, None)


def test_looking_makes_no_ledger(path):
    assert answered_keys(path) == set()
    assert not path.parent.exists()
