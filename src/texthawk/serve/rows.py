"""Keys and values of a running batch: one row per request, each of its own length, joined and left between steps.

Shape letters:  R rows in use   H heads of keys and values   C tokens a row has room for   W width of a head
"""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

BLOCK = 128  # a row's room grows by this many tokens


class _Layer(DynamicLayer):
    """One layer's keys and values, (room for rows, H, C, W); only the first R rows and their own tokens mean anything."""

    keys: Tensor | None
    values: Tensor | None

    def __init__(self, cache: "RowsCache") -> None:
        super().__init__()
        self._cache = cache

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Put one token, (R, H, 1, W), at the end of each row; give what the rows hold up to the longest."""
        assert self.keys is not None and self.values is not None
        rows, ends = self._cache.rows, self._cache.ends
        self.keys[rows, :, ends] = key_states[:, :, 0]
        self.values[rows, :, ends] = value_states[:, :, 0]
        longest = self._cache.longest + 1
        return self.keys[: len(rows), :, :longest], self.values[: len(rows), :, :longest]

    def get_seq_length(self) -> int:
        return self._cache.longest

    def room(self, keys: Tensor, values: Tensor, rows: int, tokens: int) -> None:
        """Have room for so many rows and tokens, keeping what is there; `keys`, `values` (*, H, *, W) tell the rest."""
        self.keys = _with_room(self.keys, keys, rows, tokens)
        self.values = _with_room(self.values, values, rows, tokens)
        self.is_initialized = True


def _with_room(held: Tensor | None, like: Tensor, rows: int, tokens: int) -> Tensor:
    if held is not None and held.shape[0] >= rows and held.shape[2] >= tokens:
        return held
    if held is not None:
        rows, tokens = max(rows, held.shape[0]), max(tokens, held.shape[2])
    grown = like.new_zeros(rows, like.shape[1], tokens, like.shape[3])
    if held is not None:
        grown[: held.shape[0], :, : held.shape[2]] = held
    return grown


class RowsCache(Cache):
    """The cache that a joint decode step reads and extends.

    A row's tokens stand at its beginning, so that nothing moves when a longer request joins; what lies behind them is
    hidden by the mask of `step`. The last row takes the place of one that leaves.
    """

    def __init__(self, layers: int) -> None:
        super().__init__(layers=[_Layer(self) for _ in range(layers)])
        self.lengths: list[int] = []
        self.rows = self.ends = torch.zeros(0, dtype=torch.long)

    @property
    def longest(self) -> int:
        return max(self.lengths, default=0)

    def join(self, prompts: DynamicCache, lengths: list[int]) -> None:
        """Add the rows of a prefill, padded on the right; `lengths` are their tokens without the padding."""
        first, total = len(self.lengths), len(self.lengths) + len(lengths)
        tokens = -(-(max([self.longest, *lengths]) + 1) // BLOCK) * BLOCK
        for layer, source in zip(self.layers, prompts.layers, strict=True):
            assert isinstance(layer, _Layer) and source.keys is not None and source.values is not None
            layer.room(source.keys, source.values, 1 << (total - 1).bit_length(), tokens)
            assert layer.keys is not None and layer.values is not None
            used = min(source.keys.shape[2], layer.keys.shape[2])
            layer.keys[first:total, :, :used] = source.keys[:, :, :used]
            layer.values[first:total, :, :used] = source.values[:, :, :used]
        self.lengths += lengths

    def leave(self, row: int) -> None:
        """Free a row; the last one moves to its number. The last to leave takes the memory along."""
        last = len(self.lengths) - 1
        for layer in self.layers:
            assert layer.keys is not None and layer.values is not None
            if not last:
                layer.keys = layer.values = None
            elif row != last:
                length = self.lengths[last]
                layer.keys[row, :, :length] = layer.keys[last, :, :length]
                layer.values[row, :, :length] = layer.values[last, :, :length]
        self.lengths[row] = self.lengths[last]
        self.lengths.pop()

    def step(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Make room for one token in each row; its positions (R, 1) and the mask (R, 1, 1, longest + 1) it sees by."""
        tokens = -(-(self.longest + 1) // BLOCK) * BLOCK
        for layer in self.layers:
            assert isinstance(layer, _Layer) and layer.keys is not None and layer.values is not None
            layer.room(layer.keys, layer.values, layer.keys.shape[0], tokens)
        self.rows = torch.arange(len(self.lengths), device=device)
        self.ends = torch.tensor(self.lengths, device=device)
        hidden = torch.arange(self.longest + 1, device=device) > self.ends[:, None]
        mask = torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill(hidden, torch.finfo(dtype).min)
        return self.ends[:, None], mask[:, None, None]

    def advance(self) -> None:
        """Every row holds one more token."""
        self.lengths = [length + 1 for length in self.lengths]
