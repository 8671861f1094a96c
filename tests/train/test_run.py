"""A run is a function of recipe, seed and text: killed or not, with one worker or none, the numbers are the same."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from texthawk.cli import main
from texthawk.data.synth import Corpus, PageMaker, PageStyle, SynthPage, system_fonts
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes import RECIPES
from texthawk.recipes.tiny import tiny
from texthawk.train.beginning import tell_marks_apart
from texthawk.train.recipe import Recipe
from texthawk.train.run import Run
from texthawk.train.run_log import rows_of
from texthawk.train.stage import Grid, Losses, Stage
from texthawk.train.step import losses_of

TEXT = Corpus.from_texts(
    [
        "A page of text is cut into tiles, and each of the tiles becomes sixteen tokens.",
        "Rain fell on the harbour; seven boats (two of them red) came in at 4:35 p.m.",
        "Invoice 2041: three chairs at 59.90 each, one table at 240.00, due on 1 March.",
    ]
)

pytestmark = pytest.mark.usefixtures("one_thread")


def recipe(steps: int = 6, **changes: object) -> Recipe:
    stage = replace(
        tiny().stages[0],
        steps=steps,
        losses=Losses(
            language=1.0, box=0.5, glyph_patch=0.3, glyph_query=0.3, glyph_token=0.3, guide=0.3, place=0.5, spell=0.5
        ),
        tasks={"text": 0.5, "boxes": 0.5},
        tiles=4,
        **changes,
    )
    return replace(tiny(), stages=(stage,), guided_layers=(0, 1))


def losses(folder: Path) -> list[tuple[int, float]]:
    rows = [json.loads(line) for line in (folder / "log-pages.jsonl").read_text().splitlines()]
    return [(row["step"], row["loss"]) for row in rows]


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def test_a_run_that_was_stopped_and_continued_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = Run(recipe(), tmp_path / "whole", corpus=TEXT)
    whole.train(workers=0)
    for _ in range(6):  # each call gets no time at all: it makes one step, saves and stops
        parts = Run(recipe(), tmp_path / "parts", corpus=TEXT)
        parts.train(workers=0, minutes=1e-9)
    parts = Run(recipe(), tmp_path / "parts", corpus=TEXT)
    parts.train(workers=0)
    expected = weights(whole)
    for name, value in weights(parts).items():
        assert torch.equal(value, expected[name]), name


@pytest.mark.slow
def test_a_stage_that_is_a_mean_ends_between_an_earlier_one_and_where_it_went(tmp_path: Path) -> None:
    made = recipe()
    last = made.stages[-1]
    before = replace(last, name="before", learning_rate=0.0)
    went = Run(replace(made, stages=(*made.stages[:-1], before, last)), tmp_path / "went", corpus=TEXT)
    went.train(workers=0)
    mean = Run(
        replace(made, stages=(*made.stages[:-1], before, replace(last, mean_with="before"))),
        tmp_path / "mean",
        corpus=TEXT,
    )
    mean.train(workers=0)
    kept = {name: torch.load(tmp_path / name / "before.pt")["parts"] for name in ("went", "mean")}
    reached = torch.load(tmp_path / "went" / f"{last.name}.pt")["parts"]
    halfway = torch.load(tmp_path / "mean" / f"{last.name}.pt")["parts"]
    moved = 0
    for part, modules in halfway.items():
        for number, state in enumerate(modules):
            for key, value in state.items():
                start, end = kept["mean"][part][number][key], reached[part][number][key]
                assert torch.equal(start, kept["went"][part][number][key])
                torch.testing.assert_close(value, (start + end) / 2)
                moved += not torch.equal(start, end)
    assert moved
    for name, value in mean.model.state_dict().items():
        assert torch.isfinite(value).all(), name
    stored = halfway["language"][0]["layers.0.mlp.up_proj.weight"]
    assert torch.equal(mean.model.model.language_model.state_dict()["layers.0.mlp.up_proj.weight"], stored)


def test_batches_are_the_same_in_any_order_and_from_any_process(tmp_path: Path) -> None:
    run = Run(recipe(), tmp_path, corpus=TEXT)
    other = Run(recipe(), tmp_path, corpus=TEXT)
    stage = run.recipe.stages[0]
    backwards = {step: other.maker.batch(stage, 0, step) for step in reversed(range(6))}
    for step, loaded in enumerate(run._batches(0, stage, 0, workers=2)):
        for field in fields(loaded):
            mine, theirs = getattr(loaded, field.name), getattr(backwards[step], field.name)
            if isinstance(mine, torch.Tensor):
                assert torch.equal(torch.nan_to_num(mine), torch.nan_to_num(theirs)), (step, field.name)
            else:
                assert mine == theirs, (step, field.name)


class EndlesslyEnding(PageMaker):
    """Has no page, and says so in the way that a loader mistakes for its own end."""

    def draw(self, index: int, style: PageStyle) -> SynthPage:
        return next(iter(()))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_page_that_cannot_be_made_does_not_pass_for_the_end_of_its_stage(workers: int, tmp_path: Path) -> None:
    run = Run(recipe(), tmp_path, corpus=TEXT)
    run.maker.maker = EndlesslyEnding(TEXT, system_fonts(), seed=1)
    with pytest.raises(RuntimeError, match="batch of step 0 of stage pages cannot be made"):
        run.train(workers=workers)
    assert not (tmp_path / "pages.pt").exists()


def test_every_loss_trains_and_a_frozen_part_stays_as_it_was(tmp_path: Path) -> None:
    run = Run(recipe(steps=2, parts={"connector": 1.0, "language": 1.0}), tmp_path, corpus=TEXT)
    before = weights(run)
    run.train(workers=0)
    changed = {name for name, value in weights(run).items() if not torch.equal(value, before[name])}
    assert not any("vision_tower" in name for name in changed)
    assert any("connector" in name for name in changed) and any("language_model" in name for name in changed)
    row = json.loads((tmp_path / "log-pages.jsonl").read_text().splitlines()[-1])
    assert {"language", "box", "glyph_patch", "glyph_query", "glyph_token", "guide", "place", "spell"} <= set(row)


def test_the_guide_marks_the_tokens_that_show_each_word(tmp_path: Path) -> None:
    run = Run(recipe(), tmp_path, corpus=TEXT)
    stage = replace(run.recipe.stages[0], tasks={"text": 1.0})
    batch = run.maker.batch(stage, 0, 0)
    assert batch.guide is not None
    tokenizer = run.processor.tokenizer
    for b in range(len(batch.input_ids)):
        for i in range(batch.input_ids.shape[1]):
            printed = batch.labels[b, i] >= 0 and tokenizer.decode(batch.input_ids[b, i : i + 1]).strip() != ""
            special = batch.input_ids[b, i] in tokenizer.all_special_ids
            assert bool(batch.guide[b, i].any()) == bool(printed and not special)


def test_a_batch_of_blank_pages_has_a_finite_loss(tmp_path: Path) -> None:
    run = Run(recipe(), tmp_path, corpus=TEXT)
    stage = run.recipe.stages[0]
    batch = run.maker.batch(stage, 0, 0)
    assert batch.guide is not None and batch.places is not None
    batch.guide.zero_()
    batch.places.fill_(torch.nan)
    loss, seen = losses_of(run.model, run.supervision, batch, stage.losses)
    assert torch.isfinite(loss) and "guide" not in seen and "place" not in seen


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_batch(tmp_path: Path) -> None:
    run = Run(recipe(), tmp_path, corpus=TEXT)
    with torch.no_grad():
        run.model.lm_head.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="bad-batch"):
        run.train(workers=0)
    assert (tmp_path / "bad-batch.pt").exists()


def test_a_gradient_that_is_not_finite_stops_the_run_before_the_weights_take_it(tmp_path: Path) -> None:
    run = Run(recipe(), tmp_path, corpus=TEXT)
    before = weights(run)
    run.model.lm_head.weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(ValueError, match=r"step 0 of stage pages.*norm nan.*bad-batch"):
        run.train(workers=0)
    assert all(value.equal(before[name]) for name, value in weights(run).items())
    assert len(torch.load(tmp_path / "bad-batch.pt", weights_only=False).input_ids)


def test_a_log_and_checkpoints_that_were_cut_short_are_gone_on_from_or_named(tmp_path: Path) -> None:
    Run(recipe(), tmp_path, corpus=TEXT).train(workers=0, minutes=1e-9)
    with (tmp_path / "log-pages.jsonl").open("a") as log:
        log.write('{"stage": "pages", "st')
    run = Run(recipe(), tmp_path, corpus=TEXT)
    run.train(workers=0)
    assert [step for step, _ in losses(tmp_path)] == [0, 5]
    whole = (tmp_path / "pages.pt").read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (whole[:1000], b"nothing of the kind", flipped):
        (tmp_path / "pages.pt").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"pages\.pt is damaged"):
            Run(recipe(), tmp_path, corpus=TEXT).train(workers=0)
    (tmp_path / "pages.pt").unlink()
    torch.save({"parts": {}}, tmp_path / "progress-pages.pt")
    with pytest.raises(ValueError, match=r"progress-pages\.pt is damaged.*no optimiser"):
        Run(recipe(), tmp_path, corpus=TEXT).train(workers=0)


def test_a_log_with_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    for bad in ('{"step"', "[1]", '{"loss": 1}', ""):
        file.write_text(f'{{"step": 0}}\n{bad}\n{{"step": 1}}\n')
        with pytest.raises(ValueError, match=r"log\.jsonl: line 2 is no row.*delete"):
            rows_of(file)
    file.write_text('{"step": 0}\n{"st')
    assert rows_of(file) == [{"step": 0}]


def test_tensorboard_holds_what_the_log_holds(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="pip install 'texthawk[tensorboard]' to try it")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Run(recipe(steps=1), tmp_path, corpus=TEXT, tensorboard=True).train(workers=0)
    board = EventAccumulator(str(tmp_path / "tensorboard" / "pages")).Reload()
    assert [(one.step, one.value) for one in board.Scalars("loss")] == [
        (step, pytest.approx(loss)) for step, loss in losses(tmp_path)
    ]


def test_exported_weights_give_what_was_trained(tmp_path: Path) -> None:
    run = Run(recipe(steps=1), tmp_path / "run", corpus=TEXT)
    run.train(workers=0)
    run.export(tmp_path / "model")
    from texthawk.model.modeling import TextHawkForConditionalGeneration

    loaded = TextHawkForConditionalGeneration.from_pretrained(tmp_path / "model", dtype=torch.bfloat16)
    for name, value in run.model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.to(torch.bfloat16)), name
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in (tmp_path / "model").iterdir())


def test_a_run_can_begin_from_a_saved_model(tmp_path: Path) -> None:
    first = Run(recipe(steps=1), tmp_path / "first", corpus=TEXT)
    first.train(workers=0)
    first.export(tmp_path / "model")
    second = Run(recipe(steps=1), tmp_path / "second", corpus=TEXT, seed=2, start=tmp_path / "model")
    for name, value in second.model.state_dict().items():
        assert torch.equal(value, first.model.state_dict()[name].to(torch.bfloat16).float()), name
    assert second.processor.tokenizer.get_vocab() == first.processor.tokenizer.get_vocab()


def test_the_learning_rate_warms_up_and_falls_to_its_end() -> None:
    stage = Stage("s", 100, Losses(language=1.0), {"language": 1.0}, (Grid(1, 1),), learning_rate=1.0, final=0.1)
    rates = [stage.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 3) and max(rates) == pytest.approx(1.0, abs=1e-3)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert all(a >= b for a, b in zip(rates[3:], rates[4:], strict=False))


def test_a_folder_takes_no_other_seed_text_or_recipe(tmp_path: Path) -> None:
    Run(recipe(), tmp_path, corpus=TEXT)
    Run(recipe(steps=9), tmp_path, corpus=TEXT)  # stages may change, what decides their batches may not
    for changed, told in (
        ({"seed": 2}, "seed 1 there and 2 here.*give the seed 1"),
        ({"corpus": Corpus.from_texts(["Another text altogether, and no other."])}, "corpus .*give the text"),
        ({"fonts": system_fonts()[:5]}, "fonts .* there"),
    ):
        with pytest.raises(ValueError, match=f"holds another run: {told}.*choose a new folder"):
            Run(recipe(), tmp_path, **{"corpus": TEXT, **changed})
    with pytest.raises(ValueError, match="name the recipe tiny"):
        Run(replace(recipe(), name="other"), tmp_path, corpus=TEXT)


def test_an_old_folder_is_taken_with_a_warning_and_from_then_on_held_to(tmp_path: Path) -> None:
    Run(recipe(steps=1), tmp_path, corpus=TEXT).train(workers=0)
    (tmp_path / "run.json").unlink()
    with pytest.warns(UserWarning, match="does not say what its run was begun with.* seed 1"):
        Run(recipe(steps=1), tmp_path, corpus=TEXT)
    with pytest.raises(ValueError, match="seed"):
        Run(recipe(steps=1), tmp_path, corpus=TEXT, seed=3)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"run.json is damaged .*delete it"):
        Run(recipe(steps=1), tmp_path, corpus=TEXT)


def staged(*stages: tuple[str, set[str]]) -> Recipe:
    base = replace(recipe(steps=1).stages[0], losses=Losses(language=1.0), tasks={"text": 1.0})
    made = tuple(replace(base, name=name, parts=dict.fromkeys(parts, 1.0)) for name, parts in stages)
    return replace(recipe(), stages=made)


def test_a_stage_alone_asks_for_the_stages_whose_parts_it_goes_on_with(tmp_path: Path) -> None:
    three = staged(("see", {"connector"}), ("speak", {"language"}), ("read", {"connector", "language"}))
    with pytest.raises(ValueError, match="stage read goes on with parts that see, speak should have trained"):
        Run(three, tmp_path, corpus=TEXT).train({"read"}, workers=0)
    Run(three, tmp_path, corpus=TEXT).train({"speak"}, workers=0)  # trains nothing that see does
    with pytest.raises(ValueError, match="that see should have trained"):
        Run(three, tmp_path, corpus=TEXT).train({"read"}, workers=0)
    Run(three, tmp_path, corpus=TEXT).train({"see", "read"}, workers=0)
    assert all((tmp_path / f"{name}.pt").exists() for name in ("see", "speak", "read"))


def test_a_stage_that_names_what_phrases_mean_asks_for_the_one_that_learns_to_tell_things(tmp_path: Path) -> None:
    made = staged(("see", {"connector"}), ("match", {"language"}))
    see, match = made.stages
    made = replace(
        made, stages=(replace(see, losses=Losses(thing=1.0)), replace(match, losses=Losses(language=1.0, named=1.0)))
    )
    with pytest.raises(ValueError, match="stage match goes on with parts that see should have trained"):
        Run(made, tmp_path, corpus=TEXT).train({"match"}, workers=0)


def test_a_model_of_another_shape_is_refused_as_a_start(tmp_path: Path) -> None:
    Run(recipe(steps=1), tmp_path / "run", corpus=TEXT).export(tmp_path / "model")
    wide = replace(recipe(), model_config=lambda: _wider(tiny().model_config()))
    with pytest.raises(ValueError, match=r"model of another shape than tiny trains"):
        Run(wide, tmp_path / "other", corpus=TEXT, start=tmp_path / "model")
    assert not (tmp_path / "other").exists()
    Run(
        recipe(), tmp_path / "other", corpus=TEXT, start=tmp_path / "model"
    )  # the folder was not taken by what was refused


def test_only_a_recipe_of_answers_learns_through_their_rounding(tmp_path: Path) -> None:
    made = recipe()
    rounded = replace(made, stages=tuple(replace(stage, rounded=True) for stage in made.stages))
    with pytest.raises(
        ValueError, match="stage pages learns through the rounding of answers, and tiny is no recipe of"
    ):
        Run(rounded, tmp_path / "run", corpus=TEXT)


@pytest.mark.parametrize(
    ("option", "said"),
    [("--fonts", "is no folder"), ("--out", "is a file"), ("--fonts empty", "holds no font")],
)
def test_what_the_command_is_given_wrongly_is_named_before_anything_runs(option, said, tmp_path, capsys) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "en.txt").write_text("\n\n".join(TEXT.paragraphs))
    (tmp_path / "file").write_text("a file")
    (tmp_path / "empty").mkdir()
    name, _, place = option.partition(" ")
    given = {"--text": "texts", "--out": "run"} | {name: place or "file"}
    try:
        status = main(
            ["train", "tiny", *(part for key, value in given.items() for part in (key, str(tmp_path / value)))]
        )
    except SystemExit as stopped:
        status = stopped.code
    printed = capsys.readouterr().err
    assert status == 2 and said in printed and str(tmp_path / given[name]) in printed
    assert not (tmp_path / "run").exists()


def _wider(config: TextHawkConfig) -> TextHawkConfig:
    config.text_config.intermediate_size *= 2
    return config


def test_a_stage_that_the_recipe_has_not_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no stage raed; it has pages"):
        Run(recipe(), tmp_path, corpus=TEXT).train({"raed"}, workers=0)


def test_marks_that_lay_beside_each_other_are_told_apart_and_nothing_else_changes() -> None:
    torch.manual_seed(0)
    model = TextHawkForConditionalGeneration(RECIPES["nano"]().model_config())
    start, bins = model.config.coordinate_token_start, model.config.coordinate_bins
    weight = model.get_input_embeddings().weight
    with torch.no_grad():
        weight[start : start + bins] = torch.ones(weight.shape[1]) + 0.1 * torch.randn(bins, weight.shape[1])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tell_marks_apart(model)
    marks = nn.functional.normalize(weight[start : start + bins].detach(), dim=1)
    beside = (marks[1:] * marks[:-1]).sum(1)
    assert 0.1 < beside.mean() < 0.4 and beside.max() < 0.6
    drawn = slice(start, start + bins)
    for name, value in model.state_dict().items():
        if name in ("lm_head.weight", "model.language_model.embed_tokens.weight"):
            value, before[name] = value.clone(), before[name].clone()
            value[drawn], before[name][drawn] = 0, 0
        assert value.equal(before[name])
