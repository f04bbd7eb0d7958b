"""Where a setting is searched: between two ends, on a log or a linear scale, or on listed values."""

from __future__ import annotations

from math import log
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from study.axes.base import Frozen

EXAMPLE = "{log: [0.001, 10], points: 9}"
Widths = Annotated[tuple[int, ...], Field(strict=False, min_length=1)]
Value = int | float | tuple[int, ...]
Ends = Annotated[
    tuple[
        Annotated[float, Field(allow_inf_nan=False)],
        Annotated[float, Field(allow_inf_nan=False)],
    ],
    Field(strict=False),
]  # fmt: skip
Values = Annotated[tuple[int | float | Widths, ...], Field(strict=False, min_length=2)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] >= ends[1]:
        wrong = f"the first end must be below the second; give [{ends[1]:g}, {ends[0]:g}]"
        raise PydanticCustomError("words", "{wrong}", {"wrong": wrong})
    return ends


def _positive(ends: tuple[float, float]) -> tuple[float, float]:
    if min(ends) <= 0:
        wrong = f"{ends[0]:g} has no logarithm; give ends above 0, or 'linear'"
        raise PydanticCustomError("words", "{wrong}", {"wrong": wrong})
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
            wrong = f"{has}; give one of 'log', 'linear' and 'values', such as {EXAMPLE}"
            raise PydanticCustomError("words", "{wrong}", {"wrong": wrong})
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

    def grid(self) -> list[Value]:
        """The points of the grid, in rising order; of a range without points its middle."""
        if self.values is not None:
            return list(self.values)
        points = self.points or 0
        return [self.at(i / (points - 1)) for i in range(points)] or [self.at(0.5)]
