"""Comparisons over datasets: which arms are the same but for their dataset, and what can be shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from study.axes.base import canonical
from study.axes.dataset import Dataset
from study.metrics import METRICS
from study.plan.file.labels import ABSENT
from study.plan.plan import Plan, PlannedArm, PlannedComparison
from study.stats.exact import DATASETS

DRAWN = 20  # arms above which there are average ranks and no figure


SPLIT = ("split", "split_seed", "folds", "fold")  # the settings of a dataset that say how it is split
Split = tuple[Any, ...]  # their values


class Across(NamedTuple):
    """The arms of a comparison, named without their datasets, on each dataset.

    ``cells``: by the places of a dataset and an arm, the labels that stand there, one for each way to split it.
    """

    datasets: tuple[str, ...]
    arms: tuple[str, ...]
    cells: dict[tuple[int, int], dict[Split, str]]

    @property
    def full(self) -> bool:
        """Whether every arm is on every dataset, in all its splits."""
        arms = range(len(self.arms))
        return all(len({frozenset(self.cells.get((i, j), ())) for j in arms}) == 1 for i in range(len(self.datasets)))

    @property
    def splits(self) -> bool:
        """Whether a dataset is split in several ways."""
        return any(len(labels) > 1 for labels in self.cells.values())


def across(plan: Plan, comparison: PlannedComparison) -> Across | None:
    """None where there are fewer than two datasets, or fewer than two arms on them; or nobody here knows on what the
    arms were trained.

    A dataset is its content: split in another way, or read from another place, it is the same. A key whose
    value follows from the dataset (a network for each) belongs to the dataset, and to the name of no arm.
    """
    if not comparison.here:
        return None
    datasets = {arm.label: plan.arms[arm.arm].dataset for arm in comparison.arms}
    if None in datasets.values():  # some script's own
        return None
    contents = {plan.arms[arm.arm].dataset_id: datasets[arm.label] for arm in comparison.arms}
    names_of = {i: _content(dataset) for i, dataset in contents.items()}
    content = {arm.label: names_of[plan.arms[arm.arm].dataset_id] for arm in comparison.arms}
    places = list(dict.fromkeys(content.values()))
    if len(places) < 2:
        return None
    keys = [key for key in comparison.keys if key.partition(".")[0] != "dataset"]
    keys = [key for key in keys if len({(content[a.label], a.values[key]) for a in comparison.arms}) > len(places)]
    alike: dict[tuple[str, ...], list[PlannedArm]] = {}
    for arm in comparison.arms:
        alike.setdefault(tuple(arm.values[key] for key in keys), []).append(arm)
    if len(alike) < 2:
        return None
    cells: dict[tuple[int, int], dict[Split, str]] = {}
    for j, arms in enumerate(alike.values()):
        for label in (arm.label for arm in arms):
            split = tuple(getattr(datasets[label], name) for name in SPLIT)
            cells.setdefault((places.index(content[label]), j), {})[split] = label
    firsts = {content[label]: dataset for label, dataset in reversed(datasets.items())}
    names = tuple(_name(comparison, keys, arms) for arms in alike.values())
    return Across(tuple(_names([firsts[place] for place in places])), names, cells)


def is_cost(metric: str) -> bool:
    """Whether a performance profile suits a metric: of a loss, a time or memory the ratio to the best tells, not of
    what goes with accuracy.
    """
    about = METRICS[metric]
    return about.better == "lower" and not about.percent and about.source.twin != "val_accuracy"


def has_figure(found: Across | None, metrics: Sequence[str]) -> bool:
    """Whether there is a figure over datasets: critical-difference diagrams or performance profiles."""
    if found is None or not found.full or len(found.arms) > DRAWN:
        return False
    return len(found.datasets) >= DATASETS or any(map(is_cost, metrics))


def _content(dataset: Dataset) -> str:
    return canonical({key: value for key, value in dataset.differing().items() if key not in SPLIT})


def _name(comparison: PlannedComparison, keys: Sequence[str], alike: Sequence[PlannedArm]) -> str:
    """An arm without its dataset: what its label shows for ``keys``. ``alike``: the same arm on all datasets."""
    given = {comparison.given.get(arm.label) for arm in alike}
    own = given.pop() if len(given) == 1 else None
    values = [alike[0].values[key] for key in keys if not (own and key in comparison.coupled)]
    return ", ".join(([own] if own else []) + [value for value in values if value != ABSENT]) or "baseline"


def _names(datasets: Sequence[Dataset]) -> list[str]:
    """Names of datasets: their labels, or those of their files; with what is predicted, where that tells them apart."""
    names = [
        dataset.label or (Path(path).name if (path := getattr(dataset, "path", "")) else dataset.name)
        for dataset in datasets
    ]
    return [
        f"{name} ({target})" if names.count(name) > 1 and (target := getattr(dataset, "target", None)) else name
        for name, dataset in zip(names, datasets, strict=True)
    ]
