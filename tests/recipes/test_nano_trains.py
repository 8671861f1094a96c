"""The recipes of the shipped model run from their first stage to the last, each cut to two steps."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

import texthawk
from tests.data.factory.orders import CHINESE_TEXTS, ENGLISH_TEXTS, texts_and_fonts
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import Corpus, system_fonts
from texthawk.decode.asked import tasks_of
from texthawk.decode.outline import ROLES
from texthawk.model.answering import FILE
from texthawk.recipes.nano import (
    nano,
    nano_answers,
    nano_answers_further,
    nano_chinese,
    nano_further,
    nano_outline,
    nano_pointing,
)
from texthawk.train.beginning import MARKS
from texthawk.train.recipe import Recipe
from texthawk.train.run import Run
from texthawk.types import Box, Line, Page

TEXT = Corpus.from_texts(
    [f"Paragraph {n} says this and that about the number {n}, and then it ends." for n in range(99)]
)
FONTS = system_fonts()


def cut(whole: Recipe) -> Recipe:
    return replace(
        whole, stages=tuple(replace(stage, steps=2, tiles=2, texts=2, text_tokens=32) for stage in whole.stages)
    )


@pytest.mark.slow
@pytest.mark.skipif(not FONTS, reason="this machine has no text fonts")
def test_every_stage_goes_on_where_the_one_before_ended_and_the_model_reads(tmp_path: Path) -> None:
    recipe = cut(nano())
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
    answers = Run(cut(nano_answers()), tmp_path / "answers", corpus=TEXT, fonts=FONTS, start=tmp_path / "model")
    answers.train(workers=0)
    answers.export(tmp_path / "whole")
    reader = texthawk.load(str(tmp_path / "whole"))
    assert reader.answers is not None and {file.name for file in (tmp_path / "whole").iterdir()} == {
        FILE,
        *(file.name for file in (tmp_path / "model").iterdir()),
    }
    for name, value in texthawk.load(str(tmp_path / "model")).model.state_dict().items():
        assert value.equal(reader.model.state_dict()[name])
    trained = answers.model.model.language_model.layers[0].mlp.up_proj.weight
    kept = reader.answers.model.model.language_model.layers[0].mlp.up_proj.weight
    read = reader.model.model.language_model.layers[0].mlp.up_proj.weight
    assert (kept - trained).norm() < 0.2 * (read - trained).norm()
    further = Run(cut(nano_answers()), tmp_path / "further", corpus=TEXT, fonts=FONTS, start=tmp_path / "whole")
    assert further.model.model.language_model.layers[0].mlp.up_proj.weight.equal(kept)


@pytest.mark.slow
def test_chinese_goes_on_from_english_and_keeps_a_share_of_its_weights(tmp_path: Path) -> None:
    texts_and_fonts("zh")  # skips where no font prints Chinese
    texts = Texts({"zh": CHINESE_TEXTS, "en": ENGLISH_TEXTS})
    start = tmp_path / "english"
    Run(cut(nano()), tmp_path / "run", corpus=TEXT, fonts=FONTS).export(start)
    run = Run(cut(nano_chinese()), tmp_path / "chinese", corpus=TEXT, texts=texts, fonts=FONTS, start=start)
    run.train(workers=0)
    assert (tmp_path / "chinese" / "hanzi.pt").exists() and (tmp_path / "chinese" / "chinese.pt").exists()
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / FILE).write_bytes(b"answers of another model")
    run.export(tmp_path / "both")
    assert not (tmp_path / "both" / FILE).exists()
    before, made = (texthawk.load(str(folder)).model.state_dict() for folder in (start, tmp_path / "both"))
    for name, trained in run.model.state_dict().items():
        wanted = 0.9 * trained.float() + 0.1 * before[name].float()
        assert torch.allclose(made[name].float(), wanted, rtol=0.01, atol=1e-6), name
    further = Run(
        cut(nano_further()), tmp_path / "further", corpus=TEXT, texts=texts, fonts=FONTS, start=tmp_path / "both"
    )
    with pytest.raises(ValueError, match="stage more goes on with parts that heads, tokens should have trained"):
        further.train(workers=0, only={"more"})
    heads = {name: value.clone() for name, value in further.supervision.state_dict().items()}
    further.train(workers=0, only={"heads"})
    assert any(not torch.equal(value, heads[name]) for name, value in further.supervision.state_dict().items())
    same, begun = further.model.state_dict(), texthawk.load(str(tmp_path / "both")).model.state_dict()
    assert all(torch.equal(same[name], begun[name]) for name in begun)  # only what training alone has has moved
    further.train(workers=0)
    assert not torch.equal(further.model.lm_head.weight, begun["lm_head.weight"])
    further.export(tmp_path / "mean")
    mean = texthawk.load(str(tmp_path / "mean")).model.state_dict()["lm_head.weight"].float()
    keep = nano_further().keep
    wanted = (1 - keep) * further.model.lm_head.weight + keep * begun["lm_head.weight"].float()
    assert torch.allclose(mean, wanted, rtol=0.01, atol=1e-6)
    with pytest.raises(ValueError, match=r"nano_chinese prints documents by language.*\(texts\)"):
        Run(nano_chinese(), tmp_path / "none", corpus=TEXT, fonts=FONTS, start=start)
    first = Run(cut(nano_answers()), tmp_path / "first", corpus=TEXT, fonts=FONTS, start=tmp_path / "mean")
    first.train(workers=0)
    first.export(tmp_path / "asks")
    asked = Run(
        cut(nano_answers_further()), tmp_path / "asked", corpus=TEXT, texts=texts, fonts=FONTS, start=tmp_path / "asks"
    )
    asked.train(workers=0)
    asked.export(tmp_path / "answers")
    answering = texthawk.load(str(tmp_path / "answers"))
    assert answering.answers is not None and "markdown" not in tasks_of(answering)
    outlined = Run(
        cut(nano_outline()), tmp_path / "outlined", corpus=TEXT, texts=texts, fonts=FONTS, start=tmp_path / "answers"
    )
    outlined.train(workers=0)
    outlined.export(tmp_path / "tells")
    told = texthawk.load(str(tmp_path / "tells"))
    assert tasks_of(told) == ["text", "ask_text", "markdown"]
    lines = tuple(Line(text, Box(9, top, 99, top + 10)) for text, top in (("One", 9), ("Two", 30)))
    assert all(line.role in ROLES.values() for line in told.outlined(Page(1, 200, 99, "", lines)).lines)
    assert not any(line.role for line in answering.outlined(Page(1, 200, 99, "", lines)).lines)
    pointing = Run(
        cut(nano_pointing()), tmp_path / "pointing", corpus=TEXT, texts=texts, fonts=FONTS, start=tmp_path / "tells"
    )
    bins = pointing.model.config.coordinate_token_start
    kept, marks = (model.model.language_model.embed_tokens.weight[bins:] for model in (told.model, told.answers.model))
    places = pointing.model.model.language_model.embed_tokens.weight[bins:]
    assert places[:MARKS].equal(marks[:MARKS]) and places[MARKS:1000].equal(kept[MARKS:1000])
    pointing.train(workers=0)
    pointing.export(tmp_path / "points")
    points = texthawk.load(str(tmp_path / "points"))
    assert tasks_of(points) == ["text", "ask_text", "markdown", "find"]
    project = points.answers.model.model.connector.project.weight
    assert not project.equal(points.model.model.connector.project.weight)
    assert points.model.model.connector.project.weight.equal(told.model.model.connector.project.weight)
    points.places(Image.new("RGB", (90, 60), "red"), "it", by="model")  # it has learned nothing, and can be asked
    with pytest.raises(ValueError, match=r"nano_outline goes on from a model that answers already.*has no answers"):
        Run(cut(nano_outline()), tmp_path / "mute", corpus=TEXT, texts=texts, fonts=FONTS, start=start)
    assert not (tmp_path / "mute").exists()
    begun = Run(
        cut(nano_pointing()), tmp_path / "begun", corpus=TEXT, texts=texts, fonts=FONTS, start=tmp_path / "tells"
    )
    begun.train({"point"}, workers=0, minutes=1e-9)
    begun.export(tmp_path / "half")
    assert tasks_of(texthawk.load(str(tmp_path / "half"))) == ["text", "ask_text"]  # no stage is done that taught more
    with pytest.raises(ValueError, match=r"nano_answers_further prints documents by language.*\(texts\)"):
        Run(nano_answers_further(), tmp_path / "none", corpus=TEXT, fonts=FONTS, start=start)
    with pytest.raises(ValueError, match="no texts in 'zh'"):
        Run(
            nano_answers_further(),
            tmp_path / "nowhere",
            corpus=TEXT,
            texts=Texts({"en": ENGLISH_TEXTS}),
            fonts=FONTS,
            start=start,
        )
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_to_begin_from_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere.*config\.json cannot be read"):
        Run(nano_answers(), tmp_path / "run", corpus=TEXT, fonts=FONTS, start=tmp_path / "nowhere")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "recipe",
    [nano_chinese(), nano_further(), nano_answers(), nano_answers_further(), nano_outline(), nano_pointing()],
    ids=lambda recipe: recipe.name,
)
def test_what_goes_further_is_begun_from_a_model_that_reads(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{recipe.name} goes on from a model that reads already.*--start"):
        Run(recipe, tmp_path, corpus=TEXT, fonts=FONTS)
