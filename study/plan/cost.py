"""How much there is to do, in runs and steps, as far as it is known before the data is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

from study.axes.dataset import Dataset
from study.axes.recipe import AXES, REQUIRED, Recipe
from study.plan.arm import Arm
from study.plan.plan import Plan
from study.plan.search import Search
from study.store.layout import Block, Store
from study.store.notes import read_note
from study.wording import counted

STEP, ROW = 5.5e-5, 8e-7  # seconds of a step of a small network in a pack, and of each row in it, on one CPU core
EXTRA = 0.25  # a step takes so much longer, as a share, for each axis that adds operations: dropout, a penalty
ALONE = 60.0  # seconds of a run that is not stacked, at least
ADDING = [  # axes with a default that runs in a pack may differ in: what of a value decides how long a step takes
    (name, about.step, Recipe.model_fields[name].default)
    for name, about in AXES.items()
    if about.step and not about.shared and name not in REQUIRED
]


class Work(NamedTuple):
    """``steps``: as far as known; ``certain``: whether all are, and not those of unknown numbers of training rows."""

    runs: int
    steps: int
    certain: bool

    def __str__(self) -> str:
        """``54 runs, 73,440 steps``."""
        runs = counted(self.runs, "run")
        if self.certain and not self.steps:
            return runs  # of scripts, whose steps are their matter
        if not self.certain and not self.steps:
            return f"{runs}; how many steps is known once the data is read"
        return f"{runs}, {'at least ' * (not self.certain)}{counted(self.steps, 'step')}"


def sum_up(parts: Iterable[Work]) -> Work:
    parts = list(parts)
    return Work(sum(p.runs for p in parts), sum(p.steps for p in parts), all(p.certain for p in parts))


def _work(runs: int, each: float | None) -> Work:
    """``each``: steps of one run, None where that is unknown."""
    return Work(runs, round(runs * (each or 0)), each is not None)


def training_rows(plan: Plan, store: Store) -> dict[str, int | None]:
    """The rows for training, by dataset: as it tells them, else as they were prepared; None before that."""
    return {name: _rows(dataset, store.dataset(name)) for name, dataset in plan.datasets.items()}


def _rows(dataset: Dataset, prepared: Path) -> int | None:
    if dataset.sizes:
        return dataset.sizes[0]
    if not prepared.exists():
        return None
    import numpy as np  # only of files whose rows nobody knows before they are read

    with suppress(OSError, ValueError, EOFError, BadZipFile), np.load(prepared) as file:
        return int((file["split"] == 0).sum())
    return None  # it is damaged, and set aside once it is trained on


def steps_of(recipe: Recipe, rows: int | None = None) -> int | None:
    """Steps of one run over its whole budget, and of what is trained before.

    ``rows``: for training, where the dataset does not tell them.
    """
    if recipe.trainer.free:
        return 0  # as many as a script takes
    rows = recipe.dataset.sizes[0] if recipe.dataset.sizes else rows
    stages = filter(None, (recipe.before, recipe))
    return None if rows is None else sum(stage.budget(stage.training_rows(rows)) for stage in stages)


def final(arm: Arm, runs: int, rows: int | None = None) -> Work:
    """Of so many final runs. A batch size that is still to be tuned is taken as the mean over the grid."""
    return _work(runs, mean_steps(arm.search, rows) if arm.search else steps_of(arm.outline, rows))


def tuning(search: Search, selections: int, rows: int | None = None, trials: int | None = None) -> Work:
    """Of a search for so many selections. ``trials``: where they are known; before, they are at most so many."""
    trials = search.first + selections * search.extend if trials is None else trials
    return _work(trials * search.seeds, mean_steps(search, rows))


def mean_steps(search: Search, rows: int | None) -> float | None:
    """Steps of one run, the mean over the grid where candidates differ in these, as by their batch size."""
    differ = search.changes_length and search.method == "grid"
    recipes = [search.at(point) for point in search.grid()] if differ else [search.first_recipe]
    each = [steps for recipe in recipes if (steps := steps_of(recipe, rows)) is not None]
    return sum(each) / len(each) if each else None


class Speeds:
    """Seconds of a step of one run, by the pace of its recipe: as the receipts of a store tell; else a guess.

    ``by_run``: of a run, which is what is known of scripts.
    """

    def __init__(self, store: Store) -> None:
        seconds, steps, runs = Counter[str](), Counter[str](), Counter[str]()
        for path in store.receipts():
            with suppress(OSError, ValueError, KeyError, TypeError):  # it is of no use to anybody else
                packs = read_note(path)["packs"]
                for pack in (each for each in packs if not each["resumed"]):  # whose seconds are those of fewer steps
                    seconds[pack["pace"]] += pack["seconds"]
                    steps[pack["pace"]] += pack["steps"]
                    runs[pack["pace"]] += pack["runs"]
        self.known = {pace: seconds[pace] / steps[pace] for pace in seconds if steps[pace]}
        self.by_run = {pace: seconds[pace] / runs[pace] for pace in seconds if runs[pace]}

    def seconds(self, recipe: Recipe, work: Work) -> float:
        """Of runs of ``recipe``, or of those that its search may choose. What is not stacked is taken to be large."""
        if recipe.trainer.free:
            return work.runs * self.by_run.get(recipe.pace, ALONE)
        if self.known and recipe.pace in self.known:
            return work.steps * self.known[recipe.pace]
        if not recipe.stacked:
            return work.runs * ALONE
        return work.steps * (STEP + ROW * recipe.batch_size) * (1 + EXTRA * sum(_adds(recipe)))


def _adds(recipe: Recipe) -> Iterator[bool]:
    """For each axis of ``ADDING``: whether its operations are others than those of its default."""
    for name, step, default in ADDING:
        value = getattr(recipe, name)
        yield value is not default and step(value) != step(default)


def length(blocks: Iterable[Block]) -> int:
    """Seeds in ``blocks``."""
    return sum(len(block.seeds) for block in blocks)
