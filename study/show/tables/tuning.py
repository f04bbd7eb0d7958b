"""What tuning chose for each arm, and what speaks against that choice: as text for tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from study.metric import Select
from study.metrics import METRICS
from study.plan.choice import Chosen
from study.plan.file.labels import short
from study.plan.plan import Plan, PlannedComparison
from study.plan.search import Candidate, Value
from study.show.formatting import NONE, Cell, show
from study.stats.estimates import Estimate
from study.wording import counted, listed, number

ALL_DIVERGED = "every candidate diverged"
NOT_YET = "not tuned yet"
CLIFF = "chosen on a cliff"
OTHERWISE = "better when tuned otherwise"
AT_EDGE = "at the edge, but not beyond doubt better than inside it"


def by_selection(comparison: PlannedComparison) -> dict[Select, list[str]]:
    """What the arms of a comparison are tuned by → the metrics that are read from those arms; empty without tuning."""
    found: dict[Select, list[str]] = {}
    for metric in comparison.used if comparison.selections else ():
        found.setdefault(comparison.selections[metric], []).append(metric)
    return found


def arm_names(plan: Plan) -> dict[str, list[str]]:
    """What people call each arm: every comparison that has it and its label there; and what it is tuned by, where the
    comparison tunes by several.
    """
    names: dict[str, list[str]] = {}
    for comparison in plan.comparisons:
        several = len(by_selection(comparison)) > 1
        for name, label in comparison.trained.items():
            selection = plan.arms[name].selection if comparison.here else None
            by = f" (tuned by {METRICS[selection.metric].title})" if several and selection else ""
            names.setdefault(name, []).append(f"{comparison.title}: {label}{by}")
    return names


def value_text(value: Value) -> str:
    """Rates to three digits: halfway between two points of a log grid they have many."""
    return f"{value:.3g}" if isinstance(value, float) else number(value)


def said(settings: Mapping[str, Value]) -> str:
    """``lr=0.316, strength=0.01``."""
    return ", ".join(f"{short(key)}={value_text(value)}" for key, value in settings.items())


def steps_out(chosen: Chosen) -> dict[str, list[Value]]:
    """Setting → the values to be tried next, of those that were left at their edge too early."""
    values: dict[str, list[Value]] = {}
    for candidate in chosen.next:
        for key in chosen.sides:
            if candidate[key] not in {one[key] for one in (chosen.settings, *chosen.by_run)}:
                values.setdefault(key, []).append(candidate[key])
    return values


def undertuned(chosen: Chosen) -> str:
    """``best at the edge (lr=10) in 15 of 16 runs; try 17.8, 31.6``; for a person who may widen the grid."""
    out = steps_out(chosen)
    edge = said({key: chosen.edge[key] for key in out or chosen.sides})
    named = len(out) > 1
    share = at_edge(chosen, out)
    tries = (f"{short(k)}=" * named + ", ".join(map(value_text, values)) for k, values in out.items())
    return f"best at the edge ({edge})" + f" in {share}" * bool(share) + f"; try {' or '.join(tries)}" * bool(out)


def score_text(chosen: Chosen) -> str:
    """``97.1 → 88.5 %``: by what it was chosen, in its trials and in the final runs; of several seeds the mean."""
    if chosen.score is None or chosen.select is None:
        return NONE
    values = (NONE if value is None else value_of(chosen.select, value) for value in (chosen.score, chosen.final))
    return " → ".join(values) + " %" * bool(METRICS[chosen.select].percent)


def at_edge(chosen: Chosen, keys: Iterable[str]) -> str:
    """``15 of 16 runs``: how many chose the edge of one of ``keys``; empty of one search."""
    there = sum(any(one[key] == chosen.edge[key] for key in keys) for one in chosen.by_run)
    return f"{there} of {counted(len(chosen.by_run), 'run')}" if chosen.by_run else ""


def value_of(select: Select, value: float) -> str:
    """``97.1`` of a fraction; losses to three digits."""
    if select.endswith("_loss"):
        return f"{value:.3g}"
    return show(select, Estimate(value), 0 if METRICS[select].target else 1).value


def doubts(chosen: Chosen) -> dict[str, str]:
    """Why an arm may do better than shown, which keeps it from losing: the mark, and what is behind it."""
    found = {}
    if chosen.undertuned:
        found["undertuned"] = undertuned(chosen)
    if chosen.better is not None:
        found[CLIFF] = f"{score_text(chosen)} from tuning to runs, {said(chosen.better)} does better"
    if chosen.better_by is not None and chosen.select is not None:
        found[OTHERWISE] = f"{METRICS[chosen.select].comparative} where tuned by {METRICS[chosen.better_by].title}"
    return found


def chosen_cell(chosen: Mapping[str, Chosen | None], arm: str) -> Cell:
    """What was chosen for an arm, and a remark on it. ``chosen``: as ``Records`` has it."""
    one = chosen.get(arm)
    if one is None:
        return Cell(NONE, remark=ALL_DIVERGED if arm in chosen else NOT_YET)
    at = AT_EDGE.replace("edge", f"edge in {share}") if (share := at_edge(one, one.sides)) else AT_EDGE
    remark = "; ".join(f"{mark}: {why}" for mark, why in doubts(one).items()) or at * bool(one.sides)
    if not one.by_run:
        return Cell(said(one.settings), remark=remark)
    common, others = spread(one.by_run)
    return Cell(common, remark="; ".join(filter(None, (others, remark))))


def spread(chosen: Sequence[Candidate]) -> tuple[str, str]:
    """``lr=0.316`` and ``in 9 of 16 runs; 0.1 to 1``: what most of several runs chose, and how far others went."""
    common, number = Counter(map(said, chosen)).most_common(1)[0]
    if number == len(chosen):
        return common, ""
    first = next(settings for settings in chosen if said(settings) == common)
    ends = []
    for key in first:
        values = sorted({settings[key] for settings in chosen}, key=lambda v: v if isinstance(v, tuple) else (v,))
        if len(values) > 1:
            ends.append(f"{short(key)} " * (len(first) > 1) + f"{value_text(values[0])} to {value_text(values[-1])}")
    return common, f"in {number} of {counted(len(chosen), 'run')}; {'; '.join(ends)}"


def doubtful_arms(comparison: PlannedComparison, chosen: Mapping[str, Chosen | None]) -> str:
    """Names the arms that may do better than shown, and why; empty where there are none. ``chosen``: by arm."""
    selects = by_selection(comparison)
    parts: dict[str, list[str]] = {}
    for arm in comparison.arms:
        for select in selects:
            one = chosen.get(arm.tuned.get(select, ""))
            for mark, why in doubts(one).items() if one else ():
                by = f" (by {METRICS[select].title})" * (len(selects) > 1)
                parts.setdefault(mark, []).append(f"{arm.label}{by}, {why}")
    texts = (f"{mark.capitalize()}, so it may do better than shown: {'; '.join(arms)}." for mark, arms in parts.items())
    return " ".join(texts)


def read_from(comparison: PlannedComparison) -> str:
    """Which metrics are read from the arms of which selection; empty where there is but one."""
    parts = [
        f"tuned by {METRICS[select].title}: {listed(METRICS[metric].title for metric in metrics)}"
        for select, metrics in by_selection(comparison).items()
    ]
    return f"Of arms {'; '.join(parts)}." if len(parts) > 1 else ""
