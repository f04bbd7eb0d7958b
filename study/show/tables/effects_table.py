"""What each axis of a full factorial does on average over the others, and whether two of them depend on each other."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.show.formatting import NONE, Cell, effect
from study.show.observations import Observations
from study.show.templates import paragraph
from study.stats.estimates import Estimate
from study.stats.factorial import Effect, effects

MOST = 60  # contrasts above which only main effects are shown, or none


class Line(NamedTuple):
    """One contrast, as text."""

    what: str  # ``adam instead of sgd``; of an interaction ``adam and cosine together``
    effect: Cell
    p: str


class Effects(NamedTuple):
    metric: str  # its title
    lines: dict[int, list[Line]]  # 1: main effects, 2: two-way interactions, empty where they are too many
    notes: str


def effects_of(comparison: PlannedComparison, observations: Observations) -> Effects | None:
    """Effects on the first metric; None where the arms are no full cross product of at least two axes, or runs of
    different arms have nothing in common: contrasts are taken within each seed.
    """
    levels = {key: values for key, values in comparison.levels.items() if len(values) > 1}
    sizes = [len(values) for values in levels.values()]
    if not comparison.paired or len(levels) < 2 or sum(size - 1 for size in sizes) > MOST:
        return None
    if prod(sizes) != len(comparison.arms) or None in (cells := comparison.grid):
        return None
    metric = comparison.metrics[0]
    by_label = observations.of(comparison.name, metric).pivot(index="seed", columns="label", values="value")
    values = by_label.reindex(columns=cells).to_numpy(dtype=float)
    pairs = sum((a - 1) * (b - 1) for i, a in enumerate(sizes) for b in sizes[i + 1 :])
    found = effects(metric, values.reshape(-1, *sizes), tuple(levels), interactions=pairs <= MOST)
    # Which dataset is easier is nobody's question; whether it changes the effect of something else may be.
    found = [e for e in found if len(e.factors) > 1 or e.factors[0].partition(".")[0] != "dataset"]
    return Effects(
        METRICS[metric].title,
        {ways: [_line(metric, e, levels) for e in found if len(e.factors) == ways] for ways in (1, 2)},
        paragraph("effect_notes", ratio=METRICS[metric].ratio, lost=any(e.estimate is None for e in found)),
    )


def _line(metric: str, found: Effect, levels: dict[str, list[str]]) -> Line:
    names = [levels[factor][level] for factor, level in zip(found.factors, found.levels, strict=True)]
    instead = f"{names[0]} instead of {levels[found.factors[0]][0]}"
    what = instead if len(names) == 1 else f"{names[0]} and {names[1]} together"
    if found.estimate is None or found.p is None:
        return Line(what, Cell("not estimable"), NONE)
    shown = effect(metric, Estimate(found.estimate, found.low, found.high))
    return Line(what, shown, "< 0.001" if found.p < 0.001 else f"{found.p:.3f}")
