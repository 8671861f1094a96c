"""A pyramid being trained by reconstruction, in a folder: checkpoints on the way, a log, what it is worth at the end.

The folder holds `log.jsonl` and `progress.pt`. A killed run continues from the last checkpoint with the very pictures,
views and dropout it would have had: all of them depend on the seed and the step alone. A run that is done goes on when
more steps are asked for.

Shape letters:  B pictures   C encoder width   H, W pixels   h, w patches
"""

import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

import torch
from einops import rearrange
from safetensors.torch import save_file
from torch import Tensor, nn

from texthawk.train.pictures import Pictures, square
from texthawk.train.reconstruction import Reconstructor, draw
from texthawk.train.reconstruction_recipe import PyramidRecipe
from texthawk.train.run_log import FILE, forget_from
from texthawk.vision.pyramid import Pyramid
from texthawk.vision.tower import Tower

CHECKPOINT_SECONDS = 240.0
LOG_STEPS = 10
VIEWS = 2  # of each held-out picture


class PyramidRun:
    """A recipe being trained above `tower`, which stays as it is and is read at its one feature layer, in `folder`."""

    def __init__(
        self,
        recipe: PyramidRecipe,
        folder: Path,
        *,
        tower: Tower,
        pictures: Pictures,
        seed: int = 1,
        device: str = "cpu",
    ) -> None:
        if len(tower.layers) != 1:
            raise ValueError(f"the tower is read after layers {tower.layers}; a pyramid stands above one of them")
        self.recipe, self.folder, self.seed, self.pictures = recipe, folder, seed, pictures
        self.device = torch.device(device)
        folder.mkdir(parents=True, exist_ok=True)
        self.tower = tower.to(self.device).eval().requires_grad_(False)
        width = tower.model.config.hidden_size
        with self._dice(-1):
            pyramid = Pyramid(width, stages=recipe.levels)
            self.module = Reconstructor(pyramid, width, tower.patch, recipe.objective)
        self.module.to(self.device)
        self.optimiser = torch.optim.NAdam(self.module.parameters(), lr=recipe.learning_rate)
        self.step = 0
        if self._progress.exists():
            saved = torch.load(self._progress, map_location=self.device)
            self.module.load_state_dict(saved["module"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.step = saved["step"]

    @property
    def _progress(self) -> Path:
        return self.folder / "progress.pt"

    @contextmanager
    def _dice(self, step: int) -> Iterator[torch.Generator]:
        """All chance of a step: a generator, and torch's own state (dropout) while the step lasts."""
        seed = int.from_bytes(blake2b(f"{self.seed} {step}".encode(), digest_size=7).digest(), "big")
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield torch.Generator().manual_seed(seed)

    def features(self, image_B3HW: Tensor) -> Tensor:
        """What the tower sees: (B, C, h, w)."""
        with torch.no_grad():
            rows = image_B3HW.shape[-2] // self.tower.patch
            return rearrange(self.tower(image_B3HW)[0], "B (h w) C -> B C h w", h=rows)

    def batch(self, step: int) -> Tensor:
        """The pictures (B, 3, H, W) of a step."""
        first = step * self.recipe.batch
        return self._tensor([self.pictures.training(first + k) for k in range(self.recipe.batch)])

    def _tensor(self, images: list) -> Tensor:
        side, recipe = self.tower.image, self.recipe
        return torch.stack([square(image, side, recipe.mean, recipe.std) for image in images]).to(self.device)

    def train(self, *, minutes: float | None = None) -> None:
        """Go on to the recipe's last step; stops early after `minutes`, to be resumed."""
        deadline = time.monotonic() + 60 * minutes if minutes else math.inf
        forget_from(self.folder / FILE, self.step)
        if self.step == 0:
            self._log({"step": 0, "held_out": self.evaluate()})
        self.module.train()
        saved_at = time.monotonic()
        while self.step < self.recipe.steps:
            began = time.monotonic()
            seen = self._train_step(self.step)
            if self.step % LOG_STEPS == 0 or self.step + 1 == self.recipe.steps:
                rounded = {name: float(f"{value:.6g}") for name, value in seen.items()}
                self._log({"step": self.step, **rounded, "seconds": round(time.monotonic() - began, 3)})
            self.step += 1
            late = time.monotonic() > deadline
            if late or time.monotonic() - saved_at > CHECKPOINT_SECONDS or self.step == self.recipe.steps:
                self._save()
                saved_at = time.monotonic()
                if late and self.step < self.recipe.steps:
                    return
        self._log({"step": self.step, "held_out": self.evaluate()})

    def _train_step(self, step: int) -> dict[str, float]:
        parts = self.batch(step).split(self.recipe.together)
        total: dict[str, float] = {}
        with self._dice(step) as dice:
            for image in parts:
                features = self.features(image)
                for number in range(self.recipe.objective.views):
                    draws = draw(
                        self.recipe.objective, image, features, self.recipe.levels, first=number == 0, dice=dice
                    )
                    losses = self.module(image, features, self.features(draws.view(image)), draws)
                    loss = self.module.total(losses) / len(parts)
                    if not torch.isfinite(loss):
                        raise ValueError(
                            f"the loss is {loss.item()} at step {step}; lower the learning rate or look at the pictures "
                            f"from {step * self.recipe.batch} on"
                        )
                    loss.backward()
                    total["loss"] = total.get("loss", 0.0) + loss.item()
                    for name, value in losses.items():
                        of = len(parts) * (self.recipe.objective.views if name.startswith("reconstruction") else 1)
                        total[name] = total.get(name, 0.0) + value.item() / of
        bound = self.recipe.clip if step < self.recipe.clipped_steps else math.inf
        total["norm"] = float(nn.utils.clip_grad_norm_(self.module.parameters(), bound))
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return total

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """The mean `reconstruction` loss of held-out views, and how much of their features is missed, per level.

        Missed is 0 for nothing and 1 for all that varies in a view. `pyramid_N` is the pyramid's level N, `bilinear_N` the
        tower's own features enlarged bilinearly, both brought back by the level's down-sampler, over the same views of
        the same pictures. What is counted is 1 - r^2, r being the correlation with what the tower sees, so that nothing
        is gained by mere shrinking towards the mean.
        """
        self.module.eval()
        sums: dict[str, Tensor] = {}
        losses: list[Tensor] = []
        with self._dice(-2) as dice:
            for picture in self.pictures.held_out():
                image = self._tensor([picture])
                features = self.features(image)
                levels = self.module.pyramid(features, image)
                kept = torch.ones(1, *features.shape[-2:], dtype=torch.bool, device=self.device)
                for _ in range(VIEWS):
                    draws = draw(self.recipe.objective, image, features, self.recipe.levels, first=False, dice=dice)
                    seen = self.features(draws.view(image))
                    losses += self.module(image, features, seen, draws).values()
                    seen = _centred(seen)
                    for number, down in enumerate(self.module.downsamplers, 1):
                        for name, level in (
                            (f"pyramid_{number}", levels[number - 1]),
                            (f"bilinear_{number}", features),
                        ):
                            found = _centred(down(level, *self.module.matrices(draws.view, level, image), kept))
                            products = torch.stack([(found * seen).sum(), (found * found).sum(), (seen * seen).sum()])
                            sums[name] = sums.get(name, torch.zeros(3)) + products.cpu()
        self.module.train()
        shared = {name: float(both**2 / (one * other).clamp(min=1e-12)) for name, (both, one, other) in sums.items()}
        missed = {name: round(1 - explained, 4) for name, explained in shared.items()}
        return {"reconstruction": round(float(torch.stack(losses).mean()), 4), **missed}

    def _save(self) -> None:
        """Write beside the place and move: a checkpoint is whole or absent."""
        fresh = self._progress.with_suffix(".new")
        state = {"module": self.module.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        torch.save(state, fresh)
        os.replace(fresh, self._progress)

    def _log(self, row: dict) -> None:
        with open(self.folder / FILE, "a") as log:
            log.write(json.dumps(row) + "\n")

    def export(self, file: Path) -> None:
        """Write the pyramid alone as safetensors, under the names of `Pyramid`; the header says how it was made."""
        config = self.tower.model.config
        made = {
            "recipe": asdict(self.recipe),
            "steps": self.step,
            "tower": config.model_type,
            "width": config.hidden_size,
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: weight.cpu().contiguous() for name, weight in self.module.pyramid.state_dict().items()}
        save_file(weights, file, metadata={"pyramid": json.dumps(made)})
        file.chmod(0o644)


def _centred(features_BChw: Tensor) -> Tensor:
    """What varies within a view."""
    return features_BChw - features_BChw.mean((-1, -2), keepdim=True)
