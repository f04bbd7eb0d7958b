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


def against_reported(comparison: PlannedComparison, rows: pd.DataFrame) -> str:
    """Where the measured order of the arms is the reported one, where it is not, and where that is not known yet.

    ``rows``: those of the summary on this comparison.
    """
    same: list[tuple[str, str]] = []
    other: list[tuple[str, str]] = []
    open_yet: list[tuple[str, str]] = []
    for metric in comparison.metrics:
        printed = {x: leading(figures.get(metric)) for x, figures in comparison.reported.items()}
        reported = {x: value for x in ordered(comparison) if (value := printed.get(x)) is not None}
        if len(reported) < 2:
            continue
        found: Rows = {row["label"]: row for row in rows[rows["metric"] == metric].to_dict("records")}
        measured = {x: standing(metric, found[x]) for x in reported}
        title = METRICS[metric].title
        lacking = [x for x, value in measured.items() if value is None]
        if lacking:
            what = f"no {_evidence(metric, found, lacking)} of {listed(map(quoted, lacking), 'or')}"
            open_yet.append((title, what))
            continue
        sign = -1.0 if METRICS[metric].better == "higher" else 1.0
        ours = _order({x: value for x, value in measured.items() if value is not None})
        theirs = _order({x: sign * value for x, value in reported.items()})
        if ours == theirs:
            same.append((title, _spelled(ours, found)))
        else:
            other.append((title, f"measured: {_spelled(ours, found)}; reported: {_spelled(theirs)}"))
    parts = []
    if same:
        parts.append(f"the reported order is the measured one in {_grouped(same)}")
    if other:
        parts.append(f"the reported order differs from the measured one in {_grouped(other)}")
    if open_yet:
        parts.append(f"not comparable yet with what was reported: {_grouped(open_yet)}")
    text = "; ".join(parts) + " – ≈: the intervals overlap" * (any("≈" in order for _, order in same + other))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _grouped(told: list[tuple[str, str]]) -> str:
    """``a and b (x), c (y)`` from the titles of metrics and what is told of each."""
    titles: dict[str, list[str]] = {}
    for title, text in told:
        titles.setdefault(text, []).append(title)
    return listed(f"{listed(names)} ({text})" for text, names in titles.items())


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
