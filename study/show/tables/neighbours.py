"""Times to target at a slightly easier and a slightly harder target: does what was found hang on the target?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from study.metrics import METRICS, Target
from study.plan.plan import PlannedComparison
from study.show.formatting import Estimate, column, heading, none
from study.show.observations import neighbours
from study.show.tables.table import Cell, Row, Table, ordered


def beside(comparison: PlannedComparison, summary: pd.DataFrame, device: str | None = None) -> Table | None:
    """Medians and counts at the neighbouring targets; None where the comparison shows no time to target."""
    rows = summary[summary["comparison"] == comparison.name]
    labels, columns, headings = ordered(comparison), [], []
    found = {(row["label"], row["metric"]): row for row in rows.to_dict("records")}
    for metric in (m for m in comparison.metrics if METRICS[m].target):
        for side, target in neighbours(comparison.target).items():
            cells = [found[label, metric] for label in labels]
            medians = [None if none(cell[f"{side}_median"]) else float(cell[f"{side}_median"]) for cell in cells]
            texts = column(metric, [Estimate(median, None, None) for median in medians])
            columns.append([Cell(text, _reached(c, side), None) for text, c in zip(texts, cells, strict=True)])
            headings.append(f"{heading(metric, device=device)}, {level_text(target)}")
    if not columns:
        return None
    rows_ = [Row(label, tuple(cells), "") for label, *cells in zip(labels, *columns, strict=True)]
    return Table(tuple(headings), (False,) * len(headings), tuple(rows_), (NOTE,))


NOTE = "The same runs at two neighbouring targets: medians over seeds, and how many runs reach them."


def level_text(target: Target) -> str:
    """The level of a target, with its unit where it has one: ``94 %``."""
    return f"{target.value * 100:g} %" if target.metric == "val_accuracy" else f"loss {target.value:g}"


def _reached(cell: dict[Any, Any], side: str) -> str:
    count, known = cell[f"{side}_n_reached"], int(cell["n_finished"] + cell["n_diverged"])
    return "" if none(count) else f"{int(count)}/{known} reached"
