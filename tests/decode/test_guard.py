"""A loop is seen soon, a page that repeats itself is left alone."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LogitsProcessorList

from texthawk.decode.guard import Allowance, Loop, LoopGuard, without_loop
from texthawk.decode.vllm_guard import VllmLoopGuard
from texthawk.decode.watch import LENGTH, REPETITION, STOP, Watch

LETTERS = "abcdefghijklmnopqrstuvwxyz 0123456789.,-_|\n<>/é"
ENDS = [len(LETTERS)]


def text_of(tokens: Sequence[int]) -> str:
    return "".join(LETTERS[token] for token in tokens if token < len(LETTERS))


def ids(text: str) -> list[int]:
    return [LETTERS.index(character) for character in text]


def caught(text: str, **allowance: int) -> tuple[Loop | None, int]:
    guard = LoopGuard(text_of, Allowance(**allowance))
    loop = guard.extend(ids(text))
    return loop, guard._count


@pytest.mark.parametrize(
    "block",
    [
        "no ",
        "and so on ",
        "x",
        "the end of the world as we know it, and then ",
        "a line\n",
        "a line that goes on and on\n",
    ],
)
def test_every_kind_of_loop_is_seen_before_it_costs_much(block):
    loop, tokens = caught("once upon a time " + block * 300)
    assert loop is not None and loop.period == len(block)
    assert tokens <= 17 + max(17, 66 * len(block))


@pytest.mark.parametrize(
    "text",
    [
        "contents " + "." * 300 + " 12\n",
        "name " + "_" * 200 + " date " + "_" * 90 + "\n",
        "total" + " " * 120 + "12.50\n",
        "1" + "0" * 100,
        "-" * 250 + "\n",
        "<tr><td>0</td><td>0</td></tr>\n" * 40,
        "<td></td>" * 40,
        "|  |  |  |\n" * 40,
        "yes\nno\n" * 25,
        "n/a\n" * 50,
        "- - - - - - - - - - - - - - - - - - - - - - - - \n" * 12,
        "ho ho ho ho ho, said he, very very very good",
        "row your boat gently\n" * 4,
    ],
)
def test_what_pages_repeat_lawfully_is_left_alone(text):
    assert caught(text)[0] is None


@pytest.mark.parametrize(("block", "most"), [("的", 17), ("本公司", 9), ("花岗岩风化得很慢，", 9), ("the ", 9)])
@pytest.mark.parametrize("before", ["", "你", "xé"])
def test_a_character_of_several_tokens_counts_as_one(block: str, most: int, before: str) -> None:
    guard = LoopGuard(lambda tokens: bytes(tokens).decode(errors="replace"))
    said = (before + block * 40).encode()
    loop = guard.extend(said)
    assert loop is not None and loop.period == len(block.encode())
    assert guard._count <= len(before.encode()) + most * loop.period + 1


def test_the_lines_that_the_ink_allows_bound_the_rows():
    assert caught("a b\n" * 9, rows=10)[0] is None
    assert caught("a b\n" * 12, rows=10)[0] is not None


@settings(max_examples=60, deadline=None)
@given(st.text("abcde ", min_size=2, max_size=40).filter(str.strip), st.text("fghij ", max_size=30))
def test_a_loop_cut_down_to_one_copy_is_what_was_said_before_it(block, before):
    guard = LoopGuard(text_of)
    said: list[int] = []
    for token in ids(before + block * 40):
        said.append(token)
        loop = guard.add(token)
        if loop is not None:
            break
    assert loop is not None
    kept = without_loop(said, loop)
    assert said[kept - loop.period : kept] == said[kept : kept + loop.period]
    assert len(said) - kept == loop.length - loop.period


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=300), st.integers(1, 12))
def test_runs_are_those_that_looking_at_the_whole_answer_finds(tokens, longest):
    guard = LoopGuard(lambda token: "a", Allowance(letter=10**9, words=10**9, sentence=10**9), longest=longest)
    guard.extend(tokens)
    for period in range(1, longest + 1):
        run = 0
        while run + period < len(tokens) and tokens[-1 - run] == tokens[-1 - run - period]:
            run += 1
        assert guard._runs[period] == run


def spoken(rows: list[str], limits: list[int], **setting) -> Watch:
    """A watch over answers that are dictated: each step's logits put all weight on the next letter of each row."""
    watch = Watch(lambda: LoopGuard(text_of), limits, ENDS, **setting)
    processors = LogitsProcessorList([watch])
    sequence = torch.zeros((len(rows), 4), dtype=torch.long)
    for step in range(max(limits) + 1):
        scores = torch.zeros((len(rows), len(LETTERS) + 1))
        for row, text in enumerate(rows):
            scores[row, ids(text[step])[0] if step < len(text) else ENDS[0]] = 20.0
        sequence = torch.cat([sequence, processors(sequence, scores).argmax(-1, keepdim=True)], dim=1)
    watch.finish(sequence)
    return watch


def test_each_answer_of_a_batch_ends_for_its_own_reason():
    watch = spoken(["abc", "no " * 60, "abcdefghij" * 2, "de"], [50, 180, 8, 2])
    assert watch.reasons == [STOP, REPETITION, LENGTH, LENGTH]
    texts = [text_of(tokens) for tokens in watch.tokens]
    assert texts == ["abc", "no ", "abcdefgh", "de"]
    assert [len(values) for values in watch.log_probabilities] == [len(text) for text in texts]
    assert all(value == pytest.approx(0, abs=1e-5) for values in watch.log_probabilities for value in values)


def test_a_rows_end_does_not_depend_on_its_neighbours():
    alone = spoken(["no " * 60], [100])
    beside = spoken(["abc", "no " * 60, "x" * 90], [4, 100, 90])
    assert alone.tokens[0] == beside.tokens[1] and alone.reasons[0] == beside.reasons[1]


def test_drawn_tokens_depend_on_the_rows_seed_alone_and_follow_the_odds():
    scores = torch.tensor([[0.0, 1.0, 2.0]])

    def draw(seeds: list[int]) -> list[int]:
        watch = Watch(lambda: LoopGuard(text_of), [9] * len(seeds), [2], seeds=seeds, temperature=1.0)
        return watch(torch.zeros((len(seeds), 1), dtype=torch.long), scores.repeat(len(seeds), 1)).argmax(-1).tolist()

    assert draw([3]) == draw([5, 3])[1:] == draw([3, 3])[:1]
    shares = torch.bincount(torch.tensor(draw(list(range(3000)))), minlength=3) / 3000
    assert torch.allclose(shares, scores.softmax(-1)[0], atol=0.04)


class Change:
    def __init__(self, removed=(), added=(), moved=()):
        self.removed, self.added, self.moved = removed, added, moved


def test_the_vllm_processor_ends_the_looping_request_and_follows_it_when_requests_move():
    guard = VllmLoopGuard.of(text_of, ENDS)
    looping, honest = ids("no " * 40), ids("abc")
    guard.update_state(Change(added=[(0, None, None, looping), (1, None, None, honest)]))

    def ended() -> list[bool]:
        logits = guard.apply(torch.zeros((3, len(LETTERS) + 1)))
        return (logits == -torch.inf).any(-1).tolist()

    assert ended() == [True, False, False]
    guard.update_state(Change(moved=[(0, 2, "UNIDIRECTIONAL")]))
    assert ended() == [False, False, True]
    guard.update_state(Change(moved=[(1, 2, "SWAP")]))
    assert ended() == [False, True, False]
    guard.update_state(Change(removed=[1]))
    assert ended() == [False, False, False]
    assert not guard.is_argmax_invariant()


def test_the_vllm_processor_sees_tokens_as_the_request_gains_them():
    guard, said = VllmLoopGuard.of(text_of, ENDS), []
    guard.update_state(Change(added=[(0, None, None, said)]))
    for token in ids("no " * 40):
        said.append(token)
        guard.update_state(None)
        over = bool((guard.apply(torch.zeros((1, len(LETTERS) + 1))) == -torch.inf).any())
        if over:
            break
    assert over and len(said) == 25
