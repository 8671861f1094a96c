"""Reads pages: regions become windows, windows become prompts, answers become lines of words on the page."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from transformers import AutoTokenizer
from transformers.utils import logging

from texthawk.decode.answers import Answer, Asker
from texthawk.decode.asked import tasks_of
from texthawk.decode.blank import ILLEGIBLE, NO_INK, NO_TEXT, legible
from texthawk.decode.budgets import BATCH, Budget, bytes_of_a_window, most_tokens
from texthawk.decode.calibration import Calibration, calibration_of
from texthawk.decode.grammar import Schemas
from texthawk.decode.greedy import Way
from texthawk.decode.ladder import read_again
from texthawk.decode.outline import outlined
from texthawk.decode.placing import rows_of
from texthawk.decode.points import page_points
from texthawk.decode.regions import Region
from texthawk.decode.rotation import ROTATIONS, box_before, turned_box
from texthawk.decode.shipped import model_folder
from texthawk.decode.spacing import width_of
from texthawk.decode.upright import Rotate, Upright, upright
from texthawk.decode.windows import Piece, Window, fitted, windows_of
from texthawk.decode.words import joined, line_of, word_confidences
from texthawk.image.pages import Limits, Source, open_pages
from texthawk.image.raw import RawPage
from texthawk.image.rows import row_setting
from texthawk.image.selection import EVERY_PAGE, PageSelection
from texthawk.model.answering import OUTLINE, answers_in
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.loading import config_in, require_files, usable_device
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import PROMPTS, TextHawkProcessor
from texthawk.model.register import register
from texthawk.types import Box, Document, Line, Page, PageError

if TYPE_CHECKING:
    from texthawk.decode.documents.answer import DocumentAnswer
    from texthawk.decode.documents.finding import Place

PROBED = 6  # lines that are read to tell which way up a page lies


def load(
    model: str = "nano",
    *,
    device: str | None = None,
    dtype: torch.dtype | None = None,
    way: Way | None = None,
    whole_page: bool = False,
) -> "Reader":
    """A reader with the shipped model or one in a folder; nothing is fetched from anywhere.

    device: "cpu", "cuda", or None for cuda where there is one. dtype: of the computation; None takes float32 on a CPU
    and bfloat16 on an accelerator. way: how the model is run; None takes the fastest that reads as well as the model's own
    forward: with the `onnx` extra "onnx int8" where the CPU has instructions for products in 8 bits. "onnx", "step" and
    "generate" give the model's own tokens. whole_page: as in `Reader`. Raises ValueError where the folder, the device or
    the way cannot be used.
    """
    folder = model_folder(model)
    register()
    config = config_in(folder)
    require_files(folder)
    device = usable_device(device)
    dtype = dtype or (torch.float32 if device == "cpu" else torch.bfloat16)
    with _without_progress_bar():
        network = TextHawkForConditionalGeneration.from_pretrained(
            folder, config=config, dtype=dtype, local_files_only=True
        )
    answering = answers_in(folder, network)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    images = TextHawkImageProcessor.from_pretrained(folder, local_files_only=True)
    processor = TextHawkProcessor(images, tokenizer, config.compressor_config, frame_images=config.frame_images)
    answers = None if answering is None else Reader(answering.to(device).eval(), processor, way=way)
    network.to(device).eval()
    return Reader(network, processor, calibration_of(folder), way=way, whole_page=whole_page, answers=answers)


@contextlib.contextmanager
def _without_progress_bar() -> Iterator[None]:
    """Loading takes a moment; transformers' bar for it would stand among a user's warnings."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


class Reader:
    """A loaded model that reads files, pictures and pages.

    whole_page: a page's lines are shown in one prompt, below each other on a grid of tiles as tall as they need (up to 56 rows
    on 7 x 2 tiles, with a thumbnail above eight tiles), rather than eight lines at a time. answers: who answers questions about
    what was read and points, where that is a model of its own (texthawk.model.answering).
    """

    def __init__(
        self,
        model: TextHawkForConditionalGeneration,
        processor: TextHawkProcessor,
        calibration: Calibration | None = None,
        *,
        way: Way | None = None,
        whole_page: bool = False,
        answers: "Reader | None" = None,
    ) -> None:
        self.answers = answers
        self.model, self.processor, self.calibration = model, processor, calibration
        ends = model.generation_config.eos_token_id or processor.tokenizer.eos_token_id
        self.ends = list(ends) if isinstance(ends, list) else [ends]
        self.asker = Asker(model, processor, self.ends, way)
        self.schemas = Schemas(processor.tokenizer, int(model.config.text_config.vocab_size), self.ends)
        self.setting = row_setting(model.config.tiling_config.tile, whole_page=whole_page)

    def read(
        self,
        source: Source | list[Source],
        *,
        pages: PageSelection = EVERY_PAGE,
        dpi: float = 200,
        limits: Limits | None = None,
        rotate: Rotate = "auto",
        budget: Budget | None = None,
    ) -> Document:
        """Read a path, bytes, a PIL image, or a list of them, into one Document; errors are listed, not raised.

        rotate: "auto", or the degrees by which every page is turned clockwise before it is read. budget: what a page may
        cost; `limits` are its own where they are not given.
        """
        sources = source if isinstance(source, list) else [source]
        budget = budget or Budget()
        read: list[Page] = []
        errors: list[PageError] = []
        for entry in sources:
            opened = open_pages(entry, dpi=dpi, limits=limits or budget.limits(), selection=pages)
            for result in self.read_pages(opened, rotate=rotate, budget=budget, points=page_points(entry)):
                if isinstance(result, PageError):
                    errors.append(result)
                else:
                    read.append(result)
        return Document(tuple(read), tuple(errors))

    def ask(
        self,
        source: Source,
        questions: str | Sequence[str],
        *,
        choices: Sequence[str] | None = None,
        schema: Any = None,
        **settings: Any,
    ) -> "list[DocumentAnswer]":
        """An answer to each question about a file, with confidence, page and, for several pages, evidence.

        choices, schema: the answer is one of these texts, or JSON that keeps this schema (`value` is what it says). An open
        question to a model that has not learned to answer has no text (`finish_reason` "not_learned"). settings: pages,
        dpi, limits as for `read`, and max_tokens of an answer. ValueError for what cannot be read, asked or kept.
        """
        from texthawk.decode.documents.consulting import ask

        return ask(self, source, questions, choices=choices, schema=schema, **settings)

    def find(self, source: Source, phrase: str, **settings: Any) -> list[Box]:
        """Boxes of a phrase in pixels of its page, page by page; none where it is not there. See `places` for more of each."""
        (found,) = self.places(source, [phrase], **settings)
        return [place.box for place in found]

    def places(
        self, source: Source, phrases: str | Sequence[str], *, by: str = "auto", **settings: Any
    ) -> "list[list[Place]]":
        """For each phrase its places on the pages of a file: page, box, lines, text, how it was found and how surely.

        by: "auto" (the words that were read; where none are near, the model points if it has learned to), "text" or "model".
        settings: pages, dpi, limits as for `read`. ValueError for what cannot be read or looked for.
        """
        from texthawk.decode.documents.consulting import find

        return find(self, source, phrases, by=by, **settings)

    def read_pages(
        self,
        pages: Iterable[RawPage | PageError],
        *,
        rotate: Rotate = "auto",
        budget: Budget | None = None,
        points: Sequence[tuple[float, float]] = (),
        max_visual_tokens: int | None = None,
    ) -> Iterator[Page | PageError]:
        """Read pages one at a time; an entry that is an error passes through.

        The box of a line is that of its ink on the page as it came, also where the page was turned to be read.
        budget: type is made smaller until a page's windows keep the visual tokens, and a page that cannot fit is an
        error that says so; max_visual_tokens is short for a budget of them alone. points: the sizes of a PDF's pages in
        points, by number.
        """
        if rotate != "auto" and rotate not in ROTATIONS:
            raise ValueError(f"rotate is {rotate!r}; pages are turned by 0, 90, 180 or 270 degrees, or 'auto'")
        budget = budget or Budget(max_visual_tokens=max_visual_tokens)
        for page in pages:
            if isinstance(page, PageError):
                yield page
                continue
            try:
                seen = self.upright(page.image, rotate)
                made = self._page(page, seen, budget)
                if rotate == "auto":
                    made = self._or_as_it_came(page, seen, made, budget)
            except ValueError as error:
                yield PageError(page.source, page.number, str(error))
                continue
            yield replace(made, points=points[page.number - 1]) if page.number <= len(points) else made

    def outlined(self, page: Page) -> Page:
        """The page with the role of each line, where the model that answers has learned to tell it; else as it is.

        So it stays, too, where there is not enough memory to ask.
        """
        answers = self.answers
        if answers is None or OUTLINE not in tasks_of(answers):
            return page
        try:
            return outlined(answers, page)
        except (MemoryError, torch.OutOfMemoryError):
            return page

    def _page(self, page: RawPage, seen: Upright, budget: Budget) -> Page:
        """What is read of a page as it is seen; ValueError where it cannot keep the budget."""
        windows = fitted(seen.image, seen.regions, self.setting, self._visual_tokens, budget.max_visual_tokens)
        answers, verdicts = self._answers(seen.image, windows, budget)
        return self._composed(page, windows, answers, verdicts, seen)

    def _or_as_it_came(self, page: RawPage, seen: Upright, made: Page, budget: Budget) -> Page:
        """What was read, or where a page was turned upside down and nothing could be read, what is read the other way up."""
        if made.lines or seen.rotation < 180:
            return made
        other = self._page(page, self.upright(page.image, seen.rotation - 180), budget)
        return other if other.lines else made

    def upright(self, page: Image.Image, rotate: Rotate = "auto") -> Upright:
        """A page turned and made level as it is read, with its regions; `rotate` as in `read`."""
        return upright(page, rotate, self._probe)

    def _probe(self, image: Image.Image, regions: Sequence[Region]) -> float:
        """Mean log-probability of what is read in the longest lines."""
        lines = sorted((line for region in regions for line in region.lines), key=lambda line: -line.box.width)
        chosen = [
            replace(region, lines=tuple(line for line in region.lines if line in lines[:PROBED])) for region in regions
        ]
        windows = windows_of(image, [region for region in chosen if region.lines], self.setting)[:1]
        (answer,) = self.ask_windows(windows)
        return answer.likelihood

    def _visual_tokens(self, image: Image.Image) -> int:
        return self.processor.visual_tokens(self.processor.image_processor.layout(image.height, image.width))

    def _batch(self, windows: Sequence[Window], budget: Budget) -> int:
        """How many windows are read together."""
        if not windows or budget.max_memory is None:
            return BATCH
        first = windows[0].image
        layout, tokens = self.processor.image_processor.layout(first.height, first.width), self._visual_tokens(first)
        return budget.batch(bytes_of_a_window(windows, self.model.config, layout, tokens, self.model.dtype.itemsize))

    def _answers(self, image: Image.Image, windows: list[Window], budget: Budget) -> tuple[list[Answer], list[bool]]:
        """An answer for each window, and whether it was read from it."""
        batch = self._batch(windows, budget)
        parts = [windows[start : start + batch] for start in range(0, len(windows), batch)]
        answers = [answer for part in parts for answer in self.ask_windows(part)]
        question = PROMPTS["text"]
        verdicts = legible(self.asker, [window.image for window in windows], question, answers, batch)
        wanting = [k for k, answer in enumerate(answers) if verdicts[k] and not answer.whole]
        for start in range(0, len(wanting), batch):
            chosen = wanting[start : start + batch]
            again, limits = [windows[k] for k in chosen], [most_tokens(windows[k]) for k in chosen]
            first = [answers[k] for k in chosen]
            for k, answer in zip(
                chosen, read_again(self.asker, image, again, first, question, limits, self.setting), strict=True
            ):
                answers[k] = answer
        return answers, verdicts

    def ask_windows(self, windows: Sequence[Window]) -> list[Answer]:
        """What the model reads in each window."""
        return self.asker.ask(
            [window.image for window in windows],
            PROMPTS["text"],
            [most_tokens(window) for window in windows],
            rows=[len(window.pieces) for window in windows],
        )

    def _composed(
        self,
        page: RawPage,
        windows: Sequence[Window],
        answers: Sequence[Answer],
        verdicts: Sequence[bool],
        seen: Upright,
    ) -> Page:
        """A page of what was read in its windows; those that are illegible are left out."""
        lines: list[Line] = []
        last: Piece | None = None  # whose line was added last
        for window, answer, verdict in zip(windows, answers, verdicts, strict=True):
            for line, piece in self._lines(window, answer, seen.image.height) if verdict else ():
                if piece is not None and piece.continued and last is not None and last.line == piece.line:
                    lines[-1] = joined(lines[-1], line, spaced=piece.spaced, gap=piece.gap_behind(last))
                else:
                    lines.append(line)
                last = piece
        lines = [_on_page(line, page, seen) for line in lines]
        text = "\n".join(line.text for line in lines)
        reason, why = _ending(answers, verdicts, bool(lines))
        rotation = seen.rotation if lines else 0  # which way up a page without text lies nobody can say
        return Page(
            page.number, page.width, page.height, text, tuple(lines), reason, page.source, why, rotation=rotation
        )

    def _lines(self, window: Window, answer: Answer, height: int) -> Iterator[tuple[Line, Piece | None]]:
        """Lines of an answer, each with the piece of the page, so high, it was read from; None where that is not known."""
        tokenizer = self.processor.tokenizer
        text = tokenizer.decode(answer.tokens, skip_special_tokens=True)
        words = word_confidences(answer.tokens, answer.log_probabilities, tokenizer)
        sure = self.calibration or float
        confidences = {k: sure(value) for k, (_, value) in enumerate(words)}
        found = [line.strip() for line in text.split("\n") if line.strip()]
        first = 0
        for line, piece in _placed(found, window.pieces):
            upward = piece is not None and piece.upward
            place, gaps = (None, ()) if piece is None else (piece.box, piece.gaps)
            if place is not None and upward:
                place = turned_box(place, 90, 0.0, height)
            made = line_of(line, place, confidences, first, gaps)
            if upward:
                made = _moved(made, lambda box: box_before(box, 90, 0.0, height))
            first += len(made.words)
            yield made, piece


def _placed(lines: Sequence[str], pieces: Sequence[Piece]) -> Iterator[tuple[str, Piece | None]]:
    """Each line with the piece it was read from; lines that were read from one piece are one."""
    if len(lines) == len(pieces):
        yield from zip(lines, pieces, strict=True)
        return
    boxes = [(piece.length * piece.scale, piece.height * piece.scale) for piece in pieces]
    rows = rows_of([width_of(line) for line in lines], [width for width, _ in boxes], [height for _, height in boxes])
    if rows is None:
        yield from ((line, None) for line in lines)
        return
    for row, together in groupby(zip(rows, lines, strict=True), key=itemgetter(0)):
        yield " ".join(line for _, line in together), pieces[row]


def _ending(answers: Sequence[Answer], verdicts: Sequence[bool], lines: bool) -> tuple[str, str]:
    """Why the reading of a page ended, and for a person what is missing."""
    if not answers:
        return "blank", NO_INK
    if not lines:
        return "blank", NO_TEXT if all(verdicts) else ILLEGIBLE
    kept = {answer.finish_reason for answer, verdict in zip(answers, verdicts, strict=True) if verdict}
    dropped = sum(not verdict for verdict in verdicts)
    why = f"{dropped} of {len(answers)} windows were left out, for they cannot be read" if dropped else ""
    return next((reason for reason in ("repetition", "length") if reason in kept), "stop"), why


def _on_page(line: Line, page: RawPage, seen: Upright) -> Line:
    """A line whose boxes are in pixels of an image that was turned and maybe reduced, in pixels of the page as it came."""
    by = page.width / page.image.width
    return _moved(line, lambda box: Box(*(side * by for side in seen.box_before(box))))


def _moved(line: Line, move: Callable[[Box], Box]) -> Line:
    """A line with all its boxes moved."""
    words = tuple(replace(word, box=None if word.box is None else move(word.box)) for word in line.words)
    return Line(line.text, None if line.box is None else move(line.box), words)
