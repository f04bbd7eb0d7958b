"""The columns of a file by what a study file says of them: the labels of arms, written as here, seeds, metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import NamedTuple

from study.errors import Mistakes, join
from study.plan.elsewhere.models import RowsFile, RunsMetric
from study.plan.elsewhere.sheet import Cell, Sheet, number
from study.plan.file.labels import ABSENT, short
from study.wording import number as shown_number
from study.wording import one_line, show

Key = tuple[Cell, ...]  # what a row has in the columns of the label
LARGEST = 2**31 - 1  # seed, epoch, step


def open_sheet(path: str, place: str, mistakes: Mistakes) -> Sheet | None:
    """A file that has rows; None where there is none, which is noted."""
    try:
        return Sheet(Path(path))
    except FileNotFoundError:
        mistakes.add(place, f"there is no file {path!r}; give a path relative to the study file")
    except (OSError, ValueError) as error:
        folder = isinstance(error, IsADirectoryError)
        mistakes.add(place, f"{path!r} is a folder; give a CSV or Parquet file" if folder else str(error))
    return None


class Label(NamedTuple):
    """``values``: what is shown for each column, the ones that the text leaves out too."""

    text: str
    values: dict[str, str]


class Columns:
    """Those that a study file names at ``at``. ``keys``: of the labels [rows]; ``metrics``: those that are read."""

    def __init__(
        self, sheet: Sheet, about: RowsFile, metrics: Mapping[str, RunsMetric], at: str, mistakes: Mistakes
    ) -> None:
        self.sheet, self.metrics, self.at, self.mistakes = sheet, metrics, at, mistakes
        self.before = len(mistakes)
        found = [self.column(name, "label", *[i] * (name != about.label)) for i, name in enumerate(about.labels)]
        self.keys: list[Key] = keys(found) if all(found) else []
        self.names = self.column(about.metric, "metric")
        self.values = self.column(about.value, "value")
        wide = {} if about.metric else metrics
        self.wide = {name: self.column(one.column, "metrics", name) for name, one in wide.items()}
        self._named: dict[str, list[str]] = {}  # name in long form → the metrics that are read from it
        for name, one in metrics.items():
            self._named.setdefault(one.column, []).append(name)

    @property
    def right(self) -> bool:
        """Whether nothing was noted since it was opened."""
        return len(self.mistakes) == self.before

    def column(self, name: str | None, *key: str | int) -> list[Cell]:
        """A column [rows], by the key that names it; empty where none is named, or there is none, which is noted."""
        try:
            return self.sheet.column(name) if name else []
        except LookupError as error:
            self.mistakes.add(join(self.at, *key), str(error.args[0]))
            return []

    def whole(self, name: str | None, key: str) -> list[int]:
        """A column of whole numbers from 0 up. [rows]"""
        cells = self.column(name, key)
        found = [number(cell) for cell in cells]
        bad = [i for i, value in enumerate(found) if value is None or not (0 <= value <= LARGEST and value % 1 == 0)]
        if bad:
            first = cells[bad[0]]
            what = f"no {key}" if first is None else f"{show(first)} is no {key}"
            self.wrong(bad, what, f"give whole numbers from 0 to {LARGEST}", key)
        return [] if bad else [int(value) for value in found if value is not None]

    def cells(self, row: int) -> dict[str, Cell]:
        """Metric → cell, of those that a row has."""
        if self.names:
            return dict.fromkeys(self._named.get(str(self.names[row]), ()), self.values[row])
        return {name: column[row] for name, column in self.wide.items()}

    def wrong(self, rows: Sequence[int], what: str, right: str, *key: str) -> None:
        """Note rows, at the key that they are read by."""
        self.mistakes.add(join(self.at, *key), f"{self.sheet.at(rows)}: {what}; {right}")


def keys(columns: Sequence[Sequence[Cell]]) -> list[Key]:
    """What every row has in these columns: what is a number as a number, so that 0.10 is 0.1; NaN is empty."""
    return [tuple(map(_canonical, key)) for key in zip(*columns, strict=True)]


def labels(names: Sequence[str], found: Sequence[Key]) -> dict[Key, Label]:
    """The label of each different key. A column is in it where those before it do not tell its value already."""
    shown = {key: dict(zip(names, map(_fragment, names, key), strict=True)) for key in found}
    made = {}
    for key, values in shown.items():
        parts = [
            values[name]
            for i, name in enumerate(names)
            if key[i] is not None and len({other[i] for other in shown if other[:i] == key[:i]}) > 1
        ]
        known = (text for text in values.values() if text != ABSENT)
        made[key] = Label(", ".join(parts) or next(known, ABSENT), values)  # one may differ in what it lacks
    return made


def _canonical(cell: Cell) -> Cell:
    value = number(cell)
    if value is None:
        return cell
    return None if isnan(value) else value


def _fragment(name: str, value: Cell) -> str:
    """``adam``; ``lr=0.01`` of a number, by the last part of its column's name."""
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return one_line(value)
    return f"{short(name)}={shown_number(value)}"
