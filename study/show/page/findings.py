"""What was found, in plain words: from the summary alone, with intervals and without verdicts."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.figures.data import Scaling, scaling_of
from study.show.formatting import COUNTED, Estimate, column, none, quoted, scaled
from study.show.records import Records
from study.show.tables.results_table import ordered
from study.show.tables.tuning import found, undertuned_arms
from study.show.templates import paragraphs
from study.wording import listed

MOST = 6  # arms that are named
CHANCE = 0.05  # accuracy above the untrained network's that counts as having learned


def finding(comparison: PlannedComparison, summary: pd.DataFrame, records: Records) -> list[str]:
    """Paragraphs on a comparison: the result, then arms that got nowhere, then those that are undertuned."""
    rows = summary[summary["comparison"] == comparison.name]
    if not (rows["n_finished"] > 0).any():
        return ["No run has finished yet, so there is nothing to say."]
    differ = (m for m in comparison.metrics if rows.loc[rows["metric"] == m, "estimate"].nunique() > 1)
    metric = next(differ, comparison.metrics[0])
    scaling = scaling_of(comparison, records)
    gained = _gained(scaling, rows) if scaling else []
    cores = scaling.cores if scaling else None
    return paragraphs(
        "finding",
        gained=gained,
        workers=scaling.named if scaling else "",
        cores=cores,
        over=[str(gain["devices"]) for gain in gained if cores and gain["devices"] > cores],
        result=_result(metric, rows[rows["metric"] == metric], comparison),
        stuck=_stuck(comparison, records)[:MOST],
        chance=f"{CHANCE * 100:g}",
        undertuned=undertuned_arms(comparison, found(records.tuning)),
    )


def _result(metric: str, rows: pd.DataFrame, comparison: PlannedComparison) -> dict[str, Any]:
    """The order of the arms by one metric, the best first; arms that tie as one group."""
    about, found = METRICS[metric], {row["label"]: row for row in rows.to_dict("records")}
    labels = [label for label in ordered(comparison) if not none(found[label]["estimate"])]
    without = [label for label in ordered(comparison) if label not in labels]
    labels.sort(key=lambda label: found[label]["estimate"], reverse=about.better == "higher")
    texts = dict(zip(labels, column(metric, [_estimate(found[label]) for label in labels]), strict=True))
    groups = []
    for _, same in groupby(labels, key=lambda label: found[label]["estimate"]):
        arms = list(same)
        first = texts[arms[0]]
        unit = "" if about.unit in COUNTED else " %" if about.percent else f" {found[arms[0]]['unit']}".rstrip()
        shared = first.around and len({texts[arm] for arm in arms}) == 1
        groups.append(_named(arms, f"{first.value}{unit}" + f" [{first.around}]" * bool(shared)))
    best = labels[0] if labels else ""
    return {
        "title": about.title,
        "extreme": f"{'highest' if about.better == 'higher' else 'lowest'} median of {about.title}"
        if (about.target or about.per_round) and not about.counted
        else about.superlative,
        "groups": groups,
        "without": _named(without) if without else None,
        "why": _why(metric, [found[label] for label in without]),
        "arms": len(comparison.arms),
        "many": len(labels) > MOST,
        "best": best,
        "near": [label for label in labels[1:] if near(found[best], found[label])],
        "others": len(labels) - 1,
        "gap": _gap(metric, float(found[best]["estimate"]), float(found[labels[-1]]["estimate"])) if labels else "",
    }


def _named(labels: list[str], shown: str = "") -> dict[str, Any]:
    """Arms of which the same is to be said, by labels or number; ``shown``: the estimate that they share."""
    text = listed(map(quoted, labels)) if len(labels) <= MOST else f"{len(labels)} arms"
    return {"size": len(labels), "text": text, "shown": shown}


def _gained(scaling: Scaling, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """What more devices gained over one; empty where no speedup was measured. ``rows``: those of the summary."""
    speedups = rows[(rows["metric"] == "speedup") & rows["estimate"].notna()]
    found = {scaling.devices[row["label"]]: row for row in speedups.to_dict("records")}
    counts = sorted(found)
    if counts[:1] != [1]:
        return []
    texts = dict(zip(counts, column("speedup", [_estimate(found[n]) for n in counts]), strict=True))
    return [
        {
            "devices": n,
            "times": texts[n],
            "fewer": "one" if fewer == 1 else fewer,
            "near": near(found[fewer], found[n]),
            "slower": found[n]["estimate"] < found[fewer]["estimate"],
        }
        for fewer, n in pairwise(counts)
    ]


def _gap(metric: str, first: float, last: float) -> str:
    """How far the first is from the last: in points, or as a ratio."""
    if METRICS[metric].percent:
        return f"{abs(scaled(metric, first) - scaled(metric, last)):.1f} points"
    return f"a factor of {max(first, last) / min(first, last):.2f}" if first > 0 and last > 0 else ""


def _why(metric: str, rows: list[dict[Any, Any]]) -> str:
    """Why arms have no estimate, where all of them lack it for one reason. ``rows``: theirs in the summary."""
    if not rows:
        return ""
    if METRICS[metric].target and not any(none(row["n_reached"]) for row in rows):
        reached = [f"{int(row['n_reached'])} of {int(row['n_finished'] + row['n_diverged'])}" for row in rows]
        if len(reached) > MOST:
            return " (under half of the runs of each reached the target)"
        return f" ({listed(reached)} runs reached the target)"
    if not any(row["n_finished"] for row in rows):
        return " (no run finished)"
    return " (not timed yet)" if METRICS[metric].timed else ""


def _stuck(comparison: PlannedComparison, records: Records) -> list[str]:
    """Arms of which no run got beyond chance: its accuracy on the training rows is that of the untrained network."""
    curves = records.curves[records.curves["arm"].isin(list(comparison.labels))]
    curves = curves[(curves["seed"] < comparison.seeds) & curves["train_accuracy"].notna()]
    ends = curves.sort_values("epoch").groupby(["arm", "seed"])["train_accuracy"].agg(["first", "max"])
    gained = (ends["max"] - ends["first"]).groupby("arm").max()
    return [x for arm, x in comparison.labels.items() if arm in gained.index and gained[arm] < CHANCE]


def near(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether two arms have intervals that overlap; the speedup of the reference is 1 in every round."""
    (low, high), (other_low, other_high) = (
        (1.0, 1.0) if row["metric"] == "speedup" and row["estimate"] == 1 and none(row["low"]) else
        (row["low"], row["high"])
        for row in (one, other)
    )  # fmt: skip
    return bool(low <= other_high and other_low <= high)  # False where an end is NaN


def _estimate(row: dict[Any, Any]) -> Estimate:
    return Estimate(row["estimate"], row["low"], row["high"])
