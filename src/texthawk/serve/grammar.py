"""Answers that must be JSON of a given schema: llguidance says which tokens may come next."""

import json
import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor

from texthawk.decode.reader import Reader


class Schemas:
    """Makes constraints from JSON schemas; the tokenizer's table is built at the first of them, once."""

    def __init__(self, reader: Reader) -> None:
        self._vocabulary = int(reader.model.config.text_config.vocab_size)
        self._tokenizer = reader.processor.tokenizer
        self._ends = list(reader.ends)
        self._table: Any = None
        self._lock = threading.Lock()

    def constraint(self, schema: dict[str, Any]) -> "SchemaConstraint":
        """ValueError says what of the schema is not understood, or what must be installed."""
        try:
            import llguidance
        except ImportError as error:
            raise ValueError(
                "answers by a JSON schema need llguidance on the server; install texthawk[schema] there"
            ) from error
        with self._lock:
            if self._table is None:
                from llguidance.hf import from_tokenizer

                self._table = from_tokenizer(self._tokenizer, n_vocab=self._vocabulary, eos_token=self._ends)
        # Free white space would let a model that has lost its way write blanks until its tokens are used up.
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            json.dumps(schema), overrides={"whitespace_flexible": False}
        )
        matcher = llguidance.LLMatcher(self._table, grammar, log_level=0)
        if matcher.is_error():
            raise ValueError(f"the JSON schema cannot be kept: {matcher.get_error().splitlines()[0]}")
        return SchemaConstraint(matcher, self._ends)


class SchemaConstraint:
    """The state of one answer."""

    def __init__(self, matcher: Any, ends: list[int]) -> None:
        self._matcher, self._ends = matcher, ends

    def allowed(self) -> Tensor:
        """(V,) bool; the ends alone where the form is complete or cannot be followed any further."""
        mask = torch.from_numpy(np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8) != 0)
        if self._matcher.is_error() or not mask.any():
            mask = torch.zeros(len(mask), dtype=torch.bool)
            mask[self._ends] = True
        return mask

    def accept(self, token: int) -> None:
        self._matcher.consume_token(token)
