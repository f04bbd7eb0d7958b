"""What runs come to on every row of the test split: which they get right, and their losses there."""

from __future__ import annotations

from array import array

import numpy as np
import torch
from torch import Tensor

from study.engine.inputs.data import Split
from study.engine.shard import Shard
from study.store.schemas import MOST_LOSSES
from study.tasks import Task

PARTS = ("known", "right", "losses")


class RowResults:
    """Of one evaluation, or of the one that is reported of each run.

    ``known`` [runs] bool: of which there is any; ``right`` [runs, rows] bool, of tasks with classes; ``losses`` [runs,
    rows] float32, where the split is small enough. Both have no rows where they are not kept.
    """

    def __init__(self, runs: int, split: Split, task: Task) -> None:
        rows, device = split.rows, split.x.device
        self.known = torch.zeros(runs, dtype=torch.bool, device=device)
        self.right = torch.zeros(runs, rows * task.classes, dtype=torch.bool, device=device)
        self.losses = torch.zeros(runs, rows * (rows <= MOST_LOSSES), device=device)

    def add(self, start: int, right: Tensor | None, losses: Tensor) -> None:
        """Of some rows of all runs, the first of which is ``start``. [runs, rows]"""
        there = slice(start, start + losses.shape[1])
        if right is not None:
            self.right[:, there] = right
        if self.losses.numel():
            self.losses[:, there] = losses

    def gather(self, shard: Shard) -> None:
        """Put the rows of all workers together; each added those that it saw."""
        if shard.world > 1:
            shard.sum(self.losses, right := self.right.float())
            self.right = right.bool()

    def keep(self, other: RowResults, runs: Tensor) -> None:
        """Take those of ``other`` for some ``runs``, [runs] bool."""
        self.known |= runs
        self.right[runs] = other.right[runs]
        self.losses[runs] = other.losses[runs]

    def columns(self) -> list[dict[str, bytes | array[float] | None]]:
        """Those of ``BY_ROW``, of each run."""
        known, right, losses = (getattr(self, name).cpu().numpy() for name in PARTS)
        return [
            {
                "test_right": np.packbits(bits).tobytes() if there and bits.size else None,
                "test_losses": array("f", sizes.tobytes()) if there and sizes.size else None,
            }
            for there, bits, sizes in zip(known, right, losses, strict=True)
        ]

    def state_dict(self, rows: slice) -> dict[str, Tensor]:
        return {name: getattr(self, name)[rows].clone() for name in PARTS}

    def load_state_dict(self, rows: slice, saved: dict[str, Tensor] | None) -> None:
        """Go on from what ``state_dict`` gave; None of runs whose pack kept none."""
        for name, value in (saved or {}).items():
            getattr(self, name)[rows] = value.to(self.known.device)
