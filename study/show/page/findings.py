"""What was found, in plain words: from the summary alone, with intervals and without verdicts."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import pandas as pd

from study.metrics import DETERMINISTIC, METRICS
from study.plan.plan import PlannedComparison
from study.show.figures.data import Scaling, scaling_of
from study.show.formatting import COUNTED, Estimate, column, counted, listed, none, quoted, scaled
from study.show.observations import PER_ROUND
from study.show.page.reported_order import Rows, against_reported, near
from study.show.records import Records
from study.show.tables.table import ordered
from study.show.tables.tuning import found, undertuned_arms

MOST = 6  # arms whose order is written out
CHANCE = 0.05  # accuracy above the untrained network's that counts as having learned


def finding(comparison: PlannedComparison, summary: pd.DataFrame, records: Records) -> list[str]:
    """Sentences on a comparison: the result, then how it stands to what was reported, then arms that got nowhere."""
    rows = summary[summary["comparison"] == comparison.name]
    if not (rows["n_finished"] > 0).any():
        return ["No run has finished yet, so there is nothing to say."]
    metric = _telling(comparison, rows)
    scaling = scaling_of(comparison, records)
    result = _gained(scaling, rows) if scaling else ""
    result = result or _result(metric, rows[rows["metric"] == metric], comparison)
    tuned = undertuned_arms(comparison, found(records.tuning))
    # Where orderings are claimed, the first table says how they stand, by tests.
    reported = "" if comparison.claims else against_reported(comparison, rows)
    return [text for text in (result, reported, *_stuck(comparison, records), tuned) if text]


def _telling(comparison: PlannedComparison, rows: pd.DataFrame) -> str:
    """The first metric in which two arms differ; else the first."""
    for metric in comparison.metrics:
        if rows.loc[rows["metric"] == metric, "estimate"].nunique() > 1:
            return metric
    return comparison.metrics[0]


def _result(metric: str, rows: pd.DataFrame, comparison: PlannedComparison) -> str:
    about, found = METRICS[metric], {row["label"]: row for row in rows.to_dict("records")}
    labels = [label for label in ordered(comparison) if not none(found[label]["estimate"])]
    none_of = [label for label in ordered(comparison) if label not in labels]
    if not labels:
        return f"No arm has an estimate of {about.title}{_why(metric, found, none_of)}."
    labels.sort(key=lambda label: found[label]["estimate"], reverse=about.better == "higher")
    texts = column(metric, [_estimate(found[label]) for label in labels])
    unit = "" if about.unit in COUNTED else " %" if about.percent else f" {found[labels[0]]['unit']}".rstrip()
    shown = {x: f"{t.value}{unit}" + f" [{t.around}]" * bool(t.around) for x, t in zip(labels, texts, strict=True)}
    groups = [list(same) for _, same in groupby(labels, key=lambda label: found[label]["estimate"])]
    told = [_together([shown[label] for label in same]) for same in groups]
    who = listed(map(quoted, none_of)) if len(none_of) <= MOST else f"{len(none_of)} arms"
    have = "has" if len(none_of) == 1 else "have"
    tail = f"; {who} {have} no estimate{_why(metric, found, none_of)}" if none_of else ""
    if len(labels) == 1:
        return f"Only {labels[0]} has an estimate of {about.title}, {told[0]}{tail}."
    if len(groups) == 1:
        return f"All arms{' with an estimate' * bool(none_of)} have the same {about.title}, {told[0]}{tail}."
    names = [_names(same) for same in groups]
    first = f"{names[0]} {'has' if len(groups[0]) == 1 else 'share'} the {_extreme(metric)}, {told[0]}"
    if len(labels) > MOST:
        end = f"{names[-1]} {'has' if len(groups[-1]) == 1 else 'share'} {told[-1]} at the other end"
        return f"Of {len(comparison.arms)} arms {first}; {end}{tail}."
    others = listed(
        f"{name} {'share ' * (len(same) > 1)}{text}"
        for name, same, text in zip(names[1:], groups[1:], told[1:], strict=True)
    )
    far = _gap(metric, found, labels[0], labels[-1]) + _overlap(found, labels)
    return f"{first}; {others}{far}{tail}."


def _gained(scaling: Scaling, rows: pd.DataFrame) -> str:
    """What more devices gained, as a sentence; empty where no speedup was measured.

    ``rows``: those of the summary on this comparison.
    """
    speedups = rows[(rows["metric"] == "speedup") & rows["estimate"].notna()]
    found = {scaling.devices[row["label"]]: row for row in speedups.to_dict("records")}
    counts = sorted(found)
    if counts[:1] != [1] or len(counts) < 2:
        return ""
    texts = column("speedup", [Estimate(*(found[n][end] for end in ("estimate", "low", "high"))) for n in counts])
    parts: list[str] = []
    for before, (n, text) in pairwise(zip(counts, texts, strict=True)):
        named = f"{n} {scaling.named}" if not parts else str(n)
        around = f" [{text.around}]" if text.around else ""
        parts.append(
            f"{named} were {text.value} times as fast as one{around}{_than(found[before[0]], found[n], before[0])}"
        )
    over = [n for n in counts if scaling.cores and n > scaling.cores]
    shared = (
        f"; {listed(map(str, over), 'or')} workers share {counted(scaling.cores, 'core')}"
        if over and scaling.cores
        else ""
    )
    return f"{'; '.join(parts)}{shared}."


def _than(fewer: dict[Any, Any], more: dict[Any, Any], count: int) -> str:
    """How an arm compares with the next fewer devices, where it was not clearly faster."""
    if near(fewer, more):
        return f", which is not clearly different from {'one' if count == 1 else count}"
    if more["estimate"] < fewer["estimate"]:
        return f", slower than {'one' if count == 1 else count}"
    return ""


def _extreme(metric: str) -> str:
    """``highest test accuracy``; of what the estimate is a median of, ``lowest median of steps to target``."""
    about = METRICS[metric]
    if not (about.target or metric in PER_ROUND) or metric in DETERMINISTIC:
        return about.superlative
    return f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"


def _names(same: list[str]) -> str:
    """Arms that tie; their number where they are many."""
    return listed(map(quoted, same)) if len(same) <= MOST else f"{len(same)} arms"


def _together(shown: list[str]) -> str:
    """The estimate of arms that tie, with its interval where they share that too."""
    return shown[0] if len(set(shown)) == 1 else shown[0].partition(" [")[0]


def _gap(metric: str, found: Rows, best: str, last: str) -> str:
    """How far the first is from the last: in points, or as a ratio."""
    first, end = float(found[best]["estimate"]), float(found[last]["estimate"])
    if METRICS[metric].percent:
        return f" ({abs(scaled(metric, first) - scaled(metric, end)):.1f} points from first to last)"
    if first > 0 and end > 0:
        return f" (a factor of {max(first, end) / min(first, end):.2f} from first to last)"
    return ""


def _overlap(found: Rows, labels: list[str]) -> str:
    """Names the arms whose intervals overlap that of the first."""
    others = [label for label in labels[1:] if near(found[labels[0]], found[label])]
    if not others:
        return ""
    every = "all intervals overlap" if len(others) == len(labels) - 1 and len(others) > 1 else None
    return f"; {every or f'the intervals of {quoted(labels[0])} and {listed(map(quoted, others))} overlap'}"


def _why(metric: str, found: Rows, labels: list[str]) -> str:
    """Why arms have no estimate, where all of them lack it for one reason."""
    if not labels:
        return ""
    rows = [found[label] for label in labels]
    if METRICS[metric].target and not any(none(row["n_reached"]) for row in rows):
        reached = [f"{int(row['n_reached'])} of {int(row['n_finished'] + row['n_diverged'])}" for row in rows]
        if len(reached) > MOST:
            return " (under half of the runs of each reached the target)"
        return f" ({listed(reached)} runs reached the target)"
    if not any(row["n_finished"] for row in rows):
        return " (no run finished)"
    if METRICS[metric].timed:
        return " (not timed yet)"
    return ""


def _stuck(comparison: PlannedComparison, records: Records) -> list[str]:
    """Arms of which no run got beyond chance: its accuracy on the training rows is that of the untrained network."""
    curves = records.curves[records.curves["arm"].isin(list(comparison.labels))]
    curves = curves[(curves["seed"] < comparison.seeds) & curves["train_accuracy"].notna()]
    ends = curves.sort_values("epoch").groupby(["arm", "seed"])["train_accuracy"].agg(["first", "max"])
    gained = (ends["max"] - ends["first"]).groupby("arm").max()
    stuck = [x for arm, x in comparison.labels.items() if arm in gained.index and gained[arm] < CHANCE]
    if not stuck:
        return []
    names = listed(map(quoted, stuck[:MOST]))
    return [f"No run of {names} got beyond the untrained network (by {CHANCE * 100:g} points of training accuracy)."]


def _estimate(row: Any) -> Estimate:
    return Estimate(*(None if none(row[name]) else float(row[name]) for name in ("estimate", "low", "high")))
