"""One stage of a paper being trained in a folder: the same curve however often it is killed.

The folder holds `stage.json` (what the stage was begun with), `log.jsonl`, `last.pt` while it runs, `best.pt` (what had learned
when held-out packs were predicted best) and `model/` when it is done. Which packs a step has, and all that training
draws by chance, are functions of the seed and the step.
"""

import math
import time
import warnings
from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn

from texthawk.data.loading import PackLoader, Step
from texthawk.data.mixture import Mixture
from texthawk.data.mixture_file import Weighted, with_suffixes
from texthawk.data.packing import PackState
from texthawk.data.packs import Pack, make_pack
from texthawk.data.samples import Sample
from texthawk.train.bad_step import SampleLoss, keep_step, replay
from texthawk.train.engine import Engine, kept_weights, write_whole
from texthawk.train.global_step import StepLosses
from texthawk.train.parallel.checkpoints import forget
from texthawk.train.parts import adamw, divided, set_rates
from texthawk.train.run_log import FILE, RunLog
from texthawk.train.schedule import PaperStage
from texthawk.train.stage_model import StageModel
from texthawk.train.stage_plan import Settings, limits_of, packs_and_steps, settle


class StageRun:
    """A stage of a paper above the model in `start`, in `folder`, on the devices of `engine`."""

    def __init__(
        self,
        stage: PaperStage,
        start: Path,
        folder: Path,
        *,
        training: Weighted,
        held_out: Weighted,
        settings: Settings,
        engine: Engine,
    ) -> None:
        self.stage, self.start, self.folder, self.settings, self.engine = stage, start, folder, settings, engine
        folder.mkdir(parents=True, exist_ok=True)
        suffixes = {source.name: source.suffix for source in stage.sources}
        self.mixture = Mixture(with_suffixes(training, suffixes), seed=settings.seed)
        self.held_out = Mixture(with_suffixes(held_out, suffixes), seed=settings.seed) if held_out else None
        self.parts = self._fresh()
        self.limits = limits_of(stage, settings)
        self.maker = self.parts.maker(self.limits, resize=settings.resize)
        self.packs, self.steps = packs_and_steps(stage, settings, self.mixture, self.maker, ranks=engine.ranks)
        self.left_out = ""
        if engine.main:
            settle(folder, stage, settings, start, training, self.packs, self.steps)

    def train(self, deadline: float = math.inf) -> bool:
        """Go on to the last step and write the model; False where the deadline (of time.monotonic) came first."""
        parts, stage, engine = self.parts, self.stage, self.engine
        if self.settings.checkpointing:
            with warnings.catch_warnings():  # the name that every supported transformers knows; its successor is newer
                warnings.simplefilter("ignore", FutureWarning)
                parts.model.gradient_checkpointing_enable({"use_reentrant": False})
        if self.settings.compiled:
            for layer in [
                *parts.model.model.vision_tower.model.encoder.layers,
                *parts.model.model.language_model.layers,
            ]:
                layer.compile()
        model = engine.place(parts.model)
        model.train()
        groups = divided(parts.groups, model)
        optimiser = adamw(model, groups, stage)
        kept = engine.load(self._last, model, optimiser)
        state = PackState.from_json(kept["state"]) if kept else PackState()
        best = kept["best"] if kept else math.inf
        saved_at = time.monotonic()
        with RunLog(
            self.folder / FILE,
            stage.name,
            begin=state.step,
            of=self.steps,
            board=self.folder / "tensorboard" if self.settings.tensorboard else None,
            shown=engine.main,
        ) as log:
            loader = self.loader()
            for step, seconds in self._timed(loader.steps(state, end=self.steps)):
                began = time.monotonic()
                set_rates(optimiser, groups, stage, step.number, self.steps)
                torch.manual_seed(self._dice(step.number))
                found = engine.step(model, step.packs, parts.config)
                norm = engine.clip(model, math.inf if stage.clip is None else stage.clip)
                if not (math.isfinite(found.loss) and math.isfinite(norm)):
                    self._stop(step, found, norm, model)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                log.step(self._row(step, found, norm, time.monotonic() - began, seconds))
                last = step.number + 1 == self.steps
                every = self.settings.evaluate_every
                if self.held_out and (last or (every and (step.number + 1) % every == 0)):
                    best = self._evaluate(model, step.number, best, log)
                self.left_out = str(loader.dropped)
                late = engine.agree(time.monotonic() > deadline)
                if not last and (late or engine.agree(time.monotonic() - saved_at > self.settings.save_seconds)):
                    engine.save(self._last, model, optimiser, {"state": step.after.to_json(), "best": best})
                    saved_at = time.monotonic()
                    if late:
                        return False
        weights = engine.weights(model)
        if engine.main:
            self._exported(weights, self.model_folder)
            forget(self._last)
        return engine.agree(True)

    @property
    def model_folder(self) -> Path:
        return self.folder / "model"

    @property
    def _last(self) -> Path:
        return self.folder / "last.pt"

    @property
    def _best(self) -> Path:
        return self.folder / "best.pt"

    def loader(self) -> PackLoader:
        """The packs of this process."""
        return PackLoader(
            self.mixture,
            self.maker,
            packs=self.packs,
            rank=self.engine.rank,
            ranks=self.engine.ranks,
            workers=self.settings.workers,
            length=self._length,
        )

    @property
    def _length(self) -> int | None:
        return self.limits.tokens if self.settings.compiled else None

    @cached_property
    def _held_out(self) -> list[tuple[Sample, ...]]:
        """What this process looks at while training, pack by pack, always the same; the pictures are read when it does."""
        if self.held_out is None:
            return []
        planner = PackLoader(self.held_out, self.parts.maker(self.limits), packs=1)
        plans = islice(planner.plans(), self.settings.evaluate_packs)
        return [plan.packs[0] for plan in plans if plan.step % self.engine.ranks == self.engine.rank]

    def held_out_packs(self) -> Iterator[Pack]:
        """This process's share of the held-out packs."""
        return (make_pack(samples, self.maker, length=self._length) for samples in self._held_out)

    def export(self, folder: Path, *, best: bool = False) -> None:
        """Write the model as it was when it was saved last, or when held-out packs were predicted best."""
        place = self._best if best else self._last
        if not place.exists():
            raise ValueError(f"{place} is not there yet; let stage {self.stage.name} go on for longer")
        self._exported(kept_weights(place), folder)

    def replay(self, place: Path) -> list[SampleLoss]:
        """What each sample costs of a step that this stage has kept in a file."""
        return replay(place, self._fresh())

    def _fresh(self) -> StageModel:
        return StageModel(self.start, self.stage, seed=self._dice(-1))

    def _exported(self, weights: dict[str, Tensor], folder: Path) -> None:
        fresh = self._fresh()
        fresh.put(weights)
        fresh.export(folder)

    def _dice(self, step: int) -> int:
        """The seed of whatever is drawn by chance in a step; -1 is before the first."""
        said = f"{self.settings.seed} {self.stage.name} {step}"
        return int.from_bytes(blake2b(said.encode(), digest_size=7).digest(), "big")

    @staticmethod
    def _timed(steps: Iterator[Step]) -> Iterator[tuple[Step, float]]:
        """Each step with the seconds that were spent waiting for its packs."""
        began = time.monotonic()
        for step in steps:
            yield step, time.monotonic() - began
            began = time.monotonic()

    def _row(self, step: Step, found: StepLosses, norm: float, seconds: float, waited: float) -> dict:
        rates = {
            group.learner.part: self.stage.rate(group.learner, step.number, self.steps) for group in self.parts.groups
        }
        return {
            "step": step.number,
            "of": self.steps,
            "loss": found.loss,
            "language": found.language,
            "box": found.box,
            "accuracy": found.accuracy,
            "norm": norm,
            "answer_tokens": int(found.counts.tokens),
            "tokens": step.tokens,
            "fill": step.tokens / (self.packs * self.limits.tokens),
            "rate": rates,
            "seconds": round(seconds, 4),
            "waited": round(waited, 4),
            "tokens_per_second": round(step.tokens / (seconds + waited), 1),
        }

    def _evaluate(self, model: nn.Module, step: int, best: float, log: RunLog) -> float:
        model.eval()
        found = self.engine.evaluate(model, self.held_out_packs(), self.parts.config)
        model.train()
        values = {"loss": found.loss, "language": found.language, "box": found.box, "accuracy": found.accuracy}
        log.held_out(step, values)
        if not found.loss < best:
            return best
        weights = self.engine.weights(model)
        if self.engine.main:
            write_whole(self._best, {"weights": weights, "step": step, "loss": found.loss})
        return found.loss

    def _stop(self, step: Step, found: StepLosses, norm: float, model: nn.Module) -> NoReturn:
        """Keep the packs that have no finite loss, all of the step where each has one, and end the run."""
        told = (
            f"at step {step.number} of stage {self.stage.name} the loss is {found.loss} and the gradient's norm {norm}"
        )
        weights = self.engine.weights(model)
        chosen = found.not_finite if found.not_finite or not math.isfinite(found.loss) else range(len(step.packs))
        if not chosen:
            raise ValueError(f"{told}; another process keeps the packs")
        place = self.folder / f"bad-step-{step.number}-rank-{self.engine.rank}.pt"
        keep_step(place, [step.packs[number] for number in chosen], weights)
        raise ValueError(
            f"{told}; packs and weights are kept in {place}: the same command with --replay and that file tells what each "
            "sample costs by itself"
        )
