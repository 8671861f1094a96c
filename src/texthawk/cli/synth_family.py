"""texthawk synth --family: documents with everything that can be asked about them, as a folder or as shards."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from texthawk.data.example import Example
from texthawk.data.factory.asking import turns
from texthawk.data.factory.contact import contact_sheet
from texthawk.data.factory.factory import TURN_SALT, Factory
from texthawk.data.factory.families import FAMILIES
from texthawk.data.factory.texts import Texts
from texthawk.data.shards import EXTENSIONS, ShardWriter, to_json
from texthawk.data.synth.dice import Dice
from texthawk.image.pictures import format_of

ON_A_SHEET = 3
"""Documents on a contact sheet."""
SHEETS = 16


def write_documents(arguments: argparse.Namespace, fonts: list[str]) -> int:
    """0; ValueError for what cannot be made."""
    if arguments.family != "all" and arguments.family not in FAMILIES:
        raise ValueError(f"family {arguments.family!r} is unknown; there are: all, {', '.join(FAMILIES)}")
    texts = Texts.from_folder(arguments.text, split=arguments.split)
    languages = [lang for lang in arguments.lang if lang != "mixed"]
    levels = [0.4, 0.3, 0.2, 0.1] if arguments.level is None else [float(n == arguments.level) for n in range(4)]
    factory = Factory(
        texts.only(languages) if languages and "mixed" not in arguments.lang else texts,
        fonts,
        seed=arguments.seed,
        languages=dict.fromkeys(arguments.lang, 1.0) or None,
        families=None if arguments.family == "all" else {arguments.family: 1.0},
        damage=levels,
        height=arguments.height,
    )
    examples = (factory.example(index) for index in range(arguments.count))
    if arguments.shards:
        with ShardWriter(arguments.out) as writer:
            for example in examples:
                writer.write(example)
    else:
        _write_folder(examples, arguments.out, "test" if arguments.split == "test" else "train")
    if arguments.show:
        _show(factory, arguments.count, arguments.out)
    print(f"{arguments.count} documents in {arguments.out}", file=sys.stderr)
    return 0


def _write_folder(examples: Iterator[Example], folder: Path, split: str) -> None:
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as file:
        for number, example in enumerate(examples):
            content = example.encoded()
            reader = format_of(content[:16])
            assert reader is not None
            name = f"{number:07}.{EXTENSIONS[str(reader.format)]}"
            (images / name).write_bytes(content)
            file.write(json.dumps({"image": f"images/{name}", **to_json(example)}, ensure_ascii=False) + "\n")


def _show(factory: Factory, count: int, folder: Path) -> None:
    style = factory.fonts.style(Dice(0), "mixed" if len(factory.texts.languages) > 1 else factory.texts.languages[0])
    for sheet, first in enumerate(range(0, min(count, SHEETS * ON_A_SHEET), ON_A_SHEET)):
        shown = []
        for index in range(first, min(count, first + ON_A_SHEET)):
            document = factory.document(index)
            shown.append((document, turns(document, Dice(TURN_SALT, factory.seed, index), factory.tasks)))
        contact_sheet(shown, style).save(folder / f"contact-{sheet:02}.png")
