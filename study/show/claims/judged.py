"""The claims of a study: the paired evidence on each, all verdicts, and the looks taken at them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from study.metrics import METRICS, twin
from study.plan.arm import Arm
from study.plan.history.stated import runs_before, words
from study.plan.plan import Plan, PlannedClaim, PlannedComparison
from study.show.claims.looks import note_looks
from study.show.observations import Observed, observe
from study.show.records import Records
from study.show.tables import tuning
from study.stats.paired_test import Side, Statement
from study.stats.verdict import Verdict, judge
from study.store.layout import Store

CLAIMS = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "metric", "better", "than", "kind")),
        *((name, pa.bool_()) for name in ("derived", "exploratory")),
        ("margin", pa.float64()),  # a difference, or a factor less one
        *((name, pa.float64()) for name in ("estimate", "low", "high", "level", "p", "p_adjusted")),
        ("verdict", pa.string()),
        ("reason", pa.string()),
        ("undertuned", pa.list_(pa.string())),  # labels of the arms that must be tuned further before it is decided
        ("test", pa.string()),
        ("counts", pa.bool_()),  # among the claims that Holm's method corrects for
        *((name, pa.int32()) for name in ("pairs", "wins", "losses", "ties")),
        ("pairs_needed", pa.int32()),  # to decide it, if the true difference is as observed
        ("looks", pa.int32()),  # taken so far, this one included: at so many different data
        ("looks_declared", pa.int32()),
        ("runs_before", pa.int32()),  # of its two arms: there when it was first stated; null where nobody knows
        *((name, pa.string()) for name in ("better_arm", "than_arm")),
        ("target", pa.string()),  # empty where the metric has none
        ("stated", pa.string()),  # Plan.stated, to tell when the study file states something else
    ]
)


class Judged(NamedTuple):
    """A claim and what it came to."""

    comparison: PlannedComparison
    claim: PlannedClaim
    verdict: Verdict


def judged_table(plan: Plan, store: Store, records: Records) -> pa.Table:
    """All claims of a study with their verdicts: a table of ``CLAIMS``. The look taken at them is remembered."""
    judged = judge_all(plan, records, undertuned(plan, records.tuning))
    looks = note_looks(store.study(plan.study) / "looks.json", ((claim, verdict) for _, claim, verdict in judged))
    return pa.Table.from_pylist(rows_of(judged, looks, runs_before(store), plan), CLAIMS)


def undertuned(plan: Plan, searched: pd.DataFrame) -> set[str]:
    """The ids of arms whose best trial is still on the edge of their grids, or of which nobody can say any more.

    ``searched``: the tuning of ``Records``.
    """
    chosen = tuning.found(searched)
    tuned = [arm for arm, recipe in plan.arms.items() if recipe.tune]
    return {arm for arm in tuned if arm not in chosen or ((one := chosen[arm]) and one.undertuned)}


def judge_all(plan: Plan, records: Records, undertuned: set[str]) -> list[Judged]:
    """Verdicts on all claims of a study, judged together. ``undertuned``: ids of arms on the edge of their grids."""
    stated, statements = [], []
    for comparison in plan.comparisons:
        if not comparison.claims:
            continue
        observed = observe(comparison, records)
        for claim in comparison.claims:
            stated.append((comparison, claim))
            tunable = {arm for arm in undertuned if _hangs_on_tuning(claim.metric, plan.arms[arm])}
            statements.append(statement(claim, observed, records, tunable))
    verdicts = judge(statements, plan.looks)
    return [Judged(*about, verdict) for about, verdict in zip(stated, verdicts, strict=True)]


def statement(claim: PlannedClaim, observed: Observed, records: Records, undertuned: set[str]) -> Statement:
    """A claim with its runs, or timing rounds, paired: those that both arms have."""
    rows, target = observed.of(claim.metric), METRICS[claim.metric].target
    by_seed = []
    for label, arm in ((claim.better, claim.better_arm), (claim.than, claim.than_arm)):
        mine = rows[rows["label"] == label].sort_values("seed")
        values = mine[claim.metric].to_numpy(dtype=float)
        if claim.metric == "seconds_to_target":
            values = seconds_by_round(mine, arm, records.timing)
        full = mine["out_of_memory"].to_numpy(dtype=bool)  # counts as diverged
        values = np.where(full, np.inf, values) if target else values
        status = np.where(full, "diverged", mine["status"].to_numpy(dtype=str))
        by_seed.append(pd.DataFrame({"value": values, "status": status}, index=mine["seed"]))
    both = by_seed[0].index.intersection(by_seed[1].index)
    better, than = (
        Side(
            label, found.loc[both, "value"].to_numpy(), found.loc[both, "status"].to_numpy(dtype=str), arm in undertuned
        )
        for label, arm, found in zip(
            (claim.better, claim.than), (claim.better_arm, claim.than_arm), by_seed, strict=True
        )
    )
    return Statement(claim.metric, better, than, claim.margin, claim.kind, claim.derived)


def _hangs_on_tuning(metric: str, arm: Arm) -> bool:
    """Whether further tuning could change the metric: memory and times of a step only where it changes shapes."""
    return twin(metric, regression=False) is not None or (arm.tune is not None and arm.tune.shapes)


def seconds_by_round(runs: pd.DataFrame, arm: str, timing: pd.DataFrame) -> np.ndarray:
    """Seconds to target of an arm's runs, seed i by the step time of round i. [seeds]

    So the noise of the clock is in the differences; a median over the rounds would hide it.
    """
    step = timing[timing["arm"] == arm].set_index("round")["step_seconds"].astype(float)
    seconds = runs["steps_to_target"].to_numpy(dtype=float) * step.reindex(runs["seed"]).to_numpy()
    known = np.isfinite(step.reindex(runs["seed"]).to_numpy())
    return np.where(known, seconds, np.nan)


def rows_of(
    judged: list[Judged], looks: dict[str, int], there: dict[str, int | None], plan: Plan
) -> list[dict[str, Any]]:
    """Rows of ``CLAIMS``."""
    rows = []
    for comparison, claim, verdict in judged:
        found, taken = verdict.evidence, looks.get(claim.about, 0)
        before = there.get(words(comparison, claim))
        rows.append(
            claim.model_dump()
            | {name: getattr(found, name) for name in ("margin", "estimate", "low", "high", "level", "p", "test")}
            | {name: getattr(found, name) for name in ("pairs", "wins", "losses", "ties")}
            | {"comparison": comparison.name, "verdict": verdict.word, "target": target_text(comparison, claim)}
            | {"undertuned": verdict.undertuned}
            | {"reason": verdict.reason + _undeclared(taken, plan.looks) + _late(before)}
            | {"p_adjusted": verdict.p_adjusted, "counts": verdict.counts, "pairs_needed": verdict.pairs_needed}
            | {"looks": taken, "looks_declared": plan.looks, "runs_before": before, "stated": plan.stated}
        )
    return rows


def target_text(comparison: PlannedComparison, claim: PlannedClaim) -> str:
    """The level that a claim on reaching it is about; empty for other metrics."""
    target = comparison.target if METRICS[claim.metric].target else None
    return f"{target.metric} {target.value}" if target else ""


def _undeclared(taken: int, declared: int) -> str:
    """What stands beside a verdict that was looked at more often than was declared."""
    return f"; look {taken}, {declared} declared" if taken > declared else ""


def _late(before: int | None) -> str:
    """What stands beside a verdict on what was claimed with results at hand."""
    return f"; stated after {before} runs of its arms were there" if before else ""
