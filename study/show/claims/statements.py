"""Claims with the runs that they are about: the two sides of each, as statistics take them."""

from __future__ import annotations

from study.plan.plan import PlannedClaim, PlannedComparison
from study.show.observations import Observations
from study.stats.contrast import contrast
from study.stats.estimates import Contrast
from study.stats.paired import Side, Statement


def sides(
    comparison: PlannedComparison, metric: str, labels: tuple[str, str], observations: Observations
) -> tuple[Side, Side]:
    """The runs, or timing rounds, of two arms: where they are paired those that both have, else all."""
    one, other = (observations.arm(comparison.name, metric, label) for label in labels)
    tuned = [[bool(mine[name].any()) for name in ("undertuned", "misled", "unsearched")] for mine in (one, other)]
    if comparison.paired:
        both = one.index.intersection(other.index)
        one, other = one.loc[both], other.loc[both]
    first, second = (
        Side(label, mine["value"].to_numpy(dtype=float), mine["status"].to_numpy(dtype=str), *how)
        for label, mine, how in zip(labels, (one, other), tuned, strict=True)
    )
    return first, second


def statement(comparison: PlannedComparison, claim: PlannedClaim, observations: Observations) -> Statement:
    """A claim with its runs."""
    one, other = sides(comparison, claim.metric, (claim.better, claim.than), observations)
    return Statement(claim.metric, one, other, claim.margin, claim.kind, claim.derived, comparison.paired)


def against_reference(comparison: PlannedComparison, metric: str, label: str, observations: Observations) -> Contrast:
    """How far an arm is from the comparison's reference, as a claim on the two has it; empty of the reference."""
    if label == comparison.reference:
        return Contrast()
    return contrast(metric, *sides(comparison, metric, (label, comparison.reference), observations), comparison.paired)
