"""Searches made by hand: what tuning would leave, had it found the qualities that a test gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from study.plan.searches.chosen import settings_text

from study.plan.arm import Arm
from study.plan.plan import Plan
from study.plan.searches.selection import Candidate, Edge, Outcome, Trial, edge, further, rank, score
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


def searches(plan: Plan, quality: Quality) -> pd.DataFrame:
    """tuning.parquet of the study: every arm that is to be tuned."""
    labels = {arm: label for comparison in plan.comparisons for arm, label in comparison.trained.items()}
    rows = [
        row for arm, recipe in sorted(plan.arms.items()) if recipe.tune for row in _rows(recipe, labels[arm], quality)
    ]
    return pa.Table.from_pylist(rows, TUNING).to_pandas()


def _rows(arm: Arm, label: str, quality: Quality) -> Iterator[dict[str, Any]]:
    tune = arm.tune
    assert tune is not None
    trials: list[Trial] = []
    phases: list[str] = []

    def possible(settings: Candidate) -> bool:
        try:
            return arm.settled(settings).impossible() is None
        except ValueError:
            return False

    wanted, phase = tune.grid(), "grid"
    while wanted and len(trials) < tune.candidates:
        for settings in wanted[: tune.candidates - len(trials)]:
            trials.append(Trial(settings, [_outcome(quality(label, settings, seed)) for seed in range(tune.seeds)]))
            phases.append(phase)
        wanted, phase = further(tune, trials, possible), "extend"
    places = rank(trials, tune.select)
    best = trials[places[0]]
    trained = any(outcome.finished for outcome in best.outcomes)
    found = edge(tune, trials, possible) if trained else Edge({}, False, [])
    for i, (trial, phase) in enumerate(zip(trials, phases, strict=True)):
        mine = trained and trial is best
        shared = {
            "arm": arm.id, "candidate": i, "phase": phase, "settings": settings_text(trial.settings),
            "select": tune.select, "score": score(trial, tune.select), "rank": places.index(i) + 1, "chosen": mine,
            "edge": json.dumps(found.sides) if mine and found.sides else None,
            "undertuned": mine and found.undertuned, "next": json.dumps(found.next) if mine and found.next else None,
        }  # fmt: skip
        for seed, outcome in zip(tune.seed_range, trial.outcomes, strict=True):
            ended = {
                "status": "finished" if outcome.finished else "diverged",
                "steps": STEPS if outcome.finished else 10,
            }
            yield shared | ended | {"seed": seed} | outcome._asdict()


def _outcome(value: float | None) -> Outcome:
    """As ``value`` says; the target is reached the sooner the better, and not at all under 90 %."""
    if value is None:
        return Outcome(False, None, None, None)
    if value > 1:  # a loss
        return Outcome(True, None, value - 1, None)
    return Outcome(True, value, float(-np.log(value)), round(34 / (value - 0.8)) if value >= 0.9 else None)
