"""From a comparison of runs that are there already to the same as it is planned, or to all its mistakes of meaning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from study.axes.recipe import digest
from study.errors import Mistakes, join
from study.metrics import METRICS
from study.plan.check.claims import check_claims, check_shown
from study.plan.elsewhere.columns import Key
from study.plan.elsewhere.metrics import own_metrics, resolve
from study.plan.elsewhere.models import PlannedRuns, RunsComparison, RunsFile
from study.plan.elsewhere.runs import read_curves, read_runs
from study.plan.file.levels import planned_claim
from study.plan.file.sources import Sources
from study.plan.plan import PlannedArm, PlannedComparison
from study.wording import beginning, listed

NAMED = 12  # seeds that a line names


def plan_runs(
    name: str, comparison: RunsComparison, study: str, sources: Sources, mistakes: Mistakes
) -> PlannedComparison | None:
    """None where there are mistakes, which are noted."""
    path, before = join("comparisons", name), len(mistakes)
    at = join(path, "runs")
    file = comparison.runs.placed(lambda path: str(sources.folder / path))
    used = [(metric, join(path, "metrics", i)) for i, metric in enumerate(comparison.metrics)]
    used += [(claim.metric, join(path, "claims", i, "metric")) for i, claim in enumerate(comparison.claims)]
    metrics = resolve(comparison.runs, used, at, mistakes)
    if metrics is None:
        return None
    own = own_metrics(metrics)
    for metric, about in own.items():
        known = METRICS.declared.get(metric, about)
        if replace(known, definition="", source=about.source) != replace(about, definition=""):
            words = f"{metric!r} is declared otherwise by another comparison; rename one, or make them agree"
            mistakes.add(join(at, "metrics", metric), words)
    METRICS.declared = {**METRICS.declared, **own}
    given = read_runs(file, metrics, at, mistakes)
    if given is None:
        return None
    labels = [label.text for label in given.labels.values()]
    if len(labels) == 1:
        mistakes.add(join(at, "label"), f"tells one arm only, {labels[0]!r}; give the columns in which arms differ")
        return None
    check_shown(comparison, path, labels, {}, mistakes)
    shown = {label.text: label.values for label in given.labels.values()}
    check_claims(comparison, path, shown, {}, mistakes)
    seeds = {label: tuple(sorted(run.seed for run in given.runs if run.label == label)) for label in labels}
    if file.paired:
        _check_paired(seeds, file, at, mistakes)
    if file.curves:
        read_curves(file, given.labels, {(run.label, run.seed) for run in given.runs}, join(at, "curves"), mistakes)
    if len(mistakes) > before:
        return None
    ids = {label.text: arm_id(study, name, key) for key, label in given.labels.items()}
    return PlannedComparison(
        **comparison.planned(name, labels[0]),
        keys=file.labels,
        arms=tuple(
            PlannedArm(arm=ids[label.text], label=label.text, values=label.values) for label in given.labels.values()
        ),
        seeds=max(map(len, seeds.values())),
        claims=tuple(planned_claim(claim, shown, ids.__getitem__) for claim in comparison.claims),
        runs=PlannedRuns(
            file=file,
            sha256=sources.sums.sum(Path(file.path)),
            curves_sha256=sources.sums.sum(Path(file.curves.path)) if file.curves else None,
            metrics=metrics,
            seeds={ids[label]: own for label, own in seeds.items()},
        ),
    )


def arm_id(study: str, comparison: str, key: Key) -> str:
    """Nothing that is in the file but the label: with other runs it is the same arm, looked at on other data."""
    return digest(json.dumps(["runs", study, comparison, *key]))


def _check_paired(seeds: dict[str, tuple[int, ...]], file: RunsFile, at: str, mistakes: Mistakes) -> None:
    """Note the arms that lack a seed of another."""
    if file.seed is None:
        mistakes.add(join(at, "paired"), "needs 'seed', the column that says which runs belong together")
        return
    for label, own in seeds.items():
        gone = sorted({seed for other in seeds.values() for seed in other}.difference(own))
        if gone:
            lacking = listed(beginning([*map(str, gone)], NAMED))
            right = "add the runs (as failed, where they are lost), or take 'paired' out"
            mistakes.add(join(at, "paired"), f"{label!r} has no seed {lacking}; {right}")
