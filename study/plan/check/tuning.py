"""What is doubtful about how the arms of a comparison are tuned, or are not: warnings of ``check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from study.axes.recipe import AXES, Recipe
from study.errors import join, join_each
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.plan import Plan, PlannedComparison
from study.plan.searches.search import Search
from study.plan.searches.space import EXAMPLE

NAMED = 6  # arms that a line names, at most
LISTED = 12  # candidates of a setting that are listed, at most


def warnings(plan: Plan) -> Iterator[str]:
    """One line each, with the place in the study file."""
    for comparison in plan.comparisons:
        yield from _unequal(plan, comparison)
        yield from _untuned(plan, comparison)
    yield from _two_points(plan)


def candidates(plan: Plan) -> Iterator[str]:
    """``batch_size: 8, 16, 32, 64``: what rounding made of the ranges of whole numbers, a line each."""
    grids = {}
    for search in plan.searches.values():
        for searched in search.settings if search.method == "grid" else ():
            if searched.whole and not searched.values:
                grids[searched] = [str(value) for value in searched.grid()]
    for searched, values in grids.items():
        few = values if len(values) <= LISTED else [*values[: LISTED - 2], "…", values[-1]]
        yield f"{searched.key}: {', '.join(few)}"


def uneven(trials: Mapping[str, int]) -> str:
    """``19 for l1, l2; 3 for none`` from the trials of every arm (by label); empty where all get as many."""
    by_number: dict[int, list[str]] = {}
    for label, number in trials.items():
        by_number.setdefault(number, []).append(label)
    if len(by_number) < 2:
        return ""
    return "; ".join(f"{number} for {_named(by_number[number])}" for number in sorted(by_number, reverse=True))


def trials_of(plan: Plan, comparison: PlannedComparison) -> Iterator[dict[str, int]]:
    """For every selection: the planned trials of each arm, by label; 0 where it has nothing to search."""
    for select in dict.fromkeys(comparison.selections.values()):
        searches = {
            arm.label: plan.arms[arm.tuned[select]].search if select in arm.tuned else None for arm in comparison.arms
        }
        yield {label: search.candidates if search else 0 for label, search in searches.items()}


def _unequal(plan: Plan, comparison: PlannedComparison) -> Iterator[str]:
    """Arms that lack a searched setting, and cannot make up for it by further trials of the others."""
    for trials in trials_of(plan, comparison):
        if told := uneven(trials):
            yield (
                f"{join('comparisons', comparison.name)}: tuned in unequal numbers of trials: {told}; only 'log' and "
                "'linear' ranges have further points to try in arms that lack a setting"
            )
            return


def _untuned(plan: Plan, comparison: PlannedComparison) -> Iterator[str]:
    """Claims on arms that need different learning rates, and have what somebody wrote."""
    places, differing, rates = [], set(), set()
    for i, claim in enumerate(comparison.claims if "optimizer.lr" not in comparison.keys else ()):
        arms = plan.arms[claim.better_arm], plan.arms[claim.than_arm]
        one, other = (arm.outline for arm in arms)
        apart = {axis for axis, about in AXES.items() if about.rated and getattr(one, axis) != getattr(other, axis)}
        own = _rate(one) != _rate(other)
        compared = own and one.optimizer.name == other.optimizer.name  # the rate is what is compared
        rated = any("lr" in arm.open("optimizer") for arm in arms)
        if apart and not compared and not rated and not METRICS[claim.metric].per_round:
            places.append(i)
            differing |= apart
            rates.add("untuned learning rates" if own else "one untuned learning rate")
    if places:
        where = join_each(join("comparisons", comparison.name), "claims", places)
        what = ", ".join(about.plural for axis, about in AXES.items() if axis in differing)
        yield f"{where}: arms with different {what} at {max(rates)}; add tune: {{optimizer.lr: {EXAMPLE}}}"


def _rate(recipe: Recipe) -> float | None:
    return getattr(recipe.optimizer, "lr", None)


def _two_points(plan: Plan) -> Iterator[str]:
    """Grids whose best point is on an edge whatever comes out."""
    found: dict[str, dict[str, bool]] = {}
    for comparison in plan.comparisons:
        for search in _searches(plan.arms[arm] for arm in comparison.trained).values():
            for searched in search.settings if search.method == "grid" else ():
                if searched.ordered and len(searched.values or ()) + (searched.points or 0) == 2:
                    found.setdefault(searched.key, {})[comparison.name] = True
    for key, names in found.items():
        where = ", ".join(join("comparisons", name) for name in names)
        yield f"{where}: {key} is tuned on two points, so the best of them is at an edge; give three or more"


def _searches(arms: Iterable[Arm]) -> dict[str, Search]:
    """The searches of ``arms``, each once."""
    return {arm.search.id: arm.search for arm in arms if arm.search}


def _named(labels: list[str]) -> str:
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(islice(labels, NAMED)) + more
