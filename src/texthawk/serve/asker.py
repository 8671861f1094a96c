"""A reader whose questions run in the engine's batch, among those of other pages and the chats."""

import copy
import queue
import threading
from collections.abc import Sequence

from PIL import Image

from texthawk.decode.answers import Answer, Asker, message
from texthawk.decode.grammar import Constraint
from texthawk.decode.guard import Allowance, LoopGuard, without_loop
from texthawk.decode.reader import Reader
from texthawk.serve.engine import Engine
from texthawk.serve.forward import Prompt
from texthawk.serve.generation import Event, Finish, Generation, Piece
from texthawk.serve.prompts import Prompts
from texthawk.serve.sampling import Sampling, Token

DRAWN = 0.5  # the temperature at which the reader's Watch draws tokens where it is given seeds
Events = queue.SimpleQueue[tuple[int, Event]]


class ReadingCancelled(Exception):
    """Nobody wants the page any more."""


class ReadingFailed(Exception):
    """The engine could not answer for a part of a page."""


class EngineAsker(Asker):
    """Asks as the reader's own asker does, to the token where tokens are not drawn; `cancel` ends it at the next step."""

    def __init__(self, reader: Reader, engine: Engine, prompts: Prompts) -> None:
        super().__init__(reader.model, reader.processor, reader.ends)
        self._engine, self._prompts = engine, prompts
        self._cancelled = threading.Event()
        self._asked: list[Generation] = []

    def cancel(self) -> None:
        self._cancelled.set()
        for generation in list(self._asked):
            generation.cancel()
        self._engine.wake()

    def ask(
        self,
        pictures: Sequence[Image.Image | None],
        question: str | Sequence[str],
        limits: Sequence[int],
        *,
        rows: Sequence[int] | None = None,
        seeds: Sequence[int] | None = None,
        constraints: Sequence[Constraint] | None = None,
    ) -> list[Answer]:
        """See Asker.ask; raises ReadingCancelled, ReadingFailed, EngineClosed."""
        questions = [question] * len(pictures) if isinstance(question, str) else question
        events: Events = queue.SimpleQueue()
        tokens: list[list[Token]] = [[] for _ in pictures]
        ends: dict[int, Finish] = {}
        self._asked = []
        try:
            for number, picture in enumerate(pictures):
                allowance = Allowance() if rows is None else Allowance(rows=rows[number] + 2)
                sampling = Sampling(limits[number])
                if seeds is not None:
                    sampling = Sampling(limits[number], temperature=DRAWN, seed=seeds[number])
                guard = None if constraints is not None else LoopGuard(self.text_of, allowance)
                form = None if constraints is None else constraints[number]
                self._submit(number, self._prompt(picture, questions[number]), sampling, guard, form, events)
            while len(ends) < len(pictures):
                number, event = self._next(events)
                if isinstance(event, Piece):
                    tokens[number] += event.tokens
                elif isinstance(event, Finish):
                    ends[number] = event
                else:
                    raise ReadingFailed(event.message)
        finally:
            for generation in self._asked:
                generation.cancel()
        return [_answer(row, ends[number]) for number, row in enumerate(tokens)]

    def log_probabilities(
        self, pictures: Sequence[Image.Image], question: str, answers: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """See Asker.log_probabilities; one picture after another, so that those who generate wait for one at most."""
        found = []
        for picture, answer in zip(pictures, answers, strict=True):
            if self._cancelled.is_set():
                raise ReadingCancelled
            once = super().log_probabilities
            found += self._engine.call(lambda: once([picture], question, [answer]))  # noqa: B023 (it runs before the next)
        return found

    def _prompt(self, picture: Image.Image | None, question: str) -> Prompt:
        return self._prompts.chat([message(question, picture)], [] if picture is None else [picture])

    def _submit(
        self,
        number: int,
        prompt: Prompt,
        sampling: Sampling,
        guard: LoopGuard | None,
        constraint: Constraint | None,
        events: Events,
    ) -> None:
        generation = Generation(
            prompt,
            sampling,
            self._engine.wording(),
            lambda event: events.put((number, event)),
            constraint=constraint,
            guard=guard,
            patient=True,
        )
        self._asked.append(generation)
        self._engine.submit(generation)

    def _next(self, events: Events) -> tuple[int, Event]:
        while not self._cancelled.is_set():
            try:
                return events.get(timeout=0.5)
            except queue.Empty:
                continue
        raise ReadingCancelled


def reading_with(reader: Reader, asker: Asker, answers: Asker | None = None) -> Reader:
    """The same reader, asking through another asker; answers: through which its answering model is asked."""
    made = copy.copy(reader)
    made.asker = asker
    if reader.answers is not None and answers is not None:
        made.answers = reading_with(reader.answers, answers)
    return made


def _answer(tokens: list[Token], end: Finish) -> Answer:
    ids = [token.id for token in tokens]
    left = len(ids) if end.loop is None else without_loop(ids, end.loop)
    return Answer(ids[:left], [token.log_probability for token in tokens[:left]], end.reason)
