"""Pages come from files, folders, sets and shards, and what was learned of them is read back as examples."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from tests.data.enrich.examples import GIVEN, example, png
from texthawk.data.dropped import Dropped
from texthawk.data.enrich.asked import Asking, requests_of
from texthawk.data.enrich.kinds import Caption, Conversation, Questions, Thoughts
from texthawk.data.enrich.ledger import Entry, Ledger, Spent
from texthawk.data.enrich.sources import examples_of_set, pages
from texthawk.data.enrich.written import write
from texthawk.data.example import PLACE, Turn
from texthawk.data.public import read_set
from texthawk.data.shard_index import index_shard
from texthawk.data.shards import ShardWriter

ASKING = Asking("wise")
KINDS = {"caption": Caption(), "thoughts": Thoughts(), "questions": Questions(1), "conversation": Conversation()}
REPLIES = {
    "caption": {"caption": "A bill, 收据."},
    "thoughts": {"thoughts": [{"number": 2, "thought": "at the top"}, {"number": 1, "thought": "at the end"}]},
    "questions": {"questions": [{"question": "When?", "thought": "beside Date", "answer": "1990"}]},
    "conversation": {"rounds": [{"junior": "What?", "senior": "A bill."}, {"junior": "Whose?", "senior": "Kim's."}]},
}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "scans"
    (place / "b").mkdir(parents=True)
    (place / "a.png").write_bytes(png(1))
    (place / "b" / "c.JPG").write_bytes(png(2))
    (place / "notes.txt").write_text("no page")
    sheets = [Image.new("RGB", (50, 40), shade) for shade in ("red", "blue")]
    sheets[0].save(place / "two.tif", save_all=True, append_images=sheets[1:])
    sheets[0].save(place / "print.pdf", save_all=True, append_images=sheets[1:], resolution=72)
    return place


def filled(path, examples, kinds=KINDS):
    ledger = Ledger(path)
    for page in examples:
        for request in requests_of(page, kinds, ASKING):
            ledger.add(Entry(request.key, page.id, request.name, REPLIES[request.name], Spent()))
    return ledger


def test_a_folder_gives_every_page_of_every_file_in_order_of_names(folder):
    dropped = Dropped("pages")
    found = list(pages([folder], dropped))
    names = ["a.png", "b/c.JPG", "print.pdf#1", "print.pdf#2", "two.tif#1", "two.tif#2"]
    assert [page.id for page in found] == [f"scans/{name}" for name in names]
    assert found[-1].open().getpixel((5, 5)) == (0, 0, 255)
    assert not dropped.count


def test_files_that_are_no_pages_are_counted_and_the_others_read(folder):
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "empty.png").write_bytes(b"")
    dropped = Dropped("pages")
    assert len(list(pages([folder, folder / "notes.txt"], dropped))) == 6
    assert dropped.count == 3
    with pytest.raises(ValueError, match="there is no"):
        list(pages([folder / "gone"], dropped))


def test_requests_differ_from_page_to_page_of_a_file_and_are_the_same_again(folder):
    def keys():
        return [request.key for page in pages([folder], Dropped("")) for request in requests_of(page, KINDS, ASKING)]

    assert len(set(keys())) == 6 * 3 and keys() == keys()


def test_what_is_written_is_read_back_as_examples(tmp_path):
    place = Turn(f"Where is {PLACE}?", "here", "referring", ((0.1, 0.2, 0.3, 0.4),))
    page = example(1, (*GIVEN, place))
    with filled(tmp_path / "ledger", [page]) as ledger:
        written = write([page, example(2)], KINDS, ASKING, ledger, tmp_path / "out")
    assert (written.examples, written.conversations, written.given, written.turns) == (1, 1, 3, 4)
    [found] = read_set("folder", tmp_path / "out", "annotations")
    assert found.turns[:3] == page.turns  # boxes and accepted answers included
    assert [(turn.task, turn.answer) for turn in found.turns[3:]] == [("caption", "A bill, 收据."), ("docvqa", "1990")]
    assert found.open().tobytes() == page.open().tobytes() and found.lang == "en"
    [talk] = read_set("folder", tmp_path / "out", "conversations")
    assert [turn.question for turn in talk.turns] == ["What?", "Whose?"]
    [line] = (tmp_path / "out" / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    info = json.loads(line)["info"]
    assert info["enriched"] == {"model": "wise", "kinds": ["caption", "thoughts", "questions"], "given": 3}
    assert info["thoughts"] == [
        {"question": "What is the total?", "thought": "at the end", "answer": "9.00"},
        {"question": "Who sells?", "thought": "at the top", "answer": "Kim"},
        {"question": "When?", "thought": "beside Date", "answer": "1990"},
    ]


def test_pages_of_files_are_written_as_pictures_of_their_own(folder, tmp_path):
    found = list(pages([folder], Dropped("")))
    with filled(tmp_path / "ledger", found) as ledger:
        for _ in range(2):  # again changes nothing
            write(found, KINDS, ASKING, ledger, tmp_path / "out")
    back = list(read_set("folder", tmp_path / "out", "annotations"))
    assert [one.open().tobytes() for one in back] == [one.open().tobytes() for one in found]
    assert len(list((tmp_path / "out" / "images").iterdir())) == 6


def test_a_reply_to_another_model_or_picture_is_not_written(tmp_path):
    with filled(tmp_path / "ledger", [example(1)]) as ledger:
        for page, asking in ((example(1), Asking("other")), (replace(example(1), image=png(9)), ASKING)):
            assert write([page], KINDS, asking, ledger, tmp_path / "out").examples == 0
        assert write([example(1)], KINDS, ASKING, ledger, tmp_path / "out").examples == 1


def test_names_that_look_alike_as_files_stay_apart(tmp_path):
    alike = [replace(example(1), id="a/b"), replace(example(2), id="a b"), replace(example(3), id="字" * 300)]
    with filled(tmp_path / "ledger", alike) as ledger:
        write(alike, KINDS, ASKING, ledger, tmp_path / "out")
    back = list(read_set("folder", tmp_path / "out", "annotations"))
    assert [one.open().getpixel((0, 0)) for one in back] == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]


def test_shards_give_their_examples_with_pictures_as_they_are(tmp_path):
    with ShardWriter(tmp_path / "tars", samples=2) as writer:
        for number in range(3):
            writer.write(example(number, GIVEN))
    dropped = Dropped("shards")
    found = list(examples_of_set("shards", tmp_path / "tars", "", dropped))
    assert found == [example(number, GIVEN) for number in range(3)]
    assert (dropped.seen, dropped.count) == (3, 0)


def test_a_shard_that_is_cut_short_gives_what_is_whole_and_counts_the_rest(tmp_path):
    with ShardWriter(tmp_path / "tars", samples=200) as writer:
        for number in range(150):
            writer.write(example(number % 250))
    [shard] = writer.shards
    content = shard.read_bytes()
    shard.write_bytes(content[: -10240 - 2000])
    index_shard(shard)
    dropped = Dropped("shards")
    found = list(examples_of_set("shards", tmp_path / "tars", "", dropped))
    assert 140 < len(found) < 150 and dropped.count >= 1
