"""The running batch: whatever joins and leaves, every answer is the one that its prompt gets alone."""

import contextlib
import queue
import threading
import time

import pytest
import torch

from tests.model import tiny
from tests.serve.serving import alone, make_reader
from texthawk.decode.guard import LoopGuard
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.serve.engine import Engine, EngineClosed, QueueFull
from texthawk.serve.forward import Prompt, Rows
from texthawk.serve.generation import Failure, Finish, Generation, Piece
from texthawk.serve.prompts import Prompts
from texthawk.serve.sampling import Sampling


class Asker:
    """Submits questions about pictures to an engine and collects what comes back."""

    def __init__(self, reader, **settings):
        self.reader, self.prompts = reader, Prompts(reader)
        self.engine = Engine(reader, **settings)

    def __enter__(self):
        self.engine.start()
        return self

    def __exit__(self, *_):
        self.engine.close(0)

    def prompt(self, image, question="What is this?"):
        content = [{"type": "image"}, {"type": "text", "text": question}]
        return self.prompts.chat([{"role": "user", "content": content}], [image])

    def submit(self, prompt, sampling, **settings):
        events = queue.SimpleQueue()
        generation = Generation(prompt, sampling, self.engine.wording(sampling.stop), events.put, **settings)
        self.engine.submit(generation)
        return generation, events


def until(holds, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def outcome(events):
    """Tokens, text and the last event of an answer."""
    tokens, text = [], ""
    while isinstance(event := events.get(timeout=60), Piece):
        tokens += [token.id for token in event.tokens]
        text += event.text
    return tokens, text, event


CASES = [(40 + 23 * k % 90, 50 + 37 * k % 160, "What" + " is" * k, 5 + 7 * k) for k in range(10)]


@pytest.fixture(scope="module")
def expected(reader):
    found = [
        alone(reader, tiny.picture(height, width, seed), question, tokens)
        for seed, (height, width, question, tokens) in enumerate(CASES)
    ]
    assert len({tuple(tokens[:5]) for tokens in found}) > 3, "answers that are all alike would hide a wrong pairing"
    return found


@pytest.mark.parametrize("max_batch", [1, 3, 16])
def test_tokens_equal_those_of_a_single_run_whatever_runs_beside(reader, expected, max_batch):
    with Asker(reader, max_batch=max_batch) as asker:
        asked = [
            asker.submit(asker.prompt(tiny.picture(height, width, seed), question), Sampling(tokens))[1]
            for seed, (height, width, question, tokens) in enumerate(CASES)
        ]
        answers = [outcome(events) for events in asked]
    assert [tokens for tokens, _, _ in answers] == expected
    assert asker.engine.counts.rows >= sum(tokens - 1 for *_, tokens in CASES)
    assert (asker.engine.counts.steps == asker.engine.counts.rows) == (max_batch == 1)
    assert len(asker.engine.rows) == 0


def test_a_request_that_joins_a_running_batch_changes_nobodys_answer(reader, expected):
    with Asker(reader, max_batch=4) as asker:
        long, first = asker.submit(asker.prompt(tiny.picture(90, 200, 99)), Sampling(250))
        until(lambda: asker.engine.counts.steps)
        for seed, (height, width, question, tokens) in enumerate(CASES[:4]):
            _, events = asker.submit(asker.prompt(tiny.picture(height, width, seed), question), Sampling(tokens))
            assert outcome(events)[0] == expected[seed]
        assert long.tokens < 250, "it was to run all the while"
        assert outcome(first)[0] == alone(reader, tiny.picture(90, 200, 99), "What is this?", 250)


def test_nano_reads_the_same_in_a_batch_as_alone(nano):
    from PIL import Image

    from texthawk.decode.regions import find_regions
    from texthawk.decode.windows import windows_of
    from texthawk.model.processing import PROMPTS

    with Image.open("examples/page.png") as page:
        image = page.convert("RGB")
    windows = windows_of(image, find_regions(image), nano.setting)[:3]
    assert len(windows) > 1
    with Asker(nano) as asker:
        asked = [
            asker.submit(asker.prompt(window.image, PROMPTS["text"]), Sampling(16 + 8 * k))[1]
            for k, window in enumerate(windows)
        ]
        answers = [outcome(events) for events in asked]
    for k, (window, (tokens, text, _)) in enumerate(zip(windows, answers, strict=True)):
        assert tokens == alone(nano, window.image, PROMPTS["text"], 16 + 8 * k)
        assert text == nano.processor.tokenizer.decode(tokens, skip_special_tokens=True)


def test_log_probabilities_are_those_of_the_model(reader):
    image = tiny.picture(80, 80, 5)
    with Asker(reader) as asker:
        prompt = asker.prompt(image)
        _, events = asker.submit(prompt, Sampling(6, top_scores=3))
        tokens = []
        while isinstance(event := events.get(timeout=60), Piece):
            tokens += event.tokens
    ids = torch.tensor([prompt.ids + [token.id for token in tokens]])
    with torch.inference_mode():
        scores = reader.model(input_ids=ids, **prompt.images).logits[0].float().log_softmax(-1)
    for place, token in enumerate(tokens, len(prompt.ids) - 1):
        assert token.log_probability == pytest.approx(float(scores[place, token.id]), abs=1e-4)
        assert token.top[0] == (token.id, pytest.approx(token.log_probability))
        assert [value for _, value in token.top] == sorted((value for _, value in token.top), reverse=True)


def test_a_seed_gives_the_same_answer_alone_and_in_company(reader):
    image, wish = tiny.picture(80, 80, 5), Sampling(20, temperature=1.0, top_p=0.9, seed=7)
    with Asker(reader) as asker:
        prompt = asker.prompt(image)
        single = outcome(asker.submit(prompt, wish)[1])[0]
        neighbours = [asker.submit(prompt, Sampling(30, temperature=1.0, seed=seed)) for seed in range(5)]
        together = outcome(asker.submit(prompt, wish)[1])[0]
        others = {tuple(outcome(events)[0][:20]) for _, events in neighbours}
    assert single == together and len(others) == 5 and tuple(single) not in others


def test_a_cancelled_request_frees_its_row_and_hears_no_more(reader):
    with Asker(reader, max_batch=1) as asker:
        prompt = asker.prompt(tiny.picture(60, 60, 1))
        long, events = asker.submit(prompt, Sampling(1800))
        waiting, unheard = asker.submit(prompt, Sampling(1800))
        _, next_events = asker.submit(prompt, Sampling(3))
        while not isinstance(events.get(timeout=20), Piece):
            pass
        waiting.cancel()
        long.cancel()
        assert isinstance(outcome(next_events)[2], Finish)
        assert long.tokens < 1800 and waiting.tokens == 0 and unheard.empty()
        assert asker.engine.counts.cancelled == 2


def test_a_full_queue_refuses_and_patient_requests_do_not_fill_it(reader):
    with Asker(reader, max_batch=1, queue=1) as asker:
        prompt = asker.prompt(tiny.picture(60, 60, 1))
        running = asker.submit(prompt, Sampling(1800))
        until(lambda: asker.engine.running)
        patient = [asker.submit(prompt, Sampling(2), patient=True) for _ in range(3)]
        _, queued = asker.submit(prompt, Sampling(2))
        with pytest.raises(QueueFull):
            asker.submit(prompt, Sampling(2))
        running[0].cancel()
        assert all(isinstance(outcome(events)[2], Finish) for events in [queued, *(events for _, events in patient)])


def test_hurried_and_patient_requests_take_turns(reader):
    with Asker(reader, max_batch=1) as asker:
        prompt, order, lock = asker.prompt(tiny.picture(60, 60, 1)), [], threading.Lock()
        blocker, _ = asker.submit(prompt, Sampling(1800))
        done = threading.Event()

        def note(kind):
            def deliver(event):
                if isinstance(event, Finish):
                    with lock:
                        order.append(kind)
                    if len(order) == 8:
                        done.set()

            return deliver

        for kind in "pppphhhh":
            asker.engine.submit(
                Generation(prompt, Sampling(2), asker.engine.wording(), note(kind), patient=kind == "p")
            )
        blocker.cancel()
        assert done.wait(30)
    assert "ppp" not in "".join(order) and "hhh" not in "".join(order)


def test_the_cache_keeps_its_bound(reader):
    with Asker(reader, max_batch=16, cache_tokens=450) as asker:
        prompt = asker.prompt(tiny.picture(60, 60, 1))
        asked = [asker.submit(prompt, Sampling(60)) for _ in range(6)]
        rows = 450 // asked[0][0].reserved
        most = 0
        while any(generation.tokens < 60 for generation, _ in asked):
            most = max(most, asker.engine.running)
            time.sleep(0.001)
        assert 1 < most <= rows < 6
        expected = alone(reader, tiny.picture(60, 60, 1), "What is this?", 60)
        assert [outcome(events)[0] for _, events in asked] == [expected] * 6
        with pytest.raises(ValueError, match="the context holds 450"):
            asker.submit(prompt, Sampling(450))


def test_a_prompt_that_fails_costs_only_itself(reader):
    with Asker(reader) as asker:
        good = asker.prompt(tiny.picture(60, 60, 1))
        broken = Prompt(good.ids + [good.ids[good.ids.index(reader.processor.image_token_id)]], good.images)
        blocker, _ = asker.submit(good, Sampling(1800))
        asked = [asker.submit(prompt, Sampling(4))[1] for prompt in (good, broken, good)]
        blocker.cancel()
        first, failed, second = (outcome(events) for events in asked)
    assert first[:2] == second[:2] and isinstance(first[2], Finish)
    assert isinstance(failed[2], Failure) and failed[0] == []
    assert asker.engine.counts.failed == 1


def test_an_answer_that_cannot_go_on_costs_only_itself(reader):
    class Broken:
        """Of a form that is lost after three tokens."""

        def __init__(self):
            self.taken = 0

        def allowed(self):
            if self.taken == 3:
                raise RuntimeError("lost")
            return torch.ones(reader.model.config.text_config.vocab_size, dtype=torch.bool)

        def settled(self, token):
            return token

        def accept(self, token):
            self.taken += 1

    with Asker(reader) as asker:
        prompt = asker.prompt(tiny.picture(60, 60, 1))
        blocker, _ = asker.submit(prompt, Sampling(1800))
        asked = [
            asker.submit(prompt, Sampling(12), constraint=constraint)[1] for constraint in (None, Broken(), None, None)
        ]
        blocker.cancel()
        first, lost, *others = (outcome(events) for events in asked)
    assert isinstance(lost[2], Failure) and asker.engine.counts.failed == 1
    expected = alone(reader, tiny.picture(60, 60, 1), "What is this?", 12)
    assert [tokens for tokens, _, _ in (first, *others)] == [expected] * 3


def test_a_place_in_the_queue_is_kept_while_a_prompt_is_made(reader):
    with Asker(reader, max_batch=1, queue=1) as asker, contextlib.ExitStack() as kept:
        first, second = (kept.enter_context(asker.engine.place()) for _ in range(2))
        assert asker.engine.waiting == 2
        with pytest.raises(QueueFull), asker.engine.place():
            pass
        prompt = asker.prompt(tiny.picture(60, 60, 1))
        with pytest.raises(QueueFull):
            asker.submit(prompt, Sampling(2))
        events = queue.SimpleQueue()
        generation = Generation(prompt, Sampling(2), asker.engine.wording(), events.put)
        asker.engine.submit(generation, first)
        assert len(outcome(events)[0]) == 2
        kept.close()
        until(lambda: asker.engine.waiting == asker.engine.running == 0)
        assert first.taken and not second.taken
        with asker.engine.place() as place:
            assert not place.taken


def test_pictures_are_let_go_once_the_model_has_seen_them(reader):
    with Asker(reader) as asker:
        prompt = asker.prompt(tiny.picture(60, 60, 1))
        generation, _ = asker.submit(prompt, Sampling(1800))
        until(lambda: generation.tokens)
        assert prompt.images and not generation.prompt.images
        generation.cancel()


def test_a_closed_engine_finishes_what_it_accepted_and_takes_nothing_more(reader):
    asker = Asker(reader)
    asker.engine.start()
    prompt = asker.prompt(tiny.picture(60, 60, 1))
    asked = [asker.submit(prompt, Sampling(40))[1] for _ in range(3)]
    assert asker.engine.close(30)
    assert all(isinstance(outcome(events)[2], Finish) for events in asked)
    with pytest.raises(EngineClosed):
        asker.submit(prompt, Sampling(1))


def test_an_engine_that_must_close_tells_those_it_leaves(reader):
    asker = Asker(reader, max_batch=1)
    asker.engine.start()
    prompt = asker.prompt(tiny.picture(60, 60, 1))
    asked = [asker.submit(prompt, Sampling(1800))[1] for _ in range(2)]
    assert not asker.engine.close(0.05)
    assert all(isinstance(outcome(events)[2], Failure) for events in asked)


def test_a_model_with_sliding_windows_is_refused_with_a_reason():
    config = tiny.config()
    config.text_config.layer_types = ["full_attention", "sliding_attention"]
    config.text_config.use_sliding_window, config.text_config.sliding_window = True, 8
    with pytest.raises(ValueError, match="sliding_attention"):
        Rows(TextHawkForConditionalGeneration(config))


def test_prompts_of_text_alone_and_with_pictures_share_a_batch():
    reader = make_reader()
    with Asker(reader) as asker:
        words = asker.prompts.chat([{"role": "user", "content": "The quick brown fox"}], [])
        picture = asker.prompt(tiny.picture(60, 150, 2))
        blocker, _ = asker.submit(words, Sampling(1000))
        asked = [asker.submit(prompt, Sampling(12))[1] for prompt in (words, picture, words, picture)]
        blocker.cancel()
        answers = [outcome(events)[0] for events in asked]
    assert answers[0] == answers[2] and answers[1] == answers[3] and answers[0] != answers[1]
    assert answers[1] == alone(reader, tiny.picture(60, 150, 2), "What is this?", 12)


def test_what_loops_ends_with_that_reason_where_a_guard_watches(reader):
    image = tiny.picture(60, 90, 0)
    looping = alone(reader, image, "What is this?", 80)
    assert len(set(looping)) < 8, "the tiny model was to repeat itself"
    with Asker(reader) as asker:
        guard = LoopGuard(asker.engine.text_of)
        _, events = asker.submit(asker.prompt(image), Sampling(1500), guard=guard)
        tokens, _, end = outcome(events)
    assert end.reason == "repetition" and end.loop is not None and len(tokens) < 1500
    assert tokens[-end.loop.period :] == tokens[-2 * end.loop.period : -end.loop.period]


def test_the_engine_runs_what_needs_the_model_between_its_steps(reader):
    with Asker(reader) as asker:
        _, events = asker.submit(asker.prompt(tiny.picture(60, 60, 1)), Sampling(60))
        assert asker.engine.call(lambda: threading.current_thread().name) == "texthawk-engine"
        with pytest.raises(ValueError, match="on purpose"):
            asker.engine.call(lambda: int("on purpose"))
        assert isinstance(outcome(events)[2], Finish)
    with pytest.raises(EngineClosed):
        asker.engine.call(lambda: None)
