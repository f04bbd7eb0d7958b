"""What is trained with every seed: a recipe, or a search and by what the recipe is chosen from it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from study.axes.base import Frozen, canonical, digest
from study.axes.custom import Custom
from study.axes.dataset import Dataset
from study.axes.recipe import AXES, Recipe
from study.metric import Select
from study.plan.search import Candidate, Search, Selection
from study.target import Target


class Arm(Frozen):
    """Either a ``recipe``, or a ``search`` and by what the recipe is chosen from it."""

    recipe: Recipe | None = None
    search: Search | None = None
    selection: Selection | None = None

    @cached_property
    def id(self) -> str:
        """12 hex digits: of the recipe, or of the search and the selection; before that is known, of the search."""
        if self.search is None:
            return self.outline.id
        if self.selection is None:
            return self.search.id
        return digest(json.dumps([self.search.id, self.selection.name]))

    @property
    def outline(self) -> Recipe:
        """The recipe; of a tuned arm that of its first candidate, good for whatever no searched setting changes."""
        if self.recipe is not None:
            return self.recipe
        assert self.search is not None
        return self.search.first_recipe

    @property
    def dataset(self) -> Dataset:
        return self.outline.dataset

    @property
    def dataset_id(self) -> str:
        return self.outline.dataset_id

    @property
    def gpus(self) -> int:
        return self.outline.gpus

    @property
    def changes_steps(self) -> bool:
        """Whether it is tuned in a setting that changes how long a step takes, so that timing needs the chosen one."""
        return self.search is not None and self.search.changes_steps

    def chosen_by(self, select: Select | None, target: Target | None) -> Arm:
        """Where it is tuned, the arm that ``select`` chooses; ``target``: for steps to it."""
        if self.search is None or select is None:
            return self
        selection = Selection(metric=select, target=target if select == "steps_to_target" else None)
        return Arm(search=self.search, selection=selection)

    def open(self, axis: str) -> set[str]:
        """The settings of ``axis`` that are searched; the empty string where the axis itself is."""
        return self.search.covered(axis) if self.search else set()

    def searches(self, seeds: Iterable[int]) -> list[Search]:
        """Those that choose the settings of its runs of these seeds; none where it is not tuned."""
        return self.search.each(seeds) if self.search else []

    def waiting(self, seeds: Iterable[int]) -> dict[str, list[int]]:
        """By the id of each of these searches: the seeds that wait for it."""
        found: dict[str, list[int]] = {}
        if self.search is None:
            return found
        for seed in seeds:
            found.setdefault(self.search.of(seed).id, []).append(seed)
        return found

    def settled(self, settings: Candidate) -> Recipe:
        """The recipe with the ``settings`` that were chosen. Raises ValueError where they are refused."""
        return self.search.at(settings) if self.search else self.outline

    def columns(self) -> dict[str, Any]:
        """One value per axis, by its column: the choice's name, or the number; None of a number that is searched."""
        return self.outline.columns() | {AXES[axis].column or axis: None for axis in AXES if "" in self.open(axis)}


def own_kinds(arms: Iterable[Arm]) -> dict[str, Arm]:
    """The first of ``arms`` of each kind that has something of a person's own, by 12 hex digits of the kind.

    Of one kind are arms whatever their rates, with dropout and without: one of each is tried before any job starts.
    """
    axes = [axis for axis, about in AXES.items() if about.choices and "custom" in about.choices.choices()]
    found: dict[str, Arm] = {}
    for arm in arms:
        recipe = arm.outline
        if not recipe.trainer.free and any(isinstance(getattr(recipe, axis), Custom) for axis in axes):
            rates = recipe.optimizer.differing() | {"lr": None}
            parts: list[object] = [recipe.kind, rates, recipe.schedule.differing()]
            drops = bool(recipe.dropout), bool(arm.open("dropout"))
            parts += [drops] * any(drops)
            found.setdefault(digest(canonical({"own": parts})), arm)
    return found
