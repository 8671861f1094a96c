"""Shards give back what was written, can be read by others, and lose no more than what is broken."""

import gzip
import io
import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from texthawk.cli import main
from texthawk.data.dropped import Unusable
from texthawk.data.example import PLACE, Example, Turn
from texthawk.data.shard_index import CUT_SHORT, DOTTED, NO_MEMBER, index_path, index_shard, picture_size
from texthawk.data.shards import ShardFolder, ShardWriter


def encoded(height: int, width: int, seed: int = 0, kind: str = "PNG", **settings) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **settings)
    return buffer.getvalue()


def example(number: int, picture: bytes | None = None) -> Example:
    turns = (
        Turn("What is it?", f"Nr. {number}, 第{number}页", "vqa", accepted=(f"{number}", "page")),
        Turn("Where?", PLACE, "grounding", boxes=((0.0, 0.25, 1 / 3, 1.0),)),
    )
    picture = picture or encoded(8 + number % 5, 9, number)
    return Example(f"set/{number}", "made", picture, turns, "zh", {"row": number})


def write(folder, count: int, **settings):
    with ShardWriter(folder, **settings) as writer:
        for number in range(count):
            writer.write(example(number))
    return ShardFolder(folder)


def test_examples_come_back_as_they_were_written(tmp_path):
    folder = write(tmp_path / "set", 7, samples=3)
    assert [shard.name for shard in folder.shards] == [f"shard-00000{n}.tar" for n in range(3)]
    assert list(folder.runs) == [3, 3, 1] and len(folder) == 7 and folder.name == "set"
    for number in range(7):
        read, wrote = folder.example(number), example(number)
        assert (read.id, read.source, read.turns, read.lang, read.info) == (
            wrote.id, wrote.source, wrote.turns, wrote.lang, wrote.info,
        )  # fmt: skip
        assert read.open().tobytes() == wrote.open().tobytes()
        assert (read.image.height, read.image.width) == (8 + number % 5, 9)


def test_a_shard_is_a_plain_tar_of_pictures_and_json_under_one_key(tmp_path):
    folder = write(tmp_path, 2)
    with tarfile.open(folder.shards[0]) as tar:
        assert tar.getnames() == ["000000000.png", "000000000.json", "000000001.png", "000000001.json"]
        assert tar.extractfile("000000001.png").read() == example(1).image


def test_the_same_examples_make_the_same_bytes(tmp_path):
    one, two = write(tmp_path / "a", 4), write(tmp_path / "b", 4)
    assert one.shards[0].read_bytes() == two.shards[0].read_bytes()
    assert index_path(one.shards[0]).read_bytes() == index_path(two.shards[0]).read_bytes()


def test_shards_are_closed_by_bytes_too(tmp_path):
    assert list(write(tmp_path, 4, most_bytes=1).runs) == [1, 1, 1, 1]


def test_the_size_of_a_picture_is_that_of_the_upright_one():
    exif = Image.Exif()
    exif[274] = 6
    assert picture_size(encoded(10, 20, kind="JPEG")) == (10, 20)
    assert picture_size(encoded(10, 20, kind="JPEG", exif=exif)) == (20, 10)


def test_a_broken_off_writing_leaves_no_shard_that_is_taken(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path, samples=2) as writer:
        for number in range(3):
            writer.write(example(number))
        raise RuntimeError
    assert len(ShardFolder(tmp_path)) == 2
    with pytest.raises(ValueError, match="is there already"):
        ShardWriter(tmp_path)


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"\xff\xfe", b'{"samples": "2", "bytes": 9, "left_out": {}}', b'{"samples": 2, "bytes": 9, "left_out": 5}',
     b'{"samples": -1, "bytes": 9, "left_out": {}}', b'{"samples": 2, "bytes": 9, "left_out": {"x": "y"}}'],
)  # fmt: skip
def test_a_damaged_index_is_told(tmp_path, line):
    shard = write(tmp_path, 2).shards[0]
    index_path(shard).write_bytes(line + b"\n")
    with pytest.raises(ValueError, match=r"index of shard .* is damaged"):
        ShardFolder(tmp_path)


def test_a_shard_cut_after_it_was_indexed_loses_its_end_alone(tmp_path):
    folder = write(tmp_path, 40)
    os.truncate(folder.shards[0], folder.shards[0].stat().st_size // 2)
    read, lost = [], []
    for number in range(40):
        try:
            folder.example(number).open()
            read.append(number)
        except Unusable as error:
            lost.append((number, str(error)))
    assert len(read) >= 15 and read == list(range(len(read)))
    assert lost == [(number, CUT_SHORT) for number in range(len(read), 40)]


def test_a_shard_cut_before_it_is_indexed_gives_what_is_whole_and_counts_the_loss(tmp_path):
    folder = write(tmp_path, 40)
    os.truncate(folder.shards[0], folder.shards[0].stat().st_size // 2)
    head = index_shard(folder.shards[0])
    assert 15 <= head.samples < 40 and head.left_out[CUT_SHORT] == 1
    with pytest.raises(ValueError, match=f"more than 1%: .*{CUT_SHORT}"):
        ShardFolder(tmp_path)


def test_foreign_tars_with_folders_and_lone_members_are_indexed(tmp_path):
    shard = tmp_path / "foreign.tar"
    record = b'{"id": "x", "source": "s", "turns": [{"question": "q", "answer": "a", "task": "vqa"}]}'
    with tarfile.open(shard, "w") as tar:
        members = [("a/1.json", record), ("a/1.jpg", encoded(5, 6, kind="JPEG")), ("b/1.png", encoded(4, 4))]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(ValueError, match="has no index"):
        ShardFolder(tmp_path)
    assert index_shard(shard).left_out == {"no text beside it": 1}
    lines = index_path(shard).read_text().splitlines()
    assert len(lines) == 2 and lines[1].startswith('["a/1", ')


def foreign(shard, **members: bytes) -> None:
    """A tar with `members`, by name with two underscores for its dot."""
    with tarfile.open(shard, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


RECORD = b'{"id": "x", "source": "s", "turns": [{"question": "q", "answer": "a", "task": "vqa"}]}'


def test_members_for_other_readers_are_not_taken_for_pictures(tmp_path, capsys):
    foreign(
        tmp_path / "a.tar", k1__jpg=encoded(5, 6, kind="JPEG"), k1__json=RECORD, k1__txt=b"a caption", k1__seg__png=b""
    )
    assert main(["index", str(tmp_path / "a.tar")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a.tar'}: 1 sample\n"
    read = ShardFolder(tmp_path).example(0)
    assert read.open().size == (6, 5) and read.turns[0].answer == "a"


def test_index_tells_what_it_leaves_out_and_goes_on_with_the_other_shards(tmp_path, capsys):
    foreign(tmp_path / "a.tar", k1__jpg=encoded(5, 6, kind="JPEG"))
    foreign(tmp_path / "c.tar", k1__png=encoded(5, 6), k1__json=RECORD)
    (tmp_path / "b.tar").write_bytes(b"no tar at all")
    (tmp_path / "empty").mkdir()
    assert main(["index", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out.endswith("c.tar: 1 sample\n") and index_path(tmp_path / "c.tar").exists()
    assert "a.tar: 1 left out: no text beside it" in printed.err and "b.tar' holds no sample" in printed.err
    assert not index_path(tmp_path / "b.tar").exists()
    assert main(["index", str(tmp_path / "gone.tar")]) == 1
    assert "gone.tar' cannot be read: there is no such file" in capsys.readouterr().err
    assert main(["index", str(tmp_path / "empty")]) == 2
    assert "no .tar files in folder" in capsys.readouterr().err


def test_index_touches_nothing_that_is_no_tar(tmp_path, capsys):
    (tmp_path / "book.tex").write_text("a text")
    (tmp_path / "book.index").write_text("precious")
    (tmp_path / "packed.tar").write_bytes(gzip.compress(b"a tar"))
    foreign(tmp_path / "held.tar", k1__png=encoded(5, 6), k1__json=RECORD)
    (tmp_path / "held.index").mkdir()
    for name, told in (
        ("book.tex", "is no .tar"),
        ("packed.tar", "is compressed"),
        ("held.tar", "held.index' written"),
    ):
        assert main(["index", str(tmp_path / name)]) == 1
        assert told in capsys.readouterr().err
    assert (tmp_path / "book.index").read_text() == "precious"


def test_what_a_damaged_tar_loses_is_counted(tmp_path):
    shard = write(tmp_path, 5).shards[0]
    with tarfile.open(shard) as tar:
        place = tar.getmembers()[4].offset
    with shard.open("r+b") as content:
        content.seek(place)
        content.write(b"\xff" * 512)
    head = index_shard(shard)
    assert head.samples == 2 and head.left_out == {NO_MEMBER: 1}
    with pytest.raises(ValueError, match="more than 1%"):
        ShardFolder(tmp_path)


def test_members_that_share_a_key_or_have_a_dot_in_it_are_counted(tmp_path):
    shard = tmp_path / "a.tar"
    first, second = encoded(5, 6), encoded(50, 60, kind="JPEG")
    foreign(shard, k1__png=first, k1__json=RECORD, k1__jpg=second, page__1__jpg=second, page__1__json=RECORD)
    head = index_shard(shard)
    assert head.left_out == {"a second picture under one key": 1, DOTTED: 1}
    assert index_path(shard).read_text().splitlines()[1].endswith("5, 6]")


def test_a_picture_broken_in_its_head_or_body_is_told_from_a_good_one(tmp_path):
    whole = encoded(64, 64, kind="JPEG")
    with ShardWriter(tmp_path) as writer:
        writer.write(example(0, whole))
        writer.write(example(1, whole[: len(whole) // 2]))
        writer.write(example(2, whole[:3] + bytes(100)))
        with pytest.raises(ValueError, match="no PNG, JPEG"):
            writer.write(example(3, b"not a picture"))
    folder = ShardFolder(tmp_path)
    assert folder.example(0).open().size == (64, 64)
    with pytest.raises(Unusable, match="cannot be decoded"):
        folder.example(1).open()
    with pytest.raises(Unusable, match="head cannot be read"):
        folder.example(2)
