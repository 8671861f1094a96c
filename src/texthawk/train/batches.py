"""Batches with everything known about them: tiles, prompts, answers, and where each character stands.

A batch is a function of (seed, stage, step): nothing else decides it, so a run resumes where it stopped.

Shape letters:  T tiles   B samples   L tokens   V visual tokens of a page   G characters asked for
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from texthawk.compress import CompressorConfig
from texthawk.compress.resa import ReSAConfig
from texthawk.data.synth import PageMaker, PageStyle, SynthPage
from texthawk.image.rows import RowSetting
from texthawk.image.tiles import cut_pixels
from texthawk.model.grounding import box_text
from texthawk.model.processing import PROMPTS, TextHawkProcessor
from texthawk.train.branched_attention import Branches
from texthawk.train.characters import BLANK, CLASS, UNNAMED
from texthawk.train.rows import in_rows
from texthawk.train.stage import Grid, Stage
from texthawk.types import TileLayout

if TYPE_CHECKING:
    from texthawk.train.documents import DocumentMaker
    from texthawk.train.outlines import OutlineMaker
    from texthawk.train.pointing import PointingMaker
    from texthawk.train.questions import QuestionMaker

TOGETHER = 4
SPELLED = 1


class Things(NamedTuple):
    """kinds, hues: (B, V) numbers of the thing's kind and hue on a visual token, 0 for nothing, -100 for what is not told.

    reaches: (B, V, 4) from the middle of the token to the thing's left, top, right and bottom, in parts of the picture; NaN
    where there is none. named: (n, 4) of things that are asked for, the sample, the token behind which its box is told, and the
    numbers of kind and hue, -100 for what the phrase does not name.
    """

    kinds: Tensor
    hues: Tensor
    reaches: Tensor
    named: Tensor


@dataclass
class Batch:
    """Tensors of a step; `None` where its stage has no use for them.

    pixel_values: tiles in uint8; they are normalised where they are used.
    glyph_*: for G places on tiles: the tile, x and y in tile pixels, the class (of texthawk.train.characters).
    guide: (B, L, V) true where the token at a position is printed (in part) on a visual token, or shown by one of the text.
    places: (B, L, 2) x and y of a token's first printed character in pixels from the middle of its visual token, NaN
    where nothing is printed. spelling: (B, L, 1) classes of its first printed characters, BLANK past its end.
    visual_start: place of the first visual token in every prompt of the batch, 0 where pages are shown as text (V then
    counts from a prompt's first token). sees: (B, L, L) true where a token of the second L is attended to from one of the
    first, and positions: (B, L) each token's place in its own prompt; both None where each row is one prompt. branches:
    of such rows, where text and questions end.
    coordinate_weight: of coordinate tokens in the language loss where they are no coordinates; None takes the model's α.
    things: what is drawn where visual tokens lie, where that is known.
    """

    input_ids: Tensor
    labels: Tensor
    coordinates: Tensor
    pixel_values: Tensor | None = None
    layouts: tuple[TileLayout, ...] = ()
    glyph_tile: Tensor | None = None
    glyph_xy: Tensor | None = None
    glyph_class: Tensor | None = None
    glyph_page: Tensor | None = None
    glyph_token: Tensor | None = None
    glyph_token_xy: Tensor | None = None
    guide: Tensor | None = None
    places: Tensor | None = None
    spelling: Tensor | None = None
    sees: Tensor | None = None
    positions: Tensor | None = None
    branches: tuple[Branches, ...] = ()
    visual_start: int = 0
    things: "Things | None" = None
    coordinate_weight: float | None = None

    def to(self, device: torch.device) -> "Batch":
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Things):
                value = Things(*(tensor.to(device, non_blocking=True) for tensor in value))
            moved[field.name] = value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        return Batch(**moved)


class BatchMaker:
    """Makes the batches of a stage from rendered pages and from other makers, of which most stages need few."""

    def __init__(
        self,
        processor: TextHawkProcessor,
        compressor: CompressorConfig,
        maker: PageMaker,
        *,
        thumbnail_above: int,
        tile: int,
        questions: "QuestionMaker | None" = None,
        documents: "DocumentMaker | None" = None,
        outlines: "OutlineMaker | None" = None,
        pointing: "PointingMaker | None" = None,
    ) -> None:
        if not isinstance(compressor, ReSAConfig):
            raise ValueError(
                f"printed pages cannot be made for a {type(compressor).__name__}: their losses know only where ReSA's "
                "tokens lie on a page; train with ReSA, or on conversations"
            )
        self.processor, self.compressor, self.maker = processor, compressor, maker
        self.thumbnail_above, self.tile = thumbnail_above, tile
        self.questions, self.documents, self.outlines, self.pointing = questions, documents, outlines, pointing
        tokenizer = processor.tokenizer
        self.end = tokenizer.convert_tokens_to_ids("<|im_end|>")
        self.pad = tokenizer.pad_token_id
        self._drawn: tuple[tuple[int, int], tuple[TileLayout, list[SynthPage], list[str]]] | None = None

    def batch(self, stage: Stage, stage_index: int, step: int) -> Batch:
        """The batch of a step (from 0) of a stage."""
        rng = np.random.default_rng((self.maker.seed, 7919, stage_index, step))
        dice = (self.maker.seed, stage_index)
        share = self._share_of(stage_index, step)
        if share < stage.asked:
            if self.questions is None:
                raise ValueError(f"stage {stage.name} asks about documents; give the BatchMaker a QuestionMaker")
            return self.questions.batch(dice, step, stage.texts, stage.families, stage.languages)
        if share < stage.asked + stage.outlined:
            if self.outlines is None:
                raise ValueError(f"stage {stage.name} outlines documents; give the BatchMaker an OutlineMaker")
            return self.outlines.batch(dice, step, stage.texts, stage.languages)
        if share < stage.asked + stage.outlined + stage.pointed:
            if self.pointing is None:
                raise ValueError(f"stage {stage.name} points at things; give the BatchMaker a PointingMaker")
            return self.pointing.batch(dice, step, stage.texts, stage.languages)
        if stage.losses.language and not stage.parts.get("connector") and not stage.parts.get("tower"):
            if set(stage.tasks) == {"plain"}:
                return self._plain(stage, rng)
        layout, pages, tasks = self._share(stage, stage_index, step)
        batch = self._answers(pages, tasks, layout, guided=stage.losses.guide > 0)
        batch.pixel_values = torch.cat([cut_pixels(page.image, layout) for page in pages])
        batch.layouts = (layout,) * len(pages)
        if stage.glyphs:
            self._glyphs(batch, pages, layout, rng)
        return batch

    def _share_of(self, stage_index: int, step: int) -> float:
        """Where between 0 and 1 a step lies, which tells what it does; the steps that share a draw of pages do one thing."""
        dice = np.random.default_rng((self.maker.seed, 86028121, stage_index, step // TOGETHER))
        return float(dice.random())

    def _share(self, stage: Stage, stage_index: int, step: int) -> tuple[TileLayout, list[SynthPage], list[str]]:
        """A step's pages: `TOGETHER` steps share a draw of pages, dealt out by length so that little is padding."""
        key = (stage_index, step // TOGETHER)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, self._draw(stage, *key))
        layout, pages, tasks = self._drawn[1]
        count = len(pages) // TOGETHER
        by_length = sorted(
            range(len(pages)), key=lambda k: (len(pages[k].text) + 40 * len(pages[k].lines) * (tasks[k] == "boxes"), k)
        )
        turn = np.random.default_rng((self.maker.seed, 104729, *key)).permutation(TOGETHER)[step % TOGETHER]
        chosen = by_length[turn * count : (turn + 1) * count]
        return layout, [pages[k] for k in chosen], [tasks[k] for k in chosen]

    def _draw(self, stage: Stage, stage_index: int, group: int) -> tuple[TileLayout, list[SynthPage], list[str]]:
        rng = np.random.default_rng((self.maker.seed, 15485863, stage_index, group))
        weights = np.array([grid.weight for grid in stage.grids])
        grid = stage.grids[rng.choice(len(stage.grids), p=weights / weights.sum())]
        layout = TileLayout(
            grid.rows,
            grid.columns,
            grid.rows * grid.columns > self.thumbnail_above,
            grid.rows * self.tile,
            grid.columns * self.tile,
            self.tile,
        )
        count = max(1, stage.tiles // layout.tiles) * TOGETHER
        shares = np.array(list(stage.tasks.values()))
        tasks = rng.choice(list(stage.tasks), size=count, p=shares / shares.sum())
        first = int(rng.integers(2**40))
        return layout, [self._page(stage, grid, layout, first + k) for k in range(count)], [str(task) for task in tasks]

    def _page(self, stage: Stage, grid: Grid, layout: TileLayout, index: int) -> SynthPage:
        height, width, damage = layout.height, layout.width, stage.damage
        if grid.page:
            return self.maker.page(index, height=height, width=width, damage=damage)
        if grid.set_rows:
            rng = np.random.default_rng((self.maker.seed, 32452843, index))
            height += int(rng.integers(layout.tile))
            if stage.documents and rng.random() < stage.documents:
                if self.documents is None:
                    raise ValueError(f"stage {stage.name} reads documents; give the BatchMaker a DocumentMaker")
                drawn = self.documents.page(index)
            else:
                drawn = self.maker.draw(index, PageStyle(height, width, stage.type_px, None, damage, **stage.looks))
            setting = RowSetting(layout.columns, layout.tile, down=layout.rows)
            return in_rows(drawn, setting, rng, grid.lines, slack=grid.slack, junk=grid.junk)

        def window(lines: int | None) -> SynthPage:
            return self.maker.draw(index, PageStyle(height, width, stage.type_px, lines, damage, **stage.looks))

        page = window(grid.lines)
        excess = len(page.text) / grid.characters
        return window(max(1, int(len(page.lines) / excess))) if excess > 1 else page

    def _plain(self, stage: Stage, rng: np.random.Generator) -> Batch:
        """Plain text broken into lines at random widths, as the answers are; for the language model alone."""
        rows = []
        for _ in range(stage.texts):
            ids: list[int] = []
            width = int(rng.integers(20, 110))
            while len(ids) < stage.text_tokens:
                paragraph = self.maker.corpus.paragraphs[int(rng.integers(len(self.maker.corpus.paragraphs)))]
                words = paragraph.split(" ")
                words = words[int(rng.integers(len(words))) :]
                ids += self.processor.tokenizer("\n".join(_wrap(words, width)) + "\n", add_special_tokens=False)[
                    "input_ids"
                ]
            rows.append(ids[: stage.text_tokens])
        ids_BL = torch.tensor(rows)
        return Batch(ids_BL, ids_BL.clone(), torch.full(ids_BL.shape, torch.nan))

    def _answers(self, pages: list[SynthPage], tasks: list[str], layout: TileLayout, *, guided: bool) -> Batch:
        tokenizer = self.processor.tokenizer
        visual = self.compressor.visual_tokens(layout)
        rows = []
        for page, task in zip(pages, tasks, strict=True):
            message = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPTS[task]}]}]
            prompt = self.processor.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
            prompt = prompt.replace(self.processor.image_token, self.processor.image_text(layout))
            prompt_ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            text, owners, values = _answer_text(page, task, layout)
            encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            rows.append(
                (prompt_ids, encoded["input_ids"] + [self.end], encoded["offset_mapping"], owners, values, page)
            )
        length = max(len(prompt) + len(answer) for prompt, answer, *_ in rows)
        length = -(-length // 32) * 32
        batch = Batch(
            torch.full((len(rows), length), self.pad),
            torch.full((len(rows), length), -100),
            torch.full((len(rows), length), torch.nan),
            guide=torch.zeros(len(rows), length, visual, dtype=torch.bool) if guided else None,
            places=torch.full((len(rows), length, 2), torch.nan) if guided else None,
            spelling=torch.full((len(rows), length, SPELLED), BLANK) if guided else None,
            visual_start=rows[0][0].index(self.processor.image_token_id),
        )
        start = self.processor.tokenizer.convert_tokens_to_ids("<0>")
        for b, (prompt, answer, offsets, owners, values, page) in enumerate(rows):
            begin, end = len(prompt), len(prompt) + len(answer)
            batch.input_ids[b, :end] = torch.tensor(prompt + answer)
            batch.labels[b, begin:end] = torch.tensor(answer)
            places = [begin + i for i, token in enumerate(answer) if start <= token < start + 1000]
            if values:
                if len(places) == len(values):
                    batch.coordinates[b, places] = torch.tensor(values)
                else:  # the text itself spells a coordinate token
                    batch.labels[b] = -100
            if guided:
                self._guide(batch, b, begin, offsets, owners, page, layout)
        return batch

    def _guide(
        self, batch: Batch, b: int, begin: int, offsets: list, owners: list, page: SynthPage, layout: TileLayout
    ) -> None:
        assert batch.guide is not None and batch.places is not None and batch.spelling is not None
        flat = np.concatenate([line.glyphs for line in page.lines]) if page.lines else np.zeros((0, 4))
        classes = [CLASS.get(c, UNNAMED) for line in page.lines for c in line.text]
        tokens, inside = visual_token(flat, layout, self.compressor)
        for i, (low, high) in enumerate(offsets):
            printed = [owner for owner in owners[low:high] if owner >= 0]
            if printed:
                batch.guide[b, begin + i, tokens[printed]] = True
                batch.places[b, begin + i] = torch.from_numpy(inside[printed[0]])
                spelled = [classes[owner] for owner in printed[:SPELLED]]
                batch.spelling[b, begin + i, : len(spelled)] = torch.tensor(spelled)

    def _glyphs(self, batch: Batch, pages: list[SynthPage], layout: TileLayout, rng: np.random.Generator) -> None:
        """Ask for characters at jittered centres, and at random places for whatever is there, blank or not."""
        tiles, places, classes, owners, tokens, inside = [], [], [], [], [], []
        limit = 128 * layout.rows * layout.columns
        for b, page in enumerate(pages):
            glyphs = (
                np.concatenate([line.glyphs for line in page.lines]) if page.lines else np.zeros((0, 4), np.float32)
            )
            names = np.array([CLASS.get(c, UNNAMED) for line in page.lines for c in line.text], dtype=np.int64)
            if len(glyphs) > limit:
                kept = rng.choice(len(glyphs), limit, replace=False)
                glyphs, names = glyphs[kept], names[kept]
            centre = (glyphs[:, :2] + glyphs[:, 2:]) / 2
            centre = centre + rng.uniform(-0.2, 0.2, centre.shape) * (glyphs[:, 2:] - glyphs[:, :2])
            extra = rng.uniform(0, 1, (limit // 8, 2)) * (layout.width, layout.height)
            kept_extra = _blank(extra, page)
            points = np.concatenate([centre, extra[kept_extra]]).clip(0, (layout.width - 0.01, layout.height - 0.01))
            names = np.concatenate([names, np.full(int(kept_extra.sum()), BLANK)])
            row, column = (points[:, 1] // self.tile).astype(int), (points[:, 0] // self.tile).astype(int)
            tiles.append(b * layout.tiles + int(layout.thumbnail) + row * layout.columns + column)
            places.append(points % self.tile)
            token, offset = visual_token(np.concatenate([points, points], axis=1), layout, self.compressor)
            tokens.append(token)
            inside.append(offset)
            classes.append(names)
            owners.append(np.full(len(names), b))
        batch.glyph_tile = torch.from_numpy(np.concatenate(tiles))
        batch.glyph_xy = torch.from_numpy(np.concatenate(places)).float()
        batch.glyph_class = torch.from_numpy(np.concatenate(classes))
        batch.glyph_page = torch.from_numpy(np.concatenate(owners))
        batch.glyph_token = torch.from_numpy(np.concatenate(tokens))
        batch.glyph_token_xy = torch.from_numpy(np.concatenate(inside)).float()


def visual_token(boxes_G4: np.ndarray, layout: TileLayout, compressor: ReSAConfig) -> tuple[np.ndarray, np.ndarray]:
    """The visual token that covers each box's centre, and the centre's place (x, y) in pixels from its middle."""
    tile = layout.tile
    rows_cell, columns_cell = (tile // compressor.side * extent for extent in compressor.window)
    x = np.clip((boxes_G4[:, 0] + boxes_G4[:, 2]) / 2, 0, layout.width - 0.01)
    y = np.clip((boxes_G4[:, 1] + boxes_G4[:, 3]) / 2, 0, layout.height - 0.01)
    row, column = (y // rows_cell).astype(int), (x // columns_cell).astype(int)
    down, across = tile // rows_cell, tile // columns_cell
    if compressor.scan == "page":
        token = row * (across * layout.columns) + column
    else:
        token_tile = row // down * layout.columns + column // across
        token = token_tile * down * across + row % down * across + column % across
    if compressor.row_separators:
        token = token + row // down
    if layout.thumbnail:
        token = token + compressor.tokens_per_tile
    inside = np.stack([x - (column + 0.5) * columns_cell, y - (row + 0.5) * rows_cell], axis=1)
    return token, inside


def _blank(points_n2: np.ndarray, page: SynthPage) -> np.ndarray:
    """Which points lie in no line's box (plus two pixels)."""
    free = np.ones(len(points_n2), dtype=bool)
    for line in page.lines:
        left, top, right, bottom = line.box
        inside = (points_n2[:, 0] > left - 2) & (points_n2[:, 0] < right + 2)
        free &= ~(inside & (points_n2[:, 1] > top - 2) & (points_n2[:, 1] < bottom + 2))
    return free


def _answer_text(page: SynthPage, task: str, layout: TileLayout) -> tuple[str, list[int], list[float]]:
    """The answer, for each of its characters the printed character it stands for (-1: none), and exact coordinates."""
    text, owners, values, printed = [], [], [], 0
    for number, line in enumerate(page.lines):
        if number:
            text.append("\n")
            owners.append(-1)
        if task == "boxes":
            left, top, right, bottom = line.box
            box = [left / layout.width, top / layout.height, right / layout.width, bottom / layout.height]
            box = [min(1.0, max(0.0, value)) for value in box]
            values += box
            text.append(box_text(box))
            owners += [-1] * len(text[-1])
        text.append(line.text)
        owners += [printed + k if c != " " else -1 for k, c in enumerate(line.text)]
        printed += len(line.text)
    return "".join(text), owners, values


def _wrap(words: list[str], width: int) -> list[str]:
    lines, line = [], ""
    for word in words:
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines
