"""Sets of questions are read as their authors publish them; all questions on a picture are one Example."""

import csv
from pathlib import Path

import pytest

from tests.data.public.written import data, lines, picture, text
from texthawk.data.dropped import Dropped
from texthawk.data.example import PLACE
from texthawk.data.public import DATASETS, read_set
from texthawk.data.public.drawn_table import drawn

SHARED = Path(__file__).parents[4] / "shared" / "data"


def asked(example) -> list[tuple[str, str]]:
    return [(turn.question, turn.answer) for turn in example.turns]


@pytest.mark.parametrize("qas", ["", "train", "spdocvqa_qas"])
def test_docvqa_in_each_of_its_layouts(tmp_path, qas):
    rows = [
        {"questionId": 1, "question": "Who signed?", "image": "documents/a.png", "answers": ["J. Doe", "John Doe"]},
        {"questionId": 2, "question": "When?", "image": "documents/b.png", "answers": ["1999"]},
        {"questionId": 3, "question": "Where?", "image": "documents/a.png", "answers": ["Rome", "Rome"]},
    ]
    data(tmp_path / qas / "train_v1.0_withQT.json", {"dataset_name": "SP-DocVQA", "data": rows})
    images = tmp_path / ("spdocvqa_images" if qas == "spdocvqa_qas" else f"{qas or '.'}/documents")
    a, b = picture(images / "a.png"), picture(images / "b.png")
    first, second = read_set("docvqa", tmp_path, "train")
    assert (first.id, first.source, first.image) == ("docvqa/train/a", "docvqa", a)
    assert asked(first) == [("Who signed?", "J. Doe"), ("Where?", "Rome")]
    assert [turn.accepted for turn in first.turns] == [("J. Doe", "John Doe"), ("Rome",)]
    assert second.image == b


def test_infographicvqa(tmp_path):
    row = {"questionId": 7, "question": "How many?", "image_local_name": "20471.jpeg", "answers": ["12"]}
    data(tmp_path / "infographicsvqa_qas" / "infographicsVQA_val_v1.0_withQT.json", {"data": [row]})
    picture(tmp_path / "infographicsvqa_images" / "20471.jpeg")
    [example] = read_set("infographicvqa", tmp_path, "val")
    assert (example.id, asked(example)) == ("infographicvqa/val/20471", [("How many?", "12")])


def test_textvqa_learns_what_most_annotators_said(tmp_path):
    row = {"question_id": 1, "question": "what brand?", "image_id": "0af", "answers": ["sony"] * 3 + ["nokia"] * 7}
    data(tmp_path / "TextVQA_0.5.1_train.json", {"dataset_type": "train", "data": [row]})
    picture(tmp_path / "train_images" / "0af.jpg")
    [example] = read_set("textvqa", tmp_path, "train")
    assert asked(example) == [("what brand?", "nokia")]
    assert example.turns[0].accepted == ("sony", "nokia")


def test_chartqa_joins_people_and_machines_and_asks_for_the_table_last(tmp_path):
    inside = tmp_path / "ChartQA Dataset" / "test"
    data(inside / "test_human.json", [{"imgname": "1.png", "query": "Which is highest?", "label": "2019"}])
    augmented = [{"imgname": n, "query": "How much?", "label": "4.5"} for n in ("1.png", "2.png")]
    data(inside / "test_augmented.json", augmented)
    picture(inside / "png" / "1.png"), picture(inside / "png" / "2.png")
    text(inside / "tables" / "1.csv", 'Year,"a, b"\n2019,4|5\n')
    first, second = read_set("chartqa", tmp_path, "test")
    assert [turn.task for turn in first.turns] == ["chartqa", "chartqa", "chart_table"]
    assert first.turns[2].answer == "| Year | a, b |\n| --- | --- |\n| 2019 | 4\\|5 |"
    assert asked(second) == [("How much?", "4.5")]


def write_wtq(folder):
    head = "id\tutterance\tcontext\ttargetValue\n"
    rows = [
        "nu-0\twho won?\tcsv/203-csv/7.csv\tAnn\n",
        "nu-1\twhich two?\tcsv/203-csv/7.csv\tAnn|Bo\\pb\n",
        "nu-2\twho lost?\tcsv/204-csv/1.csv\tc\\\\n\n",
    ]
    text(folder / "data" / "training.tsv", head + "".join(rows))
    text(folder / "csv" / "203-csv" / "7.csv", '"Name","Say \\"hi\\""\n"Ann","1"\n"Bo|b","2"\n')
    text(folder / "csv" / "204-csv" / "1.csv", '"x"\n"y"\n')


def test_wtq_undoes_the_escapes_of_questions_and_tables(tmp_path):
    write_wtq(tmp_path)
    first, second = read_set("wtq", tmp_path, "training")
    assert first.id == "wtq/training/203-7"
    assert asked(first)[:2] == [("who won?", "Ann"), ("which two?", "Ann, Bo|b")]
    assert first.info["rows"] == [["Name", 'Say "hi"'], ["Ann", "1"], ["Bo|b", "2"]]
    assert first.turns[2].task == "markdown"
    assert asked(second)[0] == ("who lost?", "c\\n")


def test_tabfact_joins_both_rounds_of_a_table(tmp_path):
    name, other = "1-100.html.csv", "2-5.html.csv"
    collected = tmp_path / "collected_data"
    data(
        collected / "r1_training_all.json", {name: [["a is 1", "b is 1"], [1, 0], "letters"], other: [["x"], [1], "o"]}
    )
    data(collected / "r2_training_all.json", {name: [["only b is 2"], [1], "letters"]})
    data(tmp_path / "data" / "val_id.json", [name])
    text(tmp_path / "data" / "all_csv" / name, "letter#number\na#1\nb#2\n")
    [example] = read_set("tabfact", tmp_path, "val")
    assert [answer for _, answer in asked(example)][:3] == ["yes", "no", "yes"]
    assert asked(example)[2][0].endswith("Statement: only b is 2")
    assert example.turns[3].answer == "letters\n\n| letter | number |\n| --- | --- |\n| a | 1 |\n| b | 2 |"


def test_a_label_that_is_none_is_no_yes_and_a_cell_may_hold_any_character(tmp_path):
    name = "1-100.html.csv"
    data(tmp_path / "data" / "val_id.json", [name])
    text(tmp_path / "data" / "all_csv" / name, "letter#number\na\u2028b#1\n")
    for labels in ([1], [-1]):
        data(tmp_path / "collected_data" / "r1_training_all.json", {name: [["a is 1"], labels, "letters"]})
        if labels == [-1]:
            with pytest.raises(ValueError, match="labelled neither 0 nor 1"):
                list(read_set("tabfact", tmp_path, "val"))
        else:
            [example] = read_set("tabfact", tmp_path, "val")
            assert example.info["rows"] == [["letter", "number"], ["a b", "1"]]
    data(tmp_path / "data" / "val_id.json", {"list": [name]})
    with pytest.raises(ValueError, match=r"val_id\.json has a dict and no list"):
        list(read_set("tabfact", tmp_path, "val"))


def test_a_drawn_table_shows_every_cell_once_and_is_the_same_each_time():
    rows = [["head", "a long heading of a column that must be wrapped to be shown whole"], ["1", "2"]]
    image = drawn(rows).draw()
    assert image.tobytes() == drawn(rows).draw().tobytes()
    assert drawn([*rows, ["3", "4"]]).draw().height > image.height
    changed = drawn([rows[0], ["1", "7"]]).draw()
    assert changed.size == image.size
    assert changed.crop((0, 0, image.width, image.height // 2)).tobytes() == (
        image.crop((0, 0, image.width, image.height // 2)).tobytes()
    )  # the heads are alike
    assert changed.tobytes() != image.tobytes()
    assert drawn(rows, "A caption").draw().height > image.height


def test_a_table_that_no_font_can_print_is_left_out():
    with pytest.raises(ValueError, match="no font of this machine"):
        drawn([["\U0010fffd"]])
    with pytest.raises(ValueError, match="its table is empty"):
        drawn([["", " "]])


def test_json_lines_give_turns_as_they_are_or_one_question_a_line(tmp_path):
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.png")
    rows = [
        {
            "id": "one", "image": "images/a.png", "lang": "de",
            "turns": [{"question": f"Was ist {PLACE}?", "answer": "Ein Hund", "task": "referring", "boxes": [[0, 0, 1, 1]]}],
        },
        {"image": "images/b.png", "task": "ocr", "text": "two\nlines", "boxes": [{"text": "two", "box": [0, 0, 1, 0.5]}]},
        {"image": "images/b.png", "task": "grounding", "question": "Where?", "boxes": [{"text": "two", "box": [0, 0, 1, 0.5]}]},
        {"image": "images/b.png", "task": "kie", "question": "Fields?", "answers": ['{"a": "1"}']},
        {"image": "images/b.png", "question": "How many lines?", "answers": ["2", "two"]},
        {"image": "images/b.png", "task": "markdown", "format": "html_table", "question": "HTML?", "text": "<table></table>"},
    ]  # fmt: skip
    lines(tmp_path / "samples.dev.jsonl", rows)
    first, second = read_set("folder", tmp_path, "dev")
    assert (first.id, first.lang, first.turns[0].boxes) == (f"{tmp_path.name}/one", "de", ((0, 0, 1, 1),))
    assert second.id == f"{tmp_path.name}/images/b"
    assert [turn.task for turn in second.turns] == ["text", "text_boxes", "grounding", "fields", "docvqa", "html"]
    assert second.turns[1].answer == f"{PLACE}two"
    assert second.turns[4].accepted == ("2", "two")


def test_bad_records_are_left_out_by_reason_and_more_than_one_in_a_hundred_stops(tmp_path):
    picture(tmp_path / "a.png")
    good = [{"image": "a.png", "question": f"{n}?", "answers": ["1"]} for n in range(296)]
    bad = [{"image": "gone.png", "question": "?", "answers": ["1"]}, {"image": "a.png", "question": "?", "answers": []}]
    file = lines(tmp_path / "train.jsonl", good + bad)
    file.write_text(file.read_text() + "no json\n")
    dropped = Dropped("mine")
    with pytest.raises(ValueError, match="mine: 3 of 299 records"):
        list(read_set("folder", tmp_path, "train", dropped))
    assert dropped.reasons == {"its picture is missing": 1, "it has no answer": 1, "it is no JSON": 1}
    file.write_text(file.read_text() + file.read_text().split("\n")[0] + "\n")
    [example] = read_set("folder", tmp_path, "train")
    assert len(example.turns) == 297


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_told_what_is_missing(name, tmp_path):
    split = (*DATASETS[name].splits, "zh.train")[0]
    with pytest.raises(ValueError, match="missing"):
        list(read_set(name, tmp_path, split))
    assert len(DATASETS[name].read.__doc__) > 60


def test_unknown_sets_splits_and_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="'docvqq' is unknown; nearest: docvqa"):
        read_set("docvqq", tmp_path, "train")
    with pytest.raises(ValueError, match="docvqa has no split 'test' with answers; there are: train, val"):
        read_set("docvqa", tmp_path, "test")
    with pytest.raises(ValueError, match="is no folder"):
        read_set("docvqa", tmp_path / "x", "train")


def test_csv_escapes_of_wtq_are_what_pythons_reader_undoes():
    assert next(csv.reader(['"a \\"b\\" \\\\","c"'], escapechar="\\", doublequote=False)) == ['a "b" \\', "c"]


@pytest.mark.skipif(
    not (SHARED / "sroie").is_dir(), reason="the real documents are not at shared/ beside the repository"
)
@pytest.mark.parametrize(
    ("name", "split", "tasks"),
    [
        ("sroie", "dev", {"text", "text_boxes", "grounding", "fields", "docvqa"}),
        ("sroie_train", "train", {"text", "text_boxes", "grounding", "fields", "docvqa"}),
        ("pubtabnet", "dev", {"html"}),
        ("wtq", "dev", {"tableqa"}),
        ("tabfact", "dev", {"tableqa"}),
        ("multichartqa_single", "dev", {"chartqa"}),
        ("opencqa_train", "train", {"text", "text_boxes", "docvqa", "chartqa"}),
        ("zh_taxi_invoice", "dev", {"grounding", "docvqa"}),
        ("zh_pages", "dev", {"text", "text_boxes", "grounding", "docvqa"}),
    ],
)
def test_real_documents_are_read_without_loss(name, split, tasks):
    dropped = Dropped(name)
    examples = list(read_set("folder", SHARED / name, split, dropped))
    assert dropped.count == 0
    assert {turn.task for example in examples for turn in example.turns} == tasks
    assert len({example.image for example in examples}) == len(examples) == len({example.id for example in examples})
