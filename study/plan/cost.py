"""How much there is to do, in runs and steps, as far as it is known before the data is read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from study.axes.dataset import Dataset
from study.axes.recipe import Recipe, split_sizes
from study.plan.arm import Arm
from study.plan.searches.search import Search
from study.store.layout import Block
from study.wording import counted


class Work(NamedTuple):
    """``steps``: None where the number of training rows is unknown."""

    runs: int
    steps: int | None


def training_rows(dataset: Dataset, prepared: Path) -> int | None:
    """The rows for training: as the dataset tells them, else as they were ``prepared``; None before that."""
    if dataset.rows:
        return split_sizes(dataset.rows)[0]
    if not prepared.exists():
        return None
    import numpy as np  # only of files whose rows nobody knows before they are read

    with np.load(prepared) as file:
        return int((file["split"] == 0).sum())


def steps_of(recipe: Recipe, rows: int | None = None) -> int | None:
    """Steps of one run over its whole budget. ``rows``: for training, where the dataset does not tell them."""
    rows = split_sizes(recipe.dataset.rows)[0] if recipe.dataset.rows else rows
    return None if rows is None else recipe.epochs * -(-rows // recipe.batch_size)


def final(arm: Arm, runs: int, rows: int | None = None) -> Work:
    """Of so many final runs. A batch size that is still to be tuned is taken as the mean over the grid."""
    each = steps_of(arm.outline, rows) if arm.search is None else mean_steps(arm.search, rows)
    return Work(runs, None if each is None else round(runs * each))


def tuning(search: Search, selections: int, known: bool = False, rows: int | None = None) -> Work:
    """Of a search for so many selections; ``known``: its first trials are there, only further ones are made."""
    trials = selections * search.extend + (0 if known else search.first)
    each = mean_steps(search, rows)
    runs = trials * search.seeds
    return Work(runs, None if each is None else round(runs * each))


def mean_steps(search: Search, rows: int | None = None) -> float | None:
    """Steps of one run, the mean over the grid where candidates differ in their batch size."""
    sized = "batch_size" in search.covers and search.method == "grid"
    recipes = [search.at(point) for point in search.grid()] if sized else [search.first_recipe]
    each = [steps for recipe in recipes if (steps := steps_of(recipe, rows)) is not None]
    return sum(each) / len(each) if each else None


class Total(NamedTuple):
    runs: int
    steps: int  # as far as known
    certain: bool  # whether all are

    def __str__(self) -> str:
        """``54 runs, 73,440 steps``."""
        runs = counted(self.runs, "run")
        if not self.certain and not self.steps:
            return f"{runs}; how many steps is known once the data is read"
        return f"{runs}, {'at least ' * (not self.certain)}{counted(self.steps, 'step')}"


def sum_up(parts: Iterable[Work]) -> Total:
    parts = list(parts)
    known = [part.steps for part in parts if part.steps is not None]
    return Total(sum(part.runs for part in parts), sum(known), len(known) == len(parts))


def length(blocks: Iterable[Block]) -> int:
    """Seeds in ``blocks``."""
    return sum(len(block.seeds) for block in blocks)
