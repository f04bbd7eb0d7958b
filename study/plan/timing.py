"""The timing job of a study: which arms it times, in how many rounds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from study.axes.recipe import RECIPE, digest
from study.metrics import METRICS
from study.plan.file.models import Comparison
from study.plan.plan import PlannedComparison, Timing

FEWEST_ROUNDS = 6  # of timing: a median of fewer has no 95 % interval


def rounds_of(comparisons: Iterable[Comparison | PlannedComparison], seeds: int = 0) -> int:
    """Of the timing job: as many as the most ``seeds`` of what is timed; ``seeds``: of comparisons that give none."""
    timed = [c.seeds or seeds for c in comparisons if any(METRICS[metric].timed for metric in c.used)]
    return max([FEWEST_ROUNDS, *timed])


def timing_of(comparisons: Sequence[PlannedComparison]) -> Timing | None:
    """The timing job of a study: the arms of comparisons that show or claim a time or memory; None without any."""
    timed = [(c, metric) for c in comparisons for metric in c.used if METRICS[metric].timed]
    if not timed:
        return None
    arms = tuple(sorted({arm for comparison, metric in timed for arm in comparison.arms_for(metric).values()}))
    rounds = rounds_of(comparisons)
    return Timing(id=digest(json.dumps([RECIPE, rounds, *arms])), arms=arms, rounds=rounds)
