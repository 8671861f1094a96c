"""The loop guard as vLLM takes it: `vllm serve ... --logits-processors texthawk.serve.vllm:TextHawkLoopGuard`.

Imported by vLLM only. The models themselves need nothing here: `texthawk.model.register` is vLLM's plugin, and vLLM's
Transformers backend runs them. An entry point could load the guard, too, but a processor that was not asked for is not
shown the tokens of an answer while vLLM schedules ahead.
"""

from vllm.v1.sample.logits_processor import LogitsProcessor

from texthawk.decode.vllm_guard import VllmLoopGuard


class TextHawkLoopGuard(VllmLoopGuard, LogitsProcessor):
    """Ends each answer that has begun to repeat itself as no page would."""
