"""Validation curves of the runs that are there, each the mean over an arm's runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from math import isfinite
from pathlib import Path

from study.store.layout import Block, Store
from study.store.seal import read_table

METRICS = ("val_accuracy", "val_loss")
Sums = dict[str, tuple[Counter[float], Counter[float]]]  # metric → by epoch: the sum over runs, and how many they are


def mean_curve(store: Store, arm: str, blocks: Iterable[Block], metric: str) -> list[float]:
    """The mean of ``metric`` over the runs in ``blocks`` at each evaluation, in the order of their epochs."""
    total, runs = Counter[float](), Counter[float]()
    for block in blocks:
        sums, numbers = _sums(store.curves(arm, block).absolute())[metric]
        total.update(sums)
        runs.update(numbers)
    return [total[epoch] / runs[epoch] for epoch in sorted(runs)]


@cache  # the file of a block does not change any more
def _sums(path: Path) -> Sums:
    found: Sums = {metric: (Counter(), Counter()) for metric in METRICS}
    try:
        table = read_table(path, columns=["epoch", *METRICS])
    except (OSError, ValueError):  # it is damaged, as the next call of the study will say, or just gone
        return found
    for row in table.to_pylist():
        for metric in METRICS:
            if (value := row.get(metric)) is not None and isfinite(value):
                found[metric][0][row["epoch"]] += value
                found[metric][1][row["epoch"]] += 1
    return found
