"""A reader whose windows run in the engine's batch, among those of other pages and the chats."""

import queue
import threading

from texthawk.decode.reader import Answer, Reader, _most_tokens
from texthawk.decode.windows import Window
from texthawk.model.processing import PROMPTS
from texthawk.serve.engine import Engine
from texthawk.serve.forward import Prompt
from texthawk.serve.generation import Event, Finish, Generation, Piece
from texthawk.serve.prompts import Prompts
from texthawk.serve.sampling import Sampling, Token


class ReadingCancelled(Exception):
    """Nobody wants the page any more."""


class ReadingFailed(Exception):
    """The engine could not answer for a part of a page."""


class BatchedReader(Reader):
    """Reads like the reader it is made of, to the token; `cancel` ends it at the next step of the batch."""

    def __init__(self, reader: Reader, engine: Engine, prompts: Prompts) -> None:
        super().__init__(reader.model, reader.processor)
        self._engine, self._prompts = engine, prompts
        self._cancelled = threading.Event()
        self._asked: list[Generation] = []

    def cancel(self) -> None:
        self._cancelled.set()
        for generation in list(self._asked):
            generation.cancel()
        self._engine.wake()

    def _ask(self, windows: list[Window]) -> list[Answer]:
        limit = max(_most_tokens(window) for window in windows)
        events: queue.SimpleQueue[tuple[int, Event]] = queue.SimpleQueue()
        messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPTS["text"]}]}]
        tokens: list[list[Token]] = [[] for _ in windows]
        reasons: dict[int, str] = {}
        self._asked = []
        try:
            for number, window in enumerate(windows):
                self._submit(number, self._prompts.chat(messages, [window.image]), limit, events)
            while len(reasons) < len(windows):
                number, event = self._next(events)
                if isinstance(event, Piece):
                    tokens[number] += event.tokens
                elif isinstance(event, Finish):
                    reasons[number] = event.reason
                else:
                    raise ReadingFailed(event.message)
        finally:
            for generation in self._asked:
                generation.cancel()
        return [
            Answer([token.id for token in row], [token.log_probability for token in row], reasons[number])
            for number, row in enumerate(tokens)
        ]

    def _submit(self, number: int, prompt: Prompt, limit: int, events: "queue.SimpleQueue[tuple[int, Event]]") -> None:
        generation = Generation(
            prompt,
            Sampling(limit),
            self._engine.wording(),
            lambda event: events.put((number, event)),
            patient=True,
        )
        self._asked.append(generation)
        self._engine.submit(generation)

    def _next(self, events: "queue.SimpleQueue[tuple[int, Event]]") -> tuple[int, Event]:
        while not self._cancelled.is_set():
            try:
                return events.get(timeout=0.5)
            except queue.Empty:
                continue
        raise ReadingCancelled
