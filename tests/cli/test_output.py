"""Where results go: each format on stdout or in files, with what it needs of the pictures."""

import json
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from texthawk.cli.output import Output
from texthawk.cli.telling import message_of, tell
from texthawk.types import Box, Document, Line, Page, PageError, Word

WORD = Word("Hello", Box(20, 10, 80, 30), 0.75)
PAGE = Page(1, 100, 50, "Hello", (Line("Hello", WORD.box, (WORD,)),), source="a.png")
PICTURE = Image.new("RGB", (100, 50), "white")


def output(kind: str, folder: Path | None = None, files=("a.png",), boxes=False, draw: Path | None = None) -> Output:
    return Output(kind, files=list(files), folder=folder, model="nano", boxes=boxes, draw=draw, spool=Path(mkdtemp()))


def run(out: Output, *files: str) -> None:
    for file in files:
        out.page(PAGE, lambda: PICTURE)
        if out.streams:
            out.stream(file, PAGE)
        assert out.finish(file, Document((PAGE,)))
    out.close()


def test_text_is_printed_as_it_comes_and_json_at_the_end(capsys):
    run(output("text", files=("a.png", "b.png"), boxes=True), "a.png", "b.png")
    line = "20,10,80,30\tHello"
    assert capsys.readouterr().out == f"==> a.png <==\n{line}\n\n==> b.png <==\n{line}\n"
    run(output("json", files=("a.png", "b.png")), "a.png", "b.png")
    assert [entry["source"] for entry in json.loads(capsys.readouterr().out)["documents"]] == ["a.png", "b.png"]


def test_other_formats_go_to_stdout_as_they_are(capfdbinary):
    for kind, start in (("markdown", b"Hello"), ("hocr", b"<?xml"), ("alto", b"<?xml"), ("pdf", b"%PDF-")):
        run(output(kind), "a.png")
        assert capfdbinary.readouterr().out.startswith(start)


def test_two_inputs_of_one_name_do_not_overwrite_each_other(tmp_path, capsys):
    run(output("text", tmp_path, files=("x/a.png", "y/A.png")), "x/a.png", "y/A.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A-2.txt", "a.txt"]
    assert "written as A-2.txt" in capsys.readouterr().err


def test_a_pdf_shows_the_page_and_holds_its_words(tmp_path):
    run(output("pdf", tmp_path), "a.png")
    (sheet,) = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    assert "Hello" in sheet.get_textpage().get_text_range()


def test_boxes_are_drawn_where_they_lie_also_on_a_reduced_picture(tmp_path):
    out = output("text", draw=tmp_path / "b.png")
    for picture, name in ((PICTURE, "b.png"), (PICTURE.resize((50, 25)), "b-2.png")):
        out.page(PAGE, picture.copy)
        pixels = np.asarray(Image.open(tmp_path / name))
        rows, columns = np.nonzero((pixels != 255).any(-1))
        scale = picture.width / 100
        found = (columns.min(), rows.min(), columns.max(), rows.max())
        assert found == pytest.approx([scale * side for side in WORD.box], abs=4)


def test_what_cannot_be_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="--out"):
        output("alto", files=("a", "b"))
    with pytest.raises(ValueError, match="no picture's ending"):
        output("text", draw=tmp_path / "x.docx")
    with pytest.raises(ValueError, match="no picture's ending"):
        output("text", draw=tmp_path / "x.psd")  # which Pillow can read alone
    with pytest.raises(ValueError, match="no such folder"):
        output("text", draw=tmp_path / "none" / "x.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="no folder"):
        output("text", tmp_path / "file")


def test_no_file_that_is_read_is_written_over(tmp_path, capsys):
    book = tmp_path / "a.pdf"
    book.write_bytes(b"%PDF-")
    run(output("pdf", tmp_path, files=("x/a.png", str(book))), "x/a.png", str(book))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-2.pdf", "a-3.pdf", "a.pdf"]
    assert (
        book.read_bytes() == b"%PDF-" and "written as a-2.pdf, for a file that is read has" in capsys.readouterr().err
    )
    for name in ("b.png", "b-2.png"):
        with pytest.raises(ValueError, match="would replace"):
            output("text", files=("c.png", str(tmp_path / name)), draw=tmp_path / "b.png")
    output("text", files=("b.png", str(tmp_path / "b-x.png")), draw=tmp_path / "b.png")


def test_a_picture_that_cannot_be_written_costs_nothing_else(tmp_path, capsys):
    (tmp_path / "b.png").mkdir()
    out = output("text", tmp_path / "out", draw=tmp_path / "b.png")
    assert not out.page(PAGE, PICTURE.copy) and "cannot be written" in capsys.readouterr().err
    assert out.page(PAGE, PICTURE.copy) and (tmp_path / "b-2.png").exists()
    assert out.finish("a.png", Document((PAGE,))) and (tmp_path / "out" / "a.txt").read_text() == "Hello\n"


def test_a_files_name_cannot_command_a_terminal(capsys):
    tell(message_of(PageError("a\x1b[2J\nb\udcff.png", 2, "is torn")))
    assert capsys.readouterr().err == "texthawk: a\ufffd[2J\ufffdb\\udcff.png: page 2: is torn\n"
