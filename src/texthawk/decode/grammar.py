"""Closed answers: one of some choices, or JSON of a given schema. llguidance says which tokens may come next.

An answer also has a bound on its tokens, and must be complete when it reaches it. So beside the state of the grammar there
is always a known way to the end that fits into the tokens that are left; a token after which no such way is found is
not taken, and the answer is led along the known way instead.
"""

import json
import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

_CLOSING = b"}]"  # outside of texts
_SHORT = b'01"ntf[{'  # where a value begins: what is complete soonest comes first
_QUOTE, _BACKSLASH = b'"\\'


class Constraint(Protocol):
    """What may come next in an answer that must keep a form."""

    def allowed(self) -> Tensor:
        """(V,) bool on the CPU: the tokens that may come next, ends of the answer among them where it may end."""
        ...

    def settled(self, token: int) -> int:
        """The token that is taken where an allowed one was chosen: itself, or another that leads to the end in time."""
        ...

    def accept(self, token: int) -> None:
        """The token was taken."""
        ...


class Schemas:
    """Makes constraints from JSON schemas and choices; the table of a tokenizer's tokens is made for the first, once.

    vocabulary: entries of the model's logits. ends: tokens that end an answer.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Sequence[int]) -> None:
        self._tokenizer, self._vocabulary, self._ends = tokenizer, vocabulary, list(ends)
        self._table: _Table | None = None
        self._lock = threading.Lock()

    def of_schema(self, schema: Any, limit: int) -> "GrammarConstraint":
        """An answer in JSON that keeps the schema, of at most `limit` tokens, its end included.

        ValueError says what of the schema is not understood, that no answer of this length keeps it, or what must be
        installed.
        """
        if isinstance(schema, bool) or not isinstance(schema, dict):
            if schema is not True:
                raise ValueError(f"a JSON schema is an object, and {json.dumps(schema)[:40]} is none")
            schema = {}
        matcher_of, table = self._ready()
        plain = {
            name: value for name, value in schema.items() if name != "x-guidance"
        }  # settings that could break JSON
        try:
            # Free white space would let a model that has lost its way write blanks until its tokens are used up.
            grammar = matcher_of.grammar_from_json_schema(json.dumps(plain), overrides={"whitespace_flexible": False})
        except (RecursionError, ValueError) as error:
            raise ValueError(f"the JSON schema cannot be kept: {error}") from error
        matcher = matcher_of(table.tokens, grammar, log_level=0)
        if matcher.is_error():
            raise ValueError(f"the JSON schema cannot be kept: {matcher.get_error().splitlines()[0]}")
        return GrammarConstraint(matcher, table, limit, in_json=True)

    def of_choices(self, choices: Sequence[str], limit: int) -> "GrammarConstraint":
        """An answer that is one of the choices, letter by letter; ValueError as for a schema."""
        check_choices(choices)
        matcher_of, table = self._ready()
        said = " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
        matcher = matcher_of(table.tokens, matcher_of.grammar_from_lark(f"start: {said}"), log_level=0)
        if matcher.is_error():
            raise ValueError(f"the choices cannot be told apart: {matcher.get_error().splitlines()[0]}")
        return GrammarConstraint(matcher, table, limit, in_json=False)

    def _ready(self) -> tuple[Any, "_Table"]:
        try:
            import llguidance
        except ImportError as error:
            raise ValueError(
                "answers of a given form need llguidance; install texthawk[schema] where the model runs"
            ) from error
        with self._lock:
            if self._table is None:
                self._table = _Table(self._tokenizer, self._vocabulary, self._ends)
        return llguidance.LLMatcher, self._table


def check_choices(choices: Sequence[str]) -> None:
    """ValueError unless there are two different texts or more to choose from."""
    for choice in choices:
        if not choice.strip():
            raise ValueError("one of the choices is empty; each must say something")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in choice):
            raise ValueError(f"the choice {choice!r} holds what is no letter or sign; write it on one line, without")
    if len(set(choices)) < 2:
        raise ValueError(f"there are {len(set(choices))} different choices; an answer chooses between two or more")


class _Table:
    """A tokenizer's tokens as llguidance and the search for a short end need them."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: list[int]) -> None:
        from llguidance.hf import from_tokenizer

        self.tokens = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=ends)
        self.ends = ends
        self.contents = [self.tokens.decode_bytes([token]) for token in range(vocabulary)]
        self.by_length = np.array(sorted(range(vocabulary), key=lambda token: (len(self.contents[token]), token)))
        self.bytes: dict[int, int] = {}
        for token in reversed(self.by_length.tolist()):
            if len(self.contents[token]) == 1:
                self.bytes[self.contents[token][0]] = token


class GrammarConstraint:
    """The state of one answer of at most `limit` tokens, its end included."""

    def __init__(self, matcher: Any, table: _Table, limit: int, *, in_json: bool) -> None:
        self._matcher, self._table, self._left = matcher, table, limit
        self._text = _InText() if in_json else None
        way = self._way_from(matcher, self._text, limit - 1)
        if way is None:
            trouble = self._trouble_of(matcher)
            raise ValueError(
                f"no answer of {limit} tokens that keeps this form was found{trouble}; allow more tokens, or ask for less"
            )
        self._way: list[int] = way
        self._settled: tuple[int, list[int]] | None = None

    def _trouble_of(self, matcher: Any) -> str:
        """Why a form cannot even be begun, if that is so."""
        tried = matcher.deep_copy()
        tried.consume_tokens(tried.compute_ff_tokens())
        tried.compute_logit_bias()
        return f" ({tried.get_error().splitlines()[0]})" if tried.is_error() else ""

    def allowed(self) -> Tensor:
        """(V,) bool; the ends alone where the form is complete and cannot go on."""
        mask = torch.from_numpy(np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8) != 0)
        if self._matcher.is_error() or not mask.any():
            mask = torch.zeros(len(mask), dtype=torch.bool)
            mask[self._way[:1] or self._table.ends] = True
        return mask

    def settled(self, token: int) -> int:
        """The token, or where it leaves no known way to the end the next one of the way that is known."""
        way = self._after(token)
        if way is None:
            token, way = (self._way[0], self._way[1:]) if self._way else (self._table.ends[0], [])
        self._settled = token, way
        return token

    def accept(self, token: int) -> None:
        """The token that `settled` gave last."""
        assert self._settled is not None and self._settled[0] == token, "a token was taken that was not settled"
        self._left, self._way = self._left - 1, self._settled[1]
        if token not in self._table.ends:
            self._matcher.consume_token(token)
            if self._text is not None:
                self._text = self._text.after(self._table.contents[token])

    def _after(self, token: int) -> list[int] | None:
        """A way to the end once this token is taken; None where none is known that fits into what is left."""
        if token in self._table.ends:
            return []
        if self._way[:1] == [token]:
            return self._way[1:]
        left = self._left - 2  # the token and the end are taken from it
        tried = [token, *self._way, self._table.ends[0]]
        if len(self._way) <= left and self._matcher.validate_tokens(tried) == len(tried):
            return self._way
        matcher = self._matcher.deep_copy()
        if not matcher.consume_token(token):
            return None
        text = None if self._text is None else self._text.after(self._table.contents[token])
        return self._way_from(matcher, text, left)

    def _way_from(self, matcher: Any, text: "_InText | None", most: int) -> list[int] | None:
        """At most `most` tokens that complete the answer, not always the fewest; None where none were found."""
        matcher, way, uses = matcher.deep_copy(), list[int](), Counter[int]()
        while not matcher.is_accepting():
            step = matcher.compute_ff_tokens() or self._next(matcher, text, uses)
            if not step or len(way) + len(step) > most or not matcher.consume_tokens(step):
                return None
            way += step
            if text is not None:
                text = text.after(b"".join(self._table.contents[token] for token in step))
        return way if len(way) <= most else None

    def _next(self, matcher: Any, text: "_InText | None", uses: Counter[int]) -> list[int]:
        """The token that promises an early end: what closes; else what was used least on this way, lest it go in circles."""
        mask = np.frombuffer(matcher.compute_logit_bias(), dtype=np.uint8) != 0
        known = self._table.bytes
        if text is not None:
            for byte in b'"' if text.inside else _CLOSING:
                if byte in known and mask[known[byte]]:
                    return [known[byte]]
        order = [] if text is None or text.inside else [known[byte] for byte in _SHORT if byte in known]
        order = [token for token in order if mask[token]]
        order += [int(token) for token in self._table.by_length[mask[self._table.by_length]][:64]]
        order = [token for token in order if token not in self._table.ends]
        if not order:
            return []
        chosen = min(order, key=lambda token: uses[token])
        uses[chosen] += 1
        return [chosen]


class _InText:
    """Whether JSON that was written so far ends inside of a text, so that a bracket would be one of its letters."""

    def __init__(self, inside: bool = False, escaped: bool = False) -> None:
        self.inside, self._escaped = inside, escaped

    def after(self, content: bytes) -> "_InText":
        inside, escaped = self.inside, self._escaped
        for byte in content:
            if escaped:
                escaped = False
            elif inside and byte == _BACKSLASH:
                escaped = True
            elif byte == _QUOTE:
                inside = not inside
        return _InText(inside, escaped)
