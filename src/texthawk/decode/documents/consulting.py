"""What a Reader is asked about a file: its pages are read where that is needed, and drawn where the model looks at them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from texthawk.decode.asked import ANSWER_TOKENS, answers_from_text, can_answer, form_of
from texthawk.decode.documents.answer import DocumentAnswer
from texthawk.decode.documents.asking import answers, answers_on
from texthawk.decode.documents.finding import Place, check_asked, check_pointing, places
from texthawk.image.pages import Limits, Source, one_page, open_pages
from texthawk.image.selection import EVERY_PAGE, PageSelection
from texthawk.types import Page, PageError

if TYPE_CHECKING:
    from texthawk.decode.reader import Reader


def ask(
    reader: "Reader",
    source: Source,
    questions: str | Sequence[str],
    *,
    choices: Sequence[str] | None = None,
    schema: Any = None,
    pages: PageSelection = EVERY_PAGE,
    dpi: float = 200,
    limits: Limits | None = None,
    max_tokens: int = ANSWER_TOKENS,
) -> list[DocumentAnswer]:
    """See Reader.ask."""
    asked, form = _several(questions), form_of(choices, schema)
    if form is not None:
        form.constraint(reader.schemas, max_tokens)  # what cannot be is told before anything is read
    file = _Consulted(reader, source, pages, dpi, limits)
    if file.unread is not None and not answers_from_text(reader) and (can_answer(reader) or form is not None):
        numbers = [[file.unread.number]] * len(asked)
        return answers_on(numbers, asked, file.picture, reader, form=form, limit=max_tokens)
    return answers(file.read(), asked, file.picture, reader, form=form, limit=max_tokens)


def find(
    reader: "Reader",
    source: Source,
    phrases: str | Sequence[str],
    *,
    by: str = "auto",
    pages: PageSelection = EVERY_PAGE,
    dpi: float = 200,
    limits: Limits | None = None,
) -> list[list[Place]]:
    """See Reader.places."""
    wanted = _several(phrases)
    check_asked(wanted, by)  # before anything is read
    if by == "model":
        check_pointing(reader)
    file = _Consulted(reader, source, pages, dpi, limits)
    return places(file.read(), wanted, file.picture, lambda: reader, by=by)


class _Consulted:
    """A file of which a page is drawn whenever it is looked at; `unread` is its only wanted page as it is, or None.

    ValueError where no page can be read.
    """

    def __init__(
        self, reader: "Reader", source: Source, pages: PageSelection, dpi: float, limits: Limits | None
    ) -> None:
        self._reader, self._source, self._pages, self._dpi = reader, source, pages, dpi
        self._limits = limits or Limits()
        self._read: list[Page] | None = None
        opened = open_pages(source, dpi=dpi, limits=self._limits, selection=pages)
        first = next(opened, None)
        self.unread: Page | None = None
        if first is not None and not isinstance(first, PageError) and next(opened, None) is None:
            self.unread = Page(first.number, first.width, first.height, "", ())

    def picture(self, number: int) -> Image.Image:
        return one_page(self._source, number, dpi=self._dpi, limits=self._limits).image

    def read(self) -> list[Page]:
        """The pages that can be read; they are read once."""
        if self._read is None:
            document = self._reader.read(self._source, pages=self._pages, dpi=self._dpi, limits=self._limits)
            if not document.pages:
                raise ValueError("; ".join(f"{error.source}: {error.message}" for error in document.errors))
            self._read = list(document.pages)
        return self._read


def _several(asked: str | Sequence[str]) -> list[str]:
    return [asked] if isinstance(asked, str) else list(asked)
