"""What runs came to on every test row. An arm's own files have it; it is read where a claim needs it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from study.plan.file.claim import PlannedClaim
from study.plan.plan import Plan
from study.stats.estimates import Floats
from study.store.layout import Store, owned
from study.store.schemas import ARM_RUNS
from study.store.seal import read_table

KEPT = {"test_accuracy": "test_right", "test_loss": "test_losses"}  # the metrics that are means over test rows


class ByRow:
    """Of the arms of a study, in a store."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self._runs = cache(self._read)

    def of(self, claim: PlannedClaim, seeds: Sequence[int]) -> list[tuple[Floats, Floats]]:
        """What the two arms of every pair that a claim compares have of its metric, [seeds, rows] each.

        None where it is no mean over test rows, where these are not the same for all arms and seeds, where a run has
        none, or of a claim on effects.
        """
        names = list(claim.arms.values())
        if claim.effects or claim.metric not in KEPT or not seeds:
            return []
        if not all(name in self.plan.arms and self._shared(name) for name in names):
            return []
        if len({self.plan.arms[name].dataset_id for name in names}) > 1:
            return []
        column = KEPT[claim.metric]
        found = {name: [_values(self._runs(name).get(seed, {}), column) for seed in seeds] for name in names}
        if len({len(each) for runs in found.values() for each in runs}) > 1 or not len(found[names[0]][0]):
            return []
        stacked = {name: np.stack(runs) for name, runs in found.items()}
        return [(stacked[claim.arms[one]], stacked[claim.arms[other]]) for one, other in claim.pairs]

    def _shared(self, name: str) -> bool:
        """Whether all seeds of an arm are tested on the same rows."""
        outline = self.plan.arms[name].outline
        dataset = outline.dataset
        return not outline.trainer.free and (dataset.split == "fixed" or dataset.given_test is True)

    def _read(self, arm: str) -> dict[int, dict[str, Any]]:
        """By seed."""
        columns = ["seed", "test_rows", *KEPT.values()]
        runs: dict[int, dict[str, Any]] = {}
        for block, seeds in owned(self.store.present([arm])[arm], self.plan.seeds[arm]):
            table = read_table(self.store.runs(arm, block), ARM_RUNS, columns)
            for seed, rows, right, losses in zip(*(table[name] for name in columns), strict=True):
                if seed.as_py() in seeds:
                    runs[seed.as_py()] = {
                        "rows": rows.as_py(),
                        "test_right": right.as_py(),
                        "test_losses": losses.values.to_numpy() if losses.is_valid else None,
                    }
        return runs


def _values(run: dict[str, Any], column: str) -> Floats:
    """Of one run [rows]: 1 where it is right, or its losses; empty where nobody noted them."""
    kept = run.get(column)
    if kept is not None and column == "test_right":
        kept = np.unpackbits(np.frombuffer(kept, np.uint8), count=run["rows"])
    return np.asarray([] if kept is None else kept, dtype=float)
