"""From a comparison of runs that are there already to the same as it is planned, or to all its mistakes of meaning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from study.axes.base import digest
from study.errors import Mistakes, join, nearest
from study.metrics import METRICS
from study.plan.check.claims import check_claims, check_shown
from study.plan.elsewhere.columns import Key
from study.plan.elsewhere.models import PlannedRuns, RunsComparison, RunsFile, RunsMetric, columns, own_metrics
from study.plan.elsewhere.runs import read_curves, read_runs
from study.plan.file.levels import planned_claim
from study.plan.file.sources import Sources
from study.plan.plan import PlannedArm, PlannedComparison
from study.wording import beginning, listed

NAMED = 12  # seeds that a line names
EXAMPLE = "better: higher, unit: points"


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


def resolve(
    file: RunsFile, used: Sequence[tuple[str, str]], at: str, mistakes: Mistakes
) -> dict[str, RunsMetric] | None:
    """Metric → its column, of all that the file maps and that the comparison shows or claims; None with mistakes.

    ``used``: metrics, and the places where each is named; ``at``: the place of ``runs:``.
    """
    before, found = len(mistakes), columns(file.metrics)
    for name, one in found.items():
        if wrong := _wrong(name, one):
            mistakes.add(join(at, "metrics", name), wrong)
    for name, place in used:
        if name in found:
            continue
        if name in METRICS and not _not_here(name):
            found[name] = RunsMetric(column=name)
            continue
        close = nearest(name, [*found, *(known for known in METRICS if not _not_here(known))])
        meant = f"did you mean {close!r}? or " if close else ""
        say = f"{meant}add it to {join(at, 'metrics')}: {{{name}: {{column: …, {EXAMPLE}}}}}"
        mistakes.add(place, _not_here(name) or f"{name!r} is no metric of these runs; {say}")
    return found if len(mistakes) == before else None


def _not_here(name: str) -> str:
    """Why no file can hold a known metric; empty where it can, or where it is not known."""
    about = METRICS.get(name)
    if about is None or not (about.timed or about.target):
        return ""
    how = "by a timing job, alone on its device" if about.timed else "at every evaluation, against one target"
    declare = f"my_{name}: {{column: …, better: {about.better}, unit: {about.unit}}}"
    return f"{name!r} is measured here {how}, and these runs were not trained here; declare what you have: {declare}"


def _wrong(name: str, one: RunsMetric) -> str:
    """What is wrong with how a metric is declared; empty where nothing is."""
    if name in METRICS:
        about = METRICS[name]
        known = f"{name!r} is known ({about.title}, {about.better} is better)"
        return _not_here(name) or (f"{known}; take {one.says[0]!r} out, or give it another name" if one.says else "")
    if one.better is None:
        close = nearest(name, METRICS)
        meant = f"did you mean {close!r}? or " if close else ""
        return f"{name!r} is not known here; {meant}say what it is: {{column: {one.column}, {EXAMPLE}}}"
    return ""
