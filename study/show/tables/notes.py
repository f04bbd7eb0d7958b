"""The lines under a table: what its figures are, and what to mind."""

from __future__ import annotations

from typing import Any

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.formatting import NONE
from study.show.tables.tuning import read_from


def notes(comparison: PlannedComparison, rows: list[dict[str, Any]], device: str | None) -> list[str]:
    """What the figures are, in a few lines."""
    metrics = comparison.metrics
    lines = []
    if any(not METRICS[m].target and not METRICS[m].per_round for m in metrics):
        lines.append("Mean over finished seeds [95 % t interval].")
    if any(METRICS[m].target for m in metrics):
        lines.append(
            f"To target: {target_text(comparison)}; median over seeds [95 % interval], {NONE} where under half "
            "of the runs reach it; resolution one epoch."
        )
    if any(METRICS[m].per_round for m in metrics):
        lines.append(
            "Time, memory and speedup: median over timing rounds [95 % interval, where rounds differ]; claims compare "
            "the arms round by round, and average the factors."
        )
    if "speedup" in metrics:
        lines.append(f"Speedup: {comparison.reference} is the reference (1×), round by round.")
    if any(row["n_diverged"] for row in rows) and any(
        not METRICS[m].target and not METRICS[m].per_round for m in metrics
    ):
        lines.append("Diverged runs are in no mean: read it with the number that diverged.")
    if device and any(METRICS[m].timed for m in metrics):
        lines.append(f"Timed by a job of its own on: {device}; for how quiet it was see Timing in the report.")
    if device == "CPU workers":
        lines.append("“gpus” counts CPU workers here: processes of one machine that split each batch. No GPU was used.")
    if any(row["undertuned"] is True for row in rows):
        lines.append(
            "Undertuned: the best setting lies at the edge of all that were tried and beats its neighbour there beyond "
            "doubt, so the arm may do better than shown; what follows “try” is where to look."
        )
    if told := read_from(comparison):
        lines.append(told)
    if comparison.source:
        lines.append(f"Reported: {comparison.source}, as printed there.")
    return lines


def target_text(comparison: PlannedComparison) -> str:
    target = comparison.target
    if target is None:
        return ""
    if target.metric == "val_accuracy":
        return f"validation accuracy of at least {target.value * 100:g} %"
    return f"validation loss of at most {target.value:g}"
