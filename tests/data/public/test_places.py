"""Sets whose answers have boxes or are tables are read as their authors publish them."""

import io
import json
import pickle
import tarfile

import pytest

from tests.data.public.written import HEIGHT, WIDTH, data, lines, picture, text
from texthawk.data.dropped import Dropped
from texthawk.data.example import PLACE
from texthawk.data.public import read_set
from texthawk.data.public.pubtabnet import html_of
from texthawk.eval.metrics import teds


def write_refcoco(folder, refs="refcoco/refs(unc).p"):
    image = "COCO_train2014_000000000009.jpg"
    picture(folder / "images" / "mscoco" / "images" / "train2014" / image)
    instances = {
        "images": [{"id": 9, "file_name": image, "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": 1, "image_id": 9, "bbox": [20, 10, 100, 50]}, {"id": 2, "bbox": [0, 0, 20, 20]}],
    }
    expressions = [
        {
            "ref_id": number, "ann_id": 1 + number % 2, "image_id": 9, "split": split,
            "sentences": [{"sent": f"the {word} one {number}", "sent_id": 2 * number + k} for k, word in enumerate("lr")],
        }
        for number, split in enumerate(["train"] * 10 + ["testA"])
    ]  # fmt: skip
    file = folder / refs
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(expressions, protocol=2))
    data(file.parent / "instances.json", instances)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("refcoco", "refs(unc).p"),
        ("refcoco+", "refs(unc).p"),
        ("refcocog", "refs(umd).p"),
        ("refcoco", "refs(google).p"),
    ],
)
def test_refcoco_asks_in_both_directions_to_learn(tmp_path, name, file):
    write_refcoco(tmp_path, f"{name}/{file}")
    [example] = read_set(name, tmp_path, "train")
    assert len(example.turns) == 20
    assert {turn.task for turn in example.turns} == {"grounding", "referring"}
    for turn in example.turns:
        number = int((turn.answer if turn.task == "referring" else turn.question).split("one ")[1].split("?")[0])
        assert turn.boxes == ((0.1, 0.1, 0.6, 0.6) if number % 2 == 0 else (0, 0, 0.1, 0.2),)
        assert PLACE in (turn.question if turn.task == "referring" else turn.answer)
    assert [example] == list(read_set(name, tmp_path, "train"))  # the same directions each time


def test_refcoco_asks_for_boxes_alone_to_score(tmp_path):
    write_refcoco(tmp_path)
    [example] = read_set("refcoco", tmp_path, "testA")
    assert [turn.task for turn in example.turns] == ["grounding"] * 2
    assert example.turns[0].question == "Where is the l one 10? Answer with its bounding box"


def test_a_pickle_that_wants_more_than_data_is_refused(tmp_path):
    write_refcoco(tmp_path)
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(pickle.dumps([print]))
    with pytest.raises(ValueError, match=r"asks for builtins\.print"):
        list(read_set("refcoco", tmp_path, "train"))


ENTITIES = [
    {"id": 0, "box": [20, 10, 100, 20], "text": "Name:", "label": "question", "linking": [[0, 2], [0, 3]], "words": []},
    {"id": 1, "box": [0, 50, 10, 60], "text": " ", "label": "other", "linking": [], "words": []},
    {"id": 2, "box": [100, 10, 150, 20], "text": "Ann", "label": "answer", "linking": [[0, 2]], "words": []},
    {"id": 3, "box": [100, 20, 150, 30], "text": "Lee", "label": "answer", "linking": [[0, 3]], "words": []},
    {"id": 4, "box": [0, 80, 20, 100], "text": "Sex:", "label": "question", "linking": [], "words": []},
]


def test_funsd_gives_text_with_boxes_and_a_question_for_each_linked_field(tmp_path):
    data(tmp_path / "dataset" / "testing_data" / "annotations" / "0001.json", {"form": ENTITIES})
    picture(tmp_path / "dataset" / "testing_data" / "images" / "0001.png")
    [example] = read_set("funsd", tmp_path, "test")
    assert example.turns[0].answer == f"{PLACE}Name:\n{PLACE}Ann\n{PLACE}Lee\n{PLACE}Sex:"
    assert example.turns[0].boxes[0] == (0.1, 0.1, 0.5, 0.2)
    assert [(t.question, t.answer) for t in example.turns[1:]] == [
        ('What is the value of "Name" in the form?', "Ann Lee")
    ]


def test_xfund_asks_in_chinese_about_chinese_forms(tmp_path):
    document = {"id": "zh_train_0", "document": ENTITIES, "img": {"fname": "zh_train_0.jpg", "width": 1, "height": 1}}
    data(tmp_path / "zh.train.json", {"lang": "zh", "version": "0.1", "split": "train", "documents": [document]})
    picture(tmp_path / "zh_train_0.jpg")
    [example] = read_set("xfund", tmp_path, "zh.train")
    assert (example.id, example.lang) == ("xfund/zh.train/zh_train_0", "zh")
    assert "Name" in example.turns[1].question
    assert "内容" in example.turns[1].question


@pytest.mark.parametrize(("place", "keys", "suffixes"), [("train/", "entities", "tt"), ("", "key", "cj")])
def test_sroie_in_both_layouts(tmp_path, place, keys, suffixes):
    box, key = (".txt" if suffixes[0] == "t" else ".csv"), (".txt" if suffixes[1] == "t" else ".json")
    picture(tmp_path / place / "img" / "X1.jpg")
    text(
        tmp_path / place / "box" / f"X1{box}", "20,10,100,10,100,20,20,20,A, B SDN BHD\n20,30,60,30,60,40,20,40,9.00\n"
    )
    data(tmp_path / place / keys / f"X1{key}", {"company": "A, B SDN BHD", "date": "", "total": "9.00"})
    [example] = read_set("sroie", tmp_path, "train")
    assert example.turns[0].answer == f"{PLACE}A, B SDN BHD\n{PLACE}9.00"
    assert example.turns[0].boxes == ((0.1, 0.1, 0.5, 0.2), (0.1, 0.3, 0.3, 0.4))
    assert json.loads(example.turns[1].answer) == {"company": "A, B SDN BHD", "total": "9.00"}
    assert [turn.answer for turn in example.turns[2:]] == ["A, B SDN BHD", "9.00"]


def cord_line(text, category, group, x, key=False):
    quad = {"x1": x, "y1": 10, "x2": x + 20, "y2": 10, "x3": x + 20, "y3": 20, "x4": x, "y4": 20}
    words = [{"quad": quad, "is_key": key, "row_id": 1, "text": word} for word in text.split()]
    return {"words": words, "category": category, "group_id": group}


def test_cord_takes_the_parse_that_is_there_or_makes_it_of_the_lines(tmp_path):
    valid = [
        cord_line("1 x", "menu.cnt", 3, 0), cord_line("HOT TEA", "menu.nm", 3, 20), cord_line("ICE", "menu.nm", 4, 40),
        cord_line("Total", "total.total_price", 5, 60, key=True), cord_line("9,000", "total.total_price", 5, 100),
        cord_line("10,000", "total.cashprice", 6, 100),
    ]  # fmt: skip
    for number, extra in enumerate([{}, {"gt_parse": {"menu": {"nm": "HOT TEA"}}}]):
        data(tmp_path / "dev" / "json" / f"receipt_0000{number}.json", {"valid_line": valid, "meta": {}} | extra)
        picture(tmp_path / "dev" / "image" / f"receipt_0000{number}.png")
    first, second = read_set("cord", tmp_path, "dev")
    assert first.info["fields"] == {
        "menu": [{"cnt": "1 x", "nm": "HOT TEA"}, {"nm": "ICE"}],
        "total": {"total_price": "9,000", "cashprice": "10,000"},
    }
    assert json.loads(second.turns[1].answer) == {"menu": {"nm": "HOT TEA"}}
    assert first.turns[0].boxes[1] == (0.1, 0.1, 0.2, 0.2)
    assert first.turns[0].answer.split("\n")[1] == f"{PLACE}HOT TEA"


TABLE = {
    "structure": {"tokens": ["<thead>", "<tr>", "<td", ' colspan="2"', ">", "</td>", "</tr>", "</thead>", "<tbody>", "<tr>",
                             "<td>", "</td>", "<td>", "</td>", "</tr>", "</tbody>"]},
    "cells": [{"tokens": ["<b>", "H", "</b>"], "bbox": [0, 0, 5, 5]}, {"tokens": ["1"]}, {"tokens": []}],
}  # fmt: skip


def test_pubtabnet_puts_contents_into_their_cells(tmp_path):
    rows = [
        {"filename": f"P{n}.png", "split": split, "imgid": n, "html": TABLE} for n, split in enumerate(["train", "val"])
    ]
    lines(tmp_path / "PubTabNet_2.0.0.jsonl", rows)
    picture(tmp_path / "val" / "P1.png")
    [example] = read_set("pubtabnet", tmp_path, "val")
    [turn] = example.turns
    assert turn.answer == (
        '<table><thead><tr><td colspan="2"><b>H</b></td></tr></thead><tbody><tr><td>1</td><td></td></tr></tbody></table>'
    )
    assert teds(turn.answer, turn.answer) == 1
    with pytest.raises(ValueError, match="more cells"):
        html_of(TABLE | {"cells": TABLE["cells"][:2]})
    with pytest.raises(ValueError, match="fewer cells"):
        html_of(TABLE | {"cells": TABLE["cells"] * 2})


CAPTION = "A dog on a red chair and a dog"
GRIT = {
    "caption": CAPTION,
    "noun_chunks": [[0, 5, 0.1, 0.1, 0.5, 0.5, 0.9], [9, 20, 0.2, 0.2, 1.0, 1.0, 0.8], [25, 30, 0, 0, 0.2, 0.2, 0.7],
                    [25, 30, 0.5, 0.5, 0.7, 0.7, 0.7]],
    "ref_exps": [[0, 20, 0.1, 0.1, 0.5, 0.5, 0.9]],
}  # fmt: skip


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_tar(path, count):
    image = picture(path.parent / "one.jpg").read_bytes()
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            add(archive, f"{number:09}.jpg", image)
            add(archive, f"{number:09}.json", json.dumps(GRIT).encode())
            add(archive, f"{number:09}.txt", CAPTION.encode())


def test_grit_puts_boxes_behind_the_longest_phrases(tmp_path):
    write_tar(tmp_path / "00000.tar", 2)
    first, second = read_set("grit", tmp_path, "train")
    assert (first.id, second.id) == ("grit/00000/000000000", "grit/00000/000000001")
    caption, grounded, phrase = first.turns
    assert caption.answer == CAPTION
    assert grounded.answer == f"A dog on a red chair{PLACE} and a dog{PLACE}{PLACE}"
    assert grounded.boxes == ((0.1, 0.1, 0.5, 0.5), (0, 0, 0.2, 0.2), (0.5, 0.5, 0.7, 0.7))
    assert phrase.boxes == ((0.1, 0.1, 0.5, 0.5),)  # "a dog" has two boxes and is not asked for
    assert first.open().size == (WIDTH, HEIGHT)


def test_grit_reads_folders_of_files_too(tmp_path):
    picture(tmp_path / "00000" / "a.jpg")
    data(tmp_path / "00000" / "a.json", GRIT)
    [example] = read_set("grit", tmp_path, "train")
    assert example.image == tmp_path / "00000" / "a.jpg"


def test_a_tar_file_that_is_cut_short_gives_its_whole_samples_and_is_counted(tmp_path):
    write_tar(tmp_path / "00000.tar", 3)
    content = (tmp_path / "00000.tar").read_bytes()
    (tmp_path / "00000.tar").write_bytes(content[: content.index(b"000000002.jpg") + 700])
    dropped, seen = Dropped("grit"), []
    with pytest.raises(ValueError, match="cut short"):
        for example in read_set("grit", tmp_path, "train", dropped):
            seen.append(example.id[-1])
    assert seen == ["0", "1"]
    assert dropped.reasons == {"its tar file is cut short": 1}


def test_a_box_outside_its_picture_is_left_out(tmp_path):
    outside = [ENTITIES[0] | {"box": [WIDTH + 9, 0, WIDTH + 20, 9], "linking": []}]
    data(tmp_path / "testing_data" / "annotations" / "1.json", {"form": outside})
    picture(tmp_path / "testing_data" / "images" / "1.png")
    with pytest.raises(ValueError, match="1 of 1 records cannot be used"):
        list(read_set("funsd", tmp_path, "test"))


@pytest.mark.parametrize(
    ("name", "split", "file", "content"),
    [
        ("xfund", "zh.train", "zh.train.json", [1]),
        ("xfund", "zh.train", "zh.train.json", {"documents": None}),
        ("refcoco", "train", "refcoco/instances.json", {"images": [{"id": 9}], "annotations": "none"}),
        ("refcoco", "train", "refcoco/instances.json", {"images": [], "annotations": [{"id": 1}]}),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path, name, split, file, content):
    write_refcoco(tmp_path)
    data(tmp_path / file, content)
    with pytest.raises(ValueError, match=file.replace(".", r"\.")):
        list(read_set(name, tmp_path, split))


def test_records_of_the_wrong_kind_are_counted_wherever_they_stand(tmp_path):
    write_refcoco(tmp_path)
    file = tmp_path / "refcoco" / "refs(unc).p"
    good = pickle.loads(file.read_bytes())[0]
    several = [good | {"ref_id": number} for number in range(300)]
    file.write_bytes(pickle.dumps([*several, None, {"split": "train"}, good | {"sentences": 3}], protocol=2))
    dropped = Dropped("refs")
    [example] = read_set("refcoco", tmp_path, "train", dropped)
    assert len(example.turns) == 600 and dropped.count == 3
    document = {"id": "a", "document": ENTITIES, "img": {"fname": "a.jpg"}}
    picture(tmp_path / "a.jpg")
    data(tmp_path / "zh.train.json", {"lang": "zh", "documents": [document, None]})
    with pytest.raises(ValueError, match=r"1 of 2 records .*first: document 1\)"):
        list(read_set("xfund", tmp_path, "zh.train"))
    for box in ("NaN", "Infinity"):
        (tmp_path / "zh.train.json").write_text(
            json.dumps({"documents": [document]}).replace("[20, 10, 100, 20]", f"[20, 10, {box}, 20]")
        )
        with pytest.raises(ValueError, match="1 of 1 records"):
            list(read_set("xfund", tmp_path, "zh.train"))
