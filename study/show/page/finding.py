"""What a comparison came to, in words: its best arm, and how far that is from the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS
from study.plan.choice import Chosen
from study.plan.plan import PlannedComparison
from study.show.claims.statements import contrast
from study.show.claims.table import WITHDRAWN, best_of
from study.show.formatting import COUNTED, Cell, column, effect, percent, quoted, turned
from study.show.observations import Observations
from study.show.tables.results_table import Row, by_metric
from study.show.tables.tuning import doubtful_arms
from study.show.templates import paragraphs
from study.stats.estimates import Estimate
from study.stats.ranks import all_tie, stability
from study.wording import listed, plural

MOST = 6  # arms that a finding names
NO_TEST = "no test: two equal arms reach 95 % in 14 % of studies"  # by simulation
FEW = 2  # arms whose differences from the best it gives


class Apart(NamedTuple):
    """How far the best arm is from another one."""

    label: str
    effect: Cell
    alike: bool  # its interval holds no difference, or the claim on the two is undecided
    claimed: bool  # whether a claim is about the two


def finding(
    comparison: PlannedComparison,
    summary: pd.DataFrame,
    observations: Observations,
    chosen: Mapping[str, Chosen | None],
    claims: pd.DataFrame | None = None,
) -> list[str]:
    """Paragraphs on a comparison: its best arms by the first metric in which two differ (else the first); how far the
    best is from the reference, or where it is that itself from the next, and what it is not told apart from, by the
    differences that claims are judged by; then the arms that are undertuned. Where the two are claimed about, that is
    the claim's interval, else one of 95 %. ``chosen``: as ``Records`` has it; ``claims``: as in claims.parquet.
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
    others = [row["label"] for row in ranked[len(best) :]]
    judged = _judged(comparison, metric, claims)
    apart = _apart(comparison, metric, best[0]["label"], others, observations, judged) if len(best) == 1 else {}
    alike = [one for one in apart.values() if one.alike]
    held = apart.get(comparison.reference) or next(iter(apart.values()), None)
    unknown = [label for label in others if label not in apart] if len(best) == 1 else []
    without = [row for row in rows[metric] if pd.isna(row["estimate"])]
    median = f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"
    by_median = bool(best) and best[0]["estimator"] == "median"
    return paragraphs(
        "finding",
        title=about.title,
        extreme=median if by_median else about.superlative,
        best=[row["label"] for row in best],
        named=_named([quoted(row["label"]) for row in best]),
        value=_value(metric, ranked) if best else "",
        known=len(ranked),
        ahead=f"{about.verdicts[0]} than {quoted(held.label)} by {_by(held)}" if held and not held.alike else "",
        hint=held is not None and not held.claimed and _untested(comparison, metric, best[0]["label"], claims),
        alike=_named([quoted(x.label) + f" ({x.effect})" * (len(alike) <= FEW) for x in alike]),
        unknown=_named([quoted(label) for label in unknown]),
        lost=any(row["n_failed"] or row["n_missing"] for row in known[metric] if row["label"] in unknown),
        without=_named([quoted(row["label"]) for row in without]),
        has=plural(len(without), "has"),
        why=_why(metric, without),
        undertuned=doubtful_arms(comparison, chosen),
    )


def order_repeats(comparison: PlannedComparison, observations: Observations) -> str:
    """How often the order of the arms by the first metric repeats under resampled seeds; empty where it has none."""
    metric, labels = comparison.metrics[0], [arm.label for arm in comparison.arms]
    if any(key.partition(".")[0] == "dataset" for key in comparison.keys) or not comparison.paired:
        return ""  # an order of datasets; or seeds that mean another thing in each arm
    rows = observations.of(comparison.name, metric).pivot(index="label", columns="seed", values=["value", "status"])
    if not len(rows) or not set(labels) <= set(rows.index):
        return ""
    values = rows["value"].reindex(labels).to_numpy(dtype=float)
    ends = rows["status"].reindex(labels).to_numpy(dtype=str)
    worst = np.isinf(values) | (np.isnan(values) & (ends == "diverged"))
    share = stability(metric, values, worst)
    if share is None:
        return ""
    if all_tie(metric, values, worst):
        return f"All arms tie in {METRICS[metric].title}, so they have no order."
    percent = (
        f"{share * 100:.0f}" if share in (0, 1) or 0.005 <= share < 0.995 else "over 99" if share > 0.5 else "under 1"
    )
    what = "rounds" if METRICS[metric].per_round else "seeds"
    return f"The order of the arms by {METRICS[metric].title} repeats in {percent} % of resampled {what} ({NO_TEST})."


def _apart(
    comparison: PlannedComparison,
    metric: str,
    best: str,
    others: list[str],
    observations: Observations,
    judged: dict[tuple[str, str], tuple[Estimate, float]],
) -> dict[str, Apart]:
    """How far the best arm is from each of the others, by label; without those of which nothing can be said."""
    nothing, found = float(METRICS[metric].ratio), {}
    for label in others:
        if claimed := (best, label) in judged:
            one, level = judged[best, label]
        else:
            one, level = contrast(comparison, metric, (best, label), observations), 0.95
        if one.estimate is None:
            continue
        low, high = (one.estimate if end is None else end for end in (one.low, one.high))
        cell = effect(metric, one)
        around = f"{percent(level)}: {cell.around}" if cell.around else ""
        found[label] = Apart(label, cell._replace(around=around), low <= nothing <= high, claimed)
    return found


def _judged(
    comparison: PlannedComparison, metric: str, claims: pd.DataFrame | None
) -> dict[tuple[str, str], tuple[Estimate, float]]:
    """What claims say of two arms, seen from each of them, with the interval of the level that decided, and that."""
    found: dict[tuple[str, str], tuple[Estimate, float]] = {}
    for row in claims.to_dict("records") if claims is not None else ():
        about = (row["comparison"], row["metric"], row["kind"]) == (comparison.name, metric, "better")
        if about and row["verdict"] != WITHDRAWN and pd.notna(row["low_adjusted"]):
            one, level = Estimate(row["estimate"], row["low_adjusted"], row["high_adjusted"]), row["level_adjusted"]
            found[row["better"], row["than"]] = one, level
            found[row["than"], row["better"]] = turned(metric, one), level
    return found


def _untested(comparison: PlannedComparison, metric: str, best: str, claims: pd.DataFrame | None) -> bool:
    """Whether a study that tests claims has none, and no chain of them, that puts its best arm above the others."""
    return claims is not None and len(claims) > 0 and best_of(comparison, claims).get(metric) != best


def _by(one: Apart) -> str:
    """``a factor of 1.33 [95 %: 1.03 to 1.55]``, ``0.5 points [98.3 %: 0.1 to 0.8]``."""
    factor = one.effect.value.startswith("× ")
    return str(one.effect._replace(value=f"a factor of {one.effect.value[2:]}")) if factor else str(one.effect)


def _value(metric: str, ranked: list[Row]) -> str:
    """The estimate of the best, as the table has it."""
    about = METRICS[metric]
    cells = column(metric, [Estimate(row["estimate"], row["low"], row["high"]) for row in ranked])
    unit = "" if about.unit in COUNTED else "%" if about.percent else ranked[0]["unit"]
    return f"{cells[0].value} {unit}".rstrip()


def _named(labels: list[str]) -> str:
    """Arms by their labels, or number."""
    return listed(labels) if len(labels) <= MOST else f"{len(labels)} arms"


def _why(metric: str, rows: list[Row]) -> str:
    """Why arms have no estimate, where all of them lack it for one reason. ``rows``: theirs in the summary."""
    if METRICS[metric].target and not any(pd.isna(row["n_reached"]) for row in rows):
        return " (under half of the runs of each reached the target)"
    if not any(row["n_finished"] for row in rows):
        return " (no run finished)"
    if all(row["estimator"] == "median" for row in rows):
        return " (over half of the runs of each diverged)"
    return " (not timed yet)" if METRICS[metric].timed else ""
