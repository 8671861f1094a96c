"""What the teacher does wrong costs a retry, a count or the run, and never gets into the ledger."""

import asyncio
import base64
import io
import json
import random
import socket
import threading
from dataclasses import replace

import pytest
from PIL import Image

from tests.data.enrich.examples import GIVEN, example, png
from tests.data.enrich.teacher import (
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    breaks_off,
    drips,
    hangs,
    hangs_up,
    says,
    sends,
    status,
)
from texthawk.data.enrich.asked import Asking
from texthawk.data.enrich.endpoint import Endpoint, Hopeless
from texthawk.data.enrich.kinds import KINDS, Caption
from texthawk.data.enrich.ledger import Ledger
from texthawk.data.enrich.pace import Pace
from texthawk.data.enrich.run import NO_USABLE_REPLY, Enrichment, Patience
from texthawk.data.example import Example

CAPTION = {"caption": Caption()}
PRICE = PROMPT_TOKENS + COMPLETION_TOKENS


class Run:
    """One run on a clock of its own, on which waiting takes no time."""

    def __init__(self, teacher, path, kinds=CAPTION, *, seconds=20.0, key=None, concurrency=1, **patience):
        self.now, self.waits, self.path = 0.0, [], path
        self.teacher, self.kinds, self.concurrency = teacher, kinds, concurrency
        self.endpoint = Endpoint(teacher.url, key, seconds)
        self.patience = Patience(**patience)
        self.asking = Asking("wise")
        self.limits = (None, None)

    async def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds

    def __call__(self, *examples):
        with Ledger(self.path) as ledger:
            enrichment = Enrichment(
                self.endpoint,
                self.kinds,
                self.asking,
                ledger,
                Pace(*self.limits, clock=lambda: self.now, sleep=self.sleep),
                self.patience,
                concurrency=self.concurrency,
                chance=random.Random(0),
                sleep=self.sleep,
            )
            self.report = enrichment.report
            asyncio.run(enrichment.run(examples))
            self.kept = len(ledger)
            self.all_spent = ledger.spent
        return self.report


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def test_every_kind_is_asked_for_and_kept(teacher, path):
    kinds = {name: kind() for name, kind in KINDS.items()}
    run = Run(teacher, path, kinds, concurrency=3)
    report = run(example(1, GIVEN), example(2))
    assert (report.answered, report.no_occasion, run.kept) == (9, 1, 9)  # no thoughts where there are no answers
    assert not report.failed and not report.unusable and not report.troubles
    assert report.spent.tokens == run.all_spent.tokens == 9 * PRICE
    names = {body["response_format"]["json_schema"]["name"] for _, body in teacher.asked}
    assert names == set(KINDS)


def test_what_is_sent_is_the_page_made_small_before_the_words_and_no_more(teacher, path):
    run = Run(teacher, path)
    run.asking = replace(run.asking, max_side=20, temperature=0.5, token_field="max_completion_tokens", max_tokens=77)
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif)
    run(Example("a", "pages", buffer.getvalue(), ()))
    [(headers, body)] = teacher.asked
    picture, words = body["messages"][1]["content"]
    sent = base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(sent)).size == (20, 15)
    assert b"taken at home" in buffer.getvalue() and b"taken at home" not in sent
    assert words["type"] == "text" and body["messages"][0]["role"] == "system"
    assert (body["model"], body["temperature"], body["max_completion_tokens"]) == ("wise", 0.5, 77)
    assert "max_tokens" not in body
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status(429), "status 429"),
        (status(500), "status 500"),
        (status(503), "status 503"),
        (hangs, "no whole reply in time"),
        (drips, "no whole reply in time"),
        (breaks_off, "the connection broke"),
        (hangs_up, "the connection broke"),
    ],
    ids=["429", "500", "503", "hangs", "drips", "breaks off", "hangs up"],
)
def test_a_request_that_failed_on_the_way_is_sent_again(teacher, path, fault, reason):
    teacher.faults.append(fault)
    run = Run(teacher, path, seconds=0.3 if reason == "no whole reply in time" else 20)
    report = run(example())
    assert report.answered == run.kept == 1
    [(found, count)] = report.troubles.items()
    assert found.startswith(reason) and count == 1
    assert len(teacher.asked) == 2 and teacher.words()[0] == teacher.words()[1]
    assert len(run.waits) == 1 and 0.5 <= run.waits[0] <= 1
    assert report.spent.tokens == PRICE


def test_a_server_that_is_not_there_is_tried_again_and_given_up(teacher, path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there, and nobody else takes it
        run = Run(teacher, path, request_retries=2, stop_after=2)
        run.endpoint = Endpoint(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        report = run(*map(example, range(9)))
    assert dict(report.troubles) == {"the server cannot be reached": 6}
    assert "2 requests in a row" in report.stopped and run.kept == 0


USELESS = {
    "no JSON": (says("I am sorry, I cannot do that."), "the reply is no JSON"),
    "JSON cut": (says('{"caption": "A rec'), "the reply is no JSON"),
    "words around": (says('Here it is: {"caption": "A receipt"}'), "the reply is no JSON"),
    "cut off": (says('{"caption": "A receipt"}', "length"), "the reply was cut off at its most tokens"),
    "filter": (says('{"caption": "A receipt"}', "content_filter"), "the server's filter withheld the reply"),
    "nothing": (says(None), "the reply is empty"),
    "blank": (says(" \n"), "the reply is empty"),
    "list": (says('["A receipt"]'), "the reply is no object"),
    "other field": (says('{"description": "A receipt"}'), "the reply has no field 'caption'"),
    "field too much": (says('{"caption": "A receipt", "mood": "good"}'), "the reply has fields that were not asked for"),
    "number": (says('{"caption": 7}'), "caption is no string"),
    "null": (says('{"caption": null}'), "caption is no string"),
    "empty field": (says('{"caption": "  "}'), "caption is empty"),
    "only a stand-in": (says('{"caption": "\\ufffc"}'), "caption is empty"),
    "too long": (says(json.dumps({"caption": "la " * 5000})), "caption is too long"),
    "half a character": (says('{"caption": "\\ud83d"}'), "caption holds characters that are no text"),
    "control": (says('{"caption": "a\\u0000b"}'), "caption holds characters that are no text"),
    "deep": (says("[" * 100_000), "the reply is no JSON"),
    "a page of HTML": (sends(b"<html>Log in</html>"), "what the server sent is no JSON"),
    "body cut": (sends(b'{"choices": [{"message": {"content": "{'), "what the server sent is no JSON"),
    "an error with 200": (sends(b'{"error": "busy"}'), "what the server sent is no chat completion"),
    "no choices": (sends(b'{"choices": []}'), "what the server sent is no chat completion"),
    "a list for content": (sends(b'{"choices": [{"message": {"content": [1]}}]}'), "what the server sent is no chat completion"),
}  # fmt: skip


@pytest.mark.parametrize("name", USELESS)
def test_a_reply_that_cannot_be_used_is_counted_and_asked_for_again_and_never_kept(teacher, path, name):
    fault, reason = USELESS[name]
    teacher.faults.append(fault)
    run = Run(teacher, path)
    report = run(example())
    assert dict(report.unusable) == {reason: 1}
    assert report.answered == run.kept == 1 and not report.failed
    assert reason in teacher.words()[1]  # the model is told what was wrong
    [line] = path.read_text(encoding="utf-8").splitlines()[1:]
    assert json.loads(line)["reply"] == {"caption": "A receipt of a shop, 收据, with three items."}
    assert json.loads(line)["reasons"] == {reason: 1}


def test_the_cost_of_useless_replies_is_told_apart(teacher, path):
    teacher.faults += [says("no"), says("no")]
    report = Run(teacher, path)(example())
    assert report.spent.tokens == 3 * PRICE
    assert report.spent.unusable == 2 * PRICE
    assert report.spent.replies == 3


def test_after_so_many_useless_replies_an_annotation_is_given_up_and_the_next_run_tries_again(teacher, path):
    teacher.faults += [says("no")] * 3
    run = Run(teacher, path, retries=2)
    report = run(example(1), example(2))
    assert dict(report.failed) == {NO_USABLE_REPLY: 1}
    assert report.first_failed == {NO_USABLE_REPLY: "page-1"}
    assert (report.answered, run.kept, len(teacher.asked)) == (1, 1, 4)
    report = run(example(1), example(2))
    assert (report.answered, report.there_already, run.kept, len(teacher.asked)) == (1, 1, 2, 5)
    assert run.all_spent.tokens == 5 * PRICE  # over both runs, failures included


def test_a_reply_in_a_fence_or_after_thinking_counts(teacher, path):
    teacher.faults.append(says('<think>Well, {"caption"...</think>\n```json\n{"caption": "A bill"}\n```'))
    report = Run(teacher, path)(example())
    assert report.answered == 1 and not report.unusable


def test_waits_grow_and_end(teacher, path):
    teacher.faults += [status(500)] * 5
    run = Run(teacher, path, request_retries=4)
    report = run(example())
    assert dict(report.failed) == {"status 500": 1}
    assert len(teacher.asked) == 5
    for wait, whole in zip(run.waits, (1, 2, 4, 8), strict=True):
        assert whole / 2 <= wait <= whole


def test_retry_after_is_kept_by_all_requests(teacher, path):
    teacher.faults.append(status(429, Retry_After="30"))
    run = Run(teacher, path)
    run(example(1), example(2))
    assert run.now >= 30
    assert sum(run.waits) < 35


def test_a_server_that_wants_to_be_left_alone_for_long_ends_the_run(teacher, path):
    teacher.faults.append(status(429, Retry_After="86400"))
    run = Run(teacher, path)
    report = run(example(1), example(2))
    assert "left alone for 86400 s" in report.stopped
    assert len(teacher.asked) == 1 and run.now < 60 and not report.failed


@pytest.mark.parametrize("code", [401, 403, 404, 307])
def test_a_wrong_key_address_or_model_ends_the_run_at_once(teacher, path, code):
    teacher.faults += [status(code, "ask sk-secret-7 nothing", Location="http://127.0.0.1:9/")]
    run = Run(teacher, path, key="sk-secret-7", concurrency=1)
    with pytest.raises(Hopeless, match=str(code)) as error:
        run(*map(example, range(5)))
    assert "sk-secret-7" not in str(error.value) and "***" in str(error.value)
    assert len(teacher.asked) == 1


def test_a_refused_request_is_not_sent_again(teacher, path):
    teacher.faults.append(status(400, "the picture is too large"))
    report = Run(teacher, path)(example(1), example(2))
    assert dict(report.failed) == {"refused with status 400: the picture is too large": 1}
    assert report.answered == 1 and len(teacher.asked) == 2


def test_failures_in_a_row_end_the_run(teacher, path):
    teacher.faults += [status(400)] * 2 + [says('{"caption": "A bill"}')] + [status(400)] * 20
    report = Run(teacher, path, stop_after=3)(*map(example, range(20)))
    assert len(teacher.asked) == 6
    assert "3 requests in a row" in report.stopped


def test_nothing_is_asked_beyond_the_budget(teacher, path):
    report = Run(teacher, path, budget=3 * PRICE)(*map(example, range(10)))
    assert len(teacher.asked) == report.answered == 3
    assert "budget" in report.stopped


def test_a_budget_holds_while_useless_replies_are_asked_for_again(teacher, path):
    teacher.faults += [says("no")] * 10
    report = Run(teacher, path, budget=2 * PRICE, retries=9)(example())
    assert len(teacher.asked) == 2 and report.stopped


def test_as_many_requests_are_under_way_as_allowed_and_no_more(teacher, path):
    teacher.together = threading.Barrier(3)  # no request is answered before three are there
    run = Run(teacher, path, concurrency=3)
    report = run(*map(example, range(9)))
    assert report.answered == 9 and teacher.most_under_way == 3


def test_limits_a_minute_hold_and_adapt_to_what_requests_really_cost(teacher, path):
    run = Run(teacher, path)
    run.limits = (20, None)
    run(*map(example, range(6)))
    assert run.now == pytest.approx(5 * 3)
    other = Run(teacher, path.with_name("other.jsonl"))
    other.limits = (None, 10 * PRICE)  # a request costs less than the tokens a reply may have
    other(*map(example, range(6)))
    assert other.now == pytest.approx(5 * 6)


def test_replies_without_a_count_of_tokens_are_counted(teacher, path):
    teacher.faults.append(says('{"caption": "A bill"}', usage=None))
    report = Run(teacher, path)(example())
    assert report.answered == report.without_usage == 1 and report.spent.tokens == 0


def test_another_picture_question_model_or_number_of_questions_is_asked_anew(teacher, path):
    kinds = {"caption": KINDS["caption"](), "questions": KINDS["questions"]()}
    run = Run(teacher, path, kinds)
    run(example(1, GIVEN))
    run(example(1, GIVEN))
    assert len(teacher.asked) == 2
    run(replace(example(1, GIVEN), image=png(200)))
    assert len(teacher.asked) == 4
    run(example(1, GIVEN[:1]))  # the caption does not hang on questions
    assert len(teacher.asked) == 5
    run.kinds = {"questions": KINDS["questions"](3)}
    run(example(1, GIVEN))
    assert len(teacher.asked) == 6
    run.asking = replace(run.asking, model="wiser")
    run(example(1, GIVEN))
    assert len(teacher.asked) == 7


def test_a_picture_that_cannot_be_read_costs_no_request(teacher, path, tmp_path):
    broken = replace(example(1), image=png(1)[:60])
    missing = replace(example(2), image=tmp_path / "gone.png")
    report = Run(teacher, path, stop_after=1)(broken, missing, example(3))
    assert report.failed.total() == 2 and report.answered == 1 and len(teacher.asked) == 1


def test_the_key_is_sent_and_stands_nowhere_else(teacher, path):
    run = Run(teacher, path, key="sk-secret-7")
    teacher.faults.append(says("no"))
    run(example())
    assert {headers["Authorization"] for headers, _ in teacher.asked} == {"Bearer sk-secret-7"}
    assert "secret" not in path.read_text(encoding="utf-8")
    assert "secret" not in repr(run.endpoint) + repr(run.report)


@pytest.mark.parametrize("key", ["", "two words\n", "naïve", " kkk"])
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(key):
    with pytest.raises(ValueError, match="API key") as error:
        Endpoint("https://example.org/v1", key)
    assert not key.strip() or key not in str(error.value)


@pytest.mark.parametrize(
    ("url", "key", "in_clear"),
    [
        ("http://example.org/v1", "k", True),
        ("https://example.org/v1", "k", False),
        ("http://example.org/v1", None, False),
        ("http://127.0.0.1:8000/v1", "k", False),
    ],
)
def test_a_key_that_would_travel_readable_is_known(url, key, in_clear):
    assert Endpoint(url, key).in_clear is in_clear
