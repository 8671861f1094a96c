"""What the shipped model is taught besides the next token: characters at places, and where to look.

These heads exist in training only; nothing of them is saved with the model.

Shape letters:  G places asked for   W width of a feature   B samples   L tokens   V visual tokens   A heads   d head width
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from texthawk.data.factory.clip_art import MOTIFS
from texthawk.data.factory.scene_objects import HUES
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.batches import SPELLED, Batch, Things
from texthawk.train.characters import CLASSES, UNNAMED

NOTHING = 0.2
"""Weight of a visual token that shows nothing, as most do."""
REACH = 8.0
"""Weight of the error, in parts of the picture, of how far a thing reaches."""


class GlyphReadout(nn.Module):
    """Names the character at a place (x, y in pixels from the feature's middle) from one feature vector."""

    frequencies: Tensor

    def __init__(self, width: int, wavelengths: tuple[float, ...], hidden: int = 256) -> None:
        super().__init__()
        self.register_buffer("frequencies", 2 * torch.pi / torch.tensor(wavelengths), persistent=False)
        self.norm = nn.LayerNorm(width)
        self.feature = nn.Linear(width, hidden)
        self.place = nn.Linear(4 * len(wavelengths), hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, CLASSES)

    def forward(self, features_GW: Tensor, places_G2: Tensor) -> Tensor:
        """(G, W), (G, 2) -> logits (G, classes). Feature and place multiply, so that the place selects."""
        angles = (places_G2[:, :, None] * self.frequencies).flatten(1)
        place = self.place(torch.cat([angles.sin(), angles.cos()], dim=1))
        hidden = F.gelu(self.feature(self.norm(features_GW)) * (1 + place) + place)
        return self.out(F.gelu(self.mix(hidden)) + hidden)


class Supervision(nn.Module):
    """The training-only heads, and the losses that use them."""

    def __init__(self, encoder_width: int, language_width: int, guided_layers: tuple[int, ...]) -> None:
        super().__init__()
        self.patch = GlyphReadout(encoder_width, (56.0, 28.0, 14.0, 7.0))
        self.query = GlyphReadout(encoder_width, (112.0, 56.0, 28.0, 14.0, 7.0))
        self.token = GlyphReadout(language_width, (224.0, 112.0, 56.0, 28.0, 14.0, 7.0))
        self.guided_layers = guided_layers
        self.place = nn.Linear(language_width, 2)
        self.spell = nn.Linear(language_width, SPELLED * CLASSES)
        self.kind = nn.Linear(language_width, len(MOTIFS) + 1)
        self.hue = nn.Linear(language_width, len(HUES) + 1)
        self.reach = nn.Linear(language_width, 4)

    def cell_loss(self, readout: GlyphReadout, cells_TPW: Tensor, batch: Batch, tile: int) -> tuple[Tensor, Tensor]:
        """Cross-entropy and accuracy of naming characters from the cell (patch or query) of the tile that covers them."""
        assert batch.glyph_xy is not None and batch.glyph_class is not None
        side = round(cells_TPW.shape[1] ** 0.5)
        cell = (batch.glyph_xy * (side / tile)).floor().clamp(0, side - 1)
        features = cells_TPW[batch.glyph_tile, (cell[:, 1] * side + cell[:, 0]).long()]
        return self._score(readout(features, batch.glyph_xy - (cell + 0.5) * (tile / side)), batch.glyph_class)

    def token_loss(self, tokens_BVD: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The same from the visual token that covers the place."""
        assert batch.glyph_token_xy is not None and batch.glyph_class is not None
        features = tokens_BVD[batch.glyph_page, batch.glyph_token]
        return self._score(self.token(features, batch.glyph_token_xy), batch.glyph_class)

    def place_loss(self, hidden_BLD: Tensor, batch: Batch, cell: Tensor) -> Tensor:
        """Mean distance, in parts of a visual token's extent (x, y in pixels), to where the next token begins."""
        assert batch.places is not None
        target = batch.places[:, 1:] / cell
        kept = ~target[..., 0].isnan()
        return (self.place(_scaled(hidden_BLD[:, :-1][kept])).float() - target[kept]).abs().mean()

    def spell_loss(self, hidden_BLD: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy of the next token's first characters, and how often the first of them is right."""
        assert batch.places is not None and batch.spelling is not None
        kept = ~batch.places[:, 1:, 0].isnan()
        logits = self.spell(_scaled(hidden_BLD[:, :-1][kept])).unflatten(-1, (SPELLED, CLASSES)).float()
        classes = batch.spelling[:, 1:][kept]
        return self._score(logits.flatten(0, 1), classes.flatten())

    def thing_loss(self, tokens_BVD: Tensor, things: Things) -> tuple[Tensor, Tensor]:
        """Cross-entropies of what kind and hue of thing a visual token shows, with the mean error of how far it reaches; and how
        often both of a thing are named right."""
        features = _scaled(tokens_BVD)
        kinds, hues = self.kind(features).float(), self.hue(features).float()
        there = ~things.reaches[..., 0].isnan()
        loss = 0.0 * (kinds.sum() + hues.sum())  # a gradient also where nothing is told
        for logits, targets in ((kinds, things.kinds), (hues, things.hues)):
            weights = torch.full((logits.shape[-1],), 1.0, device=logits.device)
            weights[0] = NOTHING
            told = targets != -100
            if told.any():
                loss = loss + F.cross_entropy(logits[told], targets[told], weights)
        if not there.any():
            return loss, torch.zeros(())
        loss = loss + REACH * (self.reach(features[there]).float() - things.reaches[there]).abs().mean()
        right = (kinds.argmax(-1) == things.kinds) & (hues.argmax(-1) == things.hues)
        return loss, right[there].float().mean()

    def named_loss(self, hidden_BLD: Tensor, named_n4: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropies of what kind and hue a phrase names, told as of a visual token; and, of phrases
        that name any, how often all they name is right."""
        b, token, *targets = named_n4.unbind(1)
        features = _scaled(hidden_BLD[b, token])
        loss, right = torch.zeros((), device=hidden_BLD.device), torch.ones_like(b, dtype=torch.bool)
        some = torch.zeros_like(right)
        for head, wanted in zip((self.kind, self.hue), targets, strict=True):
            told = wanted != -100
            logits = head(features).float()
            if told.any():
                loss = loss + F.cross_entropy(logits[told], wanted[told])
            right &= (logits.argmax(-1) == wanted) | ~told
            some |= told
        return loss, (right & some).sum() / some.sum().clamp(min=1)

    @staticmethod
    def _score(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        named = classes != UNNAMED
        right = (logits.argmax(-1) == classes)[named].float().mean()
        return F.cross_entropy(logits.float(), classes, ignore_index=UNNAMED), right


class Guide:
    """Watches attention heads of some language-model layers and scores where they point.

    The first watched layer is to point at the tokens of the page (visual ones, or its text) that show the token just
    read, the others at those that show the next one: one head of each, and every head of the last, so that the whole
    width of its values carries what the token shows. Used as a context around the model's forward; `loss` then gives
    the mean of -log(attention on the right tokens of the page) over tokens that have any, and how often the most attended
    of the last watched layer is a right one. A batch in which no token has any has no such mean.
    """

    def __init__(self, model: TextHawkForConditionalGeneration, layers: tuple[int, ...]) -> None:
        self.attentions = [model.model.language_model.layers[index].self_attn for index in layers]
        self.seen: list[list[tuple[Tensor, Tensor]]] = []

    def __enter__(self) -> "Guide":
        self.handles = [a.register_forward_pre_hook(self._see, with_kwargs=True) for a in self.attentions]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _see(self, attention: nn.Module, args: tuple, kwargs: dict) -> None:
        hidden = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        d, of_query, of_key = attention.head_dim, attention.q_proj, attention.k_proj
        assert isinstance(d, int) and isinstance(of_query, nn.Linear) and isinstance(of_key, nn.Linear)
        heads = of_query.out_features // d if attention is self.attentions[-1] else 1
        shared = of_query.out_features // of_key.out_features  # query heads to a key head
        cos, sin = kwargs["position_embeddings"]
        pointers = []
        for head in range(heads):
            own, other = slice(head * d, (head + 1) * d), slice(head // shared * d, (head // shared + 1) * d)
            query = F.linear(hidden, of_query.weight[own], None if of_query.bias is None else of_query.bias[own])
            key = F.linear(hidden, of_key.weight[other], None if of_key.bias is None else of_key.bias[other])
            pointers.append((_rotate(query, cos, sin) * d**-0.5, _rotate(key, cos, sin)))
        self.seen.append(pointers)

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        assert batch.guide is not None
        places = [self._places(batch.guide)] + [self._places(batch.guide[:, 1:])] * (len(self.seen) - 1)
        visual = slice(batch.visual_start, batch.visual_start + batch.guide.shape[-1])
        count, length = batch.input_ids.shape
        future = torch.ones((length, length), dtype=torch.bool, device=batch.input_ids.device).triu(1)
        hidden = future.expand(count, -1, -1) if batch.sees is None else ~batch.sees
        losses, hits = [], []
        for pointers, (b, i, right) in zip(self.seen, places, strict=True):
            turn = torch.arange(len(b), device=b.device) - torch.searchsorted(b, b)  # b is in order
            rows = torch.zeros((count, int(turn.max()) + 1), dtype=torch.long, device=b.device)
            rows[b, turn] = i  # of each sample only the tokens that point are scored
            each = torch.arange(count, device=b.device)[:, None]
            unseen, of_heads = hidden[each, rows], []
            for query, key in pointers:
                scores = (query[each, rows] @ key.transpose(1, 2)).float()
                scores = scores.masked_fill(unseen, -torch.inf)[b, turn]
                seen = scores[:, visual]
                on_target = torch.logsumexp(seen.masked_fill(~right, -torch.inf), -1)
                of_heads.append((torch.logsumexp(scores, -1) - on_target).mean())
            losses.append(torch.stack(of_heads).mean())
            hits.append(right.gather(1, seen.argmax(-1, keepdim=True)).float().mean())
        return torch.stack(losses).mean(), hits[-1]

    @staticmethod
    def _places(target_BLV: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, i = target_BLV.any(-1).nonzero(as_tuple=True)
        return b, i, target_BLV[b, i]


def _scaled(hidden: Tensor) -> Tensor:
    """Hidden states at unit root mean square: they come from the middle of the model, before any norm."""
    return F.rms_norm(hidden, hidden.shape[-1:])


def _rotate(x_BLd: Tensor, cos_BLd: Tensor, sin_BLd: Tensor) -> Tensor:
    """Rotary positions as Qwen2 and Llama apply them: halves of a head are rotated against each other."""
    low, high = x_BLd.chunk(2, dim=-1)
    return x_BLd * cos_BLd + torch.cat([-high, low], dim=-1) * sin_BLd
