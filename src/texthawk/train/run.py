"""A training run in a folder: stages one after another, checkpoints on the way, results per stage.

The folder holds `run.json` (what the run was begun with), `tokenizer/`, `log-STAGE.jsonl`, `progress-STAGE.pt` while a stage
runs and `STAGE.pt` when it is done, with the parts that the stage trained. A killed run continues from the last checkpoint
with the very batches it would have seen. Stages that train different parts can run side by side in two processes on the
same folder.
"""

import contextlib
import copy
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from transformers import AutoTokenizer, GenerationConfig

from texthawk.compress.resa import ReSAConfig
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import Corpus, PageMaker, hold_out, system_fonts
from texthawk.image.tiles import TilingConfig
from texthawk.model.answering import ASK, FILE, FIND, OUTLINE, as_kept, save_answers
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.loading import config_in, require_files
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import PROMPTS, TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.train.batches import Batch, BatchMaker
from texthawk.train.beginning import go_on_from, initialise
from texthawk.train.documents import DocumentMaker
from texthawk.train.engine import read_whole, write_whole
from texthawk.train.identity import Identity
from texthawk.train.optimiser import Optimiser
from texthawk.train.outlines import OutlineMaker
from texthawk.train.pointing import PointingMaker
from texthawk.train.questions import QuestionMaker
from texthawk.train.recipe import Recipe
from texthawk.train.run_log import RunLog
from texthawk.train.stage import Stage
from texthawk.train.step import losses_of
from texthawk.train.supervision import Supervision

CHECKPOINT_SECONDS = 240.0
LOG_STEPS = 10


class Batches(Dataset[Batch]):
    """The batches of a stage by step."""

    def __init__(self, maker: BatchMaker, stage: Stage, stage_index: int) -> None:
        self.maker, self.stage, self.stage_index = maker, stage, stage_index

    def __len__(self) -> int:
        return self.stage.steps

    def __getitem__(self, step: int) -> Batch:
        try:
            return self.maker.batch(self.stage, self.stage_index, step)
        except StopIteration as error:  # a loader would take it for its end, and the stage for done
            raise RuntimeError(f"the batch of step {step} of stage {self.stage.name} cannot be made") from error


class Run:
    """A recipe being trained on a corpus of text, printed in `fonts` (this machine's by default), in `folder`.

    texts: by language, for stages that print documents by language; questions in English are of them then, too.
    ValueError where a language that a stage asks about is not among them.
    start: folder of a saved model to begin from, its tokenizer included; ValueError where a recipe that goes `further` has none.
    A recipe of answers goes on from those that the model has already; ValueError where one that needs them finds none.
    tensorboard: write what the logs hold to `folder`/tensorboard too.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        *,
        corpus: Corpus,
        texts: Texts | None = None,
        fonts: Sequence[str] | None = None,
        seed: int = 1,
        device: str = "cpu",
        start: Path | None = None,
        tensorboard: bool = False,
    ) -> None:
        if recipe.further and start is None:
            raise ValueError(
                f"{recipe.name} goes on from a model that reads already; give the folder of that model (--start)"
            )
        rounded = [stage.name for stage in recipe.stages if stage.rounded]
        if rounded and not recipe.answers:
            raise ValueError(
                f"stage {rounded[0]} learns through the rounding of answers, and {recipe.name} is no recipe of answers"
            )
        if texts is None and any(stage.needs_texts for stage in recipe.stages):
            raise ValueError(f"{recipe.name} prints documents by language; give texts by language (texts)")
        asked = {lang for stage in recipe.stages for lang in stage.languages} - {"mixed"}
        if texts is not None and asked:
            texts.only(sorted(asked))  # names one that is not there
        if start is not None:
            config_in(start)
            require_files(start)
        self.recipe, self.folder, self.seed, self.start = recipe, folder, seed, start
        self.tensorboard = tensorboard
        self.device = torch.device(device)
        self.config = recipe.model_config()
        self.processor = self._processor(corpus, start)
        ids = extend_tokenizer(self.processor.tokenizer)
        for name, value in ids.items():
            setattr(self.config, name, value)
        kept, _ = hold_out(system_fonts() if fonts is None else fonts, recipe.hold_out)
        tiling = self.config.tiling_config
        if not isinstance(tiling, TilingConfig):
            raise ValueError(
                f"printed pages are cut into square tiles, not by {type(tiling).__name__}; use TilingConfig"
            )
        printed = texts or Texts({"en": corpus.paragraphs})
        questions = QuestionMaker(self.processor, printed, kept, seed)
        compressor = self.config.compressor_config
        self.maker = BatchMaker(
            self.processor,
            compressor,
            PageMaker(corpus, kept, seed=seed),
            thumbnail_above=tiling.thumbnail_above,
            tile=tiling.tile,
            questions=questions if any(stage.asked for stage in recipe.stages) else None,
            documents=DocumentMaker(texts, kept, seed)
            if texts is not None and any(stage.documents for stage in recipe.stages)
            else None,
            outlines=OutlineMaker(questions, printed, kept, seed)
            if any(stage.outlined for stage in recipe.stages)
            else None,
            pointing=PointingMaker(questions, compressor, printed, kept, seed)
            if isinstance(compressor, ReSAConfig) and any(stage.pointed for stage in recipe.stages)
            else None,
        )
        torch.manual_seed(seed)
        self.model = TextHawkForConditionalGeneration(self.config)
        self.reading: dict[str, torch.Tensor] = {}
        """Of a recipe of answers, the weights of the reading model that answers have their own of."""
        initialise(self.model)
        if start is not None:
            self.reading = go_on_from(start, self.model, recipe)
        tokenizer = self.processor.tokenizer
        folder.mkdir(parents=True, exist_ok=True)
        Identity.of(recipe.name, seed, corpus=corpus, texts=texts, fonts=kept, tokenizer=tokenizer, start=start).claim(
            folder
        )
        if not self._tokenizer.exists():
            tokenizer.save_pretrained(self._tokenizer)
        if (
            self.device.type == "cpu"
        ):  # there the backward pass of fused attention takes twice the time of the plain one
            self.model.set_attn_implementation("eager")
        self.supervision = Supervision(
            self.config.vision_config.hidden_size, self.config.text_config.hidden_size, recipe.guided_layers
        )
        self.model.to(self.device)
        self.supervision.to(self.device)

    @property
    def _tokenizer(self) -> Path:
        return self.folder / "tokenizer"

    def _processor(self, corpus: Corpus, start: Path | None) -> TextHawkProcessor:
        place = self._tokenizer
        if start is None and not place.exists():
            assert self.recipe.vocabulary is not None
            self.folder.mkdir(parents=True, exist_ok=True)
            texts = [*corpus.paragraphs, *[prompt for prompt in PROMPTS.values() for _ in range(2000)]]
            with tempfile.TemporaryDirectory(dir=self.folder) as beside:  # whole or absent, whoever comes first
                train_tokenizer(texts, self.recipe.vocabulary).save_pretrained(beside)
                with contextlib.suppress(OSError):
                    os.rename(beside, place)
                    os.mkdir(beside)
        tokenizer = AutoTokenizer.from_pretrained(place if place.exists() else start)
        return TextHawkProcessor(
            TextHawkImageProcessor(self.config.tiling_config),
            tokenizer,
            self.config.compressor_config,
            frame_images=self.config.frame_images,
        )

    def parts(self) -> dict[str, list[nn.Module]]:
        """The model's parts by the names that stages use; the training-only heads go with any part."""
        core = self.model.model
        heads = [self.model.lm_head, self.model.detection_head]
        return {
            "tower": [core.vision_tower],
            "connector": [core.connector],
            "language": [core.language_model, *[head for head in heads if head is not None]],
            "supervision": [self.supervision],
        }

    def train(self, only: set[str] | None = None, *, workers: int = 1, minutes: float | None = None) -> None:
        """Run the stages (or those named by `only`) that are not done; stops early after `minutes`, to be resumed.

        A stage may run before an earlier one only where the two train different parts; else ValueError.
        """
        self._in_order(only)
        deadline = time.monotonic() + 60 * minutes if minutes else math.inf
        for index, stage in enumerate(self.recipe.stages):
            done = self.folder / f"{stage.name}.pt"
            if done.exists():
                self._load(self._kept(done)["parts"])
            elif only is None or stage.name in only:
                if not self._stage(index, stage, workers, deadline):
                    return

    def _in_order(self, only: set[str] | None) -> None:
        stages = self.recipe.stages
        names = [stage.name for stage in stages]
        unknown = sorted((only or set()) - set(names))
        if unknown:
            raise ValueError(f"recipe {self.recipe.name} has no stage {', '.join(unknown)}; it has {', '.join(names)}")
        skipped: list[Stage] = []
        for stage in stages:
            if (self.folder / f"{stage.name}.pt").exists():
                continue
            if only is not None and stage.name not in only:
                skipped.append(stage)
                continue
            before = [earlier.name for earlier in skipped if self._shared(earlier, stage)]
            if before:
                raise ValueError(
                    f"stage {stage.name} goes on with parts that {', '.join(before)} should have trained before it and has "
                    "not; run these first, or name them with --only too"
                )

    def _shared(self, earlier: Stage, later: Stage) -> bool:
        """Whether the later stage goes on with what the earlier one trains: heads alone, where that trains nothing else."""
        own = set(earlier.parts) or set(self._trained(earlier))
        if earlier.losses.thing and later.losses.named:  # the very layers
            return True
        return bool(own & set(self._trained(later)))

    def _trained(self, stage: Stage) -> list[str]:
        heads = stage.glyphs or stage.losses.place or stage.losses.spell or stage.losses.thing
        return [*stage.parts, "supervision"] if heads else list(stage.parts)

    def _state(self, stage: Stage) -> dict[str, list[dict]]:
        parts = self.parts()
        return {name: [module.state_dict() for module in parts[name]] for name in self._trained(stage)}

    def _mean(self, stage: Stage, earlier: str) -> dict[str, list[dict]]:
        """The mean of what the parts of a stage are now and what they were at the end of an earlier one."""
        before = self._kept(self.folder / f"{earlier}.pt")["parts"]
        return {
            name: [
                {key: torch.lerp(old[key], value, 0.5) for key, value in new.items()}
                for old, new in zip(before[name], modules, strict=True)
            ]
            for name, modules in self._state(stage).items()
        }

    def _kept(self, place: Path, *more: str) -> dict[str, Any]:
        return read_whole(place, self.device, holds=("parts", *more))

    def _load(self, states: dict[str, list[dict]]) -> None:
        parts = self.parts()
        for name, modules in states.items():
            for module, state in zip(parts[name], modules, strict=True):
                try:
                    module.load_state_dict(state, strict=module is not self.supervision)
                except RuntimeError as error:
                    raise ValueError(
                        f"{self.folder} holds a checkpoint whose part {name!r} has other shapes than recipe {self.recipe.name} "
                        f"has now ({str(error).splitlines()[-1].strip()}); choose a new folder"
                    ) from error

    def _stage(self, index: int, stage: Stage, workers: int, deadline: float) -> bool:
        parts = self.parts()
        trained = self._trained(stage)
        for name, modules in parts.items():
            for module in modules:
                module.requires_grad_(name in trained)
                module.train(name in trained)
        optimiser = Optimiser(
            {name: (parts[name], stage.parts.get(name, 1.0)) for name in trained}, weight_decay=stage.weight_decay
        )
        progress, start = self.folder / f"progress-{stage.name}.pt", 0
        if progress.exists():
            saved = self._kept(progress, "optimiser", "step")
            self._load(saved["parts"])
            optimiser.load_state_dict(saved["optimiser"])
            start = saved["step"]
        saved_at = time.monotonic()
        log = self.folder / f"log-{stage.name}.jsonl"
        board = self.folder / "tensorboard" / stage.name if self.tensorboard else None
        with RunLog(log, stage.name, begin=start, of=stage.steps, board=board) as told:
            for step, batch in enumerate(self._batches(index, stage, start, workers), start):
                began = time.monotonic()
                optimiser.rate(stage.rate(step))
                with as_kept(self.model, self.reading) if stage.rounded else contextlib.nullcontext():
                    with torch.autocast(self.device.type, torch.bfloat16):
                        loss, seen = losses_of(self.model, self.supervision, batch, stage.losses)
                    loss.backward()
                norm = optimiser.clip(stage.clip)
                if not (torch.isfinite(loss) and math.isfinite(norm)):
                    self._stop(stage, step, batch, loss.item(), norm)
                optimiser.step()
                shown = step % LOG_STEPS == 0 or step + 1 == stage.steps
                told.step(self._row(stage, step, loss, seen, norm, time.monotonic() - began) if shown else None)
                late = time.monotonic() > deadline
                if late or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                    write_whole(
                        progress, {"parts": self._state(stage), "optimiser": optimiser.state_dict(), "step": step + 1}
                    )
                    saved_at = time.monotonic()
                    if late:
                        return False
        if stage.mean_with is not None:
            self._load(self._mean(stage, stage.mean_with))
        write_whole(self.folder / f"{stage.name}.pt", {"parts": self._state(stage)})
        progress.unlink(missing_ok=True)
        return True

    def _batches(self, index: int, stage: Stage, start: int, workers: int) -> Iterator[Batch]:
        loader = DataLoader(
            Batches(self.maker, stage, index),
            batch_size=None,
            sampler=range(start, stage.steps),
            num_workers=workers,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_one_thread,
        )
        for batch in loader:
            yield batch.to(self.device)

    def _stop(self, stage: Stage, step: int, batch: Batch, loss: float, norm: float) -> NoReturn:
        torch.save(batch, self.folder / "bad-batch.pt")
        raise ValueError(
            f"at step {step} of stage {stage.name} the loss is {loss} and the gradient's norm {norm}; its batch is saved as "
            f"{self.folder / 'bad-batch.pt'}; lower the learning rate or look at the batch"
        )

    def _row(self, stage: Stage, step: int, loss: torch.Tensor, seen: dict, norm: float, seconds: float) -> dict:
        row = {"stage": stage.name, "step": step, "of": stage.steps, "loss": float(loss.detach()), "norm": norm}
        return row | {name: round(float(value), 4) for name, value in seen.items()} | {"seconds": round(seconds, 3)}

    def export(self, folder: Path) -> None:
        """Write the model and its processor as a transformers folder, weights in bfloat16.

        Of a recipe of answers, write the model that it began from with them beside it, which say that they have learned what the
        stages that are done have taught. Answers of an earlier model go.
        """
        if self.recipe.answers:
            assert self.start is not None
            reading = TextHawkForConditionalGeneration.from_pretrained(self.start, local_files_only=True)
            stages = [stage for stage in self.recipe.stages if (self.folder / f"{stage.name}.pt").exists()]
            learned = {OUTLINE: any(s.outlined for s in stages), FIND: any(s.pointed for s in stages)}
            with tempfile.TemporaryDirectory() as beside:
                save_answers(Path(beside), reading, self.model, (ASK, *(task for task, yes in learned.items() if yes)))
                if not (folder.exists() and folder.samefile(self.start)):
                    shutil.copytree(self.start, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
                fresh = folder / f"{FILE}.new"  # the other folder may be on another disk
                shutil.copyfile(Path(beside) / FILE, fresh)
                os.replace(fresh, folder / FILE)
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).unlink(missing_ok=True)
        tokenizer = self.processor.tokenizer
        self.model.generation_config = GenerationConfig(
            do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
        )
        exported = copy.deepcopy(self.model).cpu()
        if self.recipe.keep:
            assert self.start is not None
            begun = TextHawkForConditionalGeneration.from_pretrained(
                self.start, dtype=torch.float32, local_files_only=True
            )
            before = begun.state_dict()
            kept = {
                name: torch.lerp(value, before[name], self.recipe.keep) for name, value in exported.state_dict().items()
            }
            exported.load_state_dict(kept)
        exported.to(torch.bfloat16).save_pretrained(folder)
        self.processor.save_pretrained(folder)
        for file in folder.iterdir():
            file.chmod(0o644)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
