"""How an arm is tuned: which settings, on which points, chosen by what. It enters the arm's id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from itertools import product
from math import log, prod
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from study.plan.file.choices import split_key
from study.plan.file.models import Target

FIRST_SEED = 1_000_000  # tuning seed k is this plus k: never one of the final runs
Select = Literal["val_accuracy", "val_loss", "steps_to_target"]
Value = int | float | tuple[int, ...]
Settings = Mapping[str, Value]  # key (optimizer.lr) → value
Ends = Annotated[tuple[float, float], Field(strict=False)]
Widths = Annotated[tuple[int, ...], Field(strict=False)]


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Searched(Frozen):
    """One setting and where it is searched: between two ends, on a log or a linear scale, or on listed values.

    A *position* is a place on that scale: 0 is the lower end and 1 the upper; of values it is their index.
    """

    key: str
    log: Ends | None = None
    linear: Ends | None = None
    points: int | None = None  # of a grid, both ends included
    values: Annotated[tuple[int | float | Widths, ...], Field(strict=False)] | None = None  # in rising order
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
            return self._beyond(round(position))
        if self.log is not None:
            low, high = self.log
            value = low * (high / low) ** position
        else:
            low, high = self.linear or (0.0, 1.0)
            unit = high - low
            value = round(low / unit + position, 12) * unit  # so that zero is met exactly
        value = float(f"{value:.12g}")
        return round(value) if self.whole else value

    def _beyond(self, index: int) -> Value:
        values = self.values or ()
        if 0 <= index < len(values):
            return values[index]
        inner, outer = (values[1], values[0]) if index < 0 else (values[-2], values[-1])
        steps = -index if index < 0 else index - len(values) + 1
        if isinstance(inner, tuple) or isinstance(outer, tuple):
            raise ValueError(f"{self.key}: lists of widths have no next one")
        rising = min(inner, outer) > 0
        value = outer * (outer / inner) ** steps if rising else outer + (outer - inner) * steps
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

    def grid(self) -> list[Value]:
        """The points of the grid, in rising order."""
        if self.values is not None:
            return list(self.values)
        points = self.points or 0
        return [self.at(i / (points - 1)) for i in range(points)]

    @property
    def middle(self) -> Value:
        points = self.grid()
        return points[len(points) // 2] if points else self.at(0.5)


class Tune(Frozen):
    """The search of one arm: a grid (the product of all settings) or quasi-random points, then further trials."""

    settings: tuple[Searched, ...] = Field(strict=False)  # by key
    seeds: int  # tuning seeds of every candidate
    select: Select  # what the best candidate is chosen by
    extend: int  # further trials, past the edge or around the best
    search: Literal["grid", "sobol"] = "grid"
    trials: int | None = None  # of a quasi-random search
    target: Target | None = None  # of steps_to_target

    @property
    def first(self) -> int:
        """Trials before the further ones."""
        return self.trials or prod(len(searched.grid()) for searched in self.settings)

    @property
    def candidates(self) -> int:
        """Trials in all."""
        return self.first + self.extend

    @property
    def seed_range(self) -> range:
        return range(FIRST_SEED, FIRST_SEED + self.seeds)

    @property
    def covers(self) -> tuple[str, ...]:
        return tuple(searched.key for searched in self.settings)

    def grid(self) -> list[dict[str, Value]]:
        """Every combination of the grid, the last setting turning fastest."""
        return [dict(zip(self.covers, point, strict=True)) for point in product(*(s.grid() for s in self.settings))]

    @cached_property
    def middle(self) -> dict[str, Value]:
        """A valid value of every setting, the same for equal searches; it stands in until one is chosen."""
        return {searched.key: searched.middle for searched in self.settings}

    def covered(self, axis: str) -> set[str]:
        """The settings of ``axis`` that are searched; the empty string where the axis itself is."""
        found = (split_key(key) for key in self.covers)
        return {setting or "" for home, setting in found if home == axis}

    @cached_property
    def shapes(self) -> bool:
        """Whether some value may change a shape or an operation, so that timing needs the chosen one.

        A number that can be zero may turn an operation off.
        """

        return any(
            searched.key == "batch_size" or searched.key.startswith("network.") or not searched.positive
            for searched in self.settings
        )

    @cached_property
    def fragment(self) -> str:
        """Canonical JSON, as it enters an id: what is at its default is left out."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))
