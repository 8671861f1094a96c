"""What is evaluated: a name, a callable from an image file to text, and the settings that decide what it returns.

Texthawk's reader and Tesseract are here; anything else is one more `System`. A system raises one of PAGE_ERRORS for a page
that it cannot read; any other exception is a bug and ends the run (which resumes once it is mended).
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texthawk.decode.shipped import model_folder
from texthawk.eval.phrases import PlacedWord, place_of
from texthawk.eval.written import as_markdown, as_table

if TYPE_CHECKING:
    from texthawk.types import Document, Page

PAGE_ERRORS = (ValueError, OSError, RuntimeError, MemoryError, subprocess.SubprocessError)
"""What a page can cause, running out of memory included."""

READ, ASK, FIND, MARKDOWN, HTML = "read", "ask", "find", "markdown", "html"
"""What is wanted of a system: a page's text, an answer to a question, the place of a phrase, the page in Markdown, or the
table on it in HTML."""

LACKS = {
    ASK: "it does not answer questions",
    FIND: "it does not find phrases",
    MARKDOWN: "it does not write Markdown",
    HTML: "it does not write tables",
}

TESSERACT_LANGUAGES = {
    "en": "eng", "zh-Hans": "chi_sim", "zh": "chi_sim", "zh-Hant": "chi_tra", "de": "deu", "fr": "fra", "nl": "nld", "es": "spa",
    "mixed": "chi_sim+eng",
}  # fmt: skip
TESSERACT_SECONDS = 300


@dataclass(frozen=True)
class System:
    """`read` takes an image file and the sample's language and returns (text, finish_reason).

    `refuses` takes a language and says why the system is not run on it, or None. `settings` go into the run's record, and a
    run resumes only with equal ones. `ask` takes an image file and questions and returns an answer for each; `find` takes
    an image file, phrases and the language and returns a box in parts of the picture for each, or None; either is None where
    the system cannot do it. `writes` has under MARKDOWN and HTML what takes the same as `read` and writes a page so; a
    system that has none there and answers is asked for it.
    """

    name: str
    read: Callable[[Path, str], tuple[str, str]]
    settings: dict[str, Any] = field(default_factory=dict)
    refuses: Callable[[str], str | None] = lambda language: None
    ask: Callable[[Path, Sequence[str]], list[str]] | None = None
    find: Callable[[Path, Sequence[str], str], Sequence[Sequence[float] | None]] | None = None
    writes: Mapping[str, Callable[[Path, str], tuple[str, str]]] = field(default_factory=dict)

    def lacks(self, wanted: str) -> str | None:
        """Why the system is not run where this is wanted, or None."""
        able = wanted == READ or wanted in self.writes or (self.find if wanted == FIND else self.ask) is not None
        return None if able else LACKS[wanted]


READER, WHOLE_PAGES, ONE_PROMPT, IN_ROWS = (
    "texthawk",
    "texthawk, whole pages",
    "texthawk, one prompt",
    "texthawk, in rows",
)


def reader_system(
    read: Callable[[str], "Document"],
    outline: Callable[["Page"], "Page"],
    model: str,
    settings: dict[str, Any],
    *,
    name: str = READER,
) -> System:
    """Texthawk: `read` and `outline` are the reader's own methods, `model` the name or folder that it was loaded from."""

    def written(write: Callable[["Document"], str]) -> Callable[[Path, str], tuple[str, str]]:
        def run(image: Path, language: str) -> tuple[str, str]:
            document = read(str(image))
            if document.errors:
                raise ValueError("; ".join(error.message for error in document.errors))
            reasons = [page.finish_reason for page in document.pages]
            return write(document), next((reason for reason in reasons if reason != "stop"), "stop")

        return run

    return System(
        name,
        written(lambda document: document.text),
        {"model": model, "sha256": folder_hash(model_folder(model)), **settings},
        writes={MARKDOWN: written(partial(as_markdown, outline=outline)), HTML: written(as_table)},
    )


def prompt_system(
    name: str, ask: Callable[[str, str], tuple[str, str]], question: str, model: str, settings: dict[str, Any]
) -> System:
    """Texthawk asked in its own words: with the whole picture in ONE_PROMPT as `generate` reads it, or IN_ROWS.

    ask: takes an image file and a question and gives what the model wrote and why it ended. question: what a page is read by.
    """

    def read(image: Path, language: str) -> tuple[str, str]:
        return ask(str(image), question)

    def answers(image: Path, questions: Sequence[str]) -> list[str]:
        return [ask(str(image), one)[0] for one in questions]

    recorded = {"model": model, "sha256": folder_hash(model_folder(model)), **settings}
    return System(name, read, recorded, ask=answers)


def folder_hash(folder: Path) -> str:
    """SHA-256 over the relative names and contents of all files of a folder."""
    total = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def tesseract_system(*, threads: int, dpi: int | None = None) -> System | None:
    """Tesseract with automatic page segmentation (--psm 3) and its default engine; None where it is not on PATH.

    Its text stands for Markdown without any mark.
    """
    program = shutil.which("tesseract")
    if program is None:
        return None
    version, *_ = _output([program, "--version"]).splitlines()
    installed = set(_output([program, "--list-langs"]).split())
    options = ["--psm", "3", *(["--dpi", str(dpi)] if dpi else [])]
    environment = os.environ | {"OMP_THREAD_LIMIT": str(threads)}

    def refuses(language: str) -> str | None:
        data = TESSERACT_LANGUAGES.get(language)
        if data is None:
            return f"no Tesseract language is known for {language!r}"
        missing = [name for name in data.split("+") if name not in installed]
        return f"Tesseract's data for {' and '.join(missing)} is not installed" if missing else None

    def output(image: Path, language: str, *form: str) -> str:
        command = [program, str(image), "stdout", "-l", TESSERACT_LANGUAGES[language], *options, *form]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=TESSERACT_SECONDS, check=False)
        if done.returncode:
            raise ValueError(done.stderr.decode(errors="replace").strip() or f"tesseract ended with {done.returncode}")
        return done.stdout.decode(errors="replace")

    def run(image: Path, language: str) -> tuple[str, str]:
        return output(image, language).strip(), "stop"

    def find(image: Path, phrases: Sequence[str], language: str) -> list[tuple[float, ...] | None]:
        lines = tesseract_lines(output(image, language, "tsv"))
        return [place_of(phrase, lines) for phrase in phrases]

    settings = {"version": version, "options": options, "OMP_THREAD_LIMIT": threads}
    return System("tesseract", run, settings, refuses, find=find, writes={MARKDOWN: run})


def tesseract_lines(tsv: str) -> list[list[PlacedWord]]:
    """The words of Tesseract's TSV by line, with boxes in parts of the page."""
    lines: dict[tuple[str, ...], list[PlacedWord]] = {}
    width = height = 1
    for row in tsv.splitlines()[1:]:
        level, *place, left, top, across, down, _, text = row.split("\t")
        x, y, w, h = int(left), int(top), int(across), int(down)
        if level == "1":
            width, height = w, h
        elif level == "5" and text.strip():
            box = (x / width, y / height, (x + w) / width, (y + h) / height)
            lines.setdefault(tuple(place[:4]), []).append((text, box))
    return list(lines.values())


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr
