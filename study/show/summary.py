"""One row per comparison, arm and metric: counts, estimate and 95 % interval (see docs/statistics.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from study.metrics import METRICS
from study.plan.plan import Plan, PlannedComparison
from study.show.observations import PER_ROUND, observe, units_of
from study.show.records import Records
from study.show.tables.results_table import neighbours
from study.show.tables.tuning import found, row_of

COUNTS = ("n", "n_finished", "n_diverged", "n_failed", "n_missing", "n_learned", "n_reached")
BESIDE = (("target", pa.float64()), ("median", pa.float64()), ("n_reached", pa.int32()))  # at a neighbouring target
SUMMARY = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "arm", "label", "metric", "unit")),
        *((name, pa.int32()) for name in COUNTS),
        *((name, pa.float64()) for name in ("estimate", "low", "high", "median")),
        ("reported", pa.string()),
        *((f"{side}_{name}", kind) for side in ("easier", "harder") for name, kind in BESIDE),
        *((name, pa.string()) for name in ("select", "chosen")),  # what the arm was tuned by; its settings, as JSON
        ("undertuned", pa.bool_()),  # null before the arm is tuned
        *((name, pa.string()) for name in ("edge", "next")),  # of what was chosen, as in tuning.parquet
    ]
)


def summarize(plan: Plan, records: Records) -> pa.Table:
    """The summary of all comparisons, in their order."""
    rows = [row for comparison in plan.comparisons for row in _comparison(comparison, records)]
    return pa.Table.from_pylist(rows, SUMMARY)


def _comparison(comparison: PlannedComparison, records: Records) -> list[dict[str, Any]]:
    observed = observe(comparison, records)
    read_from = {metric: comparison.arms_for(metric) for metric in comparison.metrics}
    units = units_of(comparison, records)
    targeted = any(METRICS[metric].target for metric in comparison.metrics)
    near = neighbours(comparison.target) if targeted else {}
    beside = {
        side: (target.value, observe(comparison.model_copy(update={"target": target}), records))
        for side, target in near.items()
    }
    tuned = found(records.tuning)
    rows = []
    for arm in comparison.arms:
        for metric in comparison.metrics:
            estimate, low, high, median = estimate_of(metric, observed.values(metric, arm.label))
            read = read_from[metric][arm.label]
            runs = observed.runs_of[metric]
            rows.append(
                {"comparison": comparison.name, "arm": read, "label": arm.label, "metric": metric}
                | {"unit": units[metric], "estimate": estimate, "low": low, "high": high, "median": median}
                | counts(runs[runs["arm"] == read], metric)
                | {"reported": comparison.reported.get(arm.label, {}).get(metric)}
                | row_of(tuned.get(read), comparison.selections.get(metric) if arm.tuned else None, read in tuned)
            )
            for side, (value, other) in beside.items() if METRICS[metric].target else ():
                runs = other.runs_of[metric]
                rows[-1] |= {
                    f"{side}_target": value,
                    f"{side}_median": estimate_of(metric, other.values(metric, arm.label))[0],
                    f"{side}_n_reached": counts(runs[runs["arm"] == read], metric)["n_reached"],
                }
    return rows


def counts(runs: pd.DataFrame, metric: str) -> dict[str, int | None]:
    """How the runs of one arm ended; ``n_reached`` for times to target only, where any run has one."""
    by_status = runs["status"].value_counts()
    known = METRICS[metric].target and runs[metric].notna().any()
    reached = int(np.isfinite(runs[metric]).sum()) if known else None
    return {
        "n": len(runs),
        **{f"n_{status}": int(by_status.get(status, 0)) for status in ("finished", "diverged", "failed", "missing")},
        "n_learned": int(runs["learned"].sum()),
        "n_reached": reached,
    }


def estimate_of(metric: str, values: np.ndarray) -> tuple[float | None, float | None, float | None, float | None]:
    """Estimate, low, high and median of ``values`` [runs]; NaN are runs without a value.

    A mean with its t interval; for times to target, and for what the timing job measures, the median with
    its interval. None where it does not exist.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return None, None, None, None
    if METRICS[metric].target:
        middle = kaplan_meier_median(values)
        low, high = median_interval(values)
        return middle, low, high, middle
    middle = float(np.median(values))
    if metric in PER_ROUND:
        low, high = median_interval(values) if np.ptp(values) else (None, None)
        return middle, low, high, middle
    low, high = mean_interval(values)
    return float(values.mean()), low, high, middle


def mean_interval(values: np.ndarray) -> tuple[float | None, float | None]:
    """The 95 % t interval of the mean of ``values`` [runs]; None with one value, or where all are equal."""
    if len(values) < 2 or not np.ptp(values):
        return None, None
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return float(interval.low), float(interval.high)


def kaplan_meier_median(times: np.ndarray) -> float | None:
    """The first time with survival S(t) ≤ 0.5 (Kaplan and Meier, 1958); inf in ``times`` [runs] is censored.

    None where under half of the runs reach the target.
    """
    reached = times[np.isfinite(times)]
    if not len(reached):
        return None
    beyond = np.full(len(times) - len(reached), reached.max() + 1)
    survival = stats.ecdf(stats.CensoredData(uncensored=reached, right=beyond)).sf
    below = survival.quantiles[survival.probabilities <= 0.5 + 1e-9]
    return float(below[0]) if len(below) and below[0] <= reached.max() else None


def median_interval(times: np.ndarray) -> tuple[float | None, float | None]:
    """The exact 95 % interval of the median of ``times`` [runs], inf where it is past the budget.

    None where there are too few runs for such an interval (under 6).
    """
    interval = stats.quantile_test(times, q=0, p=0.5).confidence_interval(0.95)
    low, high = (None if np.isnan(end) else float(end) for end in interval)
    return low, high
