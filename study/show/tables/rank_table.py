"""Arms compared over datasets: their scores on each, and the table of average ranks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from study.show.datasets import DRAWN, Across, across
from study.show.formatting import NONE, Cell, quoted
from study.show.templates import paragraph
from study.stats.estimates import Floats, Ints, estimate_of
from study.stats.ranks import average_ranks, costs_of
from study.wording import listed, plural


class Scores(NamedTuple):
    """What every arm has of a metric on every dataset. Arrays are [datasets, arms]."""

    estimates: Floats  # NaN where there is none
    lost: Ints  # runs that diverged; of times to target 1 where under half of the runs reach it
    absent: tuple[str, ...]  # labels without an estimate for no fault of theirs: runs are missing, failed or not timed

    @property
    def solved(self) -> Floats:
        """As costs of a performance profile: infinite where a run was lost."""
        return np.where(self.lost > 0, np.inf, self.estimates)


class Ranks(NamedTuple):
    """A table: the best by the first metric first. Without rows where arms cannot be ranked; ``notes`` say why."""

    title: str
    headings: list[str]  # [metrics]
    rows: list[tuple[str, list[Cell]]]  # an arm, and its average rank by each metric
    notes: str

    @property
    def known(self) -> bool:
        """Whether arms are ranked by the first metric."""
        return bool(self.rows) and self.rows[0][1][0].value != NONE


def scores(found: Across, summary: pd.DataFrame, metric: str) -> Scores:
    """``summary``: the rows of one comparison. Of a dataset in several splits: their mean (or geometric mean)."""
    rows = {str(row["label"]): row for row in summary[summary["metric"] == metric].to_dict("records")}
    shape = len(found.datasets), len(found.arms)
    estimates, lost, absent = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64), []
    for cell, labels in found.cells.items():
        known = estimate_of(metric, np.array([rows[x]["estimate"] for x in labels.values()], dtype=float)).estimate
        estimates[cell] = np.nan if known is None else known
        lost[cell] = sum(_lost(metric, rows[x]) for x in labels.values())
        absent += [x for x in labels.values() if pd.isna(rows[x]["estimate"]) and not _lost(metric, rows[x])]
    return Scores(estimates, lost, tuple(absent))


def ranks_of(plan: Plan, comparison: PlannedComparison, summary: pd.DataFrame) -> Ranks | None:
    """Average ranks over datasets; None where the comparison is on one dataset, or of one arm."""
    found = across(plan, comparison)
    if found is None:
        return None
    rows = summary[summary["comparison"] == comparison.name]
    by_metric = {metric: scores(found, rows, metric) for metric in comparison.metrics} if found.full else {}
    columns = [_column(metric, score) for metric, score in by_metric.items()]
    arms = [(arm, list(cells)) for arm, *cells in zip(found.arms, *columns, strict=True)] if columns else []
    known = [column for column in columns if column[0].value != NONE]
    order = sorted(range(len(arms)), key=lambda i: float(known[0][i].value) if known else 0)
    about = [METRICS[metric] for metric in by_metric]
    notes = paragraph(
        "rank_notes",
        found=found,
        means=any(not metric.target and not metric.per_round for metric in about),
        targets=any(metric.target for metric in about),
        absent={METRICS[m].title: list(map(quoted, score.absent)) for m, score in by_metric.items() if score.absent},
        most=DRAWN,
    )
    headings = [f"rank by {metric.title}" for metric in about]
    return Ranks(f"Over {len(found.datasets)} datasets", headings, [arms[i] for i in order], notes)


def _column(metric: str, score: Scores) -> list[Cell]:
    """The average rank of every arm by one metric, and on how many datasets its runs were lost."""
    if score.absent:
        return [Cell(NONE)] * score.lost.shape[1]
    what = "not reached" if METRICS[metric].target else "diverged"
    ranks = average_ranks(costs_of(metric, score.estimates, score.lost))
    lost = (score.lost > 0).sum(axis=0)
    return [Cell(f"{rank:.2f}", remark=f"{what} on {n}" * bool(n)) for rank, n in zip(ranks, lost, strict=True)]


def headline(ranks: Ranks) -> str:
    """Which arms rank best over the datasets by the first metric."""
    arms = [(quoted(arm), cells[0].value) for arm, cells in ranks.rows]
    best = [arm for arm, rank in arms if rank == arms[0][1]]
    have = plural(len(best), "has")
    return f"{ranks.title} {listed(best)} {have} the best average {ranks.headings[0]}, {arms[0][1]}."


def _lost(metric: str, row: dict[Any, Any]) -> int:
    """What makes an arm worse than every number; 0 where nothing is known of its runs."""
    if METRICS[metric].per_round:
        return 0
    if METRICS[metric].target:
        return int(pd.isna(row["estimate"]) and pd.notna(row["n_reached"]))
    unknown = pd.isna(row["estimate"]) and row["n_diverged"] < row["n"] and row["estimator"] != "median"
    return 0 if unknown else int(row["n_diverged"])
