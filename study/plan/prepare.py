"""From a study file to a plan, or to the list of its mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.axes.dataset import Dataset
from study.plan import yaml
from study.plan.arm import Arm
from study.plan.baseline import Baseline
from study.plan.expand import Expansion
from study.plan.mistakes import Mistakes, Refused, join
from study.plan.plan import Plan, PlannedArm, PlannedComparison, timing_of
from study.plan.shown import check_label, check_metrics, check_target, read_reported
from study.plan.sources import Sums
from study.plan.store import Store
from study.plan.study_file import Comparison, StudyFile, read, read_comparisons


def prepare(path: Path, store: Store) -> Plan:
    """The plan of the study at ``path``. Raises Refused with all its mistakes."""
    mistakes = Mistakes(str(path))
    content = yaml.read(path, mistakes)
    if not isinstance(content, dict):
        raise Refused([f"{path}: holds no study; begin with 'study:', 'baseline:' and 'comparisons:'"])
    file, broken = read(StudyFile, content, "", mistakes)
    _not_yet("tune", file.tune, "tune", mistakes)
    baseline = Baseline(file.baseline, "baseline", Mistakes("") if "baseline" in broken else mistakes)
    if not file.comparisons and "comparisons" not in broken:
        mistakes.add("comparisons", f"is empty; give {StudyFile.needed['comparisons']}")
    sums = Sums(store.root / "datasets" / "sums.json")

    def locate(dataset: Dataset) -> Dataset:
        return sums.resolve(dataset, path.parent)

    comparisons: list[PlannedComparison] = []
    arms: dict[str, Arm] = {}
    for name, comparison, flawed in read_comparisons(file.comparisons, mistakes):
        expansion = Expansion(join("comparisons", name), comparison, flawed, baseline, mistakes, locate)
        planned = _planned(name, comparison, broken, flawed, expansion, file, mistakes)
        comparisons += [planned] if planned else []
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


def _planned(
    name: str,
    comparison: Comparison,
    broken: set[str],  # keys with a mistake of shape: the study's,
    flawed: set[str],  # and this comparison's
    expansion: Expansion,
    file: StudyFile,
    mistakes: Mistakes,
) -> PlannedComparison | None:
    path, labels, doubtful = expansion.path, expansion.labels, expansion.doubtful
    target = comparison.target or file.target
    _not_yet("tune", comparison.tune, join(path, "tune"), mistakes)
    _not_yet("claims", comparison.claims, join(path, "claims"), mistakes)
    if not comparison.metrics and "metrics" not in flawed:
        mistakes.add(join(path, "metrics"), f"is empty; give {Comparison.needed['metrics']}")
    check_metrics(comparison, path, expansion.arms, target, mistakes)
    if target is None and "target" not in broken | flawed:
        check_target(comparison, path, mistakes)
    source, reported = read_reported(comparison, flawed, path, labels, doubtful, mistakes)
    if comparison.reference is not None:
        check_label(comparison.reference, join(path, "reference"), labels, doubtful, mistakes)
    if mistakes:
        return None
    arms = expansion.arms
    return PlannedComparison(
        name=name,
        title=comparison.title or name.replace("_", " ").replace("-", " ").capitalize(),
        keys=tuple(arms[0].values),
        arms=tuple(PlannedArm(arm=a.arm.id, label=a.label, values=a.values) for a in arms),
        skipped=expansion.skipped,
        metrics=tuple(comparison.metrics),
        reference=arms[0].label if comparison.reference is None else comparison.reference,
        seeds=comparison.seeds or file.seeds,
        target=target,
        source=source,
        reported=reported,
    )


def _not_yet(key: str, value: Any, path: str, mistakes: Mistakes) -> None:
    if value is not None:
        mistakes.add(path, f"{key!r} is not yet supported; leave it out" + (", or write null" * (key == "tune")))
