"""Asking about a page of a document and finding a phrase on it."""

import pytest

from tests.model import tiny
from tests.serve.serving import alone, make_reader, png, running
from tests.serve.test_documents import finished, uploaded
from texthawk.serve.questions import places_of
from texthawk.types import Box, Line, Page, Word

IMAGE = tiny.picture(70, 130, 3)


def line(top, *texts):
    words = tuple(Word(text, Box(50.0 * k, top, 50.0 * k + 40, top + 10), 0.9) for k, text in enumerate(texts))
    return Line(" ".join(texts), Box(0, top, 50.0 * len(texts), top + 10), words)


PAGE = Page(1, 300, 100, "", (line(0, "The", "total", "due:", "12"), line(20, "The", "sum"), line(40, "TOTAL", "due")))


@pytest.mark.parametrize(
    ("phrase", "boxes"),
    [
        ("total due", [Box(50, 0, 140, 10), Box(0, 40, 90, 50)]),
        ("Due: 12 the", [Box(100, 0, 190, 10), Box(0, 20, 40, 30)]),
        ("12", [Box(150, 0, 190, 10)]),
        ("tot", []),
        ("…", []),
    ],
)
def test_a_phrase_is_found_whatever_its_case_and_the_signs_around_it(phrase, boxes):
    assert places_of(phrase, PAGE) == boxes


def test_words_without_a_place_are_no_place():
    page = Page(1, 300, 100, "", (Line("total", None, (Word("total", None, 0.5),)),))
    assert places_of("total", page) == []


def test_a_question_is_answered_as_the_model_answers_it_alone():
    reader = make_reader()
    reader.model.config.tasks = ["text", "ask"]
    with running(reader, max_tokens=12) as server, server.http() as http:
        assert http.get("/v1/models").json()["data"][0]["tasks"] == ["text", "ask"]
        id = uploaded(http, ("a.png", png(IMAGE)))
        finished(http, id)
        answer = http.post(f"/v1/documents/{id}/pages/0/ask", json={"question": "What is this?"}).json()
        expected = alone(reader, IMAGE, "What is this?", 12)
        assert answer["text"] == reader.processor.tokenizer.decode(expected, skip_special_tokens=True)
        assert answer["finish_reason"] == "length" and 0 < answer["confidence"] <= 1
        for wrong in ({"question": ""}, {"question": "<image>"}, {}):
            assert http.post(f"/v1/documents/{id}/pages/0/ask", json=wrong).status_code == 400
        assert http.post(f"/v1/documents/{id}/pages/1/ask", json={"question": "x"}).status_code == 404


def test_a_model_that_has_not_learned_to_answer_is_not_asked(server):
    with server.http() as http:
        id = uploaded(http, ("a.png", png(IMAGE)))
        finished(http, id)
        refused = http.post(f"/v1/documents/{id}/pages/0/ask", json={"question": "x"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_learned")
        assert http.post(f"/v1/documents/{id}/pages/0/find", json={"phrase": "x"}).json() == {"boxes": []}
