"""Continuous batching: one thread owns the model; requests join and leave the running batch between its steps."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer

from texthawk.decode.reader import Reader
from texthawk.serve.forward import Rows
from texthawk.serve.generation import Generation
from texthawk.serve.sampling import Fault, Token, next_tokens
from texthawk.serve.wording import Wording

Result = TypeVar("Result")
Call = tuple[Callable[[], Any], Future[Any]]
PREFILL_TOKENS, PREFILL_PROMPTS = 4096, 4  # that are read in one go, while the running answers wait
LOG = logging.getLogger("texthawk.serve")


class QueueFull(Exception):
    """As many requests wait as may; try again later."""


class EngineClosed(Exception):
    """The engine takes no more requests."""


@dataclass
class Place:
    """A place in the queue that is kept for a request whose prompt is being made."""

    taken: bool = False


@dataclass
class Counts:
    """What the engine has done; written by its thread alone."""

    steps: int = 0
    rows: int = 0
    prompt_tokens: int = 0
    image_tokens: int = 0
    tokens: int = 0
    finished: int = 0
    cancelled: int = 0
    failed: int = 0
    waited_seconds: float = 0.0


class Engine:
    """Runs generations of one model together.

    max_batch: rows at most. queue: requests that may wait for a row. cache_tokens: bound on the tokens that all rows
    may come to hold, counted as rows x longest, which is what the memory of the cache is made for; None stands for a
    full context in each row. A request that alone would break the bound is refused by `check`.
    """

    def __init__(
        self, reader: Reader, *, max_batch: int = 16, queue: int = 64, cache_tokens: int | None = None
    ) -> None:
        self.rows = Rows(reader.model)
        self.ends = frozenset(reader.ends)
        self.max_batch, self.queue = max_batch, queue
        self.cache_tokens = max_batch * self.rows.context if cache_tokens is None else cache_tokens
        self.counts = Counts()
        # A copy, because one tokenizer must not be used by two threads while one of them changes its padding.
        self._tokenizer = Tokenizer.from_str(reader.processor.tokenizer.backend_tokenizer.to_str())
        self._running: list[Generation] = []
        self._last: list[int] = []
        self._hurried: deque[Generation] = deque()
        self._patient: deque[Generation] = deque()
        self._calls: deque[Call] = deque()
        self._turn_of_patient = False
        # What comes from other threads. The engine's own thread takes no lock that they hold: it would seldom leave it
        # to them on a busy machine, since it comes back to it at every step.
        self._inbox: SimpleQueue[Generation | Call | None] = SimpleQueue()
        self._submitting = threading.Lock()
        self._sent = self._received = 0  # hurried requests that went into the inbox, and out of it
        self._kept = 0  # places of requests whose prompts are being made
        self._closing = self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="texthawk-engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        return len(self._hurried) + len(self._patient) + self._inbox.qsize() + self._kept

    @property
    def running(self) -> int:
        return len(self._running)

    def wording(self, stops: tuple[str, ...] = ()) -> Wording:
        """Text of one answer; stops end it."""
        return Wording(self._tokenizer, stops)

    def text_of(self, tokens: Sequence[int]) -> str:
        """Tokens one after another; replacement characters where one is part of a character only."""
        return self._tokenizer.decode(list(tokens), skip_special_tokens=False)

    def check(self, prompt_tokens: int, max_tokens: int) -> None:
        """ValueError when no batch could ever hold such a request."""
        room = min(self.rows.context, self.cache_tokens)
        if prompt_tokens + max_tokens > room:
            raise ValueError(
                f"the prompt has {prompt_tokens} tokens and {max_tokens} more were asked for, but the context holds "
                f"{room}; send fewer or smaller images, less text, or a lower max_tokens"
            )

    @contextlib.contextmanager
    def place(self) -> Iterator[Place]:
        """Keep a place for a request until it is submitted or given up; raises QueueFull, EngineClosed.

        The queue is thus as long as it may be before any work is done for the next.
        """
        place = Place()
        with self._submitting:
            self._check_room()
            self._kept += 1
        try:
            yield place
        finally:
            with self._submitting:
                self._kept -= not place.taken

    def submit(self, generation: Generation, place: Place | None = None) -> None:
        """Queue a request; raises QueueFull (never where it has a place), EngineClosed, or ValueError when it can never run."""
        self.check(len(generation.prompt.ids), generation.sampling.max_tokens)
        with self._submitting:
            if place is not None:
                self._check_open()
                assert not place.taken, "a place is for one request"
                place.taken = True
                self._kept -= 1
            elif generation.patient:
                self._check_open()
            else:
                self._check_room()
            self._sent += not generation.patient
            self._inbox.put(generation)

    def _check_open(self) -> None:
        if self._closing or not self.alive:
            raise EngineClosed

    def _check_room(self) -> None:
        self._check_open()
        free = max(0, self.max_batch - len(self._running))
        if len(self._hurried) + self._sent - self._received + self._kept >= self.queue + free:
            raise QueueFull

    def call(self, function: Callable[[], Result]) -> Result:
        """Run a function between two steps, in the thread that owns the model; raises EngineClosed, and what it raises."""
        future: Future[Result] = Future()
        with self._submitting:
            self._check_open()
            self._inbox.put((function, future))
        return future.result()

    def wake(self) -> None:
        """Look at once for what was cancelled, rather than when something else comes."""
        if self.alive:
            self._inbox.put(None)

    def close(self, seconds: float) -> bool:
        """Take nothing more, finish what was accepted; what is not done in time fails. True when all was done."""
        with self._submitting:
            self._closing = True
        self.wake()
        self._thread.join(seconds)
        if not self.alive:
            return not self._abandoned
        self._abandoned = True
        self._thread.join()
        return False

    @torch.inference_mode()
    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            with self._submitting:
                self._closing = True
                self._receive(wait=False)
            left = [*self._running, *self._hurried, *self._patient]
            calls = list(self._calls)
            for entries in (self._running, self._hurried, self._patient, self._calls):
                entries.clear()
            for generation in left:
                generation.fail("the server is shutting down" if self._abandoned else "the engine has stopped")
            for _, future in calls:
                future.set_exception(EngineClosed())

    def _turn(self) -> bool:
        """One round: leave, join, one step. False when the engine is closed and has nothing left to do."""
        idle = not (self._running or self._hurried or self._patient or self._calls)
        if self._abandoned or (idle and self._closing and self._inbox.empty()):
            return False
        self._receive(wait=idle)
        self._forget_cancelled()
        fresh = self._admitted()
        if self._calls:
            function, future = self._calls.popleft()
            try:
                future.set_result(function())
            except (RuntimeError, ValueError) as error:
                future.set_exception(error)
        if fresh:
            self._join(fresh)
        if self._running:
            self._step()
        return True

    def _receive(self, *, wait: bool) -> None:
        """Take what other threads have sent; `wait` until there is something."""
        try:
            while True:
                entry = self._inbox.get(block=wait)
                wait = False
                if isinstance(entry, Generation):
                    self._received += not entry.patient
                    (self._patient if entry.patient else self._hurried).append(entry)
                elif entry is not None:
                    self._calls.append(entry)
        except Empty:
            pass

    def _forget_cancelled(self) -> None:
        for queue in (self._hurried, self._patient):
            kept = [generation for generation in queue if not generation.cancelled]
            self.counts.cancelled += len(queue) - len(kept)
            queue.clear()
            queue.extend(kept)
        for row in reversed(range(len(self._running))):
            if self._running[row].cancelled:
                self.counts.cancelled += 1
                self._leave(row)

    def _admitted(self) -> list[Generation]:
        """Who joins now: hurried and patient requests in turn, as far as rows, cache and prompt tokens allow."""
        fresh: list[Generation] = []
        longest = max((generation.reserved for generation in self._running), default=0)
        prompts = 0
        while self._hurried or self._patient:
            patient = bool(self._patient) and (self._turn_of_patient or not self._hurried)
            queue = self._patient if patient else self._hurried
            prompts += len(queue[0].prompt.ids)
            longest = max(longest, queue[0].reserved)
            rows = len(self._running) + len(fresh) + 1
            if rows > self.max_batch or (rows > 1 and rows * longest > self.cache_tokens):
                break
            if fresh and (prompts > PREFILL_TOKENS or len(fresh) == PREFILL_PROMPTS):
                break
            fresh.append(queue.popleft())
            self._turn_of_patient = not patient
        return fresh

    def _join(self, fresh: list[Generation]) -> None:
        for generation in fresh:
            self.counts.waited_seconds += time.monotonic() - generation.submitted
            self.counts.prompt_tokens += len(generation.prompt.ids)
            self.counts.image_tokens += generation.prompt.image_tokens
        before = len(self.rows)
        try:
            logits = self.rows.join([generation.prompt for generation in fresh])
        except (RuntimeError, ValueError) as error:
            # One prompt may be at fault (too large for the device, say); the others get another chance alone.
            while len(self.rows) > before:
                self.rows.leave(len(self.rows) - 1)
            if len(fresh) > 1:
                for generation in fresh:
                    self._join([generation])
                return
            LOG.exception("a prompt could not be run")
            self.counts.failed += 1
            fresh[0].fail(f"the model could not read the prompt ({type(error).__name__})")
            return
        for generation in fresh:
            generation.forget_images()
        self._running += fresh
        self._last += [0] * len(fresh)
        self._take(before, next_tokens(logits, [generation.choice for generation in fresh]))

    def _step(self) -> None:
        try:
            logits = self.rows.step(self._last)
        except (RuntimeError, ValueError) as error:
            LOG.exception("a step of the running batch failed")
            self.counts.failed += len(self._running)
            for generation in self._running:
                generation.fail(f"the model could not go on ({type(error).__name__})")
            self._running.clear()
            self._last.clear()
            self.rows.clear()
            return
        self.counts.steps += 1
        self.counts.rows += len(self._running)
        self._take(0, next_tokens(logits, [generation.choice for generation in self._running]))

    def _take(self, first: int, tokens: list[Token | Fault]) -> None:
        """Give the rows from `first` on their tokens, the last row first, because a row that is done moves the last."""
        for row in reversed(range(first, first + len(tokens))):
            token = tokens[row - first]
            if isinstance(token, Fault):
                LOG.error("no token could be chosen", exc_info=token.error)
                self.counts.failed += 1
                self._running[row].fail(f"the model could not go on ({type(token.error).__name__})")
                self._leave(row)
                continue
            self.counts.tokens += 1
            self._last[row] = token.id
            if self._running[row].take(token, self.ends):
                self.counts.finished += 1
                self._leave(row)

    def _leave(self, row: int) -> None:
        self.rows.leave(row)
        self._running[row], self._last[row] = self._running[-1], self._last[-1]
        self._running.pop()
        self._last.pop()
