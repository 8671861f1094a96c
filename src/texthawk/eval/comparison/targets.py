"""What the project set out to reach: a page of 1344x1344 px against Qwen2-VL, and the shares of its own parts.

Ratios are ours over the other's, at an equal language model; less is better. They stand here whether reached or not.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transformers import PretrainedConfig

from texthawk.compress.hiwin import HiwinConfig
from texthawk.eval.comparison.as_released import ReleasedHiwinConfig
from texthawk.eval.comparison.counting import Counter
from texthawk.eval.comparison.entries import ENTRIES, setup
from texthawk.eval.comparison.rows import Row, price
from texthawk.eval.comparison.shapes import LANGUAGES, TOWERS
from texthawk.eval.comparison.timing import Timing
from texthawk.image.tilings import UhdTilingConfig

PAGE = (1344, 1344)
LANGUAGE = "qwen2-7b"
"""The language model on both sides, for which the ratios of operations were set."""
OURS, THEIRS = "texthawk2", "merge2x2"


@dataclass(frozen=True)
class Target:
    """A ratio and the most it should be."""

    name: str
    ratio: float
    most: float

    @property
    def reached(self) -> bool:
        return self.ratio <= self.most

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "reached": self.reached}


def counted(counter: Counter, language: PretrainedConfig) -> list[Target]:
    """Those that operations decide, with this language model on both sides."""
    ours, same, own = (_row(counter, name, language, tower) for name, tower in _sides())
    found = [
        Target("visual tokens", ours.tokens / own.tokens, 0.26),
        Target("bytes of keys and values", ours.cache_bytes / own.cache_bytes, 0.26),
    ]
    for name, other, most in (("same tower", same, 0.45), ("Qwen2-VL's own tower", own, 0.32)):
        causal = ours.counted.first_token().total / other.counted.first_token().total
        found += [
            Target(f"operations to the first token, {name}", causal, most),
            Target(
                f"operations, {name}, full attention and all logits", ours.counted.total / other.counted.total, most
            ),
        ]
    share = ours.counted.connector / ours.counted.tower
    return [*found, Target("ReSA's operations, its tower's = 1", share, 0.1), _hiwin(counter)]


def _sides() -> list[tuple[str, str | None]]:
    return [(OURS, None), (THEIRS, ENTRIES[OURS].tower), (THEIRS, None)]


def _row(counter: Counter, name: str, language: PretrainedConfig, tower: str | None) -> Row:
    made = setup(name, TOWERS, language, tower)
    return price(made, PAGE, ENTRIES[name].tiling.layout(*PAGE), counter)


def _hiwin(counter: Counter) -> Target:
    """Our projector of LLaVA-UHD v2 against the released code's, on six slices and an overview."""
    clip, vicuna = TOWERS["clip-vit-l-336/14"](), LANGUAGES["vicuna-7b"]()
    layout = UhdTilingConfig(max_slices=7).layout(672, 1008)
    ours, theirs = (
        counter.connector(config, clip, vicuna.hidden_size, layout) for config in (HiwinConfig(), ReleasedHiwinConfig())
    )
    return Target("Hiwin's operations, the released code's = 1", ours / theirs, 0.4)


def measured(timings: Sequence[Timing]) -> list[Target]:
    """Those that a measurement of both sides decides; none where it lacks a side."""
    by_name = {timing.name: timing for timing in timings}
    if not {OURS, THEIRS} <= by_name.keys():
        return []
    ratio = by_name[OURS].seconds.prefill / by_name[THEIRS].seconds.prefill
    return [Target("measured prefill of the language model", ratio, 0.3)]


def share(ratio: float) -> Target:
    """ReSA's time as a part of its tower's, both at full size."""
    return Target("measured time of ReSA, its tower's = 1", ratio, 0.1)
