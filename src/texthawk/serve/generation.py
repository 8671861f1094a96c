"""One request on its way through the engine, and what it hears from there."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from texthawk.decode.grammar import Constraint
from texthawk.decode.guard import Loop, LoopGuard
from texthawk.serve.forward import Prompt
from texthawk.serve.sampling import Choice, Sampling, Token
from texthawk.serve.wording import Wording

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Piece:
    """Text that became certain, and the tokens that came since the piece before; either may be empty."""

    text: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Finish:
    """The answer is over: "stop", "length" when it was cut at its limit, "repetition" when it had begun to loop."""

    reason: str
    loop: Loop | None = None


@dataclass(frozen=True)
class Failure:
    """The answer will never be complete; `message` says why."""

    message: str


Event = Piece | Finish | Failure


class Generation:
    """A request: what it asks, where its events go, and whether anybody still wants them.

    `deliver` is called by the engine's thread and must not block. `patient` requests belong to work that was already
    accepted as a whole (a document's pages): the limit of the queue does not count them, for whoever submits them
    bounds them.
    """

    def __init__(
        self,
        prompt: Prompt,
        sampling: Sampling,
        wording: Wording,
        deliver: Callable[[Event], None],
        *,
        constraint: Constraint | None = None,
        guard: LoopGuard | None = None,
        patient: bool = False,
    ) -> None:
        self.number = next(_NUMBERS)
        self.prompt, self.sampling, self.wording, self.patient = prompt, sampling, wording, patient
        self._guard = guard
        self.choice = Choice(sampling, sampling.generator(), constraint)
        self.tokens = 0
        self.cancelled = False
        self.submitted = time.monotonic()
        self._deliver = deliver
        self._unsaid: list[Token] = []

    @property
    def reserved(self) -> int:
        """Tokens that the request may come to hold in the cache."""
        return len(self.prompt.ids) + self.sampling.max_tokens

    def cancel(self) -> None:
        """Nobody wants the answer any more: its row is free at the next step, and nothing more is delivered."""
        self.cancelled = True

    def forget_images(self) -> None:
        """The model has looked at them; they would be held in memory as long as the answer takes."""
        self.prompt = replace(self.prompt, images={})

    def take(self, token: Token, ends: frozenset[int]) -> bool:
        """A token was chosen; tells whether the answer is complete with it."""
        self.tokens += 1
        if token.id in ends:
            return self._finish("stop")
        self._unsaid.append(token)
        text = self.wording.add(token.id)
        if text:
            self._say(text)
        if self.wording.stopped:
            return self._finish("stop")
        loop = None if self._guard is None else self._guard.add(token.id)
        if loop is not None:
            return self._finish("repetition", loop)
        return self._finish("length") if self.tokens >= self.sampling.max_tokens else False

    def fail(self, message: str) -> None:
        self._tell(Failure(message))

    def _finish(self, reason: str, loop: Loop | None = None) -> bool:
        rest = self.wording.rest()
        if rest or self._unsaid:
            self._say(rest)
        self._tell(Finish(reason, loop))
        return True

    def _say(self, text: str) -> None:
        piece = Piece(text, tuple(self._unsaid))
        self._unsaid.clear()
        self._tell(piece)

    def _tell(self, event: Event) -> None:
        if not self.cancelled:
            self._deliver(event)
