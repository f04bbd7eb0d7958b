"""What a run leaves: how it ended, and its curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from study.store.files import write_parquet
from study.store.layout import Block, Store
from study.store.schemas import ARM_RUNS, BY_ROW, CLASS_METRICS, CURVES, FINAL_METRICS

Curve = list[dict[str, Any]]  # a row per evaluation: epoch, step, lr and metrics


@dataclass
class Record:
    """One run: how it ended, and its curve. A run that did not finish diverged; nothing but why is known of some."""

    seed: int
    reason: str | None  # why it did not finish; None where it did
    steps: int = 0
    curve: Curve = field(default_factory=list)
    best: int = -1  # the row of the curve that is reported
    n_parameters: int | None = None
    weight_norm: float | None = None
    small_weights: float | None = None
    lr: float | None = None
    seconds: float | None = None  # of a run that had its device to itself
    by_row: Mapping[str, Any] = field(default_factory=dict)  # ``BY_ROW``, as far as it is kept
    steps_before: int = field(default=0, compare=False)  # of what was trained before it, in this start

    @property
    def finished(self) -> bool:
        return self.reason is None

    @property
    def learned(self) -> bool | None:
        """Whether the training loss ended below where it began; None where it is known of no two evaluations."""
        rows = self.curve if self.best < 0 or not self.curve else [self.curve[0], self.curve[self.best]]
        losses = [row["train_loss"] for row in rows if row.get("train_loss") is not None]
        return self.finished and (bool(losses[-1] < losses[0]) if len(losses) > 1 else None)

    def row(self) -> dict[str, Any]:
        """The run's row, without the arm and without provenance."""
        last, best = (self.curve[-1], self.curve[self.best]) if self.curve else ({}, {})
        return {
            "seed": self.seed,
            "status": "finished" if self.finished else "diverged",
            "reason": self.reason,
            "learned": self.learned,
            "epochs_run": int(last.get("epoch", 0)),
            "steps": self.steps,
            **{name: best.get(name) if self.finished else None for name in (*FINAL_METRICS, *CLASS_METRICS)},
            "n_parameters": self.n_parameters,
            "weight_norm": self.weight_norm,
            "small_weights": self.small_weights,
            "lr": self.lr,
            "seconds": self.seconds,
            **{name: self.by_row.get(name) if self.finished else None for name in BY_ROW.names},
        }


def write(records: Sequence[tuple[Record, Mapping[str, Any]]], arm: str, block: Block, store: Store) -> None:
    """Write both files, of ``records`` with their provenance; the runs, which mark the block as complete, last."""
    curves = [{"arm": arm, "seed": r.seed} | row for r, _ in records for row in r.curve]
    runs = [{"arm": arm, **record.row(), **provenance} for record, provenance in records]
    write_parquet(pa.Table.from_pylist(curves, CURVES), store.curves(arm, block))
    write_parquet(pa.Table.from_pylist(runs, ARM_RUNS), store.runs(arm, block))
