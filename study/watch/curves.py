"""Validation curves of the runs that are there, each the mean over an arm's runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import isfinite

from study.store.layout import Block, Store
from study.store.seal import read_table

METRICS = ("val_accuracy", "val_loss")
Sums = dict[str, tuple[Counter[float], Counter[float]]]  # metric → by epoch: the sum over runs, and how many they are


class Curves:
    """Those of a store. A block is read once: its file does not change any more."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[tuple[str, Block], Sums] = {}

    def mean(self, arm: str, blocks: Iterable[Block], metric: str) -> list[float]:
        """The mean of ``metric`` over the runs in ``blocks`` at each evaluation, in the order of their epochs."""
        total, runs = Counter[float](), Counter[float]()
        for block in blocks:
            sums, numbers = self._read(arm, block)[metric]
            total.update(sums)
            runs.update(numbers)
        return [total[epoch] / runs[epoch] for epoch in sorted(runs)]

    def _read(self, arm: str, block: Block) -> Sums:
        if (arm, block) not in self._known:
            self._known[arm, block] = self._sums(arm, block)
        return self._known[arm, block]

    def _sums(self, arm: str, block: Block) -> Sums:
        found: Sums = {metric: (Counter(), Counter()) for metric in METRICS}
        try:
            table = read_table(self.store.curves(arm, block), columns=["epoch", *METRICS])
        except (OSError, ValueError):  # it is damaged, as the next call of the study will say, or just gone
            return found
        for row in table.to_pylist():
            for metric in METRICS:
                if (value := row.get(metric)) is not None and isfinite(value):
                    found[metric][0][row["epoch"]] += value
                    found[metric][1][row["epoch"]] += 1
        return found
