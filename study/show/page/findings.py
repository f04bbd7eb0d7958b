"""What was found, in plain words: from the summary alone, with intervals and without verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.formatting import COUNTED, Estimate, column, none, quoted
from study.show.tables.results_table import Row, by_metric
from study.show.tables.tuning import found, undertuned_arms
from study.show.templates import paragraphs
from study.wording import listed

MOST = 6  # arms that are named


def finding(comparison: PlannedComparison, summary: pd.DataFrame, tuning: pd.DataFrame) -> list[str]:
    """Paragraphs on a comparison: the order of its arms by the first metric in which two differ (else the first), then
    the arms that are undertuned. ``tuning``: that of ``Records``.
    """
    rows = by_metric(comparison, summary)
    if not any(row["n_finished"] for mine in rows.values() for row in mine):
        return ["No run has finished yet, so there is nothing to say."]
    known = {metric: [row for row in mine if not none(row["estimate"])] for metric, mine in rows.items()}
    differ = (metric for metric, mine in known.items() if len({row["estimate"] for row in mine}) > 1)
    metric = next(differ, comparison.metrics[0])
    about = METRICS[metric]
    ranked = sorted(known[metric], key=lambda row: -about.orientation * row["estimate"])
    without = [row for row in rows[metric] if none(row["estimate"])]
    median = f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"
    return paragraphs(
        "finding",
        title=about.title,
        extreme=median if (about.target or about.per_round) and not about.counted else about.superlative,
        groups=_groups(metric, ranked),
        without=_named(without) if without else None,
        why=_why(metric, without),
        arms=len(comparison.arms),
        many=len(ranked) > MOST,
        best=ranked[0]["label"] if ranked else "",
        near=[row["label"] for row in ranked[1:] if _near(ranked[0], row)],
        others=len(ranked) - 1,
        undertuned=undertuned_arms(comparison, found(tuning)),
    )


def _groups(metric: str, ranked: list[Row]) -> list[dict[str, Any]]:
    """Arms, the best first; those that tie as one group."""
    about = METRICS[metric]
    texts = column(metric, [Estimate(row["estimate"], row["low"], row["high"]) for row in ranked])
    groups = []
    for _, same in groupby(zip(ranked, texts, strict=True), key=lambda pair: pair[0]["estimate"]):
        rows, cells = zip(*same, strict=True)
        unit = "" if about.unit in COUNTED else " %" if about.percent else f" {rows[0]['unit']}".rstrip()
        shared = f" [{cells[0].around}]" if cells[0].around and len(set(cells)) == 1 else ""
        groups.append(_named(rows, f"{cells[0].value}{unit}{shared}"))
    return groups


def _named(rows: Sequence[Row], shown: str = "") -> dict[str, Any]:
    """Arms of which the same is to be said, by labels or number; ``shown``: the estimate that they share."""
    text = listed(quoted(row["label"]) for row in rows) if len(rows) <= MOST else f"{len(rows)} arms"
    return {"size": len(rows), "text": text, "shown": shown}


def _why(metric: str, rows: list[Row]) -> str:
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


def _near(one: Row, other: Row) -> bool:
    """Whether two arms have intervals that overlap; not where one has none."""
    return bool(one["low"] <= other["high"] and other["low"] <= one["high"])
