"""Benchmarks of questions, fields, places, tables and Markdown: what they take, how they score, and that runs go on."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from texthawk.cli.eval import BENCHMARKS as VERBS
from texthawk.cli.eval import main
from texthawk.eval import facts, runs
from texthawk.eval.answering import with_answers
from texthawk.eval.benchmarks import BENCHMARKS
from texthawk.eval.phrases import place_of
from texthawk.eval.report import table
from texthawk.eval.systems import System, tesseract_lines
from texthawk.types import Box, Document, Line, Page, PageError, Word

SHARED = Path(__file__).parents[3] / "shared" / "data"
HTML = "<table><tr><td>a</td><td>b</td></tr></table>"
ROWS = {
    "read": [{"task": "ocr", "text": "Some words"}],
    "lines": [{"task": "ocr", "boxes": [{"text": "Some words", "box": [0, 0, 0.5, 0.5]}]}],
    "questions": [
        {"task": "docvqa", "question": "Who?", "answers": ["Ann Lee", "A. Lee"]},
        {"task": "tableqa", "question": "Which two?", "answers": ["Ann", "Bo"], "answer_type": "list (all)"},
    ],
    "fields": [{"task": "kie", "question": "Fields?", "fields": {"total": 319.0, "name": "ANN"}}],
    "grounding": [{"task": "grounding", "answers": ["words"], "boxes": [{"text": "words", "box": [0, 0, 0.5, 0.5]}]}],
    "tables": [{"task": "markdown", "format": "html_table", "question": "HTML?", "text": HTML}],
    "markdown": [{"task": "markdown", "question": "Markdown?", "text": "# Title\n\nSome words"}],
    "facts": [{"task": "markdown", "tests": [{"type": "present", "text": "words"}, {"type": "absent", "text": "zzz"}]}],
}  # fmt: skip
"""One sample or two for each benchmark, as its set has them."""


def quiet(line: str) -> None:
    pass


def write_set(folder: Path, rows: list[dict], lang: str = "en") -> Path:
    (folder / "images").mkdir(parents=True)
    Image.new("L", (40, 20), 255).save(folder / "images" / "a.png")
    common = {"image": "images/a.png", "lang": lang}
    written = [{"id": f"s{number}"} | common | row for number, row in enumerate(rows)]
    (folder / "samples.dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))
    return folder


def perfect(samples) -> System:
    """A system that knows the right answer of every sample."""
    files = {s.image for s in samples}
    known = {(s.image if isinstance(s.image, Path) else None, s.reference.question): s.reference.text for s in samples}

    def right(image, question):
        assert image.is_file()
        return known[image if image in files else None, question]

    return System(
        "perfect",
        lambda image, lang: (right(image, "") or "Some words", "stop"),
        ask=lambda image, questions: [right(image, question) for question in questions],
        find=lambda image, phrases, lang: [runs.box_of(right(image, phrase)) for phrase in phrases],
    )


SILENT = System(
    "silent",
    lambda image, lang: ("", "stop"),
    ask=lambda image, questions: [""] * len(questions),
    find=lambda image, phrases, lang: [None] * len(phrases),
)
BEST = {
    "lines": {"f1": 1, "recall": 1, "precision": 1, "cer": 0},
    "read": {"cer": 0, "f1": 1}, "questions": {"exact": 1, "anls": 1, "score": 1}, "fields": {"f1": 1, "whole": 1},
    "grounding": {"accuracy": 1, "iou": 1, "missed": 0}, "tables": {"teds": 1, "structure": 1},
    "markdown": {"distance": 0, "f1": 1}, "facts": {"held": 1, "present": 1, "absent": 1, "facts": 2},
}  # fmt: skip
WORST = {
    "lines": {"f1": 0, "recall": 0, "precision": 0, "cer": 1},
    "read": {"cer": 1, "f1": 0}, "questions": {"exact": 0, "anls": 0, "score": 0}, "fields": {"f1": 0, "malformed": 1},
    "grounding": {"accuracy": 0, "iou": 0, "missed": 1}, "tables": {"teds": 0, "structure": 0},
    "markdown": {"distance": 1, "f1": 0}, "facts": {"held": 0, "absent": 0},
}  # fmt: skip


def run(name: str, folder: Path, out: Path, *systems: System, command=("test",)) -> list[dict]:
    samples, _ = BENCHMARKS[name].find([folder], "dev", [], None)
    runs.run(out, name, samples, systems or (perfect(samples), SILENT), command, quiet)
    _, references, predictions = runs.load(out)
    return BENCHMARKS[name].score(references, predictions)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_perfect_system_gets_all_and_a_silent_one_nothing(name, tmp_path):
    best, worst = run(name, write_set(tmp_path / "set", ROWS[name]), tmp_path / "run")
    assert (best["system"], worst["system"]) == ("perfect", "silent")
    assert {key: best[key] for key in BEST[name]} == pytest.approx(BEST[name])
    assert {key: worst[key] for key in WORST[name]} == pytest.approx(WORST[name])
    for row in (best, worst):
        assert row["pages"] == len(ROWS[name])
        assert {"set", "system", *(c.key for c in BENCHMARKS[name].columns)} <= row.keys()
    assert table([best, worst], BENCHMARKS[name].columns)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_scoring_again_needs_neither_model_nor_images(name, tmp_path):
    rows = run(name, write_set(tmp_path / "set", ROWS[name]), tmp_path / "run")
    shutil.rmtree(tmp_path / "set")
    assert main(["score", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["rows"] == rows


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_takes_its_own_samples_and_no_others(name, tmp_path):
    write_set(tmp_path / "set", [row for rows in ROWS.values() for row in rows])
    samples, remarks = BENCHMARKS[name].find([tmp_path / "set"], "dev", [], None)
    assert len(samples) == len(ROWS[name])
    # facts are about Markdown too, and give none to compare with; lines with boxes are of pages too, and give no full text
    assert len(remarks) == int(name in ("markdown", "read"))
    assert BENCHMARKS[name].about


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_page_that_fails_is_scored_as_wrong(name, tmp_path):
    def fails(image, *asked):
        raise ValueError("too dark")

    (row,) = run(
        name, write_set(tmp_path / "set", ROWS[name]), tmp_path / "run", System("x", fails, ask=fails, find=fails)
    )
    assert row["errors"] == len(ROWS[name])
    assert row["seconds"] is None
    wrong = {key: value for key, value in WORST[name].items() if key != "malformed"}
    assert {key: row[key] for key in wrong} == pytest.approx(wrong)


@pytest.mark.parametrize(
    ("fact", "page", "right"),
    [
        ({"type": "present", "text": "blue sky"}, "The **blue**\nsky", True),
        ({"type": "present", "text": "Blue sky"}, "the blue sky", False),
        ({"type": "present", "text": "Blue sky", "case_sensitive": False}, "the blue sky", True),
        ({"type": "present", "text": "blue sky", "max_diffs": 1}, "the blue skv", True),
        ({"type": "present", "text": "blue sky", "max_diffs": 0}, "the blue skv", False),
        ({"type": "present", "text": "blue sky"}, "blue", False),  # a page that is a part of the text
        ({"type": "present", "text": "sky", "first_n": 4}, "the sky", False),
        ({"type": "present", "text": "sky", "last_n": 4}, "the sky", True),
        ({"type": "absent", "text": "page 4"}, "text alone", True),
        ({"type": "absent", "text": "page 4", "max_diffs": 1}, "text page 5", False),
        ({"type": "order", "before": "one", "after": "two"}, "one and two", True),
        ({"type": "order", "before": "two", "after": "one"}, "one and two", False),
        ({"type": "order", "before": "two", "after": "one"}, "one, two, one", True),  # any before any
        ({"type": "order", "before": "one", "after": "six"}, "one and two", False),
        ({"type": "order", "before": "first", "after": "second", "max_diffs": 1}, "fist then secand", True),
    ],
)
def test_a_fact_holds_as_its_authors_mean_it(fact, page, right):
    assert facts.holds(fact, page) is right


def test_near_matches_start_where_the_pattern_does():
    assert list(facts.near("abc", "xabcxabcx", 0)) == [1, 5]
    assert 2 in set(facts.near("abcd", "xxabdxx", 1))
    assert list(facts.near("abc", "xyz", 1)) == []


def test_texts_of_partial_pages_must_be_there_without_white_space_in_chinese(tmp_path):
    boxes = [{"text": text, "box": [0, 0, 1, 1]} for text in ("\u91d1\u989d", "\u65e5\u671f")]
    rows = [{"task": "ocr", "partial": True, "text": "\u91d1\u989d", "boxes": boxes}]
    system = System("x", lambda image, lang: ("\u91d1 \u989d 5", "stop"))
    (row,) = run("facts", write_set(tmp_path / "taxi", rows, lang="zh-Hans"), tmp_path / "run", system)
    assert (row["facts"], row["held"]) == (2, 0.5)


def test_facts_of_unchecked_kinds_are_told(tmp_path):
    rows = [*ROWS["facts"], {"task": "markdown", "tests": [{"type": "math", "math": "x"}]}]
    samples, remarks = BENCHMARKS["facts"].find([write_set(tmp_path / "set", rows)], "dev", [], None)
    assert len(samples) == 1
    assert remarks == ["set: left out 1 sample(s): their facts are of kinds that are not checked (table, math)"]
    with pytest.raises(ValueError, match="'math' is not checked"):
        facts.holds({"type": "math"}, "")


def test_every_benchmark_is_a_verb():
    assert tuple(BENCHMARKS) == VERBS


def test_questions_on_one_picture_are_asked_together_and_only_those_still_wanting(tmp_path):
    asked = []

    def ask(image, questions):
        asked.append(list(questions))
        return list(questions)

    folder, out = write_set(tmp_path / "set", ROWS["questions"]), tmp_path / "run"
    run("questions", folder, out, System("x", SILENT.read, ask=ask))
    lines = (out / "predictions.jsonl").read_text().splitlines(keepends=True)
    (out / "predictions.jsonl").write_text(lines[0] + lines[1][:20])  # as a kill leaves it
    run("questions", folder, out, System("x", SILENT.read, ask=ask))
    assert asked == [["Who?", "Which two?"], ["Which two?"]]


def test_sets_are_scored_by_the_measure_they_are_reported_with(tmp_path):
    answers = {
        "wtq": ("Bo, Ann", {"answers": ["Ann", "Bo"], "answer_type": "list (all)"}, "denotation", 1),
        "multichartqa_single": (" 10.4 ", {"answers": ["10"]}, "relaxed", 1),
        "tabfact": ("Yes", {"answers": ["yes"]}, "exact", 1),
        "sroie": ("ann lee sd", {"answers": ["ANN LEE"]}, "anls", 0.7),
    }
    for name, (_, extra, _, _) in answers.items():
        task = {"tabfact": "tableqa", "wtq": "tableqa", "multichartqa_single": "chartqa"}.get(name, "docvqa")
        write_set(tmp_path / "sets" / name, [{"task": task, "question": name} | extra])
    system = System("x", SILENT.read, ask=lambda image, questions: [answers[question][0] for question in questions])
    rows = {row["set"]: row for row in run("questions", tmp_path / "sets", tmp_path / "run", system)}
    for name, (_, _, measure, score) in answers.items():
        assert (rows[name]["measure"], rows[name]["score"]) == (measure, pytest.approx(score))
    assert rows["sroie"]["relaxed"] is None


@pytest.mark.parametrize(
    ("answer", "f1"),
    [
        ('Here: {"name": "ANN", "total": "319.00"}', 1),  # numbers are numbers however they are written
        ('{"name": "ann", "total": 319}', 0.5),  # case counts
        ('{"name": "ANN"}', 2 / 3),
        ("name: ANN", 0),
    ],
)
def test_fields_are_read_from_the_json_in_an_answer(answer, f1, tmp_path):
    system = System("x", SILENT.read, ask=lambda image, questions: [answer])
    (row,) = run("fields", write_set(tmp_path / "set", ROWS["fields"]), tmp_path / "run", system)
    assert row["f1"] == pytest.approx(f1)
    assert row["malformed"] == int("{" not in answer)


def test_case_does_not_count_in_the_fields_of_sroie(tmp_path):
    system = System("x", SILENT.read, ask=lambda image, questions: ['{"name": "ann", "total": 319}'])
    (row,) = run("fields", write_set(tmp_path / "sroie", ROWS["fields"]), tmp_path / "run", system)
    assert row["f1"] == 1


def test_a_reader_answers_and_finds_in_pixels_of_the_page(tmp_path):
    class Reader:
        def ask(self, source, questions):
            return [SimpleNamespace(text=f"{Path(source).stem} {question}") for question in questions]

        def places(self, source, phrases):
            two = [SimpleNamespace(box=box) for box in (Box(10, 5, 20, 10), Box(0, 0, 1, 1))]
            return [two if phrase == "words" else [] for phrase in phrases]

    folder = write_set(tmp_path / "set", ROWS["grounding"])  # its picture has 40 x 20 pixels
    bare = System("x", SILENT.read)
    system = with_answers(bare, Reader())
    assert system.ask(folder / "images" / "a.png", ["1?", "2?"]) == ["a 1?", "a 2?"]
    assert system.find(folder / "images" / "a.png", ["words", "none"], "en") == [(0.25, 0.25, 0.5, 0.5), None]
    assert with_answers(bare, object()) == bare


def test_a_reader_that_only_reads_has_phrases_looked_up_among_its_words(tmp_path):
    class Reader:
        def read(self, source):
            words = tuple(
                Word(text, Box(10 * n, 5, 10 * n + 8, 10), 1.0) for n, text in enumerate(["Some", "wo", "rds"])
            )
            page = Page(1, 40, 20, "Some wo rds", (Line("Some wo rds", None, words), Line("none", None)))
            return Document((page,)) if "a.png" in source else Document(errors=(PageError(source, None, "too dark"),))

    system = with_answers(System("x", SILENT.read), Reader())
    assert system.find(Path("a.png"), ["words", "others"], "en") == [(0.25, 0.25, 0.7, 0.5), None]
    assert system.ask is None
    with pytest.raises(ValueError, match="too dark"):
        system.find(Path("b.png"), ["words"], "en")


def placed(*lines: str) -> list[list]:
    return [[(word, (x, y, x + 1, y + 1)) for x, word in enumerate(line.split())] for y, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("phrase", "box"),
    [
        ("blue sky", (1, 0, 3, 1)),
        ("BLUE SKV", (1, 0, 3, 1)),  # a letter read wrong
        ("bluesky", (1, 0, 3, 1)),
        ("the", (0, 0, 1, 1)),  # the first of two
        ("the sun", (0, 1, 2, 2)),
        ("sky the", None),  # lines are not joined
        ("midnight", None),
        ("", None),
    ],
)
def test_a_phrase_is_the_nearest_run_of_words_of_a_line(phrase, box):
    found = place_of(phrase, placed("the blue sky", "the sun sets"))
    assert found == box


def test_tesseracts_words_are_placed_in_parts_of_the_page():
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    rows = [
        "1\t1\t0\t0\t0\t0\t0\t0\t200\t100\t-1\t", "4\t1\t1\t1\t1\t0\t20\t10\t60\t10\t-1\t",
        "5\t1\t1\t1\t1\t1\t20\t10\t20\t10\t96.1\tone", "5\t1\t1\t1\t1\t2\t60\t10\t20\t10\t96.1\ttwo",
        "5\t1\t1\t1\t2\t1\t20\t50\t20\t10\t96.1\t ", "5\t1\t1\t1\t2\t2\t0\t50\t20\t50\t96.1\tthree",
    ]  # fmt: skip
    assert tesseract_lines(head + "\n".join(rows)) == [
        [("one", (0.1, 0.1, 0.2, 0.2)), ("two", (0.3, 0.1, 0.4, 0.2))],
        [("three", (0, 0.5, 0.1, 1))],
    ]


def test_a_system_that_cannot_answer_is_skipped_with_the_reason(tmp_path):
    told = []
    samples, _ = BENCHMARKS["questions"].find([write_set(tmp_path / "set", ROWS["questions"])], "dev", [], None)
    runs.run(tmp_path / "run", "questions", samples, [System("x", SILENT.read), SILENT], ["test"], told.append)
    assert {p.system for p in runs.load(tmp_path / "run")[2]} == {"silent"}
    assert told[-1] == "x skipped 2 page(s) of set: it does not answer questions"


def test_a_run_that_no_system_can_do_is_refused(tmp_path, capsys):
    folder = write_set(tmp_path / "set", ROWS["questions"])
    arguments = ["questions", str(folder), "--out", str(tmp_path / "run"), "--no-model"]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "does not answer questions" in error or "nothing to evaluate" in error
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(
    not (SHARED / "sroie").is_dir(), reason="the real documents are not at shared/ beside the repository"
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "questions",
            {
                *("sroie", "multichartqa_single", "wtq", "tabfact", "scribe_ocr", "zh_pages", "zh_taxi_invoice"),
                "invoice2data",
            },
        ),
        ("lines", {"sroie", "en_pdf_pages", "zh_pages"}),
        ("fields", {"sroie", "invoice2data"}),
        ("grounding", {"sroie", "en_pdf_pages", "zh_pages", "scribe_ocr", "zh_taxi_invoice"}),
        ("tables", {"pubtabnet"}),
        ("markdown", {"docling_md", "mdpbench_en_zh"}),
    ],
)
def test_real_sets_are_found_and_their_own_answers_are_right(name, expected, tmp_path):
    samples, _ = BENCHMARKS[name].find([SHARED], "dev", [], 5)
    assert expected <= {sample.reference.set for sample in samples}
    assert all(sample.image.is_file() for sample in samples if isinstance(sample.image, Path))
    runs.run(tmp_path / "run", name, samples, [perfect(samples)], ["test"], quiet)
    _, references, predictions = runs.load(tmp_path / "run")
    for row in BENCHMARKS[name].score(references, predictions):
        assert {key: row[key] for key in BEST[name]} == pytest.approx(BEST[name]), row["set"]


@pytest.mark.skipif(
    not (SHARED / "sroie").is_dir(), reason="the real documents are not at shared/ beside the repository"
)
def test_facts_of_real_pages_hold_for_a_page_that_says_them():
    samples, _ = BENCHMARKS["facts"].find([SHARED], "dev", [], None)
    assert {s.reference.set for s in samples} == {"olmocr_bench_sample", "zh_taxi_invoice"}
    known = [fact for s in samples for item in s.reference.items if (fact := json.loads(item))["type"] != "absent"]
    assert len(known) > 100
    assert all(
        facts.holds(fact, fact["text"] if "text" in fact else f"{fact['before']} {fact['after']}") for fact in known
    )
