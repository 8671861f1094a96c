"""One stage of a paper being trained in a folder: the same curve however often it is killed.

The folder holds `stage.json` (what the stage was begun with), `log.jsonl`, `last.pt` while it runs, `best.pt` (what had learned
when held-out packs were predicted best) and `model/` when it is done. Which packs a step has, and all that training
draws by chance, are functions of the seed and the step.
"""

import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn

from texthawk.data.loading import PackLoader, Step
from texthawk.data.mixture import Mixture
from texthawk.data.mixture_file import Weighted, with_suffixes
from texthawk.data.packing import PackLimits, PackState
from texthawk.data.packs import Pack
from texthawk.decode.shipped import fingerprint
from texthawk.train.bad_step import SampleLoss, keep_step, replay
from texthawk.train.engine import Engine, write_whole
from texthawk.train.global_step import StepLosses
from texthawk.train.identity import hold_to, write_first
from texthawk.train.parts import adamw, set_rates
from texthawk.train.run_log import RunLog
from texthawk.train.schedule import PaperStage
from texthawk.train.stage_model import StageModel

TRIED = 64
"""Packs that are planned to learn how many samples one holds."""

_WAYS_OUT = {
    "stage": "choose the recipe that it was begun with",
    "seed": "give the seed {old}",
    "start": "begin from the same model",
    "sources": "give the same data in the same order",
    "tokens": "give packs of {old} tokens",
    "tiles": "give packs of {old} tiles",
    "packs": "give {old} packs a step",
    "steps": "give {old} steps",
}


@dataclass(frozen=True)
class Settings:
    """How a run is carried out, beside what its stages say.

    steps, packs (in a global step), tokens (of a pack): None takes the stage's. tiles: of a pack, thumbnails among them
    (TextHawk2 5.1). resize: bounds of a random factor on the size of pictures. checkpointing: layers are computed again in
    the backward pass rather than kept. compiled: layers are compiled, and packs padded to one length. evaluate_every: steps
    between looks at `evaluate_packs` held-out packs, 0 for none but the last. save_seconds: between checkpoints.
    """

    seed: int = 1
    steps: int | None = None
    packs: int | None = None
    tokens: int | None = None
    tiles: int = 108
    resize: tuple[float, float] = (1.0, 1.0)
    workers: int = 0
    checkpointing: bool = True
    compiled: bool = False
    evaluate_every: int = 250
    evaluate_packs: int = 8
    save_seconds: float = 240.0
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "packs", "tokens", "tiles", "evaluate_packs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        for name in ("seed", "workers", "evaluate_every", "save_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 0")


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
        self.limits = PackLimits(settings.tokens or stage.length or PackLimits.tokens, settings.tiles)
        self.maker = self.parts.maker(self.limits, resize=settings.resize)
        self.packs, self.steps = self._planned(training)
        self._claim(training)

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
        optimiser = adamw(model, parts.groups, stage)
        kept = engine.load(self._last, model, optimiser)
        state = PackState.from_json(kept["state"]) if kept else PackState()
        best = kept["best"] if kept else math.inf
        saved_at = time.monotonic()
        with RunLog(
            self.folder,
            stage.name,
            begin=state.step,
            of=self.steps,
            tensorboard=self.settings.tensorboard,
            shown=engine.main,
        ) as log:
            for step, seconds in self._timed(self.loader().steps(state, end=self.steps)):
                began = time.monotonic()
                set_rates(optimiser, parts.groups, stage, step.number, self.steps)
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
                late = time.monotonic() > deadline
                if not last and (late or time.monotonic() - saved_at > self.settings.save_seconds):
                    engine.save(self._last, model, optimiser, {"state": step.after.to_json(), "best": best})
                    saved_at = time.monotonic()
                    if late:
                        return False
        weights = engine.weights(model)
        if engine.main:
            self._exported(weights, self.model_folder)
            self._last.unlink(missing_ok=True)
        return True

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
            length=self.limits.tokens if self.settings.compiled else None,
        )

    def held_out_packs(self) -> Iterator[Pack]:
        """This process's share of the packs that are looked at while training, always the same."""
        assert self.held_out is not None
        maker = self.parts.maker(self.limits)
        for step in PackLoader(self.held_out, maker, packs=1).steps(end=self.settings.evaluate_packs):
            if step.number % self.engine.ranks == self.engine.rank:
                yield from step.packs

    def export(self, folder: Path, *, best: bool = False) -> None:
        """Write the model as it was when it was saved last, or when held-out packs were predicted best."""
        place = self._best if best else self._last
        if not place.exists():
            raise ValueError(f"{place} is not there yet; let stage {self.stage.name} go on for longer")
        self._exported(torch.load(place, map_location="cpu")["weights"], folder)

    def replay(self, place: Path) -> list[SampleLoss]:
        """What each sample costs of a step that this stage has kept in a file."""
        return replay(place, self._fresh())

    def _fresh(self) -> StageModel:
        return StageModel(self.start, self.stage, seed=self._dice(-1))

    def _exported(self, weights: dict[str, Tensor], folder: Path) -> None:
        fresh = self._fresh()
        fresh.put(weights)
        fresh.export(folder)

    def _planned(self, training: Weighted) -> tuple[int, int]:
        """Packs in a global step and steps; what the paper counts in samples or epochs is measured on the first packs."""
        stage, settings = self.stage, self.settings
        packs = settings.packs or (stage.batch if stage.batch_of == "packs" else None)
        steps = settings.steps or stage.steps
        if packs and steps:
            return packs, steps
        tried = [plan.packs[0] for plan in islice(PackLoader(self.mixture, self.maker, packs=1).plans(), TRIED)]
        each = sum(map(len, tried)) / len(tried)
        if packs is None:
            packs = max(self.engine.ranks, round(stage.batch / each / self.engine.ranks) * self.engine.ranks)
        if steps is None:
            assert stage.epochs is not None
            examples = sum(sum(source.runs) for source, _ in training)
            steps = max(1, round(stage.epochs * examples / (packs * each)))
        return packs, steps

    def _claim(self, training: Weighted) -> None:
        values = {
            "stage": blake2b(repr(asdict(self.stage)).encode(), digest_size=8).hexdigest(),
            "seed": self.settings.seed,
            "start": fingerprint(self.start),
            "sources": [[source.name, sum(source.runs), weight] for source, weight in training],
            "tokens": self.limits.tokens,
            "tiles": self.limits.tiles,
            "packs": self.packs,
            "steps": self.steps,
        }
        place = self.folder / "stage.json"
        if not place.exists() and self.engine.main:
            write_first(place, values)
        if self.engine.main:
            hold_to(place, values, _WAYS_OUT)

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
        if found.loss >= best:
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
