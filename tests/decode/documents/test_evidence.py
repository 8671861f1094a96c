"""Passages are found by what they share with a question, and their places are those of the words."""

import json

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from texthawk.cli import main
from texthawk.decode.documents.evidence import Index
from texthawk.types import Box, Line, Page, Word


def page(number: int, *texts: str) -> Page:
    lines = []
    for row, text in enumerate(texts):
        words = tuple(
            Word(w, Box(60 * k, 100 * row, 60 * k + 50, 100 * row + 20), 1) for k, w in enumerate(text.split())
        )
        lines.append(Line(text, Box(0, 100 * row, 60 * len(words), 100 * row + 20), words))
    return Page(number, 1000, 1000, "\n".join(texts), tuple(lines))


PAGES = [
    page(1, "Report of the year", "The committee met on Tuesday"),
    page(2, "The weather was fine", "The harvest of barley was poor"),
    page(3, "The treasurer resigned in March", "The roof was mended"),
]


def test_the_passage_that_holds_the_question_s_words_comes_first_with_page_and_boxes():
    (best, *_) = Index(PAGES).best("Who was the treasurer that resigned?", PAGES)
    assert (best.page, best.text) == (3, "The treasurer resigned in March")
    assert best.box == Box(0, 0, 300, 20)
    assert best.words == (Box(60, 0, 110, 20), Box(120, 0, 170, 20))


def test_a_word_that_was_read_with_wrong_letters_is_found():
    misread = [*PAGES[:2], page(3, "The treaturer resiqned in March")]
    assert Index(misread).best("Who was the treasurer?", misread)[0].page == 3


def test_what_shares_nothing_has_no_evidence():
    assert Index(PAGES).best("Xylophon?", PAGES) == [] == Index([]).best("Who?", [])


def test_no_more_passages_than_asked_for_and_the_earlier_of_equals_first():
    same = [page(number, "Barley was poor") for number in range(1, 4)] + [page(k, "Rain fell") for k in range(4, 20)]
    assert [one.page for one in Index(same).best("barley", same, 2)] == [1, 2]


def test_ask_shows_page_and_box_where_the_model_cannot_answer(tmp_path, capsys, reads):
    path = tmp_path / "report.pdf"
    path.write_bytes(
        printed_pdf([lines_of(f"Chapter {k} tells of winter.") for k in range(5)] + [lines_of("Barley failed.")])
    )
    asked = ["ask", str(path), "What failed?", "--json", "--text-layer", "always", "--dpi", "72"]
    assert main([*asked, "--model", str(reads)]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    (evidence, *_) = answer["evidence"]
    assert evidence["page"] == 6 and evidence["text"] == "Barley failed."
    left, top, right, bottom = evidence["box"]
    assert abs(left - 72) < 3
    assert 75 < top < bottom < 95 and left < right < 200
    assert answer["answer"] is None and answer["finish_reason"] == "not_learned"


def test_ask_tells_of_a_file_that_cannot_be_read(tmp_path, capsys):
    assert main(["ask", str(tmp_path / "none.pdf"), "Who?"]) == 1
    assert "no such file" in capsys.readouterr().err
