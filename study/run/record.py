"""What a run leaves: a row of ``runs`` and many of ``curves``; and the timing job: ``timing``. As Parquet."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CURVE_METRICS = (
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy", "grad_norm",
)  # fmt: skip
FINAL_METRICS = CURVE_METRICS[:-1]
NOT_FINITE = "loss or parameters not finite after step {}"

CURVES = pa.schema(
    [
        ("arm", pa.string()),
        ("seed", pa.int32()),
        ("epoch", pa.int32()),
        ("step", pa.int64()),
        ("lr", pa.float64()),  # of the last step before this evaluation
        *((name, pa.float64()) for name in CURVE_METRICS),
    ]
)
RUNS = pa.schema(
    [
        ("arm", pa.string()),
        ("seed", pa.int32()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("learned", pa.bool_()),
        ("epochs_run", pa.int32()),
        ("steps", pa.int64()),
        *((name, pa.float64()) for name in FINAL_METRICS),
        ("n_parameters", pa.int64()),
        ("weight_norm", pa.float64()),
        ("small_weights", pa.float64()),
        ("lr", pa.float64()),
        ("settings", pa.string()),  # that tuning chose, as JSON; null for an arm that is not tuned
        ("device", pa.string()),
        ("torch_version", pa.string()),
        ("python_version", pa.string()),
        ("host", pa.string()),
        ("commit", pa.string()),
        ("recipe_version", pa.int32()),
        ("pack", pa.string()),
        ("started_at", pa.string()),
        *((f"{split}_rows", pa.int64()) for split in ("train", "val", "test")),
    ]
)
TIMING = pa.schema(
    [
        ("arm", pa.string()),
        ("round", pa.int32()),
        ("step_seconds", pa.float64()),  # null where the arm could not be timed
        ("memory_bytes", pa.int64()),
        ("device", pa.string()),
        ("threads", pa.int32()),  # of each worker
        ("cores", pa.int32()),  # that the job could use
        ("row_seconds", pa.float64()),  # a step on one row; where the same arm is timed on several devices
        ("allreduce_seconds", pa.float64()),  # one sum of the gradient over the workers; null for one device
        ("allreduce_bytes", pa.int64()),
        ("latency_seconds", pa.float64()),  # one sum of a single number over the workers
        ("reason", pa.string()),
        ("load_average", pa.float64()),  # of the last minute, when the round began
        ("gpu_utilization", pa.float64()),  # percent, from nvidia-smi; null on the CPU
        ("torch_version", pa.string()),
        ("host", pa.string()),
    ]
)


@dataclass
class Curve:
    """One row per evaluation of one run."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, epoch: int, step: int, lr: float, metrics: dict[str, float | None]) -> None:
        self.rows.append({"epoch": epoch, "step": step, "lr": lr, **metrics})


@dataclass
class Record:
    """One run: how it ended, and its curve. A run that did not finish diverged."""

    seed: int
    finished: bool
    steps: int
    curve: Curve
    n_parameters: int | None
    weight_norm: float | None
    small_weights: float | None
    lr: float | None
    reason: str | None = None  # why it did not finish, where that is not divergence while training

    @classmethod
    def without_training(cls, seed: int, reason: str) -> Record:
        """A run that counts as diverged although nothing was trained."""
        return cls(seed, False, 0, Curve(), None, None, None, None, reason)

    @property
    def learned(self) -> bool:
        """Whether the training loss ended below where it began."""
        rows = self.curve.rows
        return self.finished and bool(rows[-1]["train_loss"] < rows[0]["train_loss"])

    def row(self) -> dict[str, Any]:
        """The run's row, without the arm and without provenance."""
        last = self.curve.rows[-1] if self.curve.rows else {}
        return {
            "seed": self.seed,
            "status": "finished" if self.finished else "diverged",
            "reason": None if self.finished else self.reason or NOT_FINITE.format(self.steps),
            "learned": self.learned,
            "epochs_run": last.get("epoch", 0),
            "steps": self.steps,
            **{name: last.get(name) if self.finished else None for name in FINAL_METRICS},
            "n_parameters": self.n_parameters,
            "weight_norm": self.weight_norm,
            "small_weights": self.small_weights,
            "lr": self.lr,
        }


def write(records: Sequence[Record], arm: str, provenance: dict[str, Any], runs_path: Path, curves_path: Path) -> None:
    """Write both files; the runs, which mark the block as complete, are renamed into place last."""
    curves = [{"arm": arm, "seed": r.seed} | row for r in records for row in r.curve.rows]
    runs = [{"arm": arm} | record.row() | provenance for record in records]
    write_parquet(pa.Table.from_pylist(curves, CURVES), curves_path)
    write_parquet(pa.Table.from_pylist(runs, RUNS), runs_path)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write zstd Parquet in one step: beside, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table, beside, compression="zstd")
    os.replace(beside, path)


TUNING = pa.schema(  # one row per candidate and tuning seed; each setting is a column of its own besides
    [
        ("arm", pa.string()),
        ("candidate", pa.int32()),  # in the order of the trials
        ("phase", pa.string()),  # grid (or quasi-random points), then extend
        ("seed", pa.int32()),
        ("settings", pa.string()),  # JSON
        ("status", pa.string()),
        ("reason", pa.string()),
        ("steps", pa.int64()),
        ("train_loss", pa.float64()),
        ("train_accuracy", pa.float64()),
        ("val_loss", pa.float64()),
        ("val_accuracy", pa.float64()),
        ("steps_to_target", pa.int64()),  # null unless it is what is selected by, and reached
        ("select", pa.string()),
        ("score", pa.float64()),  # the candidate's mean of select over the seeds that have it
        ("rank", pa.int32()),  # of the candidate, the best is 1
        ("chosen", pa.bool_()),
        ("edge", pa.string()),  # of the chosen candidate: JSON, setting → low or high; null where it lies on none
        ("undertuned", pa.bool_()),  # at such an edge it beats its inner neighbour beyond doubt
        ("next", pa.string()),  # JSON: candidates to try past that edge
        ("device", pa.string()),
        ("torch_version", pa.string()),
        ("recipe_version", pa.int32()),
    ]
)


def write_tuning(rows: Sequence[dict[str, Any]], settings: Sequence[str], path: Path) -> None:
    """Write the rows of ``TUNING``, each with its ``settings`` by key."""
    table = pa.Table.from_pylist(list(rows), TUNING)
    for key in settings:
        values = [row[key] for row in rows]
        lists = any(isinstance(value, list | tuple) for value in values)
        column = pa.array(map(json.dumps, values), pa.string()) if lists else pa.array(map(float, values), pa.float64())
        table = table.append_column(key, column)
    write_parquet(table, path)
