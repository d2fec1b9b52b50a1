"""Metrics of a training run as TensorBoard reads them; needs tensorboardX (extra `rl`)."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class Board:
    """Scalars by round in FOLDER of a run; nothing where tensorboardX is absent."""

    def __init__(self, folder: str | Path, rounds: int) -> None:
        """What was written after the first `rounds` rounds is hidden: these rounds come again."""
        self._writer = _writer(Path(folder) / FOLDER, rounds)

    def add(self, row: Mapping[str, float]) -> None:
        """A row of metrics; `round` is its step."""
        if self._writer is None:
            return
        for name, value in row.items():
            if name != "round" and isfinite(value):
                self._writer.add_scalar(name, value, int(row["round"]))
        self._writer.flush()

    def close(self) -> None:
        """All is on disk."""
        if self._writer is not None:
            self._writer.close()


def _writer(folder: Path, rounds: int) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        return None
    hidden = rounds + 1 if folder.exists() else None
    return SummaryWriter(str(folder), purge_step=hidden, filename_suffix=f".{rounds}")
