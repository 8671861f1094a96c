"""A stage of training as data: what it reads, what it trains, which losses count and for how long."""

import math
from dataclasses import dataclass, field
from typing import Literal

Task = Literal["text", "boxes", "plain"]


@dataclass(frozen=True)
class Grid:
    """Windows of rows x columns tiles, `weight` times as likely as weight 1.

    `set_rows` sets each line on a row of its own, as the reader does it; else lines lie anyhow.
    Of rows, a share `slack` are cut out with bits of what stands above and below, and a share `junk` hold no text.
    `lines` bounds the lines on them, `characters` their text: a fuller window is drawn again with fewer lines.
    """

    rows: int
    columns: int
    weight: float = 1.0
    lines: int | None = None
    characters: int = 1200
    page: bool = False
    set_rows: bool = False
    slack: float = 0.0
    junk: float = 0.0


@dataclass(frozen=True)
class Losses:
    """Weights of the losses; 0 leaves a loss (and what only it needs) out.

    language, box: the model's own (TextHawk eq. 4, 5). glyph_patch, glyph_query, glyph_token: naming the character
    at a place from the patch, the resampled query or the visual token that covers it. guide: pointing attention heads of
    the guided layers of the language model at the tokens of the page, visual ones or its text, that show a token (see
    `supervision.Guide`). place, spell: where in its visual token the next token begins, and its first characters, told
    from the hidden states that predict it; nothing of a page that is shown as text. thing: what is drawn on a visual token, and
    how far it reaches, told from the token. named: what kind and hue a phrase names, told in the same way from the hidden state
    before the last guided layer, so that what is asked for and what is seen are alike.
    """

    language: float = 0.0
    box: float = 0.0
    glyph_patch: float = 0.0
    glyph_query: float = 0.0
    glyph_token: float = 0.0
    guide: float = 0.0
    place: float = 0.0
    spell: float = 0.0
    thing: float = 0.0
    named: float = 0.0


@dataclass(frozen=True)
class Stage:
    """`steps` steps of batches of about `tiles` tiles (or `texts` sequences of plain text, or documents asked about).

    parts: learning-rate factor of "tower", "connector", "language" (the heads included); a part left out is frozen.
    tasks: how often each answer is asked for. documents: share of windows set in rows that are cut from the factory's Chinese
    documents. asked: share of the steps that are questions about `texts` documents of the
    factory, shown as text, instead; families: how often one of each family, by name; `questions.FAMILIES` where none is named;
    languages: how often one of each language, or "mixed"; English where none is named. outlined: share of the steps that ask
    for the part of each line of `texts` windows of the factory's documents instead. pointed: share of the steps that ask where
    things are in `texts` pictures of the factory instead. The learning rate warms up linearly over `warmup` of the steps and then
    falls along a half cosine to `final` of its peak. looks: further fields of the windows' `PageStyle`, by name.
    rounded: answers learn as they will be kept beside the reading model, through the rounding (`answering.as_kept`).
    mean_with: an earlier stage; what this one leaves is the mean of its own weights and that stage's (averaging along one
    training path: Izmailov et al., 2018, section 3).
    """

    name: str
    steps: int
    losses: Losses
    parts: dict[str, float]
    grids: tuple[Grid, ...] = (Grid(1, 2),)
    tasks: dict[str, float] = field(default_factory=lambda: {"text": 1.0})
    documents: float = 0.0
    asked: float = 0.0
    outlined: float = 0.0
    pointed: float = 0.0
    families: dict[str, float] = field(default_factory=dict)
    languages: dict[str, float] = field(default_factory=dict)
    tiles: int = 16
    texts: int = 16
    text_tokens: int = 192
    type_px: tuple[float, float] = (10.0, 20.0)
    damage: float = 1.0
    looks: dict[str, float] = field(default_factory=dict)
    learning_rate: float = 1e-3
    warmup: float = 0.03
    final: float = 0.1
    weight_decay: float = 0.05
    clip: float = 1.0
    rounded: bool = False
    mean_with: str | None = None

    def __post_init__(self) -> None:
        if self.asked + self.outlined + self.pointed > 1:
            raise ValueError(
                f"stage {self.name} asks in {self.asked}, outlines in {self.outlined} and points in {self.pointed} of its "
                "steps; 1 is the most"
            )

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0 within the stage."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        along = (step - warm) / max(1, self.steps - warm)
        return self.learning_rate * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, along))))

    @property
    def needs_texts(self) -> bool:
        """Whether the stage prints documents by language, which a corpus alone does not tell apart."""
        return bool(self.documents or self.languages)

    @property
    def glyphs(self) -> bool:
        """Whether any loss asks for characters at places."""
        return bool(self.losses.glyph_patch or self.losses.glyph_query or self.losses.glyph_token)
