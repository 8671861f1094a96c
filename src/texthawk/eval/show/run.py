"""All pictures of one page: views, feature levels, pyramid, visual tokens, a word of the answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from texthawk.decode.reader import Reader
from texthawk.decode.upright import Rotate
from texthawk.eval.show.choice import chosen
from texthawk.eval.show.contact import ContactSheet
from texthawk.eval.show.draw import Drawing
from texthawk.eval.show.looking import Eyes, Look, eyes_of, look, untrained_eyes
from texthawk.eval.show.shown import Shown, in_rows, whole
from texthawk.eval.show.sources import TokenMap, token_map
from texthawk.eval.show.words import Place, answers, find_word, word_sources
from texthawk.model.processing import PROMPTS

Send = Literal["rows", "page"]

_LONGEST = {"rows": 640, "page": 1024}  # tokens of an answer
_CHOSEN = 3  # visual tokens, where nobody says which


@dataclass(frozen=True)
class Wishes:
    """What to draw.

    send: the page as canvases with its lines on rows ("rows", as `texthawk read` does) or as one picture ("page").
    rotate: degrees by which the page is turned clockwise first, "auto" to find out; None is "auto" for rows, as in
    `texthawk read`, and leaves a page that is sent as one picture as it came.
    tokens: their numbers in the page's sequence; none takes three that lie on print. word: of the answer to `question`.
    picture: which of the canvases, from 1; None takes the one with the word, or the first.
    connector, tiling: names from the tables of both, in place of the model's own; a connector then has random weights.
    longest: tokens of an answer at most; None takes 640 for a canvas and 1024 for a page.
    """

    send: Send = "rows"
    rotate: Rotate | None = None
    tokens: tuple[int, ...] = ()
    word: str | None = None
    question: str = PROMPTS["text"]
    picture: int | None = None
    connector: str | None = None
    tiling: str | None = None
    longest: int | None = None

    def __post_init__(self) -> None:
        if self.word is not None and (self.connector or self.tiling):
            raise ValueError(
                "a word of the answer needs the model's own connector and tiling, with which it learned to read; leave "
                "out the word or the other connector and tiling"
            )


def show(page: Image.Image, reader: Reader, out: Path, wishes: Wishes, title: str) -> Path:
    """Draw a page's pictures into a folder and give the path of the HTML page that lists them.

    The reader's model is left without gradients of its weights, which nothing here asks for. ValueError for a token, a
    word, a picture or a name that there is not, before anything is written.
    """
    reader.model.requires_grad_(False)
    page, shown, turn = _sent(page, reader, wishes)
    if wishes.picture is not None and not 1 <= wishes.picture <= len(shown):
        raise ValueError(f"picture {wishes.picture} does not exist; the page is sent as pictures 1 to {len(shown)}")
    asked = shown if wishes.picture is None else [shown[wishes.picture - 1]]
    word = None if wishes.word is None else _word(reader, asked, wishes.word, wishes)
    drawn = asked[0 if word is None else word.place.answer]
    seen = look(_eyes(reader, wishes), drawn.image)
    tokens = _tokens(seen, wishes.tokens)

    drawing = Drawing(ContactSheet(out, title), page, drawn, seen, turn, random=wishes.connector is not None)
    drawing.views(shown)
    drawing.levels()
    drawing.pyramid()
    for number, found in tokens.items():
        drawing.token(number, found)
    if word is not None:
        sources = word_sources(
            reader.model, reader.processor, seen, drawn.image, wishes.question, word.answer, word.place
        )
        often = word.place.occurrences
        first = "" if often == 1 else f" The first of {often} in the answer."
        drawing.word(word.text, f"Asked: “{wishes.question}”.{first}", sources)
    return drawing.sheet.finish()


def _sent(page: Image.Image, reader: Reader, wishes: Wishes) -> tuple[Image.Image, list[Shown], str]:
    """The page as it is drawn, what the model is given of it, and in words how the page was turned before."""
    if wishes.send == "page" and wishes.rotate is None:
        return page, whole(page), ""
    read = reader.upright(page, "auto" if wishes.rotate is None else wishes.rotate)
    turns = [f"turned clockwise by {read.rotation} degrees"] if read.rotation else []
    turns += [f"made level by {abs(read.straight.degrees):.1f} degrees"] if read.straight.degrees else []
    shown = in_rows(read.image, read.regions, reader.setting) if wishes.send == "rows" else whole(read.image)
    return read.image, shown, f"The page was {' and '.join(turns)} first, and is drawn so." if turns else ""


@dataclass(frozen=True)
class _Word:
    """A word that was found: the tokens of its answer, its place there, and how it is written."""

    answer: list[int]
    place: Place
    text: str


def _word(reader: Reader, shown: list[Shown], word: str, wishes: Wishes) -> _Word:
    pictures = [each.image for each in shown]
    limit = wishes.longest or _LONGEST[wishes.send]
    found = answers(reader.model, reader.processor, reader.ends, pictures, wishes.question, limit)
    tokenizer = reader.processor.tokenizer
    place = find_word(word, found, tokenizer)
    answer = found[place.answer]
    return _Word(answer, place, tokenizer.decode(answer[place.start : place.end]).strip())


def _eyes(reader: Reader, wishes: Wishes) -> Eyes:
    if wishes.connector is None and wishes.tiling is None:
        return eyes_of(reader.model, reader.processor.image_processor)
    return untrained_eyes(reader.model, reader.processor.image_processor, wishes.connector, wishes.tiling)


def _tokens(seen: Look, wanted: tuple[int, ...]) -> dict[int, TokenMap]:
    """What the wanted tokens of the page's sequence draw on; else of a few that print moves."""
    if wanted:
        found = {number: token_map(seen, seen.token(number)) for number in wanted}
        for number, sources in found.items():
            if not sources.total:
                raise ValueError(f"token {number} draws on no patch, it is the same on every page; choose another")
        return found
    found = {number: token_map(seen, seen.token(number)) for number in chosen(seen, _CHOSEN)}
    return {number: sources for number, sources in found.items() if sources.total}
