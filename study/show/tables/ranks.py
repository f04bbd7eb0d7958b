"""Arms compared over datasets: their scores on each, and the table of average ranks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS
from study.plan.datasets import DRAWN, Across, across, has_figure
from study.plan.plan import Plan, PlannedComparison
from study.show.formatting import NONE, listed, none
from study.show.page.reported_order import quoted
from study.stats.estimates import Floats
from study.stats.exact import DATASETS
from study.stats.paired import Ints
from study.stats.ranks import average_ranks, costs_of

NAMED, MOST = 12, 4  # datasets, and arms without an estimate, that are listed by name


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
    rows: list[tuple[str, list[tuple[str, str]]]]  # an arm, and by metric its average rank and a remark
    notes: str
    drawn: bool  # whether there is a figure, too

    @property
    def known(self) -> bool:
        """Whether arms are ranked by the first metric."""
        return bool(self.rows) and self.rows[0][1][0][0] != NONE


def scores(found: Across, summary: pd.DataFrame, metric: str) -> Scores:
    """``summary``: the rows of one comparison. Of a dataset in several splits: the mean over them."""
    rows = {str(row["label"]): row for row in summary[summary["metric"] == metric].to_dict("records")}
    shape = len(found.datasets), len(found.arms)
    estimates, lost, absent = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64), []
    for cell, labels in found.cells.items():
        known = [float(rows[x]["estimate"]) for x in labels.values() if not none(rows[x]["estimate"])]
        estimates[cell] = np.mean(known) if known else np.nan
        lost[cell] = sum(_lost(metric, rows[x]) for x in labels.values())
        absent += [x for x in labels.values() if none(rows[x]["estimate"]) and not _lost(metric, rows[x])]
    return Scores(estimates, lost, tuple(absent))


def ranks_of(plan: Plan, comparison: PlannedComparison, summary: pd.DataFrame) -> Ranks | None:
    """Average ranks over datasets; None where the comparison is on one dataset, or of one arm."""
    found = across(plan, comparison)
    if found is None:
        return None
    title = f"Over {len(found.datasets)} datasets"
    if not found.full:
        return Ranks(title, [], [], "Arms are not ranked over datasets: not every arm is on every one of them.", False)
    rows = summary[summary["comparison"] == comparison.name]
    by_metric = {metric: scores(found, rows, metric) for metric in comparison.metrics}
    ranks = {
        metric: None if score.absent else average_ranks(costs_of(metric, score.estimates, score.lost), False)
        for metric, score in by_metric.items()
    }
    columns = [_column(metric, ranks[metric], by_metric[metric]) for metric in comparison.metrics]
    first = next((rank for rank in ranks.values() if rank is not None), None)
    order = range(len(found.arms)) if first is None else np.argsort(first, kind="stable")
    return Ranks(
        title,
        [METRICS[metric].title for metric in comparison.metrics],
        [(found.arms[i], [column[i] for column in columns]) for i in order],
        " ".join(_notes(found, by_metric)),
        has_figure(found, comparison.metrics),
    )


def headline(ranks: Ranks) -> str:
    """Which arms rank best over the datasets by the first metric, and all others where they are few."""
    arms = [(arm, cells[0][0]) for arm, cells in ranks.rows]
    best = [quoted(arm) for arm, rank in arms if rank == arms[0][1]]
    rest = [f"{quoted(arm)} {rank}" for arm, rank in arms[len(best) :]]
    shares = "have" if len(best) > 1 else "has"
    others = f"; {listed(rest)}" if 0 < len(rest) < MOST else ""
    return f"{ranks.title} {listed(best)} {shares} the best average rank by {ranks.headings[0]}, {arms[0][1]}{others}."


def _lost(metric: str, row: dict[Any, Any]) -> int:
    """What makes an arm worse than every number; 0 where nothing is known of its runs."""
    if METRICS[metric].per_round:
        return 0
    if METRICS[metric].target:
        return int(none(row["estimate"]) and not none(row["n_reached"]))
    unknown = none(row["estimate"]) and row["n_diverged"] < row["n"]
    return 0 if unknown else int(row["n_diverged"])


def _column(metric: str, ranks: Floats | None, score: Scores) -> list[tuple[str, str]]:
    """The cells of one metric. [arms]"""
    if ranks is None:
        return [(NONE, "")] * score.lost.shape[1]
    what = "not reached" if METRICS[metric].target else "diverged"
    lost = (score.lost > 0).sum(axis=0)
    return [(f"{rank:.2f}", f"{what} on {count}" if count else "") for rank, count in zip(ranks, lost, strict=True)]


def _notes(found: Across, by_metric: dict[str, Scores]) -> list[str]:
    """How arms were ranked, in a few sentences."""
    count, metrics = len(found.datasets), list(by_metric)
    which = f" ({listed(found.datasets)})" if count <= NAMED else ""
    lines = [f"Average rank over {count} datasets{which}: 1 is the best, ties share theirs."]
    lines += ["A dataset that is split in several ways counts once, with the mean over its splits."] * found.splits
    last = []
    if any(not METRICS[metric].target and not METRICS[metric].per_round for metric in metrics):
        last.append("comes after all of which fewer runs diverged")
    if any(METRICS[metric].target for metric in metrics):
        last.append("is last where under half of its runs reach the target")
    comes = f"; it {listed(last)}" if last else ""
    lines.append(f"On each dataset an arm is ranked by its estimate, as in the table above{comes}.")
    for metric, score in by_metric.items():
        if score.absent:
            names = [f"“{label}”" for label in score.absent]
            which = listed(names if len(names) <= MOST else [*names[:3], f"{len(names) - 3} more arms"])
            lines.append(f"Not ranked by {METRICS[metric].title}: there is no estimate of {which} yet.")
    if count < DATASETS:
        lines.append("Fewer than six datasets allow no test between arms.")
    if len(found.arms) > DRAWN:
        lines.append(f"Of more than {DRAWN} arms there is no figure over datasets.")
    return lines
