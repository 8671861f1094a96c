"""Work that is dealt out to threads comes to the same, whoever does it."""

import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from texthawk.decode.reader import Reader, load
from texthawk.decode.regions import find_regions
from texthawk.decode.shares import MOST, dealt_out, on_one_thread
from texthawk.decode.windows import windows_of
from texthawk.image.pages import open_pages
from texthawk.model.processing import PROMPTS

EXAMPLE = Path(__file__).parents[2] / "examples" / "page.png"
ONNX = all(find_spec(name) for name in ("onnx", "onnxruntime"))


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def nano(way: str) -> Reader:
    if way.startswith("onnx") and not ONNX:
        pytest.skip("ONNX Runtime is not installed; pip install 'texthawk[onnx]'")
    return load("nano", device="cpu", way=way)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 16])
@pytest.mark.parametrize("threads", [1, 2, 3, 100])
def test_each_thing_is_done_once_and_stands_in_its_place(count, threads):
    shares = []

    def job_of(share):
        shares.append(share)
        return lambda: [place * place for place in share]

    assert dealt_out(count, threads, job_of) == [place * place for place in range(count)]
    assert sorted(place for share in shares for place in share) == list(range(count))
    assert len(shares) == max(1, min(count, threads, MOST))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_shares_run_at_the_same_time_and_their_products_take_one_thread_each():
    torch.set_num_threads(3)
    all_at_once = threading.Barrier(3, timeout=60)

    def job_of(share):
        assert threading.current_thread() is threading.main_thread()

        def job():
            all_at_once.wait()
            return [(place, torch.get_num_threads()) for place in share]

        return job

    with on_one_thread(nano("step").model) as threads:
        assert (threads, torch.get_num_threads()) == (3, 1)
        assert dealt_out(6, threads, job_of) == [(place, 1) for place in range(6)]
    assert torch.get_num_threads() == 3


def test_what_goes_wrong_in_a_share_is_raised_and_torch_has_its_threads_again():
    torch.set_num_threads(2)

    def job_of(share):
        def job():
            if 3 in share:
                raise MemoryError("no room for the fourth")
            return share

        return job

    with pytest.raises(MemoryError, match="fourth"), on_one_thread(nano("step").model) as threads:
        dealt_out(4, threads, job_of)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("way", ["onnx int8", "step"])
def test_windows_say_the_same_on_one_thread_and_on_several(way):
    """In 8 bits to the last bit; in float32 the last bits of a product may follow from how many rows it has."""
    reader, answers, scores = nano(way), [], []
    (page,) = open_pages(str(EXAMPLE))
    windows = windows_of(page.image, find_regions(page.image), reader.setting)[:3]
    pictures = [window.image for window in windows]
    assert len(windows) == 3, "shares of one window each would show less"
    for threads in (1, 2):
        torch.set_num_threads(threads)
        answers.append(reader.ask_windows(windows))
        tokens = [answer.tokens[: 10 + place] for place, answer in enumerate(answers[0])]
        scores.append(reader.asker.log_probabilities(pictures, PROMPTS["text"], tokens))
    assert sum(len(answer.tokens) for answer in answers[0]) > 300
    if way == "onnx int8":
        assert answers[0] == answers[1] and scores[0] == scores[1]
        return
    for one, other in zip(*answers, strict=True):
        assert (one.tokens, one.finish_reason) == (other.tokens, other.finish_reason)
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-3)
    for one, other in zip(*scores, strict=True):
        assert one == pytest.approx(other, abs=1e-3)
