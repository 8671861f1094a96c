"""Models by name: those that ship with the package, and folders."""

import hashlib
from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "weights"
_TASTE = 1 << 20  # bytes at each end of a file of weights


def model_folder(model: str) -> Path:
    """The folder of a shipped model's name or of a path; ValueError names what is missing."""
    folder = SHIPPED / model if (SHIPPED / model / "config.json").exists() else Path(model)
    if not (folder / "config.json").is_file():
        shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))) or "none"
        raise ValueError(
            f"model {model!r} is neither shipped (there is: {shipped}) nor a folder with a config.json; "
            "give the folder of a saved TextHawk model"
        )
    return folder


def fingerprint(folder: Path) -> str:
    """Tells a model from another in a moment: of each file its name, its length and the bytes at both ends."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        length = path.stat().st_size
        total.update(f"{path.name}\0{length}\0".encode())
        with path.open("rb") as stream:
            total.update(stream.read(_TASTE))
            stream.seek(max(0, length - _TASTE))
            total.update(stream.read(_TASTE))
    return total.hexdigest()[:16]
