"""A recipe for a pyramid: what multi-level reconstruction asks of it, and how long and how fast it learns."""

from dataclasses import dataclass, field

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Reconstruction:
    """Settings of the objective; the defaults are the released code's.

    views: random views of each picture in one step. pad: pixels mirrored around the picture, so that a view may look
    past its border. max_zoom: every second view is enlarged by up to so much. directions: random directions along which
    features are compared. smoothness: weight of the term that wants equal pixels to have equal features (a pairwise CRF
    over `samples` pixels of the first view).
    """

    views: int = 2
    pad: int = 30
    max_zoom: float = 2.0
    directions: int = 30
    smoothness: float = 0.001
    samples: int = 1000

    def __post_init__(self) -> None:
        for name in ("views", "directions", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; reconstruction needs at least 1")
        if self.pad < 0 or self.max_zoom < 1 or self.smoothness < 0:
            raise ValueError(
                f"pad {self.pad}, max_zoom {self.max_zoom}, smoothness {self.smoothness}: they must be at least 0, 1 and 0"
            )


@dataclass(frozen=True)
class PyramidRecipe:
    """How a pyramid of `levels` levels is trained above a frozen tower.

    batch: pictures in a step; `together` of them share their views. The learning rate of NAdam is constant; the norm of
    the gradient is clipped to `clip` in the first `clipped_steps` steps and not at all later. mean, std: of the pixels,
    for tower and pyramid alike (ImageNet's, although the language model's stages use the tower's own).
    """

    name: str
    objective: Reconstruction = field(default_factory=Reconstruction)
    levels: int = 2
    steps: int = 2000
    batch: int = 16
    together: int = 2
    learning_rate: float = 1e-3
    clip: float = 1e-4
    clipped_steps: int = 10
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "together"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; a recipe needs at least 1")
        if self.batch % self.together:
            raise ValueError(
                f"a batch of {self.batch} cannot be made of parts of {self.together}; choose a multiple of {self.together}"
            )
