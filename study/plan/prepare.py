"""From a study file to a plan, or to the list of its mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from study.axes.dataset import Dataset
from study.plan import yaml
from study.plan.arm import Arm
from study.plan.expand import Baseline, Expansion
from study.plan.metrics import METRICS
from study.plan.mistakes import Mistakes, join, show, suggest
from study.plan.plan import Plan, PlannedArm, PlannedComparison, timing_of
from study.plan.sources import Sums
from study.plan.store import Store
from study.plan.study_file import Comparison, StudyFile, Target, parse, salvage


def prepare(path: Path, store: Store) -> Plan:
    """The plan of the study at ``path``. Raises Refused with all its mistakes."""
    mistakes = Mistakes(str(path))
    content = yaml.read(path)
    shape = parse(content, mistakes)
    file = shape or salvage(content)
    if file is None:
        mistakes.raise_any()
        raise AssertionError("a file that cannot be read has mistakes")
    _unsupported("tune", file.tune, "", mistakes)
    baseline = Baseline.read(file.baseline, "baseline", mistakes)
    baseline.check(mistakes)
    sums = Sums(store.root / "datasets" / "sums.json")

    def locate(dataset: Dataset) -> Dataset:
        return sums.resolve(dataset, path.parent)

    comparisons: list[PlannedComparison] = []
    arms: dict[str, Arm] = {}
    for name, comparison in file.comparisons.items():
        expansion = Expansion(name, comparison, baseline, mistakes, locate)
        planned = _comparison(name, comparison, expansion, file, mistakes)
        if planned:
            comparisons.append(planned)
            arms |= {labelled.arm.id: labelled.arm for labelled in expansion.arms}
    mistakes.raise_any()
    seeds: dict[str, int] = {}
    for planned in comparisons:
        for arm in planned.arms:
            seeds[arm.arm] = max(seeds.get(arm.arm, 0), planned.seeds)
    return Plan(
        study=file.study,
        title=file.title or file.study,
        target=file.target,
        comparisons=tuple(comparisons),
        arms=arms,
        seeds=seeds,
        timing=timing_of(tuple(comparisons)),
    )


def _comparison(
    name: str, written: Comparison, expansion: Expansion, file: StudyFile, mistakes: Mistakes
) -> PlannedComparison | None:
    path, arms = expansion.path, expansion.arms
    target = written.target or file.target
    before = len(mistakes)
    _unsupported("tune", written.tune, path, mistakes)
    _unsupported("claims", written.claims, path, mistakes)
    for metric in written.metrics:
        _check_metric(metric, join(path, "metrics"), arms, target, mistakes)
    source, reported = _reported(written, path, [arm.label for arm in arms], mistakes)
    if not arms:
        return None
    _check_gpus(expansion, mistakes)
    known = [arm.label for arm in arms]
    if written.reference is not None and written.reference not in known:
        mistakes.add(join(path, "reference"), suggest_label(written.reference, known))
    if len(mistakes) > before:
        return None
    return PlannedComparison(
        name=name,
        title=written.title or name.replace("_", " ").replace("-", " ").capitalize(),
        keys=tuple(arms[0].values),
        arms=tuple(PlannedArm(arm=a.arm.id, label=a.label, values=a.values) for a in arms),
        skipped=expansion.skipped,
        metrics=tuple(dict.fromkeys(written.metrics)),
        reference=written.reference or known[0],
        seeds=written.seeds or file.seeds,
        target=target,
        source=source,
        reported=reported,
    )


def suggest_label(label: str, known: list[str]) -> str:
    return suggest(label, known, "label of this comparison") + (f" (labels: {'; '.join(known)})" if known else "")


def _reported(
    written: Comparison, path: str, known: list[str], mistakes: Mistakes
) -> tuple[str | None, dict[str, dict[str, str]]]:
    source: str | None = None
    found: dict[str, dict[str, str]] = {}
    for label, figures in written.reported.items():
        place = join(path, "reported", label)
        if label == "source":
            source = str(figures)
        elif known and label not in known:
            mistakes.add(place, suggest_label(label, known))
        elif not isinstance(figures, Mapping):
            mistakes.add(place, f"{show(figures)} is refused; give {{metric: figure as printed}}")
        else:
            for metric in figures:
                if metric not in written.metrics:
                    mistakes.add(join(place, metric), suggest(metric, written.metrics, "metric of this comparison"))
            found[label] = {metric: str(figure) for metric, figure in figures.items()}
    return source, found


def _check_metric(name: str, path: str, arms: list[Any], target: Target | None, mistakes: Mistakes) -> None:
    if name not in METRICS:
        mistakes.add(path, suggest(name, METRICS, "metric"))
        return
    metric = METRICS[name]
    if metric.target and target is None:
        mistakes.add(path, f"{name!r} needs a target; give target: {{metric: val_accuracy, value: …}}")
    regression = [a.label for a in arms if a.arm.dataset.task_known == "regression"]
    if metric.accuracy and regression:
        mistakes.add(path, f"{name!r} needs classes, {regression[0]!r} is a regression; use a loss")
    if metric.target and target and target.metric == "val_accuracy" and regression:
        mistakes.add(path, f"the target is an accuracy, {regression[0]!r} is a regression; use val_loss")


def _check_gpus(expansion: Expansion, mistakes: Mistakes) -> None:
    if any(arm.arm.gpus > 1 for arm in expansion.arms):
        vary = expansion.comparison.vary
        path = join(expansion.path, "vary", "gpus") if "gpus" in vary else join(expansion.path, "gpus")
        mistakes.add(path, "more than one device per run is not yet supported; use gpus: 1")


def _unsupported(key: str, value: Any, path: str, mistakes: Mistakes) -> None:
    if value is not None:
        mistakes.add(join(path, key), "is not yet supported; leave it out" + (", or write null" * (key == "tune")))
