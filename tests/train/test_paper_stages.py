"""Every stage of every paper runs: its model in small, its own learners, conversation, tiles and rates."""

from dataclasses import replace

import pytest
import torch
from transformers import SiglipVisionConfig

from tests.data.training import example
from tests.model import tiny
from texthawk.compress.resa import ReSAConfig
from texthawk.data.mixture_file import Listed
from texthawk.data.packing import PackLimits
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.tokens import extend_tokenizer
from texthawk.recipes import RECIPES
from texthawk.train.engine import OneProcess
from texthawk.train.parts import trained
from texthawk.train.schedule import PaperStage, Source
from texthawk.train.stage_model import StageModel
from texthawk.train.stage_plan import Settings
from texthawk.train.stage_run import StageRun

PAPERS = [name for name in RECIPES if RECIPES[name]().paper_stages]
LIKE_OTHERS = ("llava_uhd2_13b", "llava_uhd1", "llava_uhd1_13b")
"""Recipes whose stages differ from another's in numbers alone."""
STAGES = [
    pytest.param(name, number, marks=pytest.mark.slow if name in LIKE_OTHERS else ())
    for name in PAPERS
    for number in range(len(RECIPES[name]().paper_stages))
]


def small(recipe: str) -> TextHawkConfig:
    """The recipe's config with tiles of 64 px, few layers and narrow parts."""
    config = RECIPES[recipe]().model_config()
    vision = type(config.vision_config)(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=64,
        patch_size=4,
        **({"vision_use_head": False} if isinstance(config.vision_config, SiglipVisionConfig) else {}),
    )
    text = type(config.text_config)(
        vocab_size=1408,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=config.text_config.tie_word_embeddings,
    )
    ids = extend_tokenizer(tiny.processor().tokenizer, config.coordinate_bins, frame=config.frame_images)
    compressor, tiling = config.compressor_config, config.tiling_config
    if isinstance(compressor, ReSAConfig):
        compressor, tiling = replace(compressor, heads=2, intermediate=48), replace(tiling, tile=64)
    else:
        compressor, tiling = replace(compressor, grid=4, patch=4), replace(tiling, scale=64, patch=4)
    return TextHawkConfig(
        vision_config=vision,
        text_config=text,
        feature_layers=(1, 2, 3, 4) if len(config.feature_layers) == 4 else (3,),
        tiling=tiling,
        compressor=compressor,
        coordinate_bins=config.coordinate_bins,
        frame_images=config.frame_images,
        **ids,
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of small models, each made when it is first asked for."""
    made: dict[str, object] = {}

    def folder(recipe):
        if recipe not in made:
            made[recipe] = tmp_path_factory.mktemp(recipe)
            torch.manual_seed(0)
            config = small(recipe)
            TextHawkForConditionalGeneration(config).save_pretrained(made[recipe])
            tiny.processor(config).save_pretrained(made[recipe])
        return made[recipe]

    return folder


def sources(boxes: bool):
    examples = [example(number) for number in range(12)]
    if not boxes:
        examples = [replace(one, turns=one.turns[:1]) for one in examples]
    return [(Listed("made", tuple(examples)), 1.0)]


@pytest.mark.parametrize(("recipe", "number"), STAGES)
def test_a_stage_takes_a_step_in_which_what_it_names_moves_and_nothing_else(recipe, number, models, tmp_path):
    stage = RECIPES[recipe]().paper_stages[number]
    start = models(recipe)
    boxes = RECIPES[recipe]().model_config().coordinate_bins > 0
    run = StageRun(
        replace(stage, warmup=0.5),
        start,
        tmp_path,
        training=sources(boxes),
        held_out=[],
        settings=Settings(packs=1, tokens=1300, tiles=14, steps=2, evaluate_every=0),
        engine=OneProcess(),
    )
    assert run.train()
    before = TextHawkForConditionalGeneration.from_pretrained(start).state_dict()
    after = TextHawkForConditionalGeneration.from_pretrained(tmp_path / "model").state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    parts = {stage.learner(name) for name in moved}
    assert None not in parts and parts == set(stage.learners)


@pytest.mark.parametrize("recipe", PAPERS)
def test_stages_cut_pictures_into_no_more_tiles_than_they_state(recipe, models):
    for stage in RECIPES[recipe]().paper_stages:
        made = StageModel(models(recipe), stage, seed=0)
        layout = made.maker(PackLimits()).tiling.layout(4000, 3000)
        assert layout.rows * layout.columns <= stage.max_tiles
        assert stage.max_tiles < 2 or layout.rows * layout.columns > stage.max_tiles // 2
        assert made.tiling == made.model.config.tiling_config and trained(made.model)


def test_what_a_paper_counts_in_samples_and_epochs_becomes_packs_and_steps(models, tmp_path):
    examples = tuple(replace(example(number), turns=example(number).turns[:1]) for number in range(40))
    stage = PaperStage(
        "counted", RECIPES["texthawk2"]().paper_stages[1].learners, (Source("made"),), batch=16, max_tiles=4, epochs=3
    )
    run = StageRun(
        stage,
        models("texthawk2"),
        tmp_path,
        training=[(Listed("made", examples), 1.0)],
        held_out=[],
        settings=Settings(tokens=600, tiles=40),
        engine=OneProcess(),
    )
    packed = [sum(len(pack.numbers) for pack in step.packs) for step in run.loader().steps(end=4)]
    assert sum(packed) / len(packed) == pytest.approx(16, rel=0.3)
    assert run.steps * sum(packed) / len(packed) == pytest.approx(3 * 40, rel=0.3)


def test_questions_of_a_source_end_as_the_stage_says(models, tmp_path):
    stage = replace(RECIPES["llava_uhd2"]().paper_stages[1], epochs=1)
    asked = Listed("VQAv2", tuple(replace(example(n), turns=example(n).turns[:1]) for n in range(4)))
    other = Listed("other", asked.examples)
    run = StageRun(
        stage,
        models("llava_uhd2"),
        tmp_path,
        training=[(asked, 1.0), (other, 1.0)],
        held_out=[],
        settings=Settings(packs=1, steps=1),
        engine=OneProcess(),
    )
    for number in range(6):
        found, source = run.mixture.example(number), run.mixture.place(number).source
        ends = found.turns[0].question.endswith("\nAnswer the question using a single word or phrase.")
        assert ends == (run.mixture.sources[source].name == "VQAv2")
