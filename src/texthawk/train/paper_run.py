"""The stages of a paper, one after another, in the folder of a run; each has a folder of its own there (`StageRun`)."""

import math
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from texthawk.data.mixture_file import Weighted
from texthawk.train.engine import Engine, OneProcess
from texthawk.train.recipe import Recipe
from texthawk.train.schedule import PaperStage
from texthawk.train.stage_plan import Settings
from texthawk.train.stage_run import StageRun


class PaperRun:
    """A recipe's `paper_stages` trained from the model in `start`, on (source, weight) pairs.

    A stage goes on from the last stage before it that the run has finished, or from `start`: LoRA is merged between them.
    held_out: looked at while training, and never learned from. `left_out`: of each stage that `train` ran, why records were
    left out. ValueError for a recipe without such stages.
    """

    def __init__(
        self,
        recipe: Recipe,
        start: Path,
        folder: Path,
        *,
        training: Weighted,
        held_out: Weighted = (),  # type: ignore[assignment]
        settings: Settings | None = None,
        engine: Engine | None = None,
    ) -> None:
        if not recipe.paper_stages:
            raise ValueError(f"recipe {recipe.name!r} states no paper's stages; choose texthawk2, for example")
        self.recipe, self.start, self.folder = recipe, start, folder
        self.training, self.held_out = training, list(held_out)
        self.settings, self.engine = settings or Settings(), engine or OneProcess()
        self.left_out: list[str] = []

    def train(self, only: Collection[str] = (), *, minutes: float | None = None) -> bool:
        """Run the stages, or those named in `only`, that are not done; False where it stopped after `minutes`."""
        deadline = time.monotonic() + 60 * minutes if minutes else math.inf
        names = [stage.name for stage in self.recipe.paper_stages]
        unknown = sorted(set(only) - set(names))
        if unknown:
            raise ValueError(f"recipe {self.recipe.name} has no stage {', '.join(unknown)}; it has {', '.join(names)}")
        for stage in self.recipe.paper_stages:
            if self.model_of(stage).exists() or (only and stage.name not in only):
                continue
            current = self.stage_run(stage)
            finished = current.train(deadline)
            if current.left_out:
                self.left_out.append(f"stage {stage.name}: {current.left_out}")
            if not finished:
                return False
        return True

    def stage_run(self, stage: PaperStage) -> StageRun:
        """A stage as it stands in the run's folder."""
        return StageRun(
            stage,
            self._before(stage),
            self.folder / stage.name,
            training=self.training,
            held_out=self.held_out,
            settings=self.settings,
            engine=self.engine,
        )

    def export(self, folder: Path, *, best: bool = False) -> None:
        """Copy the model of the last stage that was begun to a folder: as it is, or as it was when it was best.

        ValueError where the folder is there already, or no stage has kept anything yet.
        """
        if folder.exists():
            raise ValueError(f"{folder} is there already; name a folder that is not")
        begun = [stage for stage in self.recipe.paper_stages if (self.folder / stage.name).exists()]
        if not begun:
            raise ValueError(f"no stage has begun in {self.folder}; train one first")
        if self.model_of(begun[-1]).exists() and not best:
            shutil.copytree(self.model_of(begun[-1]), folder)
        else:
            self.stage_run(begun[-1]).export(folder, best=best)

    def model_of(self, stage: PaperStage) -> Path:
        """The folder of the model that a stage ends with."""
        return self.folder / stage.name / "model"

    def _before(self, stage: PaperStage) -> Path:
        """The model that a stage begins from; ValueError where a stage before it is begun and not done."""
        start = self.start
        for earlier in self.recipe.paper_stages:
            if earlier is stage:
                break
            if self.model_of(earlier).exists():
                start = self.model_of(earlier)
            elif (self.folder / earlier.name).exists():
                raise ValueError(
                    f"stage {stage.name} goes on from {earlier.name}, which this run has begun and not finished; go on "
                    f"with it first (--stage {earlier.name}), or choose another folder"
                )
        return start
