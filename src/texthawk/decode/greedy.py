"""Generation under watch: the likeliest token, again and again, until every answer of a batch is over.

Small models on a CPU go through ONNX Runtime where it is installed, with products in 8 bits where the CPU has instructions
for them, else through the step of `decode/step.py`; any other through transformers' `generate`. All give the same tokens, but
for "onnx int8": there the likeliest token is another one about once in a thousand, and what is read is as right. No way lets
an answer depend on what stands beside it.

Shape letters:  B answers   L tokens of the prompts   N places   V vocabulary
"""

import threading
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor
from transformers import LogitsProcessorList

from texthawk.decode.eyes import eyes_of, multiplies_8_bits, multiplies_bfloat16, with_short_eyes
from texthawk.decode.onnx_step import OnnxStepper, can_run_onnx
from texthawk.decode.step import Stepper, can_step, language_weights, prefill, stamp
from texthawk.decode.watch import Watch
from texthawk.model.modeling import TextHawkForConditionalGeneration, TextHawkModel

Way = Literal["onnx", "onnx int8", "step", "generate"]
MOST_ROUNDED = 50_000_000
"""Parameters up to which a model's products are in 8 bits unasked: some activations of large models outgrow such steps."""
_LEAVING = 0.8  # when no more than this share of the rows is still wanted, the others leave the cache


class Steps(Protocol):
    """A language model as reading needs it; `cache` is what its own `begin` gave."""

    def begin(self, embeds_BLD: Tensor, kept: Tensor, wanted: Tensor, more: int = 0) -> tuple[Tensor, Any]:
        """Read prompts; logits (N, V) of the `wanted` places, row by row, and the cache, to which `more` tokens will come."""

    def step(self, tokens: Tensor, cache: Any) -> Tensor:
        """The logits (B, V) after one more token (B,) for each row of the cache."""


def fastest(model: TextHawkForConditionalGeneration) -> Way:
    """The way of running this model here that takes least time and reads as well as `generate`."""
    if can_run_onnx(model):
        return "onnx int8" if multiplies_8_bits() and model.num_parameters() <= MOST_ROUNDED else "onnx"
    return "step" if can_step(model) else "generate"


class Generator:
    """A model that is run one way; None takes the fastest that reads as well. ValueError for one that is not possible.

    "onnx int8" has products in 8 bits, and tower and connector in bfloat16 where the CPU multiplies such numbers natively.

    A step has a copy of the weights, so it is made when it is first needed and anew when they have changed. Several threads
    may run one generator at the same time, but for "generate".
    """

    def __init__(
        self, model: TextHawkForConditionalGeneration, ends: list[int], pad: int, *, way: Way | None = None
    ) -> None:
        if way is not None and way not in get_args(Way):
            raise ValueError(
                f"a model is not run by {way!r}; choose one of {', '.join(get_args(Way))}, or leave it open"
            )
        possible = {"onnx": can_run_onnx, "onnx int8": can_run_onnx, "step": can_step}
        if way in possible and not possible[way](model):
            raise ValueError(
                f"this model cannot be run by {way!r} here; leave the way open, or for ONNX Runtime: pip install "
                "'texthawk[onnx]' (small language models of the Llama and Qwen2 families, in float32 on a CPU)"
            )
        self.model, self._ends, self._pad, self._way = model, ends, pad, way
        self._steps: Steps | None = None
        self._eyes: TextHawkModel | None = None
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._eyes_stamp: tuple[tuple[int, int], ...] = ()
        self._making = threading.Lock()

    @torch.inference_mode()
    def run(self, inputs: dict[str, Tensor], watch: Watch, limit: int) -> None:
        """Generate at most `limit` tokens for each prompt; what comes of it is in the watch.

        inputs: as TextHawkProcessor gives them, prompts padded on the left.
        """
        steps = self.steps()
        watch.finish(
            self._generated(inputs, watch, limit) if steps is None else self._stepped(steps, inputs, watch, limit)
        )

    @torch.inference_mode()
    def logits(self, inputs: dict[str, Tensor], wanted: Tensor) -> Tensor:
        """Logits (N, V) of the `wanted` places (B, L) of prompts, row by row, without generating anything."""
        steps, kept = self.steps(), inputs["attention_mask"]
        embeds_BLD = self._embedded(inputs)
        if steps is not None:
            return steps.begin(embeds_BLD, kept, wanted)[0]
        hidden_BLD, _ = prefill(self.model.model.language_model, embeds_BLD, kept)
        return self.model.lm_head(hidden_BLD[wanted])

    @property
    def way(self) -> Way:
        """How the model is run as it is now."""
        return self._way or fastest(self.model)

    def steps(self) -> Steps | None:
        """The model's own step as its weights are now; None where transformers does it."""
        way = self.way
        if way == "generate":
            return None
        with self._making:
            now = stamp(language_weights(self.model))
            if self._steps is None or now != self._stamp:
                self._steps, self._stamp = self._made(way), now
            return self._steps

    def _made(self, way: Way) -> Steps:
        if way == "step":
            return Stepper(self.model)
        threads = torch.get_num_threads()
        return OnnxStepper(self.model, threads=threads, precision="int8" if way == "onnx int8" else "float32")

    def _embedded(self, inputs: dict[str, Tensor]) -> Tensor:
        eyes: TextHawkModel = self.model.model
        if self.way == "onnx int8" and multiplies_bfloat16():
            with self._making:
                now = stamp(eyes_of(eyes))
                if self._eyes is None or now != self._eyes_stamp:
                    self._eyes, self._eyes_stamp = with_short_eyes(eyes), now
                eyes = self._eyes
        return eyes.embedded(inputs["input_ids"], inputs.get("pixel_values"), inputs.get("image_grids"))

    def _generated(self, inputs: dict[str, Tensor], watch: Watch, limit: int) -> Tensor:
        out = self.model.generate(
            **inputs,
            max_new_tokens=limit,
            do_sample=False,
            num_beams=1,
            logits_processor=LogitsProcessorList([watch]),
            eos_token_id=self._ends,
            pad_token_id=self._pad,
        )
        assert isinstance(out, Tensor)
        return out

    def _stepped(self, steps: Steps, inputs: dict[str, Tensor], watch: Watch, limit: int) -> Tensor:
        kept, prompt = inputs["attention_mask"], inputs["input_ids"]
        last = torch.zeros_like(kept, dtype=torch.bool)
        last[:, -1] = True
        logits_BV, cache = steps.begin(self._embedded(inputs), kept, last, limit)
        sequences = torch.cat([prompt, prompt.new_full((prompt.shape[0], limit), self._pad)], dim=1)
        ends = torch.tensor(self._ends)
        rows = torch.arange(prompt.shape[0])  # whose keys and values are in the cache
        for count in range(prompt.shape[1], sequences.shape[1]):
            chosen = watch(sequences[:, :count], logits_BV).argmax(-1)
            sequences[:, count] = chosen
            going = ~torch.isin(chosen[rows], ends)
            if not going.any():
                return sequences[:, : count + 1]
            if count + 1 == sequences.shape[1]:
                break
            if going.float().mean() <= _LEAVING:
                cache.keep(going)
                rows = rows[going]
            logits_BV = logits_BV.index_copy(0, rows, steps.step(chosen[rows], cache))
        return sequences
