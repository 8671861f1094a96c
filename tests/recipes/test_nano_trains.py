"""The recipe of the shipped model runs from its first stage to its last, each cut to two steps."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import texthawk
from texthawk.data.synth import Corpus, system_fonts
from texthawk.recipes.nano import nano_ask
from texthawk.train.run import Run

TEXT = Corpus.from_texts(
    [f"Paragraph {n} says this and that about the number {n}, and then it ends." for n in range(99)]
)
FONTS = system_fonts()


@pytest.mark.slow
@pytest.mark.skipif(not FONTS, reason="this machine has no text fonts")
def test_every_stage_goes_on_where_the_one_before_ended_and_the_model_reads(tmp_path: Path) -> None:
    whole = nano_ask()
    recipe = replace(
        whole, stages=tuple(replace(stage, steps=2, tiles=2, texts=2, text_tokens=32) for stage in whole.stages)
    )
    run = Run(recipe, tmp_path / "run", corpus=TEXT, fonts=FONTS)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.train(workers=0)
    for stage in recipe.stages:
        rows = [json.loads(line) for line in (tmp_path / "run" / f"log-{stage.name}.jsonl").read_text().splitlines()]
        assert rows[-1]["step"] == 1 and (tmp_path / "run" / f"{stage.name}.pt").exists()
    still = [name for name, value in run.model.state_dict().items() if value.equal(before[name])]
    assert not [name for name in still if name.endswith("weight") and "embed_tokens" not in name], still
    run.export(tmp_path / "model")
    page = texthawk.load(str(tmp_path / "model")).read(Image.new("RGB", (448, 224), "white")).pages[0]
    assert (page.text, page.finish_reason) == ("", "blank")
