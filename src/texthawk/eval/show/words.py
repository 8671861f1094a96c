"""A word of the answer: the visual tokens it looks at, and through them or by gradient the patches it draws on.

Shape letters:  L tokens of the prompt and the answer   n tokens of the word   V visual tokens   A heads
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from texthawk.eval.show.looking import Look
from texthawk.eval.show.sources import TokenMap, combined, gradient_map, token_map
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import TextHawkProcessor

BATCH = 8  # pictures that are read together
MOST = 32  # visual tokens whose patches are put together


@dataclass(frozen=True)
class Place:
    """Where a word stands: which answer, from which of its tokens to which (excluded), and how often it occurs in all."""

    answer: int
    start: int
    end: int
    occurrences: int


@dataclass(frozen=True)
class WordSources:
    """What a word draws on. attention: over the page's sequence (V,), the mean over heads, layers and the word's tokens.

    tokens: the places in the sequence whose patches `through` puts together, the most looked at first; held: the part of
    the attention to the page that they have. gradient: of the word's log-probability.
    """

    attention: Tensor
    tokens: list[int]
    held: float
    through: TokenMap
    gradient: TokenMap


def prompt_of(processor: TextHawkProcessor, question: str) -> str:
    """The prompt of a question about one picture."""
    content = [{"type": "image"}, {"type": "text", "text": question}]
    return processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)


@torch.inference_mode()
def answers(
    model: TextHawkForConditionalGeneration,
    processor: TextHawkProcessor,
    ends: Sequence[int],
    pictures: Sequence[Image.Image],
    question: str,
    limit: int,
) -> list[list[int]]:
    """The likeliest answer for each picture, as tokens without the last one that ends it; at most `limit` of them."""
    prompt = prompt_of(processor, question)
    found: list[list[int]] = []
    for start in range(0, len(pictures), BATCH):
        part = list(pictures[start : start + BATCH])
        inputs = processor(images=part, text=[prompt] * len(part), padding=True, return_tensors="pt").to(model.device)
        out: Any = model.generate(
            **inputs,
            max_new_tokens=limit,
            do_sample=False,
            eos_token_id=list(ends),
            pad_token_id=processor.tokenizer.pad_token_id,
        )
        for tokens in out[:, inputs["input_ids"].shape[1] :].tolist():
            found.append(tokens[: next((k for k, token in enumerate(tokens) if token in ends), len(tokens))])
    return found


def find_word(word: str, answers: Sequence[Sequence[int]], tokenizer: Any) -> Place:
    """The first occurrence of a word (or of some words) in answers, as it is written or else in other letter case.

    ValueError for a word that no answer has, with the nearest that one does.
    """
    wanted = word.strip()
    texts = [tokenizer.decode(list(tokens), skip_special_tokens=True) for tokens in answers]
    pattern = r"(?<!\w)" + re.escape(wanted) + r"(?!\w)"
    for flags in (re.NOFLAG, re.IGNORECASE):
        hits = [(k, match.span()) for k, text in enumerate(texts) for match in re.finditer(pattern, text, flags)]
        if wanted and hits:
            answer, (begin, end) = hits[0]
            start, stop = _tokens_of(begin, end, answers[answer], tokenizer)
            return Place(answer, start, stop, len(hits))
    words = sorted({part.strip(".,;:!?()\"'") for text in texts for part in text.split()} - {""})
    nearest = get_close_matches(wanted, words, n=3, cutoff=0.0)
    known = f"nearest: {', '.join(nearest)}" if nearest else "it has no word at all"
    raise ValueError(f"word {word!r} is not in the answer; {known}")


def _tokens_of(begin: int, end: int, tokens: Sequence[int], tokenizer: Any) -> tuple[int, int]:
    """The tokens that hold these characters of the text."""
    ends = [len(tokenizer.decode(list(tokens[: k + 1]), skip_special_tokens=True)) for k in range(len(tokens))]
    start = next(k for k, reached in enumerate(ends) if reached > begin)
    return start, next(k for k, reached in enumerate(ends) if reached >= end) + 1


def word_sources(
    model: TextHawkForConditionalGeneration,
    processor: TextHawkProcessor,
    seen: Look,
    picture: Image.Image,
    question: str,
    answer: Sequence[int],
    place: Place,
) -> WordSources:
    """What the word at a place of an answer about a picture draws on; `seen` is the same picture through the model's eyes."""
    inputs = processor(images=[picture], text=[prompt_of(processor, question)], return_tensors="pt").to(model.device)
    page = {name: inputs[name] for name in ("pixel_values", "image_grids")}
    prompt_1L = inputs["input_ids"]
    fresh = torch.tensor([list(answer[: place.end])], device=prompt_1L.device)
    ids_1L = torch.cat([prompt_1L, fresh], dim=1)
    first = prompt_1L.shape[1] + place.start
    attention_V = _attention(model, ids_1L, page, first)
    gradient = gradient_map(
        seen, _log_probability(model, seen.groups, ids_1L, page, first), "the word's log-probability"
    )

    sequence = seen.sequence
    own = [k for k in attention_V.argsort(descending=True).tolist() if sequence[k] >= 0][:MOST]
    weights = attention_V[own]
    through = combined([token_map(seen, sequence[k]) for k in own], weights.tolist())
    return WordSources(attention_V, own, float(weights.sum() / attention_V.sum()), through, gradient)


@torch.no_grad()
def _attention(model: TextHawkForConditionalGeneration, ids_1L: Tensor, page: dict[str, Tensor], first: int) -> Tensor:
    """How much the positions that tell the word's tokens look at each visual token (V,), the mean over all heads.

    What comes before goes into the cache by the fast attention, so that weights are made for these positions alone.
    """
    visual_L = ids_1L[0, : first - 1] == model.config.image_token_id
    past = model.model(input_ids=ids_1L[:, : first - 1], use_cache=True, **page).past_key_values
    language: Any = model.model.language_model
    usual = language.config._attn_implementation
    language.set_attn_implementation("eager")
    try:
        out = model.model(input_ids=ids_1L[:, first - 1 : -1], past_key_values=past, output_attentions=True)
    finally:
        language.set_attn_implementation(usual)
    layers = [weights_1AnL[0, :, :, : first - 1].float().mean((0, 1)) for weights_1AnL in out.attentions]
    return torch.stack(layers).mean(0)[visual_L].cpu()


def _log_probability(
    model: TextHawkForConditionalGeneration, groups: list, ids_1L: Tensor, page: dict[str, Tensor], first: int
) -> Tensor:
    """The word's log-probability as a value of the graph whose leaves are the features that were seen."""

    def seen_features(connector: nn.Module, inputs: tuple) -> tuple:
        return (groups, *inputs[1:])

    handle = model.model.connector.register_forward_pre_hook(seen_features)
    try:
        with torch.enable_grad():
            out = model(input_ids=ids_1L[:, :-1], logits_to_keep=ids_1L.shape[1] - first, **page)
    finally:
        handle.remove()
    values = out.logits[0].float().log_softmax(-1)
    return values.gather(1, ids_1L[0, first:, None]).sum()
