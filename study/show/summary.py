"""What the observations of every arm come to: counts, an estimate and its interval, by metric."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from study.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from study.show.claims.statements import contrast
from study.show.observations import Observations, neighbours
from study.show.records import settings_by_run
from study.stats.estimates import Estimate, Floats, estimate_of, median_of

STATUSES = ["finished", "diverged", "failed", "missing"]
BESIDE = (("target", pa.float64()), ("median", pa.float64()), ("n_reached", pa.int32()))  # at a neighbouring target
SUMMARY = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "arm", "label", "metric", "unit")),
        *((name, pa.int32()) for name in ("n", *(f"n_{status}" for status in STATUSES), "n_learned", "n_reached")),
        *((name, pa.float64()) for name in ("estimate", "low", "high", "median")),
        ("estimator", pa.string()),  # of the estimate: mean, geometric mean, median; null where no run has a value
        # How far from the comparison's reference, of metrics that are claimed: as a claim on the two has it.
        *((name, pa.float64()) for name in ("against", "against_low", "against_high")),
        ("against_estimator", pa.string()),
        ("reported", pa.string()),
        *((f"{side}_{name}", kind) for side in ("easier", "harder") for name, kind in BESIDE),
        *((name, pa.string()) for name in ("select", "chosen")),  # what the arm was tuned by; its settings, as JSON
        ("undertuned", pa.bool_()),  # null before the arm is tuned
        *((name, pa.string()) for name in ("edge", "next")),  # of what was chosen, as in tuning.parquet
        ("by_run", pa.string()),  # JSON: what was chosen for each run, where each is tuned for itself
        *((name, pa.float64()) for name in ("score", "final_score")),  # by what it was tuned: in trials, in the runs
        *((name, pa.string()) for name in ("better", "better_by")),  # as in tuning.parquet
    ]
)


def summarize(plan: Plan, observations: Observations, tuning: pd.DataFrame) -> pa.Table:
    """One row per comparison, arm and metric: counts, estimate and 95 % interval. ``tuning``: that of ``Records``."""
    best = tuning.sort_values("rank", kind="stable").drop_duplicates("arm").set_index("arm")
    best["chosen"] = best["settings"].where(best["chosen"].astype(bool))  # none where every candidate diverged
    best["by_run"] = settings_by_run(tuning).map(json.dumps).reindex(best.index)
    about = ["chosen", "undertuned", "edge", "next", "by_run", "score", "final_score", "better", "better_by"]
    best = best[about].astype(object)
    tuned: dict[Any, Any] = best.where(best.notna(), None).to_dict("index")
    rows = [row for comparison in plan.comparisons for row in _summary(comparison, observations, tuned)]
    return pa.Table.from_pylist(rows, SUMMARY)


def _summary(
    comparison: PlannedComparison, observations: Observations, tuned: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """``tuned``: by arm, what was chosen."""
    claimed = {claim.metric for claim in comparison.claims}
    runs = observations.runs(comparison.name)
    counts = pd.crosstab(runs["arm"], runs["status"]).reindex(columns=STATUSES, fill_value=0).add_prefix("n_")
    counts = counts.assign(n=counts.sum(axis=1), n_learned=runs.groupby("arm")["learned"].sum())
    ends: dict[Any, dict[Any, int]] = counts.to_dict("index")
    read_from = {metric: comparison.arms_for(metric) for metric in comparison.metrics}
    units = {metric: observations.unit(comparison.name, metric) for metric in comparison.metrics}
    near = neighbours(comparison.target)
    for arm in comparison.arms:
        for metric in comparison.metrics:
            values = observations.values(comparison.name, metric, arm.label)
            read = read_from[metric][arm.label]
            row = (
                {"comparison": comparison.name, "arm": read, "label": arm.label, "metric": metric}
                | {"unit": units[metric], "reported": comparison.reported.get(arm.label, {}).get(metric)}
                | estimate_of(metric, values)._asdict()
                | {"median": median_of(metric, values)}
                | {"select": comparison.selections.get(metric) if arm.tuned else None}
                | ends[read]
                | tuned.get(read, {})
            )
            if metric in claimed:
                both, itself = (arm.label, comparison.reference), arm.label == comparison.reference
                apart = Estimate() if itself else contrast(comparison, metric, both, observations)
                row |= dict(zip(("against", "against_low", "against_high", "against_estimator"), apart, strict=True))
            if METRICS[metric].target:
                row["n_reached"] = _reached(values)
                for side, target in near.items():
                    there = observations.values(comparison.name, metric, arm.label, side)
                    row |= {f"{side}_target": target.value, f"{side}_median": median_of(metric, there)}
                    row |= {f"{side}_n_reached": _reached(there)}
            yield row


def _reached(values: Floats) -> int | None:
    """How many runs reached the target; None where no run says anything of it."""
    return None if np.isnan(values).all() else int(np.isfinite(values).sum())
