"""What was found, in plain words: from the summary alone, with intervals and without verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.formatting import COUNTED, Estimate, column, quoted
from study.show.tables.results_table import Row, by_metric
from study.show.tables.tuning import found, undertuned_arms
from study.show.templates import paragraphs
from study.wording import listed

MOST = 6  # arms that are named


def finding(comparison: PlannedComparison, summary: pd.DataFrame, tuning: pd.DataFrame) -> list[str]:
    """Paragraphs on a comparison: its best arms by the first metric in which two differ (else the first), those that
    come near, then the arms that are undertuned. ``tuning``: that of ``Records``.
    """
    rows = by_metric(comparison, summary)
    if not any(row["n_finished"] for mine in rows.values() for row in mine):
        return ["No run has finished yet, so there is nothing to say."]
    known = {metric: [row for row in mine if pd.notna(row["estimate"])] for metric, mine in rows.items()}
    differ = (metric for metric, mine in known.items() if len({row["estimate"] for row in mine}) > 1)
    metric = next(differ, comparison.metrics[0])
    about = METRICS[metric]
    ranked = sorted(known[metric], key=lambda row: -about.orientation * row["estimate"])
    best = [row for row in ranked if row["estimate"] == ranked[0]["estimate"]]
    near = [row for row in ranked[len(best) :] if row["low"] <= best[0]["high"] and best[0]["low"] <= row["high"]]
    without = [row for row in rows[metric] if pd.isna(row["estimate"])]
    median = f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"
    return paragraphs(
        "finding",
        title=about.title,
        extreme=median if (about.target or about.per_round) and not about.counted else about.superlative,
        best=[row["label"] for row in best],
        named=_named(best),
        value=_value(metric, ranked, len(best)) if best else "",
        known=len(ranked),
        near=_named(near),
        without=_named(without),
        has="has" if len(without) == 1 else "have",
        why=_why(metric, without),
        undertuned=undertuned_arms(comparison, found(tuning)),
    )


def _value(metric: str, ranked: list[Row], best: int) -> str:
    """The estimate that the ``best`` first arms share, with its interval where they share that too."""
    about, unit = METRICS[metric], ranked[0]["unit"]
    cells = column(metric, [Estimate(row["estimate"], row["low"], row["high"]) for row in ranked])[:best]
    shared = f" [{cells[0].around}]" if cells[0].around and len(set(cells)) == 1 else ""
    return cells[0].value + ("" if about.unit in COUNTED else " %" if about.percent else f" {unit}".rstrip()) + shared


def _named(rows: Sequence[Row]) -> str:
    """Arms by their labels, or number."""
    return listed(quoted(row["label"]) for row in rows) if len(rows) <= MOST else f"{len(rows)} arms"


def _why(metric: str, rows: list[Row]) -> str:
    """Why arms have no estimate, where all of them lack it for one reason. ``rows``: theirs in the summary."""
    if METRICS[metric].target and not any(pd.isna(row["n_reached"]) for row in rows):
        return " (under half of the runs of each reached the target)"
    if not any(row["n_finished"] for row in rows):
        return " (no run finished)"
    return " (not timed yet)" if METRICS[metric].timed else ""
