"""Runs of the reading benchmark: resumed, scored again, and never sunk by a page.

The systems are callables that read known text.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from texthawk.cli.eval import main
from texthawk.decode.reader import model_folder
from texthawk.eval import runs
from texthawk.eval.benchmarks import read
from texthawk.eval.report import table
from texthawk.eval.runs import Prediction, Reference, Rule
from texthawk.eval.systems import System, folder_hash, reader_system, tesseract_system
from texthawk.types import Document, Page, PageError

SHARED = Path(__file__).parents[3] / "shared" / "data"
TEXTS = ["The first page.", "A second one", "and the last of three"]


def quiet(line: str) -> None:
    pass


def write_set(folder: Path, texts=TEXTS, split="dev", **extra) -> Path:
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, text in enumerate(texts):
        Image.new("L", (8, 8), 255).save(folder / "images" / f"{number}.png")
        row = {"id": f"page-{number}", "image": f"images/{number}.png", "task": "ocr", "text": text, "lang": "en"}
        rows.append(row | extra)
    (folder / f"samples.{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def reads(change=lambda text: text, name="reader") -> System:
    """A system that knows the pages of `write_set` and gets them wrong as `change` says."""
    return System(name, lambda image, lang: (change(TEXTS[int(image.stem)]), "stop"))


def found(folder: Path, **options):
    return read.find([folder], options.get("split", "dev"), options.get("sets", []), options.get("limit"))


def run(folder: Path, out: Path, *systems: System) -> list[dict]:
    runs.run(out, "read", found(folder)[0], systems, ["test"], quiet)
    _, references, predictions = runs.load(out)
    return read.score(references, predictions)


def test_a_perfect_reader_has_no_errors_and_a_silent_one_has_all(tmp_path):
    pages = write_set(tmp_path / "pages")
    perfect, silent = run(pages, tmp_path / "run", reads(), reads(lambda text: "", "silent"))
    assert (perfect["system"], perfect["pages"], perfect["cer"], perfect["wer"], perfect["f1"]) == (
        "reader",
        3,
        0,
        0,
        1,
    )
    assert (silent["system"], silent["pages"], silent["cer"], silent["wer"], silent["f1"]) == ("silent", 3, 1, 1, 0)


def test_rates_are_over_the_whole_set_and_medians_over_its_pages(tmp_path):
    pages = write_set(tmp_path / "pages")
    (row,) = run(pages, tmp_path / "run", reads(lambda text: text.replace("second", "sekond")))
    characters, words = sum(map(len, TEXTS)), sum(len(text.split()) for text in TEXTS)
    assert row["cer"] == pytest.approx(1 / characters)
    assert row["wer"] == pytest.approx(1 / words)
    assert row["cer_median"] == row["wer_median"] == 0
    assert row["f1"] == pytest.approx((1 + 2 / 3 + 1) / 3)


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path):
    pages, seen = write_set(tmp_path / "pages"), []

    def until(limit):
        def one(image, lang):
            if len(seen) == limit:
                raise KeyboardInterrupt
            seen.append(image.stem)
            return TEXTS[int(image.stem)], "stop"

        return System("reader", one)

    with pytest.raises(KeyboardInterrupt):
        run(pages, tmp_path / "run", until(2))
    file = tmp_path / "run" / "predictions.jsonl"
    with file.open("a", encoding="utf-8") as half:
        half.write('{"set": "pages", "id": "page-2", "text": "caf\u00e9 cut off he')
    assert len(runs.load(tmp_path / "run")[2]) == 2  # the half line is no prediction yet
    (row,) = run(pages, tmp_path / "run", until(9))
    assert seen == ["0", "1", "2"]
    assert (row["pages"], row["cer"]) == (3, 0)
    assert len(json.loads((tmp_path / "run" / "run.json").read_text())["starts"]) == 2


def test_a_run_goes_on_only_with_the_same_settings(tmp_path):
    pages = write_set(tmp_path / "pages")
    run(pages, tmp_path / "run", replace(reads(), settings={"threads": 1, "model": "a"}))
    with pytest.raises(ValueError, match=r"another reader \(threads differ\)"):
        run(pages, tmp_path / "run", replace(reads(), settings={"threads": 2, "model": "a"}))
    with pytest.raises(ValueError, match="holds a run of 'read'"):
        runs.run(tmp_path / "run", "other", found(pages)[0], [reads()], ["test"], quiet)


def test_a_page_that_cannot_be_read_is_scored_as_empty_and_the_others_stand(tmp_path):
    pages = write_set(tmp_path / "pages")
    (pages / "images" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")

    def opens(image, lang):
        Image.open(image).load()
        return TEXTS[int(image.stem)], "stop"

    (row,) = run(pages, tmp_path / "run", System("reader", opens))
    assert (row["pages"], row["errors"]) == (3, 1)
    assert row["cer"] == pytest.approx(len(TEXTS[1]) / sum(map(len, TEXTS)))
    bad = runs.load(tmp_path / "run")[2][1]
    assert (bad.text, bad.finish_reason) == ("", "error")
    assert bad.error.startswith("UnidentifiedImageError")


def test_a_bug_in_a_system_is_no_bad_page(tmp_path):
    with pytest.raises(TypeError):
        run(write_set(tmp_path / "pages"), tmp_path / "run", reads(lambda text: text + 1))


def test_scoring_again_needs_neither_model_nor_images_and_gives_the_same(tmp_path, capsys):
    pages, out = write_set(tmp_path / "pages"), tmp_path / "run"
    rows = run(pages, out, reads(str.upper), reads(name="perfect"))
    shutil.rmtree(pages)
    assert main(["score", str(out)]) == 0
    assert json.loads((out / "scores.json").read_text())["rows"] == rows
    printed = capsys.readouterr().out
    assert printed == table(rows, read.COLUMNS) + "\n"
    assert main(["score", str(out), "--markdown"]) == 0
    assert capsys.readouterr().out == table(rows, read.COLUMNS, markdown=True) + "\n"


def test_scoring_tells_of_failed_pages_by_its_exit_status(tmp_path, capsys):
    def fails(image, lang):
        raise ValueError("too dark")

    run(write_set(tmp_path / "pages"), tmp_path / "run", System("reader", fails))
    assert main(["score", str(tmp_path / "run")]) == 1
    assert "not read: pages page-0 by reader: ValueError: too dark" in capsys.readouterr().err


def test_runs_of_another_metric_version_are_scored_only_by_force(tmp_path, capsys):
    out = tmp_path / "run"
    run(write_set(tmp_path / "pages"), out, reads())
    record = json.loads((out / "run.json").read_text())
    runs.write_json(out / "run.json", record | {"metrics_version": "0"})
    assert main(["score", str(out)]) == 2
    assert "metric version 0" in capsys.readouterr().err
    assert not (out / "scores.json").exists()
    assert main(["score", str(out), "--force"]) == 0
    with pytest.raises(ValueError, match="metric version 0"):
        run(tmp_path / "pages", out, reads())


def test_a_system_that_has_read_fewer_pages_is_named(tmp_path, capsys):
    pages, out = write_set(tmp_path / "pages"), tmp_path / "run"
    run(pages, out, reads())
    lines = (out / "predictions.jsonl").read_text().splitlines(keepends=True)
    (out / "predictions.jsonl").write_text("".join(lines[:2]))
    assert main(["score", str(out)]) == 0
    assert "reader has 2 of the 3 pages of pages" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert main(["score", str(tmp_path)]) == 2
    assert "no run.json" in capsys.readouterr().err


def test_sets_are_found_in_a_folder_of_sets_and_by_name(tmp_path):
    for name in ("one", "two"):
        write_set(tmp_path / name)
    write_set(tmp_path / "learn", split="train")
    samples, remarks = found(tmp_path, limit=2)
    assert [(s.reference.set, s.reference.id) for s in samples] == [
        (name, f"page-{number}") for name in ("one", "two") for number in (0, 1)
    ]
    assert remarks == ["learn: no split 'dev' (there is: train)"]
    assert {s.reference.set for s in found(tmp_path, sets=["two"])[0]} == {"two"}
    assert {s.reference.set for s in found(tmp_path / "one")[0]} == {"one"}
    with pytest.raises(ValueError, match="no set three; there are: learn, one, two"):
        found(tmp_path, sets=["three"])


def test_an_absent_or_empty_folder_is_refused(tmp_path, capsys):
    arguments = ["--no-model", "--out", str(tmp_path / "run")]
    assert main(["read", str(tmp_path / "nowhere"), *arguments]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert main(["read", str(tmp_path), *arguments]) == 2
    assert "holds no samples" in capsys.readouterr().err
    assert main(["read", str(write_set(tmp_path / "pages")), *arguments, "--no-tesseract"]) == 2
    assert "nothing to evaluate" in capsys.readouterr().err


def test_two_sets_of_one_name_are_refused(tmp_path):
    write_set(tmp_path / "a" / "pages")
    write_set(tmp_path / "b" / "pages")
    with pytest.raises(ValueError, match="two sets are called 'pages'"):
        read.find([tmp_path / "a", tmp_path / "b"], "dev", [], None)


def test_samples_of_other_tasks_are_passed_over_and_unknown_tasks_are_named(tmp_path):
    pages = write_set(tmp_path / "pages")
    for name, extra in {"asks": {"task": "docvqa"}, "typo": {"task": "orc"}, "part": {"partial": True}}.items():
        write_set(tmp_path / name, **extra)
        shutil.copyfile(tmp_path / name / "samples.dev.jsonl", tmp_path / f"{name}.jsonl")
        with (pages / "samples.dev.jsonl").open("a") as file:
            file.write((tmp_path / f"{name}.jsonl").read_text())
    samples, remarks = found(pages)
    assert len(samples) == 3
    assert remarks == [
        "pages: left out 3 sample(s): their reference is partial or noisy",
        "pages: left out 3 sample(s): their task 'orc' is unknown",
    ]
    with pytest.raises(ValueError, match="no samples of full text"):
        found(tmp_path / "asks")


def test_a_line_that_is_no_sample_is_named(tmp_path):
    pages = write_set(tmp_path / "pages")
    with (pages / "samples.dev.jsonl").open("a") as file:
        file.write('{"id": "x"}\n')
    with pytest.raises(ValueError, match=r"samples.dev.jsonl line 4 is no sample: KeyError: 'task'"):
        found(pages)


def test_sroie_is_compared_without_case_and_chinese_by_characters():
    assert read.rule_of("sroie", "en") == Rule(case=False)
    assert read.rule_of("elsewhere", "en") == Rule()
    references = [
        Reference("sroie", "a", "en", "TOTAL 5.00", read.rule_of("sroie", "en")),
        Reference("zh", "b", "zh-Hans", "\u7b2c 2 \u7ae0", read.rule_of("zh", "zh-Hans")),
    ]
    predictions = [
        Prediction("sroie", "a", "x", "Total 5.00", 1.0, "stop"),
        Prediction("zh", "b", "x", "\u7b2c2\n\u7ae0", 3.0, "length"),
    ]
    receipts, chinese = read.score(references, predictions)
    assert (receipts["cer"], receipts["wer"], receipts["seconds"]) == (0, 0, 1.0)
    assert (chinese["cer"], chinese["wer"], chinese["f1"], chinese["unfinished"]) == (0, None, 1, 1)


def test_a_system_is_not_run_on_a_language_that_it_refuses(tmp_path):
    told = []
    english_only = replace(reads(), refuses=lambda lang: None if lang == "en" else f"no {lang}")
    samples = found(write_set(tmp_path / "pages", lang="fr"))[0]
    runs.run(tmp_path / "run", "read", samples, [english_only, reads(name="other")], ["test"], told.append)
    assert {p.system for p in runs.load(tmp_path / "run")[2]} == {"other"}
    assert told[-1] == "reader skipped 3 page(s) of pages: no fr"


def test_the_reader_is_a_system_that_reports_unfinished_pages_and_errors(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    documents = {
        "a": Document((Page(1, 8, 8, "one"), Page(2, 8, 8, "two", finish_reason="length"))),
        "b": Document(errors=(PageError("b", None, "no image"),)),
    }
    system = reader_system(lambda path: documents[path], lambda page: page, str(tmp_path), {"threads": 1})
    assert system.read(Path("a"), "en") == ("one\n\ntwo", "length")
    with pytest.raises(ValueError, match="no image"):
        system.read(Path("b"), "en")
    assert system.settings == {"model": str(tmp_path), "sha256": folder_hash(tmp_path), "threads": 1}


def test_a_models_hash_tells_content_and_names_apart(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "x").write_bytes(b"1")
    (tmp_path / "b" / "x").write_bytes(b"2")
    (tmp_path / "c" / "y").write_bytes(b"1")
    assert len({folder_hash(tmp_path / name) for name in ("a", "b", "c")}) == 3
    with pytest.raises(ValueError, match="neither shipped"):
        model_folder("no-such-model")


def test_a_table_lines_up_and_shows_what_is_missing_as_a_dash():
    rows = [
        {"set": "a", "system": "x", "pages": 1, "cer": None},
        {"set": "long", "system": "y", "pages": 20, "cer": 0.5},
    ]
    columns = [c for c in read.COLUMNS if c.key in ("pages", "cer")]
    assert table(rows, columns).split("\n") == [
        "set   system  pages     CER",
        "a     x           1       -",
        "long  y          20  0.5000",
    ]
    assert table(rows, columns, markdown=True).split("\n")[1] == "|------|--------|------:|-------:|"


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_tesseract_reads_a_page_and_fails_a_broken_one(tmp_path):
    tesseract = tesseract_system(threads=1)
    assert tesseract.settings["OMP_THREAD_LIMIT"] == 1
    if tesseract.refuses("en"):
        pytest.skip(tesseract.refuses("en"))
    assert "tlh" in tesseract.refuses("tlh")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    with pytest.raises(ValueError, match="rror"):
        tesseract.read(broken, "en")
    Image.new("L", (200, 80), 255).save(tmp_path / "white.png")
    assert tesseract.read(tmp_path / "white.png", "en") == ("", "stop")


@pytest.mark.skipif(
    not (SHARED / "sroie").is_dir(), reason=f"the real documents are not at {SHARED.name}/ beside the repository"
)
def test_real_sets_are_found_with_their_rules():
    samples, _ = read.find([SHARED], "dev", [], None)
    by_set = {s.reference.set: s.reference.rule for s in samples}
    assert by_set["sroie"] == Rule(case=False)
    assert by_set["zh_pages"] == Rule(words=False)
    assert "zh_taxi_invoice" not in by_set  # only some of its text is in the references
    assert "sroie_train" not in by_set
    assert all(s.image.is_file() for s in samples if isinstance(s.image, Path))
