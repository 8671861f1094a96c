"""Generation under watch: the likeliest token, again and again, until every answer of a batch is over.

Small models on a CPU go through the step of `decode/step.py`; any other through transformers' `generate`. Both give the
same tokens.

Shape letters:  B answers   L tokens of the prompts   V vocabulary
"""

import torch
from torch import Tensor
from transformers import DynamicCache, LogitsProcessorList

from texthawk.decode.step import StepCache, Stepper, can_step, stamp
from texthawk.decode.watch import Watch
from texthawk.model.modeling import TextHawkForConditionalGeneration

_LEAVING = 0.8  # when no more than this share of the rows is still wanted, the others leave the cache


class Generator:
    """A model and, where it can be made, its fast step; `fast=False` leaves all to transformers.

    The step has a copy of the weights, so it is made when it is first needed and anew when they have changed.
    """

    def __init__(
        self, model: TextHawkForConditionalGeneration, ends: list[int], pad: int, *, fast: bool = True
    ) -> None:
        self.model, self._ends, self._pad, self._fast = model, ends, pad, fast
        self._stepper: Stepper | None = None
        self._stamp: tuple[tuple[int, int], ...] = ()

    @torch.inference_mode()
    def run(self, inputs: dict[str, Tensor], watch: Watch, limit: int) -> None:
        """Generate at most `limit` tokens for each prompt; what comes of it is in the watch.

        inputs: as TextHawkProcessor gives them, prompts padded on the left.
        """
        stepper = self._current()
        sequences = (
            self._generated(inputs, watch, limit) if stepper is None else self._stepped(stepper, inputs, watch, limit)
        )
        watch.finish(sequences)

    def _current(self) -> Stepper | None:
        if not self._fast or not can_step(self.model):
            return None
        now = stamp(self.model)
        if self._stepper is None or now != self._stamp:
            self._stepper, self._stamp = Stepper(self.model), now
        return self._stepper

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

    def _stepped(self, stepper: Stepper, inputs: dict[str, Tensor], watch: Watch, limit: int) -> Tensor:
        kept, prompt = inputs["attention_mask"], inputs["input_ids"]
        first = DynamicCache()
        places = (kept.cumsum(1) - 1).clamp(min=0)
        hidden_BLD = self.model.model(**inputs, position_ids=places, past_key_values=first, use_cache=True)[0]
        logits_BV = self.model.lm_head(hidden_BLD[:, -1])
        cache = StepCache(first, kept)
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
            logits_BV = logits_BV.index_copy(0, rows, stepper.step(chosen[rows], cache))
        return sequences
