"""A search: the tuning of one arm's open settings. One search serves every selection among its trials."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import product
from math import prod
from typing import Literal, get_args

from pydantic import Field, JsonValue

from study.axes.base import Frozen
from study.axes.recipe import Recipe, changes_steps, digest, split_key
from study.metrics import Select, Target
from study.plan.searches.space import Searched, Value

FIRST_SEED = 1_000_000  # tuning seed k is this plus k: never one of the final runs
SELECTS: tuple[str, ...] = get_args(Select)
Settings = Mapping[str, Value]  # key (optimizer.lr) → value


class Selection(Frozen):
    """By which validation metric the candidate of a search is chosen; ``target``: of steps to a target."""

    metric: Select
    target: Target | None = None

    @property
    def name(self) -> str:
        """``val_accuracy``, ``steps_to_target val_accuracy 0.95``."""
        return f"{self.metric} {self.target}" if self.target else self.metric


class Search(Frozen):
    """A grid (the product of all settings) or quasi-random points, then further trials for each selection.

    ``recipe`` is that of the arms which it serves, without the settings that are searched.
    """

    recipe: dict[str, JsonValue]
    settings: tuple[Searched, ...] = Field(strict=False)  # by key
    seeds: int  # tuning seeds of every candidate
    extend: int  # further trials for each selection, past the edge or around the best
    method: Literal["grid", "sobol"] = "grid"
    trials: int | None = None  # of a quasi-random search

    @cached_property
    def id(self) -> str:
        """12 hex digits over the recipe without what is searched, the ranges, the seeds and the number of trials."""
        space = self.model_dump(mode="json", exclude={"recipe"}, exclude_defaults=True)
        return digest(self.first_recipe.fragment(self.covers) + json.dumps(space, sort_keys=True))

    @property
    def first(self) -> int:
        """Trials before the further ones."""
        return self.trials or prod(len(searched.grid()) for searched in self.settings)

    @property
    def listed(self) -> bool:
        """Whether all settings have listed values: there are none between or past them to go on with."""
        return all(searched.values for searched in self.settings)

    @property
    def candidates(self) -> int:
        """Trials that one selection chooses from."""
        return self.first + self.extend

    @property
    def seed_range(self) -> range:
        return range(FIRST_SEED, FIRST_SEED + self.seeds)

    @property
    def covers(self) -> tuple[str, ...]:
        return tuple(searched.key for searched in self.settings)

    def covered(self, axis: str) -> set[str]:
        """The settings of ``axis`` that are searched; the empty string where the axis itself is."""
        return {setting or "" for home, setting in map(split_key, self.covers) if home == axis}

    def grid(self) -> Iterator[dict[str, Value]]:
        """Every combination of the grid, the last setting turning fastest."""
        for point in product(*(searched.grid() for searched in self.settings)):
            yield dict(zip(self.covers, point, strict=True))

    def at(self, settings: Settings) -> Recipe:
        """The recipe with ``settings`` in place. Raises ValueError where they are refused."""
        content = dict(self.recipe)
        for key, value in settings.items():
            axis, setting = split_key(key)
            plain: JsonValue = list(value) if isinstance(value, tuple) else value
            choice = content.get(axis)
            content[axis] = {**choice, setting: plain} if setting and isinstance(choice, dict) else plain
        return Recipe.model_validate(content)

    @cached_property
    def first_recipe(self) -> Recipe:
        """That of the first candidate: good for whatever no searched setting changes."""
        return self.at(next(self.grid()))

    def possible(self, settings: Settings) -> bool:
        """Whether runs can be trained so."""
        try:
            return self.at(settings).impossible() is None
        except ValueError:  # outside the setting's bounds
            return False

    @cached_property
    def changes_steps(self) -> bool:
        """Whether candidates may differ in how long a step takes, so that timing needs the chosen one."""
        return any(changes_steps(searched.key, zero=not searched.positive) for searched in self.settings)
