"""How much there is to do, in runs and steps, as far as it is known before the data is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from study.axes.recipe import Recipe, split_sizes
from study.plan.arm import Arm
from study.plan.searches.search import Search
from study.store.layout import Block


class Work(NamedTuple):
    """``steps``: None where the number of training rows is unknown."""

    runs: int
    steps: int | None


def training_rows(recipe: Recipe) -> int | None:
    return split_sizes(recipe.dataset.rows)[0] if recipe.dataset.rows else None


def steps_of(recipe: Recipe, rows: int | None = None) -> int | None:
    """Steps of one run over its whole budget; ``rows``: for training, where they are known otherwise."""
    rows = rows or training_rows(recipe)
    return None if rows is None else recipe.epochs * -(-rows // recipe.batch_size)


def final(arm: Arm, runs: int) -> Work:
    """Of so many final runs. A batch size that is still to be tuned is taken as the mean over the grid."""
    each = steps_of(arm.outline) if arm.search is None else mean_steps(arm.search)
    return Work(runs, None if each is None else round(runs * each))


def tuning(search: Search, selections: int, known: bool = False) -> Work:
    """Of a search for so many selections; ``known``: its first trials are there, only further ones are made."""
    trials = selections * search.extend + (0 if known else search.first)
    each = mean_steps(search)
    runs = trials * search.seeds
    return Work(runs, None if each is None else round(runs * each))


def mean_steps(search: Search) -> float | None:
    """Steps of one run, the mean over the grid where candidates differ in their batch size."""
    sized = "batch_size" in search.covers and search.method == "grid"
    recipes = [search.at(point) for point in search.grid()] if sized else [search.first_recipe]
    each = [steps for recipe in recipes if (steps := steps_of(recipe)) is not None]
    return sum(each) / len(each) if each else None


class Total(NamedTuple):
    runs: int
    steps: int  # as far as known
    certain: bool  # whether all are


def sum_up(parts: Iterable[Work]) -> Total:
    parts = list(parts)
    known = [part.steps for part in parts if part.steps is not None]
    return Total(sum(part.runs for part in parts), sum(known), len(known) == len(parts))


def length(blocks: Iterable[Block]) -> int:
    """Seeds in ``blocks``."""
    return sum(len(block.seeds) for block in blocks)
