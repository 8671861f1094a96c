"""A paper's stage says of every parameter of a model whether and how fast it learns."""

from dataclasses import replace

import pytest
import torch

from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes import RECIPES
from texthawk.recipes.llava_uhd2 import ABLATION_MIXTURE, ALIGNMENT, INSTRUCTION, MIXTURE
from texthawk.train.schedule import Learner, PaperStage, Source

PAPERS = [name for name in RECIPES if RECIPES[name]().paper_stages]


def names(recipe):
    with torch.device("meta"):
        model = TextHawkForConditionalGeneration(RECIPES[recipe]().model_config())
    return [name for name, _ in model.named_parameters()]


@pytest.fixture(scope="module")
def uhd2():
    return names("llava_uhd2")


def learning(stage, parameters):
    return {name for name in parameters if stage.learner(name)}


def test_alignment_trains_the_projector_and_nothing_else(uhd2):
    connector = {name for name in uhd2 if name.startswith("model.connector.") and ".pyramid." not in name}
    assert learning(ALIGNMENT, uhd2) == connector and "model.connector.attention.positions_KD" in connector


def test_instruction_trains_all_but_the_pyramids_stages_and_the_table_of_positions(uhd2):
    frozen = set(uhd2) - learning(INSTRUCTION, uhd2)
    stages = {name for name in uhd2 if ".pyramid.stages." in name}
    assert frozen == stages | {"model.connector.attention.positions_KD"} and len(stages) == 20
    assert {INSTRUCTION.learner(name).rate for name in learning(INSTRUCTION, uhd2)} == {2e-5}


def test_the_code_of_april_trains_the_positions_in_both_stages(uhd2):
    for recipe in ("llava_uhd2_13b", "llava_uhd2_qwen2"):
        first, second = RECIPES[recipe]().paper_stages
        for stage, rate in ((first, 2e-4), (second, 2e-5)):
            assert stage.learner("model.connector.attention.positions_KD").rate == rate
        assert (first.length, second.length) == (4096, 4096)


def test_the_ablations_baseline_learns_the_tower_and_version_one_does_not():
    tower = "model.vision_tower.model.embeddings.class_embedding"
    assert RECIPES["llava_uhd1"]().paper_stages[1].learner(tower).rate == 2e-5
    assert RECIPES["llava_uhd1_13b"]().paper_stages[1].learner(tower) is None


@pytest.mark.parametrize("recipe", PAPERS)
def test_every_parameter_belongs_to_a_part_and_every_learner_has_some(recipe):
    parameters = names(recipe)
    for stage in RECIPES[recipe]().paper_stages:
        found = {stage.learner(name) for name in parameters} - {None}
        assert found == set(stage.learners), stage.name


def test_the_papers_numbers():
    assert (ALIGNMENT.batch, ALIGNMENT.length, ALIGNMENT.epochs, ALIGNMENT.samples) == (256, 3072, 1, 558)
    assert (INSTRUCTION.batch, INSTRUCTION.length, INSTRUCTION.epochs, INSTRUCTION.samples) == (128, 4096, 1, 858)
    assert sum(source.thousands for source in ABLATION_MIXTURE) == 825 and len(MIXTURE) == 18
    assert (ALIGNMENT.max_tiles, INSTRUCTION.max_tiles, INSTRUCTION.resliced) == (0, 7, 0.1)
    for stage in (ALIGNMENT, INSTRUCTION):
        assert (stage.weight_decay, stage.betas, stage.warmup, stage.clip) == (0, (0.9, 0.999), 0.03, None)
    fixed, mixed, tuned = RECIPES["texthawk"]().paper_stages
    assert [stage.steps for stage in (fixed, mixed, tuned)] == [12_000, 12_000, None]
    assert mixed.learners[0].final == 5e-6 and tuned.max_tiles == 36
    assert all(stage.betas == (0.9, 0.95) and stage.weight_decay == 0.05 for stage in (fixed, mixed, tuned))
    pre, fine = RECIPES["texthawk2"]().paper_stages
    assert [(learner.part, learner.rank) for learner in pre.learners if learner.lora] == [
        ("tower", 16),
        ("language", 128),
    ]
    assert sum(source.share for source in pre.sources) == pytest.approx(1) and (pre.batch, pre.steps) == (384, 45_000)
    assert {learner.part: learner.rate for learner in fine.learners}["tower"] == 5e-5 and fine.max_tiles == 72


def test_the_rate_warms_up_and_falls_along_a_cosine_to_its_end():
    learner = Learner("connector", 1.0, 0.1)
    stage = replace(ALIGNMENT, learners=(learner,), warmup=0.1)
    rates = [stage.rate(learner, step, 100) for step in range(101)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[55] == pytest.approx(0.55) and rates[100] == pytest.approx(0.1)
    assert all(high >= low for high, low in zip(rates[9:], rates[10:], strict=False))


def test_a_late_learner_stands_still_in_the_first_half_of_the_warm_up():
    stage = RECIPES["texthawk2"]().paper_stages[0]
    tower, connector = stage.learners[0], stage.learners[1]
    warm = 1350
    assert stage.rate(tower, warm // 2 - 1, 45_000) == 0 < stage.rate(connector, 0, 45_000)
    assert stage.rate(tower, warm // 2, 45_000) == stage.rate(connector, warm // 2, 45_000) > 0


def test_a_stage_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="'tail' is unknown"):
        Learner("tail", 1e-3)
    with pytest.raises(ValueError, match="lora=True"):
        Learner("language", 1e-3, rank=8)
    with pytest.raises(ValueError, match="neither steps nor epochs"):
        PaperStage("endless", (), (Source("anything"),), 1, 1)
    with pytest.raises(ValueError, match="belongs to none"):
        ALIGNMENT.learner("somewhere.else.weight")
