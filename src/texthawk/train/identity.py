"""What a run was begun with, kept in its folder, so that nobody goes on with another seed, text or recipe unawares."""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from texthawk.data.factory.texts import Texts
from texthawk.data.synth import Corpus
from texthawk.decode.shipped import fingerprint

FILE = "run.json"
_WAYS_OUT = {
    "recipe": "name the recipe {old}",
    "seed": "give the seed {old}",
    "corpus": "give the text that it was begun with",
    "fonts": "install or name the fonts that it was begun with",
    "tokenizer": "put back the folder's tokenizer",
    "start": "begin from the same model, or from none if it began from none",
}


@dataclass(frozen=True)
class Identity:
    """What decides the batches and first weights of a run; all but the first two are fingerprints."""

    recipe: str
    seed: int
    corpus: str
    fonts: str
    tokenizer: str
    start: str | None

    @classmethod
    def of(
        cls,
        recipe: str,
        seed: int,
        *,
        corpus: Corpus,
        texts: Texts | None = None,
        fonts: Sequence[str],
        tokenizer: Any,
        start: Path | None,
    ) -> "Identity":
        """texts: what documents are printed from, where a stage reads any. fonts: font files in the order in which they are drawn
        from; their folders do not matter.
        """
        sizes = [(Path(font).name, Path(font).stat().st_size) for font in fonts]
        return cls(
            recipe,
            seed,
            corpus=_digest([corpus.paragraphs, texts.paragraphs] if texts else corpus.paragraphs),
            fonts=_digest(sizes),
            tokenizer=_digest(sorted(tokenizer.get_vocab().items())),
            start=None if start is None else fingerprint(start),
        )

    def claim(self, folder: Path) -> None:
        """Write down what a new run is begun with; raise ValueError where the folder's run was begun with something else.

        A folder with a run from before this was kept is taken as it is, with a warning.
        """
        place = folder / FILE
        old_run = any(folder.glob("*.pt")) or any(folder.glob("log-*.jsonl"))
        if not place.exists():
            if old_run:
                warnings.warn(
                    f"{folder} does not say what its run was begun with; it is taken to be recipe {self.recipe}, seed "
                    f"{self.seed}, and the text and fonts given now",
                    stacklevel=2,
                )
            self._write(place)
        hold_to(place, asdict(self), _WAYS_OUT)

    def _write(self, place: Path) -> None:
        write_first(place, asdict(self))


def write_first(place: Path, values: dict[str, Any]) -> None:
    """Write values down, whole or not at all, and whoever comes first: two processes may train in one folder."""
    with tempfile.TemporaryDirectory(dir=place.parent) as beside:
        fresh = Path(beside) / FILE
        fresh.write_text(json.dumps(values, indent=1) + "\n")
        try:
            os.link(fresh, place)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            os.replace(fresh, place)


def hold_to(place: Path, values: dict[str, Any], ways_out: dict[str, str]) -> None:
    """ValueError where the values written down differ from these; ways_out: what to do for each, `{old}` being the kept."""
    kept = _read(place)
    differing = [name for name, value in values.items() if kept.get(name) != value]
    if differing:
        told = ", ".join(f"{name} {kept.get(name)} there and {values[name]} here" for name in differing)
        ways = " and ".join(ways_out[name].format(old=kept.get(name)) for name in differing)
        raise ValueError(
            f"{place.parent} holds another run: {told}; to go on with it, {ways}; to begin another, choose a new folder"
        )


def _read(place: Path) -> dict[str, Any]:
    try:
        kept = json.loads(place.read_text())
    except ValueError as error:
        raise ValueError(f"{place} is damaged ({error}); delete it to take the folder's run as it is") from error
    if not isinstance(kept, dict):
        raise ValueError(f"{place} is damaged; delete it to take the folder's run as it is")
    return kept


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
