"""How settings are searched: where, in which order, and by what one candidate is chosen.

A search is the tuning of one arm's open settings; it serves every selection among its trials.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from math import log, prod
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from study.axes.base import Frozen, digest
from study.axes.combinations import impossible
from study.axes.recipe import AXES, Recipe, changes_steps, split_key
from study.metric import Select
from study.metrics import METRICS
from study.target import Target
from study.wording import number

FIRST_SEED = 1_000_000  # tuning seed k is this plus k: never one of the final runs
MOST_SEEDS = 1_000  # tuning seeds of a candidate: those of run seed s begin with FIRST_SEED + s · MOST_SEEDS
MOST = 10_000  # trials before the further ones
SELECTS: tuple[str, ...] = get_args(Select)
EXAMPLE = "{log: [0.001, 10], points: 9}"
Widths = Annotated[tuple[int, ...], Field(strict=False, min_length=1)]
Value = int | float | tuple[int, ...]
Candidate = dict[str, Value]  # setting (optimizer.lr) → value
End = Annotated[float, Field(allow_inf_nan=False)]
Ends = Annotated[tuple[End, End], Field(strict=False)]
Values = Annotated[tuple[int | float | Widths, ...], Field(strict=False, min_length=2)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] >= ends[1]:
        raise PydanticCustomError("words", f"the first end must be below the second; give [{ends[1]:g}, {ends[0]:g}]")
    return ends


def _positive(ends: tuple[float, float]) -> tuple[float, float]:
    if min(ends) <= 0:
        raise PydanticCustomError("words", f"{ends[0]:g} has no logarithm; give ends above 0, or 'linear'")
    return ends


class Range(Frozen):
    """Where one setting is searched, as a study file has it."""

    log: Annotated[
        Annotated[Ends, AfterValidator(_rising), AfterValidator(_positive)] | None,
        Field(description="Both ends, on a log scale."),
    ] = None
    linear: Annotated[
        Annotated[Ends, AfterValidator(_rising)] | None, Field(description="Both ends, on a linear scale.")
    ] = None
    points: Annotated[int | None, Field(ge=2, le=1000, description="Points of the grid, both ends included.")] = None
    values: Annotated[Values | None, Field(description="The values to try.")] = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in ("log", "linear", "values") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            has = f"has {' and '.join(map(repr, kinds))}" if kinds else "says nothing of where to search"
            words = f"{has}; give one of 'log', 'linear' and 'values', such as {EXAMPLE}"
            raise PydanticCustomError("words", words)
        return self


class Searched(Range):
    """A setting with its range, which suits it: ``values`` in rising order.

    A *position* is a place on its scale: 0 is the lower end and 1 the upper; of values it is their index.
    """

    key: str
    whole: bool = False  # the setting takes whole numbers only

    @property
    def step(self) -> float:
        """From one point of the grid to the next, as a position."""
        return 1.0 if self.values else 1 / ((self.points or 9) - 1)

    @property
    def ordered(self) -> bool:
        """Whether there can be something past its ends: numbers, not lists."""
        return not self.values or not isinstance(self.values[0], tuple)

    @property
    def positive(self) -> bool:
        """Whether no value that is tried can be zero."""
        numbers = [value for value in self.values or () if not isinstance(value, tuple)]
        return self.log is not None or (bool(numbers) and min(numbers) > 0)

    def at(self, position: float) -> Value:
        """The value at ``position``, which may lie past the ends; of values, in the ratio or step of the last two."""
        if self.values is not None:
            index, last = round(position), len(self.values) - 1
            if 0 <= index <= last:
                return self.values[index]
            inner, outer = (self.values[1], self.values[0]) if index < 0 else self.values[-2:]
            if isinstance(inner, tuple) or isinstance(outer, tuple):
                raise ValueError(f"{self.key}: lists of widths have no next one")
            steps = max(-index, index - last)
            value = outer * (outer / inner) ** steps if min(inner, outer) > 0 else outer + (outer - inner) * steps
        elif self.log is not None:
            low, high = self.log
            value = low * (high / low) ** position
        else:
            low, high = self.linear or (0.0, 1.0)
            unit = high - low
            value = round(low / unit + position, 12) * unit  # so that zero is met exactly
        value = float(f"{value:.12g}")
        return round(value) if self.whole else value

    def position(self, value: Value) -> float:
        """Where ``value`` lies."""
        if self.values is not None:
            return float(self.values.index(value))
        assert not isinstance(value, tuple)
        if self.log is not None:
            return log(value / self.log[0]) / log(self.log[1] / self.log[0])
        low, high = self.linear or (0.0, 1.0)
        return (value - low) / (high - low)

    @property
    def words(self) -> str:
        """Where it is searched: ``9 points from 0.001 to 10 (log)``; ``16, 32``."""
        if self.values is not None:
            return ", ".join(map(number, self.values))
        low, high = map(number, self.log or self.linear or (0.0, 1.0))
        scale = "log" if self.log else "linear"
        return f"{self.points} points " * bool(self.points) + f"from {low} to {high} ({scale})"

    def grid(self) -> list[Value]:
        """The points of the grid, in rising order; of a range without points its middle."""
        if self.values is not None:
            return list(self.values)
        points = self.points or 0
        return [self.at(i / (points - 1)) for i in range(points)] or [self.at(0.5)]


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

    ``recipe`` is that of the arms which it serves, without the settings that are searched. ``by_seed``: the run of
    each seed has a search of its own, with its own tuning seeds; ``run_seed``: that this is the search of.
    """

    recipe: dict[str, JsonValue]
    settings: tuple[Searched, ...] = Field(strict=False)  # by key
    seeds: int  # tuning seeds of every candidate
    extend: int  # further trials for each selection, past the edge or around the best
    method: Literal["grid", "sobol"] = "grid"
    trials: int | None = None  # of a quasi-random search
    by_seed: bool = False
    run_seed: int | None = None

    def of(self, run_seed: int) -> Search:
        """That of the run of a seed."""
        if not self.by_seed:
            return self
        return Search(**{name: getattr(self, name) for name in Search.model_fields} | {"run_seed": run_seed})

    def each(self, run_seeds: Iterable[int]) -> list[Search]:
        """Those of all runs of these seeds, once each."""
        return [self.of(seed) for seed in run_seeds] if self.by_seed else [self]

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
        first = FIRST_SEED + MOST_SEEDS * (self.run_seed or 0)
        return range(first, first + self.seeds)

    def run_seed_of(self, tuning_seed: int) -> int | None:
        """The run whose search has a tuning seed; None where one search serves all runs."""
        return (tuning_seed - FIRST_SEED) // MOST_SEEDS if self.by_seed else None

    @property
    def covers(self) -> tuple[str, ...]:
        return tuple(searched.key for searched in self.settings)

    def covered(self, axis: str) -> set[str]:
        """The settings of ``axis`` that are searched; the empty string where the axis itself is."""
        return {setting or "" for home, setting in map(split_key, self.covers) if home == axis}

    def grid(self, keys: Collection[str] | None = None) -> Iterator[Candidate]:
        """Every combination of the grid, the last setting turning fastest; ``keys``: others stay at their first."""
        turning = (one.grid()[: None if keys is None or one.key in keys else 1] for one in self.settings)
        for point in product(*turning):
            yield dict(zip(self.covers, point, strict=True))

    def at(self, settings: Candidate) -> Recipe:
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

    def possible(self, settings: Candidate) -> bool:
        """Whether runs can be trained so."""
        try:
            return impossible(self.at(settings)) is None
        except ValueError:  # outside the setting's bounds
            return False

    @property
    def changes_length(self) -> bool:
        """Whether candidates may differ in how many steps a run takes."""
        return any(AXES[axis].length for axis, setting in map(split_key, self.covers) if setting is None)

    @cached_property
    def changes_steps(self) -> bool:
        """Whether candidates may differ in how long a step takes, so that timing needs the chosen one."""
        return any(changes_steps(searched.key, zero=not searched.positive) for searched in self.settings)


def selections(
    metrics: Iterable[str], given: Sequence[Select] | None, claimed: Collection[str], regression: bool
) -> dict[str, Select]:
    """The selection whose tuned arms each metric is read from.

    ``given``: those that the study file lists; a metric that is ``claimed`` has its own all the same, since arms that
    are tuned for something else may be worse by it for that reason alone.
    """
    twins = {metric: METRICS[metric].selected_by(regression) for metric in metrics}
    usual: Select = "val_loss" if regression else "val_accuracy"
    allowed = given or list(dict.fromkeys(one for one in twins.values() if one)) or [usual]
    found = {metric: one if one in allowed or metric in claimed else allowed[0] for metric, one in twins.items() if one}
    used = next(iter(found.values()), allowed[0])
    return {metric: found.get(metric, used) for metric in twins}
