"""What is wrong with what a comparison shows and claims, whatever its claims can come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from study.axes.dataset import Dataset
from study.axes.recipe import AXES
from study.errors import Mistakes, join, nearest, suggest
from study.metric import Computed, Final
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.elsewhere.models import RunsComparison
from study.plan.file.claim import Claim, EffectClaim, PlannedClaim
from study.plan.file.levels import Shown, check_factorial, planned_claim
from study.plan.file.models import Comparison
from study.plan.style import ARM, CURVES, FEW, columns
from study.stats.exact import PRIMARY
from study.target import Target
from study.wording import leading, show

Stated = Comparison | RunsComparison
EMPTY: Mapping[str, Arm] = MappingProxyType({})
NO_FIGURE = {"nan", "inf", "+inf", "-inf", "none", "null", "n/a", "na"}
LISTED = 12  # labels shown to a person who gave another
SAME_STEPS = tuple(axis for axis, about in AXES.items() if about.length)  # arms that share these take as many in all
SAME_EPOCH = tuple(axis for axis in SAME_STEPS if AXES[axis].length == "epoch")  # and these, in an epoch
FUNCTIONS: tuple[tuple[set[str], tuple[str, ...]], ...] = (  # of each other, for arms that share these axes
    ({"step_seconds", "speedup"}, ()),
    ({"step_seconds", "speedup", "train_seconds"}, SAME_STEPS),
    ({"steps_to_target", "epochs_to_target"}, SAME_EPOCH),
)
NO_TARGET = "needs a target; give the study target: {metric: val_accuracy, value: 0.95}"


def check_shown(
    comparison: Stated,
    path: str,
    labels: Sequence[str],
    unfit: Mapping[str, str],
    mistakes: Mistakes,
    tuned: bool = False,
) -> None:
    """Note what of its metrics, reference, reported figures, panels and columns does not go together in the comparison
    at ``path``. ``unfit``: why its arms cannot have a metric.
    """
    reported = {metric for figures in comparison.reported.figures().values() for metric in figures}
    has = columns(comparison.metrics, {claim.metric for claim in comparison.claims}, reported, tuned)
    if comparison.table:
        place = join(path, "table", "columns")
        _check_listed(comparison.table.columns, place, has, "column", mistakes)
        if {*comparison.table.columns} == {ARM}:
            mistakes.add(place, f"shows nothing but labels; add one of {', '.join(has[1:])}")
    if comparison.figure:
        panels = [CURVES] * _has_curves(comparison, len(labels)) + [*comparison.metrics]
        _check_listed(comparison.figure.panels, join(path, "figure", "panels"), panels, "panel", mistakes)
    for i, name in enumerate(comparison.metrics):
        place = join(path, "metrics", i)
        if name in comparison.metrics[:i]:
            mistakes.add(place, f"{name!r} is listed twice; keep one")
        elif name in unfit:
            mistakes.add(place, unfit[name])
    if comparison.reference is not None:
        check_label(comparison.reference, join(path, "reference"), labels, mistakes)
    noted = set(comparison.metrics)
    for label, figures in comparison.reported.figures().items():
        place = join(path, "reported", label)
        if not check_label(label, place, labels, mistakes):
            continue
        for metric in set(figures) - noted:
            noted.add(metric)  # once
            mistakes.add(join(place, metric), f"{metric!r} is not shown by this comparison; add it to its metrics")
        for metric in figures.keys() & set(comparison.metrics) - unfit.keys():
            if wrong := unlikely(metric, figures[metric]):
                mistakes.add(join(place, metric), wrong)


def _check_listed(
    names: Sequence[str] | Mapping[str, str], path: str, has: Sequence[str], noun: str, mistakes: Mistakes
) -> None:
    """Note those that a comparison has not, or that are named twice. ``has``: those it has."""
    for i, name in enumerate(names):
        place = join(path, name if isinstance(names, Mapping) else i)
        if name not in has:
            mistakes.add(place, suggest(name, has, f"{noun} of this comparison"))
        elif name in [*names][:i]:
            mistakes.add(place, f"{name!r} is listed twice; keep one")


def _has_curves(comparison: Stated, arms: int) -> bool:
    """Whether there are learning curves to draw, in four panels at most: several devices learn what one learns."""
    if arms > 4 * FEW:
        return False
    if isinstance(comparison, RunsComparison):
        return comparison.runs.curves is not None
    return "speedup" not in comparison.metrics or {*comparison.vary, *comparison.coupled} != {"gpus"}


def unlikely(metric: str, figure: str) -> str | None:
    """Why a text cannot be what somebody printed of a metric; None where it may be."""
    about, number = METRICS[metric], leading(figure)
    if figure.strip().casefold() in NO_FIGURE or not any(letter.isalnum() for letter in figure):
        return f"{show(figure)} is no figure; give it as printed, such as 92.3 %, or take it out"
    if not (about.worded or any(letter.isdigit() for letter in figure)):
        return f"{show(figure)} has no number in it; give the figure as printed, such as 92.3 %"
    if about.percent == "%" and number is not None and not 0 <= number <= 100:
        return f"{show(figure)} is no share; give a number from 0 % to 100 %"
    if (about.timed or about.target) and number is not None and number < 0:
        return f"{show(figure)} is below 0; give what was printed"
    return None


def check_claims(
    comparison: Stated,
    path: str,
    shown: Shown,
    unfit: Mapping[str, str],
    mistakes: Mistakes,
    arms: Mapping[str, Arm] = EMPTY,
) -> None:
    """Note what is wrong with the claims of the comparison at ``path``, whatever they can come to.

    ``shown``: of every arm, by label, what that shows of the keys that vary; ``arms``: those that are
    trained here, by label.
    """
    paired = not isinstance(comparison, RunsComparison) or comparison.runs.paired
    places = [join(path, "claims", i) for i in range(len(comparison.claims))]
    planned = [
        _planned(claim, place, shown, paired, mistakes) for claim, place in zip(comparison.claims, places, strict=True)
    ]
    primary = [claim for claim in planned if claim and not claim.derived]
    followed = {(claim.metric, *_way(claim)) for claim in primary}
    seen: dict[tuple[str, frozenset[str], str], str] = {}
    for claim, place, known in zip(comparison.claims, places, planned, strict=True):
        if claim.metric in unfit:
            mistakes.add(join(place, "metric"), unfit[claim.metric])
        if claim.margin is not None and claim.margin >= 1 and METRICS[claim.metric].percent:
            points = f"{claim.margin:g} is {100 * claim.margin:g} points"
            mistakes.add(join(place, "margin"), f"{points}; give a fraction below 1, such as 0.01 for 1 point")
        if claim.kind == "equal" and not claim.margin:
            wrong = "'equal' needs a margin above 0: by how much two arms may differ and still count as equal"
            mistakes.add(join(place, "margin"), wrong)
        if known is None:
            continue
        kin = _kin(known, arms) if claim.derived else ()
        if claim.derived and not any((metric, *_way(known)) in followed for metric in kin):
            words = f"{claim.metric} follows from no other metric that is claimed of these two arms"
            if any(other.metric in kin and {*_sides(other)} == {*_sides(known)} for other in primary):
                words += " in the same family, with the same kind and margin"
            mistakes.add(join(place, "derived"), f"{words}; take 'derived' out")
        first = seen.setdefault((claim.metric, frozenset(_sides(known)), known.form), place)
        if first != place:
            mistakes.add(place, f"is about the same arms and metric as {first}; keep one")


def check_families(comparisons: Mapping[str, Stated], mistakes: Mistakes) -> bool:
    """Note names of families that differ in case only: two families are less strict than the one that was meant.
    Whether there are none.
    """
    before = len(mistakes)
    known = {PRIMARY.casefold(): (PRIMARY, "that of claims which name none")}
    for name, comparison in comparisons.items():
        for i, claim in enumerate(comparison.claims):
            place = join("comparisons", name, "claims", i, "family")
            spelling, there = known.setdefault(claim.family.casefold(), (claim.family, place))
            if claim.family != spelling:
                words = f"{claim.family!r} differs from {spelling!r}, {there}, in case only; write them alike"
                mistakes.add(place, words)
    return len(mistakes) == before


def _planned(
    claim: Claim | EffectClaim, place: str, shown: Shown, paired: bool, mistakes: Mistakes
) -> PlannedClaim | None:
    """A claim with what it compares; None where something is wrong with that, which is noted."""
    before = len(mistakes)
    if isinstance(claim, EffectClaim) or not (isinstance(claim.better, str) and isinstance(claim.than, str)):
        check_factorial(claim, place, shown, paired, mistakes)
    else:
        for side, label in (("better", claim.better), ("than", claim.than)):
            check_label(label, join(place, side), list(shown), mistakes)
        if claim.better == claim.than:
            mistakes.add(join(place, "than"), f"{claim.than!r} is the other side too; give the label of another arm")
    return planned_claim(claim, shown, str) if len(mistakes) == before else None


def _sides(claim: PlannedClaim) -> tuple[str, str]:
    return claim.better, claim.than


def _way(claim: PlannedClaim) -> tuple[object, ...]:
    """What two claims have in common of which one follows from the other, beside a metric: both hold, or none."""
    margin = METRICS[claim.metric].margin if claim.margin is None else claim.margin
    directed = margin and claim.kind == "better"
    return claim.family, claim.kind, margin, _sides(claim) if directed else frozenset(_sides(claim))


def _kin(claim: PlannedClaim, arms: Mapping[str, Arm]) -> set[str]:
    """The metrics of which that of a claim is a function, where its arms are compared: any two of them."""
    known = [arms[label] for label in claim.pairs[0] if label in arms]
    same = {
        axis
        for axis in SAME_STEPS
        if known and all(getattr(arm.outline, axis) == getattr(known[0].outline, axis) for arm in known)
    }
    same -= {axis for axis in SAME_STEPS if any(arm.open(axis) for arm in known)}
    if any(arm.outline.ends_early for arm in known):
        same -= {*SAME_STEPS} - {*SAME_EPOCH}
    groups = [metrics for metrics, axes in FUNCTIONS if claim.metric in metrics and same.issuperset(axes)]
    return set().union(*groups) - {claim.metric}


def unfit_for(metric: str, regression: Dataset | None, target: Target | None, script: bool) -> str | None:
    """Why arms cannot have a metric; None where they can.

    ``regression``: a dataset without classes; ``script``: whether one trains.
    """
    needs = METRICS[metric]
    if isinstance(needs.source, Computed):
        known = needs.source.readable
        if unknown := [name for name in needs.source.columns if name not in known]:
            return f"{metric!r} cannot be computed; {suggest(unknown[0], known, 'column that it may read')}"
    if script and needs.timed:
        return f"{metric!r} is timed step by step, which a script is not; use script_seconds"
    if not script and isinstance(needs.source, Final) and "seconds" in needs.source.columns:
        return f"{metric!r} is of a trainer that is a script; use train_seconds"
    if needs.target and target is None:
        return f"{metric!r} {NO_TARGET}"
    if regression is not None and needs.accuracy:
        return f"{metric!r} needs classes and {for_regression(regression, 'use a loss')}"
    return None


def for_regression(dataset: Dataset, remedy: str) -> str:
    """That it is, and what to do; of numbers that nobody said to be values or classes, that they may be classes."""
    unsaid = dataset.found is not None and getattr(dataset, "task", "") is None
    return f"{dataset.name!r} is for {dataset.known_task}; {remedy}" + ", or say task: classification" * unsaid


def check_label(label: str, place: str, known: Sequence[str], mistakes: Mistakes) -> bool:
    """Whether an arm has this label."""
    if label in known:
        return True
    close = nearest(label, known) if not mistakes.full else None
    hint = f"did you mean {close!r}? " if close else ""
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    listed = ", ".join(map(repr, known[:LISTED]))
    mistakes.add(place, f"{label!r} is not a label of this comparison; {hint}the labels are {listed}{more}")
    return False
