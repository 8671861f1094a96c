"""What decides what is read on a page, as plain data that goes to other processes and into a ledger."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from texthawk.decode.shipped import fingerprint, model_folder
from texthawk.image.pages import check_dpi

if TYPE_CHECKING:
    from texthawk.decode.budgets import Budget

LAYERS = ("auto", "never", "always")


@dataclass(frozen=True)
class ReadingSettings:
    """device: "cpu", "cuda" or None for what the machine has. text_layer: whether a PDF's own text is taken
    (trust.py). whole_page: as in `Reader`.
    """

    model: str = "nano"
    device: str | None = None
    dpi: float = 200
    rotate: Literal["auto"] | int = "auto"
    max_visual_tokens: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None
    text_layer: str = "auto"
    whole_page: bool = False

    def __post_init__(self) -> None:
        check_dpi(self.dpi)
        if self.text_layer not in LAYERS:
            raise ValueError(f"text_layer is {self.text_layer!r}; it is one of {', '.join(LAYERS)}")

    def budget(self) -> "Budget":
        from texthawk.decode.budgets import Budget

        return Budget(self.max_visual_tokens, self.max_pixels, self.max_memory)

    def record(self) -> dict[str, Any]:
        """All that can change a page's result, the model's weights and this package's version included."""
        from texthawk import __version__

        return asdict(self) | {"weights": fingerprint(model_folder(self.model)), "texthawk": __version__}
