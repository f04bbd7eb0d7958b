"""What was found, in plain words: from the summary alone, with intervals and without verdicts."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.formatting import COUNTED, Estimate, column, none, quoted
from study.show.tables.results_table import ordered
from study.show.tables.tuning import found, undertuned_arms
from study.show.templates import paragraphs
from study.wording import listed

MOST = 6  # arms that are named


def finding(comparison: PlannedComparison, summary: pd.DataFrame, tuning: pd.DataFrame) -> list[str]:
    """Paragraphs on a comparison: the order of its arms by the first metric in which two differ (else the first), then
    the arms that are undertuned. ``tuning``: that of ``Records``.
    """
    rows = summary[summary["comparison"] == comparison.name]
    if not (rows["n_finished"] > 0).any():
        return ["No run has finished yet, so there is nothing to say."]
    differ = (m for m in comparison.metrics if rows.loc[rows["metric"] == m, "estimate"].nunique() > 1)
    metric = next(differ, comparison.metrics[0])
    about = METRICS[metric]
    by_label = {row["label"]: row for row in rows[rows["metric"] == metric].to_dict("records")}
    labels = [label for label in ordered(comparison) if not none(by_label[label]["estimate"])]
    without = [label for label in ordered(comparison) if label not in labels]
    labels.sort(key=lambda label: by_label[label]["estimate"], reverse=about.better == "higher")
    best = labels[0] if labels else ""
    median = (about.target or about.per_round) and not about.counted
    return paragraphs(
        "finding",
        title=about.title,
        extreme=f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"
        if median
        else about.superlative,
        groups=_groups(metric, labels, by_label),
        without=_named(without) if without else None,
        why=_why(metric, [by_label[label] for label in without]),
        arms=len(comparison.arms),
        many=len(labels) > MOST,
        best=best,
        near=[label for label in labels[1:] if _near(by_label[best], by_label[label])],
        others=len(labels) - 1,
        undertuned=undertuned_arms(comparison, found(tuning)),
    )


def _groups(metric: str, labels: list[str], found: dict[Any, dict[Any, Any]]) -> list[dict[str, Any]]:
    """Arms, the best first; those that tie as one group. ``found``: the rows of the summary by label."""
    about = METRICS[metric]
    estimates = [Estimate(*(found[label][name] for name in ("estimate", "low", "high"))) for label in labels]
    texts = dict(zip(labels, column(metric, estimates), strict=True))
    groups = []
    for _, same in groupby(labels, key=lambda label: found[label]["estimate"]):
        arms = list(same)
        first = texts[arms[0]]
        unit = "" if about.unit in COUNTED else " %" if about.percent else f" {found[arms[0]]['unit']}".rstrip()
        shared = first.around and len({texts[arm] for arm in arms}) == 1
        groups.append(_named(arms, f"{first.value}{unit}" + f" [{first.around}]" * bool(shared)))
    return groups


def _named(labels: list[str], shown: str = "") -> dict[str, Any]:
    """Arms of which the same is to be said, by labels or number; ``shown``: the estimate that they share."""
    text = listed(map(quoted, labels)) if len(labels) <= MOST else f"{len(labels)} arms"
    return {"size": len(labels), "text": text, "shown": shown}


def _why(metric: str, rows: list[dict[Any, Any]]) -> str:
    """Why arms have no estimate, where all of them lack it for one reason. ``rows``: theirs in the summary."""
    if not rows:
        return ""
    if METRICS[metric].target and not any(none(row["n_reached"]) for row in rows):
        reached = [f"{int(row['n_reached'])} of {int(row['n_finished'] + row['n_diverged'])}" for row in rows]
        if len(reached) > MOST:
            return " (under half of the runs of each reached the target)"
        return f" ({listed(reached)} runs reached the target)"
    if not any(row["n_finished"] for row in rows):
        return " (no run finished)"
    return " (not timed yet)" if METRICS[metric].timed else ""


def _near(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether two arms have intervals that overlap; not where one has none."""
    return bool(one["low"] <= other["high"] and other["low"] <= one["high"])
