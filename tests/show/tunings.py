"""Searches made by hand: what tuning would leave, had it found the qualities that a test gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from study.plan.choice import Row, Trial, further
from study.plan.plan import Plan
from study.plan.search import Candidate, Selection
from study.plan.trials import Trials
from study.store.schemas import TUNING

# Label, settings, tuning seed (0, 1, …) → validation accuracy (of a regression 1 + its loss), None where it diverged.
Quality = Callable[[str, Candidate, int], float | None]
STEPS = 272  # of a whole run


def bump(best: float, width: float = 1.0, top: float = 0.96) -> Quality:
    """Accuracies with a peak at lr = ``best``, ``width`` decades wide; diverged a hundred times beyond it."""

    def quality(label: str, settings: Candidate, seed: int) -> float | None:
        away = np.log10(float(settings["optimizer.lr"]) / best)  # type: ignore[arg-type]
        return None if away > 2 else 0.1 + (top - 0.1) * float(np.exp(-0.5 * (away / width) ** 2)) - 0.002 * seed

    return quality


def trials(plan: Plan, quality: Quality) -> dict[str, Trials]:
    """What every search of the study tried, by its id, for all the selections that are asked of it."""
    labels = {arm: label for comparison in plan.comparisons for arm, label in comparison.trained.items()}
    found: dict[str, Trials] = {}
    for name, arm in sorted(plan.arms.items()):
        if arm.search and arm.selection:
            for search in {one.id: one for one in (arm.search, *plan.searches_of(name))}.values():
                extend(found.setdefault(search.id, Trials(search)), arm.selection, labels[name], quality)
    return found


def extend(made: Trials, selection: Selection, label: str, quality: Quality) -> None:
    """The grid, which serves every selection, and further trials for this one."""

    def attempt(settings: Candidate, selections: tuple[str, ...]) -> None:
        rows = [_row(seed, quality(label, settings, i)) for i, seed in enumerate(made.search.seed_range)]
        made.tried.append(Trial(settings, rows, selections))

    for settings in made.search.grid() if not made.tried else ():
        attempt(settings, ())
    while left := made.search.candidates - len(mine := made.of(selection)):
        for settings in further(made.search, selection.metric, mine)[:left]:
            known = next((i for i, tried in enumerate(made.tried) if tried.settings == settings), None)
            if known is None:
                attempt(settings, (selection.name,))
            else:
                made.tried[known] = made.tried[known]._replace(
                    selections=(*made.tried[known].selections, selection.name)
                )
    made.done.append(selection.name)


def searches(plan: Plan, quality: Quality) -> pd.DataFrame:
    """tuning.parquet of the study: every arm that is to be tuned."""
    made = trials(plan, quality)
    rows = [
        row | {"arm": name}
        for name, arm in sorted(plan.arms.items())
        if arm.search and arm.selection
        for row in made[arm.search.id].rows(arm.selection)
    ]
    return pa.Table.from_pylist(rows, TUNING).to_pandas()


def _row(seed: int, value: float | None) -> Row:
    """A row of a search file, as ``value`` says; a curve of one evaluation, where the target was reached.

    The target is reached the sooner the better, and not at all under 90 %.
    """
    accuracy = None if value is None or value > 1 else value
    loss = None if value is None else value - 1 if value > 1 else float(-np.log(value))
    reached = round(34 / (accuracy - 0.8)) if accuracy is not None and accuracy >= 0.9 else None
    return dict.fromkeys(TUNING.names) | {
        "seed": seed, "status": "diverged" if value is None else "finished", "steps": 10 if value is None else STEPS,
        "val_accuracy": accuracy, "val_loss": loss, "curve_steps": [reached] * (reached is not None),
        "curve_val_accuracy": [accuracy] * (reached is not None), "curve_val_loss": [loss] * (reached is not None),
    }  # fmt: skip
