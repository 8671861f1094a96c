"""Papers' stages in small, for tests: `python -m tests.train.paper MODEL SHARDS RUN` trains until it is done or killed."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from tests.data.training import write_shards
from tests.model import tiny
from texthawk.data.mixture_file import hold_out, read_data
from texthawk.recipes.texthawk2 import texthawk2
from texthawk.train.conversation import CHATML
from texthawk.train.paper_run import PaperRun
from texthawk.train.schedule import Learner
from texthawk.train.stage_plan import Settings

SETTINGS = Settings(seed=3, packs=2, tokens=320, tiles=14, evaluate_every=3, evaluate_packs=2, save_seconds=0.0)
"""Packs as in tests.data.training; every step is kept."""


def recipe(*, steps=4, rate=2e-3):
    """TextHawk2's two stages with ranks and steps for the tiny model; the second learns Qwen's frames of turns too."""
    first, second = texthawk2().paper_stages
    learners = tuple(
        replace(learner, rate=rate, rank=learner.rank and learner.rank // 16, late=False) for learner in first.learners
    )
    return replace(
        texthawk2(),
        paper_stages=(
            replace(first, learners=learners, steps=steps),
            replace(
                second,
                learners=tuple(Learner(learner.part, rate) for learner in second.learners),
                steps=steps,
                conversation=CHATML,
            ),
        ),
    )


def write_model(folder: Path) -> Path:
    made = tiny.config()
    tiny.model(made).save_pretrained(folder)
    tiny.processor(made).save_pretrained(folder)
    return folder


def run(model: Path, shards: Path, folder: Path, made=None, **changes) -> PaperRun:
    training, held_out = hold_out(read_data([shards / "a", shards / "b"]))
    return PaperRun(
        made or recipe(), model, folder, training=training, held_out=held_out, settings=replace(SETTINGS, **changes)
    )


def write_inputs(folder: Path) -> tuple[Path, Path]:
    """A model and shards to train it on."""
    write_shards(folder / "shards")
    return write_model(folder / "model"), folder / "shards"


if __name__ == "__main__":
    torch.set_num_threads(1)
    run(*map(Path, sys.argv[1:4])).train()
