"""Text to print: any folder of text files becomes paragraphs in a fixed set of printable characters."""

import fnmatch
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ASCII = "".join(map(chr, range(32, 127)))
ACCENTED = "àáâãäåæçèéêëìíîïñòóôõöøœùúûüýÿßÀÁÂÃÄÅÆÇÈÉÊËÍÎÑÓÔÕÖØŒÙÚÛÜÝčČłŁšŠžŽ"
SIGNS = "“”‘’„–—…•·€£¥¢§©®™°±×÷½¼¾²³¹«»¿¡¶†µ"
CHARACTERS = ASCII + ACCENTED + SIGNS
"""Every character that a page can show."""

UNPRINTABLE = "\ufffd"
_KNOWN = set(CHARACTERS)
_CLOSEST = {
    "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u200e": "", "\u200f": "",
    "\u2010": "-", "\u2011": "-", "\u2012": "–", "\u2015": "—", "\u2212": "-", "\u2032": "'", "\u2033": '"', "\u00b4": "'",
    "\u201a": ",", "\u201b": "‘", "\u201f": "“", "\u2039": "‘", "\u203a": "’", "\u2022": "•", "\u2219": "·", "\u22c5": "·",
    "\u2044": "/", "\u2215": "/", "\u03bc": "µ", "\u00a8": '"', "\u02bc": "’", "\u2028": " ", "\u2029": " ",
}  # fmt: skip


class _Mapping(dict):
    """str.translate table that works out a character's closest printable form once."""

    def __missing__(self, code: int) -> str:
        self[code] = result = _closest(chr(code))
        return result


def _closest(character: str) -> str:
    if character in _KNOWN:
        return character
    if character in _CLOSEST:
        return _CLOSEST[character]
    if character.isspace():
        return " "
    plain = unicodedata.normalize("NFKC", character)
    if plain and all(c in _KNOWN for c in plain):
        return plain
    base = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return base if base and all(c in _KNOWN for c in base) else UNPRINTABLE


_MAPPING = _Mapping()


def normalise(text: str) -> str:
    """Map `text` to CHARACTERS with single spaces; a sentence that holds a character with no close form is dropped."""
    mapped = unicodedata.normalize("NFC", text).translate(_MAPPING)
    if UNPRINTABLE in mapped:
        sentences = re.split(r"(?<=[.!?])\s+", mapped)
        mapped = " ".join(sentence for sentence in sentences if UNPRINTABLE not in sentence)
    return " ".join(mapped.split())


def is_test(paragraph: str) -> bool:
    """Whether a paragraph belongs to the 5% kept for evaluation; depends on its normalised text alone."""
    return int.from_bytes(hashlib.blake2b(paragraph.encode(), digest_size=8).digest(), "big") % 20 == 0


@dataclass(frozen=True)
class Corpus:
    """Normalised paragraphs to print."""

    paragraphs: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.paragraphs:
            raise ValueError(
                "the corpus has 0 paragraphs; at least one is needed: give more text, or a wider pattern or split"
            )

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, split: str = "all") -> "Corpus":
        """A corpus of the given paragraphs, each normalised; `split` is "train", "test" or "all"."""
        if split not in ("train", "test", "all"):
            raise ValueError(f"split {split!r} is unknown; it must be 'train', 'test' or 'all'")
        unique = dict.fromkeys(normalise(text) for text in texts)
        kept = (p for p in unique if len(p) > 1 and (split == "all" or is_test(p) == (split == "test")))
        return cls(tuple(kept))

    @classmethod
    def from_folder(
        cls,
        path: str | os.PathLike[str],
        *,
        pattern: str = "*",
        split: str = "train",
        fields: Sequence[str] = ("text", "paragraphs"),
    ) -> "Corpus":
        """Paragraphs of the .txt, .md and .jsonl files under `path` whose name matches `pattern`, in the order of their names.

        Text files are cut at blank lines. A line of a .jsonl file gives the string, or the list of strings, of each of
        its `fields`.
        """
        folder = Path(path)
        files = [folder] if folder.is_file() else sorted(p for p in folder.rglob("*") if p.is_file())
        texts: list[str] = []
        for file in files:
            if fnmatch.fnmatch(file.name, pattern):
                texts.extend(_paragraphs(file, fields))
        if not texts:
            raise ValueError(
                f"no paragraphs found under {str(folder)!r} with pattern {pattern!r}; "
                "give a folder with .txt, .md or .jsonl files, or another pattern"
            )
        return cls.from_texts(texts, split=split)


def _paragraphs(file: Path, fields: Sequence[str]) -> Iterator[str]:
    if file.suffix in (".txt", ".md"):
        for block in re.split(r"\n\s*\n", file.read_text(encoding="utf-8", errors="replace")):
            yield block.lstrip("#>-* \n")
    elif file.suffix == ".jsonl":
        for text in texts_of_lines(file, fields):
            yield from text.split("\n\n")


def texts_of_lines(file: Path, fields: Sequence[str]) -> Iterator[str]:
    """The string, or each of a list of strings, in each of `fields` of every line of a .jsonl file, where it has them.

    ValueError names a line that is no JSON object, or has something else in such a field.
    """
    # Strings in JSON may hold characters that Python's splitlines would take for the end of a line.
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{file} line {number} is no JSON ({error}); mend it or leave it out") from error
        if not isinstance(record, dict):
            raise ValueError(f"{file} line {number} is no JSON object; write one with {' or '.join(fields)}")
        for field in fields:
            value = record.get(field) or ()
            texts = [value] if isinstance(value, str) else value
            if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
                raise ValueError(f"{file} line {number}: {field} is neither a string nor a list of strings; mend it")
            yield from texts
