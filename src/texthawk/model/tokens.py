"""The tokens that a language model needs beside its own: image, frame, boxes and coordinates; and a small BPE."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from texthawk.model.grounding import BOX_END, BOX_START
from texthawk.model.processing import CHAT_TEMPLATE, IMAGE, VISION_END, VISION_START

END, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END, TURN_START, TURN_END, VISION_START, VISION_END, IMAGE]


def coordinate_tokens(bins: int = 1000) -> list[str]:
    return [f"<{index}>" for index in range(bins)]


def extend_tokenizer(tokenizer: Any, bins: int = 1000, *, frame: bool = True) -> dict[str, Any]:
    """Add what is missing of the image, frame, box and coordinate tokens; returns the ids a TextHawkConfig needs.

    bins: 0 adds neither box nor coordinate tokens. frame: False adds no tokens to stand around an image.
    Box and coordinate tokens are not "special": they are part of an answer and survive skip_special_tokens.
    Raises ValueError when the coordinate tokens of the tokenizer do not stand in one run.
    """
    framed = {"vision_start_token_id": VISION_START, "vision_end_token_id": VISION_END} if frame else {}
    named = {"image_token_id": IMAGE, **framed}
    special = [AddedToken(token, normalized=False, special=True) for token in [*framed.values(), IMAGE]]
    tokenizer.add_tokens(special, special_tokens=True)
    found = {name: tokenizer.convert_tokens_to_ids(token) for name, token in named.items()}
    found["separator_token_ids"] = (_token_after_a_letter(tokenizer, "\n"), _token_after_a_letter(tokenizer, ","))
    if bins:
        tokenizer.add_tokens([AddedToken(token, normalized=False) for token in (BOX_START, BOX_END)])
        tokenizer.add_tokens([AddedToken(token, normalized=False) for token in coordinate_tokens(bins)])
        ids = tokenizer.convert_tokens_to_ids(coordinate_tokens(bins))
        if ids != list(range(ids[0], ids[0] + bins)):
            raise ValueError(
                "the tokenizer already has some coordinate tokens <0>, <1>, ... elsewhere; remove them first"
            )
        found["coordinate_token_start"] = ids[0]
    return found


def _token_after_a_letter(tokenizer: Any, sign: str) -> int:
    """The id of a sign within a text: some tokenizers write it otherwise where a text begins."""
    return tokenizer("a" + sign, add_special_tokens=False)["input_ids"][-1]


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of `vocabulary` entries (box and coordinate tokens come on top); digits stand alone.

    Words never merge across spaces, so that a token is at most one printed word with the space before it. Leaders and
    rules made of dots, hyphens, underscores or equals signs merge into tokens of 2, 4, 8 and 16. With 262 entries there
    is no room for merges: a token is a byte.
    """
    tokenizer = Tokenizer(models.BPE())
    words = Regex(r"\d| ?[A-Za-z]+|\.{2,}|-{2,}|_{2,}|={2,}| ?[^\sA-Za-z\d]|\s")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    rules = [sign * 16 for sign in ".-_=" for _ in range(10_000)]
    tokenizer.train_from_iterator(chain(texts, rules), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=END,
        eos_token=TURN_END,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    extend_tokenizer(fast)
    return fast
