"""The claims of a study and what they came to: the paired evidence on each, and all verdicts, judged together."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pandas as pd
import pyarrow as pa

from study.axes.base import digest
from study.metrics import METRICS
from study.plan.file.claim import PlannedClaim
from study.plan.history import NEVER, History, Look, words
from study.plan.plan import Plan, PlannedComparison
from study.show.by_row import ByRow
from study.show.claims.beside import BESIDE, about_new_data, beside, limit
from study.show.claims.reasons import because
from study.show.claims.statements import statement
from study.show.claims.table import WITHDRAWN
from study.show.observations import Observations
from study.stats.paired import Evidence, Statement
from study.stats.verdict import Verdict
from study.stats.verdict import judge as judge_statements
from study.store.layout import Store
from study.wording import listed

CLAIMS = pa.schema(
    [
        *((name, pa.string()) for name in ("comparison", "metric", "better", "than", "kind")),  # better, equal, effect
        *((name, pa.bool_()) for name in ("derived", "exploratory")),
        ("family", pa.string()),
        ("margin", pa.float64()),  # a difference, or a factor less one
        *((name, pa.float64()) for name in ("estimate", "low", "high", "level", "p", "p_adjusted")),
        # of the interval of the test that decided it, or would have; null where there is none
        *((name, pa.float64()) for name in ("low_adjusted", "high_adjusted", "level_adjusted")),
        ("estimator", pa.string()),  # mean, geometric mean, median; of paired differences
        ("verdict", pa.string()),  # "withdrawn" where it was judged once, and is stated no more
        ("reason", pa.string()),
        ("undertuned", pa.list_(pa.string())),  # labels of the arms that must be tuned further before it is decided
        ("misled", pa.list_(pa.string())),  # of these, those that did better with other settings that were tried
        ("test", pa.string()),
        ("counts", pa.bool_()),  # among the claims of its family that Holm's method corrects for
        *((name, pa.int32()) for name in ("pairs", "wins", "losses", "ties")),
        *((name, pa.float64()) for name in ("mean", "sd")),  # of the differences, as they are tested; null for wins
        # that decide it with a chance of 50 %, and of 80 %; null where the arms look equal
        *((name, pa.int32()) for name in ("pairs_even", "pairs_needed")),
        ("looks", pa.int32()),  # taken so far, this one included: at so many different data
        ("looks_declared", pa.int32()),
        ("runs_before", pa.int32()),  # of its arms: there when it was first stated; null where nobody knows
        *((name, pa.string()) for name in ("better_arm", "than_arm")),  # of several a digest
        ("target", pa.string()),  # empty where the metric has none
        ("stated", pa.string()),  # Plan.stated, to tell when the study file states something else
        *BESIDE,
    ]
)
Ruling = tuple[PlannedComparison, PlannedClaim, Verdict]  # a claim and what it came to


def judge(plan: Plan, observations: Observations, history: History) -> list[Ruling]:
    """Verdicts on all claims of a study, judged together, and with those that were ``withdrawn`` from it."""
    stated = [(comparison, claim) for comparison in plan.comparisons for claim in comparison.claims]
    statements = [statement(comparison, claim, observations) for comparison, claim in stated]
    verdicts = judge_statements(statements, history.looks_declared(plan), history.counting_on(plan))
    return [(*about, verdict) for about, verdict in zip(stated, verdicts, strict=True)]


def mixture(comparison: PlannedComparison, claim: PlannedClaim, observations: Observations) -> list[str]:
    """What the runs of a claim's two arms were made with, where that is not the same for all."""
    rows = observations.of(comparison.name, claim.metric)
    ways = rows.loc[rows["label"].isin(list(claim.arms)), "made_with"].dropna().unique()
    return sorted(map(str, ways)) if len(ways) > 1 else []


def table_of(plan: Plan, store: Store, observations: Observations, history: History) -> pa.Table:
    """All claims with their verdicts, the withdrawn ones last: a table of ``CLAIMS``.

    ``history`` gets the look that these verdicts are, and the last verdict on each claim; it is not written yet.
    """
    rulings, seen = judge(plan, observations, history), dict[str, Look]()
    for _, claim, verdict in rulings:
        if verdict.counts and not verdict.evidence.lacking:
            seen.setdefault(claim.about, {})[data_of(verdict.claim)] = verdict.evidence.pairs
    history.look(seen)
    if seen:
        history.declared = history.looks_declared(plan)
    rows, by_row = [], ByRow(plan, store)
    for comparison, claim, verdict in rulings:
        found = beside(comparison, claim, verdict, observations, by_row)
        row = _row(plan, (comparison, claim, verdict), history, found, mixture(comparison, claim, observations))
        rows.append(row)
        if not verdict.evidence.lacking:
            name = words(comparison, claim)
            history.claims[name] = history.claims.get(name, NEVER) | {"row": row}
    for last in history.withdrawn(plan):
        reason = f"{last['verdict']} when last judged: {last['reason']}"
        rows.append(last | {"verdict": WITHDRAWN, "reason": reason, "stated": plan.stated})
    return pa.Table.from_pylist(rows, CLAIMS)


def data_of(claim: Statement) -> str:
    """A digest of the pairs that a claim is judged on, whatever their arms are called.

    To ten digits, so that another version of numpy makes no other data.
    """
    sides = [
        [f"{value:.10g} {status}" for value, status in zip(side.values, side.status, strict=True)]
        for side in claim.sides
    ]
    return digest(json.dumps(sides))


def _row(plan: Plan, ruling: Ruling, history: History, found: dict[str, Any], ways: list[str]) -> dict[str, Any]:
    """Of ``CLAIMS``. ``history``: with the look that these verdicts are; ``found``: of ``BESIDE``; ``ways``: that its
    runs were made in.
    """
    comparison, claim, verdict = ruling
    taken, declared = len(history.looks.get(claim.about, ())), history.looks_declared(plan)
    before = history.runs_before(words(comparison, claim))
    target = comparison.target if METRICS[claim.metric].target else None
    content: dict[str, Any] = claim.model_dump() | vars(verdict.evidence) | vars(verdict) | found
    content |= {"comparison": comparison.name, "target": f"{target.metric} {target.value}" if target else ""}
    content |= {"verdict": verdict.word, "counts": verdict.counts, "stated": plan.stated, "kind": claim.form}
    content |= {"pairs_even": verdict.outlook.even, "pairs_needed": verdict.outlook.likely}
    content |= {"misled": list(verdict.misled), "looks": taken, "looks_declared": declared, "runs_before": before}
    reasons = [
        because(verdict, limit(content)),
        f"look {taken}, {declared} declared" * (taken > declared),
        # Of runs that are there already it is said once, of all.
        f"stated after {before} runs of its arms were there" * bool(before and comparison.here),
        f"{verdict.word} on these test rows, undecided about new data" * about_new_data(content),
        f"its runs were not made alike: with {listed(ways)}" * bool(ways),
    ]
    content["reason"] = "; ".join(filter(None, reasons))
    return {name: content.get(name) for name in CLAIMS.names}


def evidence_of(row: pd.Series) -> Evidence:
    """The evidence on a claim from its row of ``CLAIMS``, as far as that holds it."""
    names = [field.name for field in fields(Evidence) if field.name in CLAIMS.names]
    known: dict[str, Any] = {name: None if pd.isna(row[name]) else row[name] for name in names}
    return Evidence(favours=None, **known)
