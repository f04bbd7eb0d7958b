"""The order of the arms: as measured, and as reported elsewhere."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.formatting import leading, none, quoted
from study.show.tables.results_table import ordered
from study.wording import listed

Rows = dict[Any, dict[Any, Any]]  # of the summary, by label
WORST = float("inf")


def against_reported(comparison: PlannedComparison, rows: pd.DataFrame) -> dict[str, str]:
    """In which metrics the measured order of the arms is the reported one (same), in which it is not (other), and in
    which nobody knows (open); ``near`` where intervals of neighbours overlap. Empty where nothing is reported.

    ``rows``: those of the summary on this comparison.
    """
    found: dict[str, dict[str, list[str]]] = {"same": {}, "other": {}, "open": {}}
    for metric in comparison.metrics:
        printed = {x: leading(figures.get(metric)) for x, figures in comparison.reported.items()}
        reported = {x: value for x in ordered(comparison) if (value := printed.get(x)) is not None}
        if len(reported) < 2:
            continue
        by_label: Rows = {row["label"]: row for row in rows[rows["metric"] == metric].to_dict("records")}
        measured = {x: value for x in reported if (value := standing(metric, by_label[x])) is not None}
        lacking = [x for x in reported if x not in measured]
        sign = -1.0 if METRICS[metric].better == "higher" else 1.0
        ours, theirs = _order(measured), _order({x: sign * value for x, value in reported.items()})
        if lacking:
            kind, text = "open", f"no {_evidence(metric, by_label, lacking)} of {listed(map(quoted, lacking), 'or')}"
        elif ours == theirs:
            kind, text = "same", _spelled(ours, by_label)
        else:
            kind, text = "other", f"measured: {_spelled(ours, by_label)}; reported: {_spelled(theirs)}"
        found[kind].setdefault(text, []).append(METRICS[metric].title)
    if not any(found.values()):
        return {}
    said = {kind: listed(f"{listed(titles)} ({text})" for text, titles in x.items()) for kind, x in found.items()}
    return said | {"near": "≈" * ("≈" in said["same"] + said["other"])}


def standing(metric: str, row: dict[Any, Any]) -> float | None:
    """Where an arm stands in a metric, lower being better; None where that is not known.

    Only what was seen is worst: too few runs reached the target, or all that ran diverged. Runs that are
    missing or failed, and times that were not taken, say nothing.
    """
    if not none(row["estimate"]):
        return float(row["estimate"]) * (-1.0 if METRICS[metric].better == "higher" else 1.0)
    if METRICS[metric].target:
        return None if none(row["n_reached"]) else WORST
    diverged = not METRICS[metric].per_round and not row["n_finished"] and row["n_diverged"]
    return WORST if diverged else None


def near(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether two arms have intervals that overlap; the speedup of the reference is 1 in every round."""
    (low, high), (other_low, other_high) = _ends(one), _ends(other)
    if any(none(end) for end in (low, high, other_low, other_high)):
        return False
    return bool(low <= other_high and other_low <= high)


def _ends(row: dict[Any, Any]) -> tuple[Any, Any]:
    exact = row["metric"] == "speedup" and row["estimate"] == 1 and none(row["low"])
    return (1.0, 1.0) if exact else (row["low"], row["high"])


def _evidence(metric: str, found: Rows, labels: list[str]) -> str:
    """What arms lack: runs that ended, or their timing."""
    ran = all(found[label]["n_finished"] + found[label]["n_diverged"] for label in labels)
    return "timing" if METRICS[metric].timed and (ran or METRICS[metric].per_round) else "runs"


def _order(values: dict[str, float]) -> list[list[str]]:
    """Labels by value, lowest (the best) first, equal ones together."""

    def place(label: str) -> float:
        return values[label]

    return [sorted(group) for _, group in groupby(sorted(values, key=place), key=place)]


def _spelled(order: list[list[str]], found: Rows | None = None) -> str:
    """``a, then b = c``, best first; ``≈`` between neighbours of which ``found`` says that their intervals overlap."""
    text = " = ".join(map(quoted, order[0]))
    for before, group in pairwise(order):
        close = found and any(near(found[a], found[b]) for a in before for b in group)
        text += (" ≈ " if close else ", then ") + " = ".join(map(quoted, group))
    return text
