"""What a stage tells while it trains: rows of JSON, a progress bar with rate and time left, TensorBoard where it is wanted."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

FILE = "log.jsonl"


class RunLog:
    """The log of a stage in `file` from step `begin` of `of`; what was logged of that and later steps is forgotten.

    board: folder for TensorBoard's files; ValueError where that package is not installed. shown: False in a process beside
    the one that tells: it writes nothing.
    """

    def __init__(
        self, file: Path, name: str, *, begin: int, of: int, board: Path | None = None, shown: bool = True
    ) -> None:
        self.file, self.shown = file, shown
        self._board: Any = None
        # None: no bar where stderr is no terminal.
        self._bar = tqdm(
            total=of, initial=begin, desc=name, unit="step", disable=None if shown else True, dynamic_ncols=True
        )
        if not shown:
            return
        forget_from(file, begin)
        if board is not None:
            self._board = _board(board, begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        if self._board is not None:
            self._board.close()

    def step(self, row: dict[str, Any] | None) -> None:
        """A step is done: `row` has its number under "step"; None for one that only moves the bar."""
        if row is not None:
            self._write(row)
            shown = {name: f"{row[name]:.4g}" for name in ("loss", "tokens_per_second") if name in row}
            self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def held_out(self, step: int, values: dict[str, Any]) -> None:
        """What held-out packs said after a step."""
        self._write({"step": step, "held_out": values})

    def _write(self, row: dict[str, Any]) -> None:
        if not self.shown:
            return
        with self.file.open("a") as log:
            log.write(json.dumps(row) + "\n")
        if self._board is not None:
            for name, value in _flat(row):
                self._board.add_scalar(name, value, row["step"])


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The rows of a log; a last line that a killed run left unfinished is none. ValueError for any other that is no row."""
    if not file.exists():
        return []
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1], 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or "step" not in row:
            raise ValueError(f"{file}: line {number} is no row of a log ({line[:60]!r}); delete that line")
        rows.append(row)
    return rows


def forget_from(file: Path, step: int) -> None:
    """Leave out of a log what it says of that step and later ones, which are made again; all at once, or not at all."""
    if not file.exists():
        return
    rows = [row for row in rows_of(file) if row["step"] < step]
    fresh = file.with_name(file.name + ".new")
    fresh.write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.replace(fresh, file)


def _board(folder: Path, begin: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise ValueError(f"TensorBoard is not installed ({error}); pip install 'texthawk[tensorboard]'") from error
    return SummaryWriter(str(folder), purge_step=begin)


def _flat(row: dict[str, Any], above: str = "") -> list[tuple[str, float]]:
    """The numbers of a row by name."""
    found: list[tuple[str, float]] = []
    for name, value in row.items():
        if isinstance(value, dict):
            found += _flat(value, f"{above}{name}/")
        elif name != "step" and not isinstance(value, str):
            found.append((above + name, value))
    return found
