"""What the trials of a search leave, one row per candidate and tuning seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from study.engine.record import Record
from study.plan.file.models import Target
from study.plan.searches.selection import Outcome

Row = dict[str, Any]
MEASURED = (  # the columns of ``TUNING`` that a trial fills
    *("seed", "status", "reason", "steps", "train_loss", "train_accuracy", "val_loss", "val_accuracy"),
    "steps_to_target",
)
ABOUT = ("device", "torch_version", "recipe_version")  # no time and no host: the same arm leaves the same file


def measured(made: Record, target: Target | None) -> Row:
    """One tuning seed of a candidate."""
    row = made.row() | {"steps_to_target": reached(made, target)}
    return {name: row[name] for name in MEASURED}


def reached(made: Record, target: Target | None) -> int | None:
    """The step of the first evaluation at or past ``target``."""
    rows = made.curve.rows if target else ()
    return next((row["step"] for row in rows if target and target.met(row[target.metric])), None)


def outcome_of(row: Row) -> Outcome:
    """What selection looks at."""
    return Outcome(row["status"] == "finished", row["val_accuracy"], row["val_loss"], row["steps_to_target"])


def taken_over(path: Path, about: Row) -> dict[str, list[Row]]:
    """The rows of each candidate, by its settings, from a search that chose by another metric. [candidates][seeds]

    Only those that were made with what ``about`` says (the columns ``ABOUT``): one search is not half of each.
    """
    found: dict[str, list[Row]] = {}
    for row in pq.read_table(path, columns=["settings", *MEASURED, *ABOUT]).to_pylist():
        if all(row[name] == about[name] for name in ABOUT):
            mine = {name: row[name] for name in MEASURED} | {"steps_to_target": None}  # these are for that search alone
            found.setdefault(row["settings"], []).append(mine)
    return found
