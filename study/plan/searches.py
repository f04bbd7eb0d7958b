"""What is doubtful about how the arms of a comparison are tuned, or are not: warnings of ``check``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from study.plan.mistakes import join
from study.plan.plan import Plan, PlannedComparison

NAMED = 6  # arms that a line names, at most


def warnings(plan: Plan) -> Iterator[str]:
    """One line each, with the place in the study file."""
    for comparison in plan.comparisons:
        yield from _unequal(plan, comparison)


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
        tunes = {
            arm.label: plan.arms[arm.tuned[select]].tune if select in arm.tuned else None for arm in comparison.arms
        }
        yield {label: tune.candidates if tune else 0 for label, tune in tunes.items()}


def _unequal(plan: Plan, comparison: PlannedComparison) -> Iterator[str]:
    """Arms that lack a searched setting, and cannot make up for it by further trials of the others."""
    for trials in trials_of(plan, comparison):
        if told := uneven(trials):
            yield (
                f"{join('comparisons', comparison.name)}: tuned in unequal numbers of trials: {told}; only 'log' and "
                "'linear' ranges have further points to try in arms that lack a setting"
            )
            return


def _named(labels: list[str]) -> str:
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(islice(labels, NAMED)) + more
