"""Asking about a page of a document and finding a phrase on it."""

import pytest

from tests.model import tiny
from tests.serve.serving import alone, make_reader, png, running
from tests.serve.test_documents import finished, uploaded

IMAGE = tiny.picture(70, 130, 3)


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
        assert http.post(f"/v1/documents/{id}/pages/0/find", json={"phrase": "x"}).json() == {
            "boxes": [],
            "places": [],
        }
        for wrong in ({"phrase": ""}, {"phrase": " "}, {"phrase": "x" * 501}, {}):
            assert http.post(f"/v1/documents/{id}/pages/0/find", json=wrong).status_code == 400


def test_a_closed_question_is_answered_in_its_form():
    pytest.importorskip("llguidance")
    reader = make_reader()
    reader.model.config.tasks = ["text", "ask"]
    with running(reader, max_tokens=20) as server, server.http() as http:
        id = uploaded(http, ("a.png", png(IMAGE)))
        finished(http, id)
        url = f"/v1/documents/{id}/pages/0/ask"
        answer = http.post(url, json={"question": "Paid?", "choices": ["yes", "no"]}).json()
        assert answer["text"] in ("yes", "no") and answer["value"] == answer["text"]
        schema = {"type": "array", "items": {"type": "string"}, "minItems": 2}
        answer = http.post(url, json={"question": "Which?", "schema": schema}).json()
        assert len(answer["value"]) >= 2 and answer["finish_reason"] == "stop"
        for wrong in (
            {"choices": ["a"]},
            {"choices": ["a", "b"], "schema": {}},
            {"schema": {"not": {}}},
            {"schema": [1]},
        ):
            assert http.post(url, json={"question": "x"} | wrong).status_code == 400


def test_what_was_read_is_found_with_its_text_and_a_misread_letter_is_forgiven(nano_server):
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (500, 120), "white")
    ImageDraw.Draw(sheet).text((30, 30), "Harbour Museum", "black", font_size=36)
    with nano_server.http() as http:
        id = uploaded(http, ("a.png", png(sheet)))
        finished(http, id)
        found = http.post(f"/v1/documents/{id}/pages/0/find", json={"phrase": "harbour museun"}).json()
        (place,) = found["places"]
        assert place["by"] == "text" and place["edits"] <= 2 and len(place["text"]) > 10
        left, top, right, bottom = place["box"]
        assert 20 < left < 50 and right > 250 and 20 < top < bottom < 90 and found["boxes"] == [place["box"]]
