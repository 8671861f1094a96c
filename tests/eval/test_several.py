"""Every benchmark on every set: what is there is told by set, runs lie side by side, and what is broken is named."""

import pytest
from PIL import Image
from tests.eval.test_benchmarks import ROWS, SILENT, perfect, quiet, write_set

from texthawk.cli.eval import main
from texthawk.eval import benchmarks, runs
from texthawk.eval.benchmarks import BENCHMARKS, read
from texthawk.eval.systems import HTML, MARKDOWN, System, reader_system
from texthawk.eval.written import as_markdown, as_table
from texthawk.types import Box, Document, Line, Page, Word


def write_sets(folder):
    write_set(folder / "both", [*ROWS["grounding"], *ROWS["questions"]])
    write_set(folder / "pages", [*ROWS["read"], ROWS["read"][0] | {"noisy": True}])
    (folder / "learn" / "images").mkdir(parents=True)
    (folder / "learn" / "samples.train.jsonl").write_text("")
    (folder / "nothing").mkdir()
    (folder / "nothing" / "samples.dev.jsonl").write_text("\n")
    return folder


def test_every_set_is_named_with_what_it_has_or_why_it_has_nothing(tmp_path):
    found, remarks = benchmarks.on_all(BENCHMARKS, [write_sets(tmp_path / "sets")], "dev", [], None)
    assert {name: len(samples) for name, samples in found.items()} == {"questions": 2, "grounding": 1, "read": 1}
    assert remarks == [
        "both: questions 2, grounding 1",
        "learn: nothing to evaluate; no split 'dev' (there is: train)",
        "nothing: nothing to evaluate",
        "pages: read 1; read left out 1 sample(s): their reference is partial or noisy",
    ]
    with pytest.raises(ValueError, match=r"has samples .* of: tables, facts"):
        benchmarks.on_all(["tables", "facts"], [tmp_path / "sets"], "dev", [], None)


def test_one_benchmark_names_the_sets_that_have_nothing_for_it(tmp_path):
    _, remarks = read.find([write_sets(tmp_path / "sets")], "dev", [], None)
    assert remarks[0] == "both: has no full text (task 'ocr')"
    assert {remark.partition(":")[0] for remark in remarks} == {"both", "learn", "nothing", "pages"}


def test_runs_side_by_side_are_scored_together(tmp_path, capsys):
    write_sets(tmp_path / "sets")
    for name in ("read", "questions"):
        samples, _ = BENCHMARKS[name].find([tmp_path / "sets"], "dev", [], None)
        runs.run(tmp_path / "run" / name, name, samples, [perfect(samples), SILENT], ["test"], quiet)
    assert main(["score", str(tmp_path / "run"), "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("### ") == 2 and printed.count("perfect") == 2
    assert (tmp_path / "run" / "questions" / "scores.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--benchmarks", "reed"], "no benchmark reed; there are: read"),
        (["--sets", "bath"], "no set bath; there are: both"),
        (["--split", "test"], "no set in"),
        (["--benchmarks", "questions"], "no system can do any of it"),
    ],
)
def test_all_says_what_it_cannot_do(arguments, told, tmp_path, capsys):
    folder = write_sets(tmp_path / "sets")
    assert main(["all", str(folder), "--out", str(tmp_path / "run"), "--no-model", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error or ("any of it" in told and "nothing to evaluate: no model" in error)


def test_all_does_not_write_into_the_run_of_one_benchmark(tmp_path, capsys):
    folder, out = write_sets(tmp_path / "sets"), tmp_path / "run"
    samples, _ = read.find([folder], "dev", [], None)
    runs.run(out, "read", samples, [SILENT], ["test"], quiet)
    assert main(["all", str(folder), "--out", str(out), "--no-model"]) == 2
    assert "folder of a run of one benchmark" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5"])
def test_a_limit_that_is_none_is_refused(limit, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["read", str(tmp_path), "--out", str(tmp_path / "run"), "--limit", limit])
    assert ended.value.code == 2
    assert "is no whole number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": "b", "task": "ocr"', "line 2 is no sample"),
        ("[1, 2]", "line 2 is no sample"),
        (
            '{"id": "b", "task": "ocr", "image": "images/a.png", "lang": "en", "text": 5}',
            "'text' is 5, which is no text",
        ),
        ('{"id": 7, "task": "ocr", "image": "images/a.png", "lang": "en", "text": "x"}', "'id' is 7"),
        ('{"id": "b", "task": "ocr", "image": "images/a.png", "text": "x"}', "KeyError: 'lang'"),
    ],
)
def test_a_broken_line_is_refused_by_its_place(line, told, tmp_path):
    folder = write_set(tmp_path / "set", ROWS["read"])
    with (folder / "samples.dev.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=told):
        read.find([folder], "dev", [], None)


@pytest.mark.parametrize("box", [[0, 0, 1], [0, 0, 12, 30], [0.5, 0, 0.2, 1], ["a", 0, 1, 1], None])
@pytest.mark.parametrize("name", ["grounding", "lines"])
def test_a_box_that_is_none_is_refused(name, box, tmp_path):
    rows = [ROWS[name][0] | {"boxes": [{"text": "words", "box": box}]}]
    with pytest.raises(ValueError, match="line 1 is no sample"):
        BENCHMARKS[name].find([write_set(tmp_path / "set", rows)], "dev", [], None)


def test_boxes_of_words_are_no_lines(tmp_path):
    folder = write_set(tmp_path / "set", [ROWS["lines"][0] | {"box_level": "word"}])
    with pytest.raises(ValueError, match="their boxes are of a word each"):
        BENCHMARKS["lines"].find([folder], "dev", [], None)


def test_samples_without_their_image_are_left_out_and_told(tmp_path):
    folder = write_set(tmp_path / "set", [*ROWS["read"], ROWS["read"][0] | {"image": "images/b.png"}])
    samples, remarks = read.find([folder], "dev", [], None)
    assert len(samples) == 1
    assert remarks == ["set: left out 1 sample(s): their image is missing"]
    (folder / "images" / "a.png").unlink()
    with pytest.raises(ValueError, match=r"left out 2 sample\(s\): their image is missing"):
        read.find([folder], "dev", [], None)


def broken_run(tmp_path):
    folder, out = write_set(tmp_path / "set", ROWS["questions"]), tmp_path / "run"
    samples, _ = BENCHMARKS["questions"].find([folder], "dev", [], None)
    runs.run(out, "questions", samples, [SILENT], ["test"], quiet)
    return samples, out


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("predictions.jsonl", lambda text: "{oops\n" + text, "predictions.jsonl line 1 is broken"),
        ("predictions.jsonl", lambda text: '{"id": "s0"}\n' + text, "line 1 has no error, finish_reason, seconds"),
        ("predictions.jsonl", lambda text: "[]\n" + text, "predictions.jsonl line 1 is broken"),
        ("references.jsonl", lambda text: text[5:], "references.jsonl line 1 is broken"),
        ("run.json", lambda text: text[:40], "is no record of a run"),
        ("run.json", lambda text: "{}", "is no record of a run"),
    ],
)
def test_a_run_whose_files_are_broken_is_refused_by_their_place(file, change, told, tmp_path, capsys):
    _, out = broken_run(tmp_path)
    text = (out / file).read_text()
    (out / file).write_text(change(text))
    assert main(["score", str(out)]) == 2
    assert told in capsys.readouterr().err
    assert not (out / "scores.json").exists()


def test_a_run_without_references_says_how_to_have_them(tmp_path, capsys):
    samples, out = broken_run(tmp_path)
    (out / "references.jsonl").unlink()
    assert main(["score", str(out)]) == 2
    assert "begin it again with the same --out" in capsys.readouterr().err
    runs.run(out, "questions", samples, [SILENT], ["test"], quiet)
    assert main(["score", str(out)]) == 0


def test_a_run_cannot_lie_in_a_file(tmp_path, capsys):
    (tmp_path / "run").write_text("mine")
    folder = write_set(tmp_path / "set", ROWS["read"])
    assert main(["read", str(folder), "--out", str(tmp_path / "run"), "--no-model"]) == 2
    error = capsys.readouterr().err
    assert "exists" in error.lower() or "nothing to evaluate" in error
    assert (tmp_path / "run").read_text() == "mine"


def test_a_page_without_picture_is_drawn_read_once_and_asked_about(tmp_path):
    page = {
        "doc": "d1",
        "image": None,
        "to_render": True,
        "title": "Rivers",
        "context": "The Rhine is long.",
        "task": "docvqa",
    }
    rows = [page | {"question": question, "answers": ["yes"]} for question in ("Is it long?", "Is it a river?")]
    folder, seen = write_set(tmp_path / "set", rows), []

    def reads(image, lang):
        seen.append(image)
        assert Image.open(image).getextrema()[0] == 0  # something is printed
        return "Rivers\nThe Rhine is long.", "stop"

    system = System("x", reads, ask=lambda image, questions: [seen.append(image) or "yes" for _ in questions])
    for name, pages in (("read", 1), ("questions", 2)):
        samples, remarks = BENCHMARKS[name].find([folder], "dev", [], None)
        assert len(samples) == pages and len(remarks) == int(name == "read")
        runs.run(tmp_path / name, name, samples, [system], ["test"], quiet)
        (row,) = BENCHMARKS[name].score(*runs.load(tmp_path / name)[1:])
        assert row["cer" if name == "read" else "exact"] == (0 if name == "read" else 1)
    assert len({path.name for path in seen}) == 1
    assert seen[1].parent == tmp_path / "questions" / "drawn"


def test_a_page_whose_characters_no_font_has_is_left_out_and_told(tmp_path):
    rows = [
        {
            "image": None,
            "to_render": True,
            "context": "\U0001fffe",
            "task": "docvqa",
            "question": "?",
            "answers": ["x"],
        }
    ]
    with pytest.raises(ValueError, match="they must be drawn, and no font of this machine has all its characters"):
        BENCHMARKS["questions"].find([write_set(tmp_path / "set", rows)], "dev", [], None)


def grid(rows, *, top=0.0):
    """Lines of a page, one for each row, whose words stand in columns 100 pixels apart."""
    lines = []
    for number, row in enumerate(rows):
        y = top + 30 * number
        words = tuple(Word(text, Box(100 * k, y, 100 * k + 40, y + 20), 1.0) for k, text in enumerate(row))
        lines.append(Line(" ".join(row), Box(0, y, 100 * len(row), y + 20), words))
    return lines


def test_a_reader_writes_markdown_and_the_table_on_a_page_as_html(tmp_path):
    rows = [["Name", "Sum"], ["Ann", "5"], ["Bo", "7"]]
    lines = grid(rows)
    document = Document((Page(1, 400, 400, "\n".join(line.text for line in lines), tuple(lines)),))
    assert as_table(document) == (
        "<table><thead><tr><td>Name</td><td>Sum</td></tr></thead>"
        "<tbody><tr><td>Ann</td><td>5</td></tr><tr><td>Bo</td><td>7</td></tr></tbody></table>"
    )
    assert as_markdown(document, lambda page: page) == "| Name | Sum |\n| --- | --- |\n| Ann | 5 |\n| Bo | 7 |\n"
    assert as_table(Document((Page(1, 400, 400, "words"),))) == ""
    system = reader_system(lambda source: document, lambda page: page, "nano", {})
    assert (system.lacks(MARKDOWN), system.lacks(HTML)) == (None, None)
    samples, _ = BENCHMARKS["tables"].find([write_set(tmp_path / "set", ROWS["tables"])], "dev", [], None)
    runs.run(tmp_path / "run", "tables", samples, [system], ["test"], quiet)
    (row,) = BENCHMARKS["tables"].score(*runs.load(tmp_path / "run")[1:])
    assert 0 < row["teds"] < 1


def test_a_mark_that_is_escaped_in_markdown_is_that_mark(tmp_path):
    samples, _ = BENCHMARKS["markdown"].find(
        [write_set(tmp_path / "set", [{"task": "markdown", "question": "?", "text": "5 < 6 _ten_ C:\\dir"}])],
        "dev",
        [],
        None,
    )
    system = System("x", SILENT.read, writes={MARKDOWN: lambda image, lang: ("5 \\< 6 \\_ten\\_ C:\\dir", "stop")})
    runs.run(tmp_path / "run", "markdown", samples, [system], ["test"], quiet)
    (row,) = BENCHMARKS["markdown"].score(*runs.load(tmp_path / "run")[1:])
    assert row["distance"] == 0
