"""What stands beside a verdict: an interval over seeds and test rows, runs that failed, how often one arm is better."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import stats

from study.metrics import METRICS
from study.plan.file.claim import PlannedClaim
from study.plan.plan import PlannedComparison
from study.show.by_row import ByRow
from study.show.formatting import effect, percent
from study.show.observations import Observations
from study.stats.crossed import carriers, crossed, row_effects
from study.stats.estimates import Estimate
from study.stats.exact import ALPHA
from study.stats.reliability import ends, improvement
from study.stats.verdict import Verdict
from study.wording import counted, plural

BESIDE = pa.schema(
    [
        ("rows", pa.int32()),  # test rows, where what every run did on each is known
        # Of the interval over seeds and rows, both sampled; of the level that decided the claim, or would have.
        *((name, pa.float64()) for name in ("rows_low", "rows_high", "rows_level")),
        ("rows_error", pa.float64()),  # of the mean difference, as it is tested: what stays with any number of seeds
        ("rows_half", pa.int32()),  # the fewest rows that carry half of the difference
        *((name, pa.float64()) for name in ("improvement", "improvement_low", "improvement_high")),
        ("ends", pa.string()),  # "learned" or "reached", where some runs of the two arms did and some did not
        *((name, pa.int32()) for name in ("better_ends", "than_ends")),  # runs that did
        ("ends_p", pa.float64()),  # of the test that both do so equally often
    ]
)


def beside(
    comparison: PlannedComparison,
    claim: PlannedClaim,
    verdict: Verdict,
    observations: Observations,
    by_row: ByRow,
) -> dict[str, Any]:
    """The columns ``BESIDE`` of a claim, as far as there is anything to say."""
    if verdict.evidence.lacking:
        return {}
    found = _over_rows(comparison, claim, verdict, observations, by_row)
    if claim.better_arms:  # the rest is of single runs
        return found
    found |= _ends(comparison, claim, observations)
    if won := improvement(verdict.claim):
        found |= dict(zip(("improvement", "improvement_low", "improvement_high"), won, strict=True))
    return found


def _over_rows(
    comparison: PlannedComparison,
    claim: PlannedClaim,
    verdict: Verdict,
    observations: Observations,
    by_row: ByRow,
) -> dict[str, Any]:
    if not comparison.here or verdict.evidence.test != "sign-flip":
        return {}
    rows = observations.of(comparison.name, claim.metric)
    seeds = set.intersection(*(set(rows.loc[rows["label"] == label, "seed"]) for label in claim.arms))
    pairs = by_row.of(claim, sorted(map(int, seeds)))
    each = [x for pair in pairs if (x := row_effects(claim.metric, *pair)) is not None]
    over = crossed(np.mean(each, axis=0)) if pairs and len(each) == len(pairs) else None
    if over is None:
        return {}
    level = verdict.level_adjusted or verdict.evidence.level
    low, high = (METRICS[claim.metric].restored(end) for end in over.interval(level))
    if verdict.low_adjusted is not None and verdict.high_adjusted is not None:  # that over seeds alone, by its test
        low, high = min(low, verdict.low_adjusted), max(high, verdict.high_adjusted)
    return {
        "rows": each[0].shape[1],
        "rows_low": low,
        "rows_high": high,
        "rows_level": level,
        "rows_error": over.rows_error,
        "rows_half": carriers(claim.metric, *pairs[0]) if len(pairs) == 1 else None,
    }


def _ends(comparison: PlannedComparison, claim: PlannedClaim, observations: Observations) -> dict[str, Any]:
    about = METRICS[claim.metric]
    if about.per_round:
        return {}
    rows = observations.of(comparison.name, claim.metric) if about.target else observations.runs(comparison.name)
    sides = [rows[rows["arm"] == arm].set_index("seed") for arm in (claim.better_arm, claim.than_arm)]
    if comparison.paired:
        seeds = sides[0].index.intersection(sides[1].index)
        sides = [side.loc[seeds] for side in sides]
    values = [side["value"].to_numpy(dtype=float) for side in sides]
    if any(np.isnan(each).any() for each in values):
        return {}
    better, than = (np.isfinite(each) if about.target else each > 0 for each in values)
    found = ends(better, than, comparison.paired)
    if found is None:
        return {}
    names, how = ("better_ends", "than_ends", "ends_p"), "reached" if about.target else "learned"
    return {"ends": how} | dict(zip(names, found, strict=True))


def about_new_data(row: Mapping[str, Any] | pd.Series) -> bool:
    """Whether a claim is decided, and on other test rows it may come out otherwise. ``row``: of claims.parquet."""
    if row["verdict"] == "undecided" or pd.isna(row.get("rows_low")):
        return False
    about, equal = METRICS[row["metric"]], row["kind"] == "equal"
    margin = about.threshold(row["margin"])
    low, high, most, least = row["rows_low"], row["rows_high"], about.restored(margin), about.restored(-margin)
    if row["verdict"] == "supported":
        return not (least < low and high < most if equal else low > most)
    return not (high < least or low > most if equal else high < most)


def remarks(row: pd.Series) -> list[str]:
    """Lines beside a verdict, from its row of claims.parquet."""
    lines = []
    if pd.notna(row["rows_low"]):
        around = effect(row["metric"], Estimate(row["estimate"], row["rows_low"], row["rows_high"])).around
        half = ""
        if pd.notna(row["rows_half"]):
            carry = plural(row["rows_half"], "carries")
            half = f"; {row['rows_half']:.0f} of {counted(int(row['rows']), 'test row')} {carry} half of the difference"
        lines.append(f"over seeds and test rows: {percent(row['rows_level'])} interval {around}{half}")
    if pd.notna(row["ends_p"]):
        how = "reached the target" if row["ends"] == "reached" else "training loss fell"
        test = "Fisher" if row["test"] in ("permutation", "rank-sum") else "McNemar"
        counts = f"{row['better_ends']:.0f} runs of {row['better']}, {row['than_ends']:.0f} of {row['than']}"
        lines.append(f"{how}: {counts} ({test}, p = {row['ends_p']:.2g}, not adjusted)")
    return lines


def improvement_text(row: pd.Series) -> str:
    """``81 % (57 to 96 %)``: of the runs of one arm that beat one of the other; empty where that is not known."""
    share, low, high = (f"{100 * row[f'improvement{end}']:.0f}" for end in ("", "_low", "_high"))
    return "" if share == "nan" else f"{share} % ({low} to {high} %)"


def limit(row: Mapping[str, Any] | pd.Series) -> str:
    """Why seeds would decide about these test rows only, of a claim that they may decide; else "".

    ``row``: of claims.parquet. Reasons, the opening of the page and ``suggest`` name it in place of a number of seeds.
    """
    if pd.isna(row["pairs_even"]) or pd.isna(row.get("rows_error")) or not row["rows_error"] or pd.isna(row["mean"]):
        return ""
    margin = METRICS[row["metric"]].threshold(row["margin"])
    gap = margin - abs(row["mean"]) if row["kind"] == "equal" else abs(row["mean"] - margin)
    spread = float(stats.norm.ppf(1 - ALPHA / 2)) * row["rows_error"]
    if spread <= abs(gap):
        return ""
    rows = ceil(row["rows"] * (spread / gap) ** 2) if gap else 0
    tell = f"; about {rows:,} tell a difference of this size with a chance of 50 %" * bool(rows)
    return (
        f"its {counted(int(row['rows']), 'test row')} are the limit, not seeds: on other rows it may come out "
        f"otherwise, however many seeds there are{tell}"
    )
