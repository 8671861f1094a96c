"""Cross-attention inside windows: each window's queries look at that window's samples of one or several levels.

The authors of LLaVA-UHD v2 run one such attention per set of queries, over the same keys and values. Keys and values
do not depend on the queries, so all sets can attend at once: one projection of keys and values instead of four.

Shape letters:  n views   K windows (G*G)   S sets of queries (4)   L samples of a window, all levels together
                D width   A heads   d width of a head
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.vision.positions import sinusoidal

NORM_EPSILON = 1e-6


class WindowAttention(nn.Module):
    """Queries, their places, attention, and what makes one token of the sets' answers.

    query_sets: with several, their answers are normalised, set side by side and mixed; with one they are not.
    """

    def __init__(self, width: int, *, grid: int, heads: int, query_sets: int, trainable_positions: bool) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} of the language model is not divisible by {heads} heads; set heads")
        self.grid, self.heads, self.query_sets = grid, heads, query_sets
        self.positions_KD = nn.Parameter(torch.empty(grid * grid, width), requires_grad=trainable_positions)
        self.queries_SKD = nn.Parameter(torch.empty(query_sets, grid * grid, width))
        self.query_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        if query_sets > 1:
            self.set_norm = nn.LayerNorm(width, eps=NORM_EPSILON)
            self.mix = nn.Linear(query_sets * width, width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.project = nn.Linear(width, width, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The authors' start: sinusoids for places, truncated normals, Xavier over q, k and v as one matrix."""
        width = self.positions_KD.shape[1]
        with torch.no_grad():
            table = sinusoidal(self.grid, width, self.positions_KD.device)
            self.positions_KD.copy_(table.roll(width // 2, dims=1))  # columns first
        nn.init.trunc_normal_(self.queries_SKD, std=0.02)
        for packed in (self.q, self.k, self.v):
            nn.init.xavier_uniform_(packed.weight, gain=0.5**0.5)
            nn.init.zeros_(packed.bias)
        for plain in (self.out, self.mix) if self.query_sets > 1 else (self.out,):
            nn.init.trunc_normal_(plain.weight, std=0.02)
            nn.init.zeros_(plain.bias)
        nn.init.normal_(self.project.weight, std=width**-0.5)
        for norm in (self.query_norm, self.norm, *((self.set_norm,) if self.query_sets > 1 else ())):
            norm.reset_parameters()

    @property
    def positions_GGD(self) -> Tensor:
        """The windows' places as a map."""
        return self.positions_KD.unflatten(0, (self.grid, self.grid))

    def forward(self, keys_nKLD: Tensor, values_nKLD: Tensor) -> Tensor:
        """Samples by window, keys with places -> one token for each window (n, K, D)."""
        views = len(keys_nKLD)
        q = self.projected_queries().expand(views, -1, -1, -1, -1).flatten(0, 1)
        k, v = (
            rearrange(projected, "n K L (A d) -> (n K) A L d", A=self.heads)
            for projected in (self.k(keys_nKLD), self.v(values_nKLD))
        )
        attended = rearrange(F.scaled_dot_product_attention(q, k, v), "(n K) A S d -> n K S (A d)", n=views)
        answers = self.out(attended)
        if self.query_sets == 1:
            return self.project(self.norm(answers.squeeze(2)))
        return self.project(self.norm(self.mix(self.set_norm(answers).flatten(2))))

    def projected_queries(self) -> Tensor:
        """Every window's queries, split into heads: (K, A, S, d). The same for all views, so projected once."""
        queries_SKD = self.query_norm(self.queries_SKD) + self.positions_KD
        return rearrange(self.q(queries_SKD), "S K (A d) -> K A S d", A=self.heads)

    def weights(self, keys_nKLD: Tensor) -> Tensor:
        """How much each window looks at each of its samples, the mean over heads and sets: (n, K, L)."""
        q = self.projected_queries()
        k = rearrange(self.k(keys_nKLD), "n K L (A d) -> n K A L d", A=self.heads)
        return (q @ k.mT * q.shape[-1] ** -0.5).float().softmax(dim=-1).mean(dim=(2, 3))
