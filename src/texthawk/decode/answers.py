"""Asks a model about pictures: prompts, generation under watch, and how much a picture made an answer likelier.

Shape letters:  B pictures   L tokens   V vocabulary   D language width
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from texthawk.decode.grammar import Constraint
from texthawk.decode.greedy import Generator, Way
from texthawk.decode.guard import Allowance, LoopGuard
from texthawk.decode.shares import dealt_out, on_one_thread
from texthawk.decode.watch import STOP, Watch
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import TextHawkProcessor

_CHUNK = 4_000_000  # logits that are in memory together while several answers are scored


@dataclass(frozen=True)
class Answer:
    """What the model generated: tokens, their log-probabilities and the entropies (nats) they were chosen at, why it ended."""

    tokens: list[int]
    log_probabilities: list[float]
    finish_reason: str
    entropies: tuple[float, ...] = ()

    @property
    def likelihood(self) -> float:
        """Mean log-probability of a token; minus infinity for an answer without tokens."""
        return sum(self.log_probabilities) / len(self.tokens) if self.tokens else -torch.inf

    @property
    def whole(self) -> bool:
        return self.finish_reason == STOP


class Asker:
    """A model with its processor, asked one question about many pictures."""

    def __init__(
        self,
        model: TextHawkForConditionalGeneration,
        processor: TextHawkProcessor,
        ends: list[int],
        way: Way | None = None,
    ) -> None:
        self.model, self.processor, self.ends = model, processor, ends
        self.generator = Generator(model, ends, processor.tokenizer.pad_token_id, way=way)

    @torch.inference_mode()
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
        """One answer per picture, of at most `limits` tokens each; where they are one and the same, it is encoded once.

        pictures: None where a question is asked without one. question: the same for all pictures, or one for each. rows:
        lines that the ink of each picture allows, for the loop guard. seeds: of each row where tokens are drawn, None for
        the likeliest ones. constraints: the form that each answer must keep. ValueError for a text that the model's context
        does not hold.
        """
        allowances = [Allowance() if rows is None else Allowance(rows=count + 2) for count in rows or limits]
        questions = [question] * len(pictures) if isinstance(question, str) else question

        def job_of(share: list[int]) -> Callable[[], list[Answer]]:
            makers = (allowances[place] for place in share)
            watch = Watch(
                lambda: LoopGuard(self.text_of, next(makers)),
                [limits[place] for place in share],
                self.ends,
                seeds=None if seeds is None else [seeds[place] for place in share],
                constraints=None if constraints is None else [constraints[place] for place in share],
            )
            longest = max(limits[place] for place in share)
            inputs = self._inputs([pictures[place] for place in share], [questions[place] for place in share])
            if "pixel_values" not in inputs:
                self._check_length(inputs["input_ids"].shape[1], longest)
            return partial(self._answers, inputs, watch, longest + 1)

        with on_one_thread(self.model) as threads:
            return dealt_out(len(pictures), 1 if _one_and_the_same(pictures) else self._side_by_side(threads), job_of)

    def _answers(self, inputs: dict[str, Tensor], watch: Watch, limit: int) -> list[Answer]:
        self.generator.run(inputs, watch, limit)
        return [
            Answer(tokens, values, str(reason), tuple(entropies))
            for tokens, values, reason, entropies in zip(
                watch.tokens, watch.log_probabilities, watch.reasons, watch.entropies, strict=True
            )
        ]

    @torch.inference_mode()
    def log_probabilities(
        self, pictures: Sequence[Image.Image], question: str, answers: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """How likely the model finds each token of given answers, one answer per picture."""
        longest = max((len(tokens) for tokens in answers), default=0)
        together = max(1, _CHUNK // max(1, longest * self.model.config.text_config.vocab_size))
        scored = []
        with on_one_thread(self.model) as threads:
            for start in range(0, len(answers), together):
                chosen = range(start, min(start + together, len(answers)))

                def job_of(share: list[int], chosen: range = chosen) -> Callable[[], list[list[float]]]:
                    places = [chosen[place] for place in share]
                    inputs = self._inputs([pictures[place] for place in places], question)
                    return partial(self._scored, inputs, [answers[place] for place in places])

                scored += dealt_out(len(chosen), self._side_by_side(threads), job_of)
        return scored

    @torch.inference_mode()
    def _scored(self, inputs: dict[str, Tensor], answers: Sequence[Sequence[int]]) -> list[list[float]]:
        if not any(answers):
            return [[] for _ in answers]
        longest = max(map(len, answers))
        pad = self.processor.tokenizer.pad_token_id
        device = inputs["input_ids"].device
        ids = torch.tensor([[*tokens, *[pad] * (longest - len(tokens))] for tokens in answers], device=device)
        kept = torch.tensor([[1] * len(tokens) + [0] * (longest - len(tokens)) for tokens in answers], device=device)
        wanted = torch.cat([torch.zeros_like(inputs["attention_mask"]), kept], dim=1).bool().roll(-1, 1)
        inputs["input_ids"] = torch.cat([inputs["input_ids"], ids], dim=1)
        inputs["attention_mask"] = torch.cat([inputs["attention_mask"], kept], dim=1)
        logits_NV = self.generator.logits(inputs, wanted)  # each place tells the token after it
        told = logits_NV.float().log_softmax(-1).gather(1, ids[kept.bool()][:, None])[:, 0]
        return [values.tolist() for values in told.split([len(tokens) for tokens in answers])]

    def _side_by_side(self, threads: int) -> int:
        """How many threads may ask the model at the same time; transformers' `generate` changes its model on the way."""
        return 1 if self.generator.way == "generate" else threads

    def text_of(self, tokens: Sequence[int]) -> str:
        """The text of tokens one after another."""
        return self.processor.tokenizer.decode(list(tokens))

    def _inputs(self, pictures: Sequence[Image.Image | None], question: str | Sequence[str]) -> dict[str, Tensor]:
        questions = [question] * len(pictures) if isinstance(question, str) else question
        prompts = [self._worded(text, picture) for text, picture in zip(questions, pictures, strict=True)]
        given = [picture for picture in pictures if picture is not None]
        if len(given) < 2 or not _one_and_the_same(pictures):
            inputs = self.processor(images=given or None, text=prompts, padding=True, return_tensors="pt")
            return dict(inputs.to(self.model.device))
        seen = self.processor(images=given[:1], text=prompts[:1], return_tensors="pt")
        shown = self.processor.replace_image_token(seen, 0)
        texts = [prompt.replace(self.processor.image_token, shown) for prompt in prompts]
        words = self.processor.tokenizer(texts, padding=True, return_tensors="pt")
        inputs = {name: words[name] for name in ("input_ids", "attention_mask")}
        inputs |= {name: seen[name] for name in ("pixel_values", "image_grids")}
        return {name: value.to(self.model.device) for name, value in inputs.items()}

    def _check_length(self, prompt: int, limit: int) -> None:
        context = int(self.model.config.text_config.max_position_embeddings)
        if prompt + limit > context:
            raise ValueError(
                f"the question with what was read has {prompt} tokens and {limit} more may be answered, but the model's "
                f"context holds {context}; ask a shorter question, or allow fewer tokens"
            )

    def _worded(self, question: str, picture: Image.Image | None) -> str:
        return str(self.processor.apply_chat_template([message(question, picture)], add_generation_prompt=True))


def _one_and_the_same(pictures: Sequence[Image.Image | None]) -> bool:
    return all(picture is pictures[0] for picture in pictures)


def message(question: str, picture: Image.Image | None) -> dict[str, Any]:
    """What a person says who asks about a picture, or about what the question itself shows."""
    shown = [] if picture is None else [{"type": "image"}]
    return {"role": "user", "content": [*shown, {"type": "text", "text": question}]}
