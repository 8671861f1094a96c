"""The loss of one global step, the same however the step is cut into packs and shared among devices.

What the sums of a step are divided by is known from the labels before any forward (`counts_of`), so each pack's share of
the loss can be sent back through the model at once, and its share is what it would be were the whole step one batch.

Shape letters:  B rows of a pack (1)   L tokens   K positions that predict something learned   V vocabulary
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from texthawk.data.packs import Pack
from texthawk.data.samples import IGNORED
from texthawk.model.configuration import TextHawkConfig

Reduce = Callable[[Tensor], Tensor]
"""The sum of a small tensor of float64 over all devices that share a global step."""


class Counts(NamedTuple):
    """What a global step learns from: tokens, their summed weights (α for a coordinate, else 1), and coordinates."""

    tokens: float
    weight: float
    places: float


class Sums(NamedTuple):
    """Sums over a pack, never means: weighted losses of tokens, |b - b*| of coordinates, tokens guessed right."""

    language: Tensor
    box: Tensor
    right: Tensor


class Targets(NamedTuple):
    """positions (K): columns of a pack after which something is learned. ids (B, K), -100 where a row learns nothing.

    exact: (B, K) coordinates in [0, 1], NaN where the token is none.
    """

    positions: Tensor
    ids: Tensor
    exact: Tensor


@dataclass(frozen=True)
class StepLosses:
    """What a global step was worth: means over all of it. not_finite: which packs of this device have no finite loss."""

    loss: float
    language: float
    box: float
    accuracy: float
    counts: Counts
    not_finite: tuple[int, ...]


def targets_of(pack: Pack) -> Targets:
    """What is learned from a pack, on the CPU: a mask looked up on a device would make it wait."""
    learned = pack.labels[:, 1:] != IGNORED
    positions = learned.any(0).nonzero()[:, 0]
    ids, exact = pack.labels[:, 1:][:, positions], pack.coordinates[:, 1:][:, positions]
    return Targets(positions, ids, exact.masked_fill(ids == IGNORED, torch.nan))


def token_weights(ids: Tensor, config: TextHawkConfig) -> Tensor:
    """Weights of token losses: α for coordinate tokens, 1 for others, 0 where nothing is learned (TextHawk eq. 4)."""
    start, bins = config.coordinate_token_start, config.coordinate_bins
    weights = torch.where((ids >= start) & (ids < start + bins), config.coordinate_weight, 1.0)
    return weights.masked_fill(ids == IGNORED, 0.0)


def counts_of(packs: Sequence[Pack], config: TextHawkConfig, reduce: Reduce | None = None) -> Counts:
    """The counts of a global step from this device's packs; reduce adds those of the others."""
    total = torch.zeros(3, dtype=torch.float64)
    for pack in packs:
        targets = targets_of(pack)
        weights = token_weights(targets.ids, config).double()
        places = (~targets.exact.isnan()).sum() if config.coordinate_bins else torch.tensor(0)
        total += torch.stack([(weights > 0).sum().double(), weights.sum(), places.double()])
    return Counts(*(reduce(total) if reduce else total).tolist())


def scored(logits_BKV: Tensor, predicted_BK: Tensor | None, targets: Targets, config: TextHawkConfig) -> Sums:
    """Sums of a pack from what a model says at its positions; predicted: the detection head's, None where there is none."""
    ids = targets.ids.to(logits_BKV.device)
    each = nn.functional.cross_entropy(
        logits_BKV.flatten(0, 1).float(), ids.flatten(), ignore_index=IGNORED, reduction="none"
    )
    language = (each * token_weights(ids, config).flatten()).sum()
    right = ((logits_BKV.detach().argmax(-1) == ids) & (ids != IGNORED)).sum()
    box = torch.zeros((), device=logits_BKV.device)
    if predicted_BK is not None:
        places = (~targets.exact.isnan()).flatten().nonzero()[:, 0]
        exact = targets.exact.flatten()[places].to(predicted_BK.device)
        box = (predicted_BK.flatten()[places.to(predicted_BK.device)].float() - exact).abs().sum()
    return Sums(language, box, right)


def losses(model: nn.Module, pack: Pack, config: TextHawkConfig, device: torch.device | str = "cpu") -> Sums:
    """The sums of one pack. The model's heads are asked at the positions that count alone, and through its own forward,
    so that whatever wraps it (shards, compilation) sees the call."""
    targets = targets_of(pack)
    inputs = pack.inputs(device, flash=config.text_config._attn_implementation == "flash_attention_2")
    del inputs["labels"], inputs["coordinates"]
    rows, length = pack.labels.shape
    lengths = pack.lengths if rows == 1 else (length,)  # for attention within samples; others pass it by
    out = model(**inputs, logits_to_keep=targets.positions.to(device), sample_lengths=lengths)
    return scored(out.logits, out.coordinates, targets, config)


def share(sums: Sums, counts: Counts, config: TextHawkConfig) -> Tensor:
    """A pack's part of the global step's loss L_lm + λ L_box; the parts of all packs of all devices add up to it."""
    return sums.language / max(counts.weight, 1e-6) + config.box_weight * sums.box / max(counts.places, 1.0)


def global_step(
    model: nn.Module,
    packs: Sequence[Pack],
    config: TextHawkConfig,
    *,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    reduce: Reduce | None = None,
    scale: float = 1.0,
    before_backward: Callable[[bool], None] | None = None,
) -> StepLosses:
    """Leave the gradient of the global step's loss in the parameters; changes nothing else.

    reduce: adds up over the devices that share the step. scale: on the loss that is sent back, the number of devices
    where gradients are averaged over them and not added. before_backward: is told before each pack whether it is the last.
    """
    counts = counts_of(packs, config, reduce)
    found: list[Tensor] = []
    for number, pack in enumerate(packs):
        with _products(device, bf16):
            sums = losses(model, pack, config, device)
        if before_backward:
            before_backward(number + 1 == len(packs))
        (share(sums, counts, config) * scale).backward()
        found.append(torch.stack([value.detach().double() for value in sums]))
    table = torch.stack(found).cpu()
    return summary(table, counts, config, reduce)


@torch.no_grad()
def evaluation(
    model: nn.Module,
    packs: Iterable[Pack],
    config: TextHawkConfig,
    *,
    device: torch.device | str = "cpu",
    bf16: bool = False,
    reduce: Reduce | None = None,
) -> StepLosses:
    """The losses of packs as if they were one global step, without gradients; one pack is held at a time."""
    table: list[Tensor] = []
    counts = torch.zeros(3, dtype=torch.float64)
    for pack in packs:
        with _products(device, bf16):
            sums = losses(model, pack, config, device)
        table.append(torch.stack([value.double() for value in sums]))
        counts += torch.tensor(counts_of([pack], config), dtype=torch.float64)
    total = Counts(*(reduce(counts) if reduce else counts).tolist())
    return summary(torch.stack(table).cpu(), total, config, reduce)


def _products(device: torch.device | str, bf16: bool) -> contextlib.AbstractContextManager:
    """Matrix products in bfloat16, or as the weights are."""
    return torch.autocast(torch.device(device).type, torch.bfloat16) if bf16 else contextlib.nullcontext()


def summary(table: Tensor, counts: Counts, config: TextHawkConfig, reduce: Reduce | None = None) -> StepLosses:
    """The step's means from a row of sums (language, box, right) for each of this device's packs."""
    language, box, right = (reduce(table.sum(0)) if reduce else table.sum(0)).tolist()
    language, box = language / max(counts.weight, 1e-6), box / max(counts.places, 1.0)
    bad = (~table.isfinite().all(1)).nonzero()[:, 0].tolist()
    loss = language + config.box_weight * box
    return StepLosses(loss, language, box, right / max(counts.tokens, 1.0), counts, tuple(bad))
